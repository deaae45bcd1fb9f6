#pragma once
// What each side shows of a message in the end, compared with what was said about it and has arrived there: of edits
// the newest by the clocks of who made them, nothing of what was taken back, the choices of each vote.

#include "tests/simulation/ledger.h"
#include "tests/simulation/world.h"

namespace wharf::simulation {

/// Of a world that came to rest, with the daemon running: every session's rows and every phone.
void check_views(World& world, Ledger& ledger);

}  // namespace wharf::simulation
