#pragma once
// Disappearing timers, compared with who has set them: which one each session has in the end, and that every copy of a
// message carries the one that was in force where it was sent. Specification 03 section 5.5.

#include "tests/simulation/ledger.h"
#include "tests/simulation/world.h"

namespace wharf::simulation {

/// Of a world that came to rest, with the daemon running.
void check_timers(World& world, Ledger& ledger);

}  // namespace wharf::simulation
