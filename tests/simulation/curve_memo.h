#pragma once
// A world has both ends of every key agreement in one process, and computes each twice; and one signature of a device
// is checked with every message that carries it. Curve arithmetic was 40 % of a world's time. Its functions have no
// state, so what came out for the same input is kept: the linker puts curve_memo.cpp between protocol/crypto and
// libsodium
// (--wrap), in the programs that run worlds and nowhere else. One thread only.

namespace wharf::simulation {

/// Of an earlier world. What is kept is bounded by what one world computes.
void forget_curve_results();

}  // namespace wharf::simulation
