#pragma once
// What the API says of the answers to an event and of the votes in a poll, compared with what was said: of each person
// the newest, by the clock of who says it. Specification 03 section 10.

#include "tests/simulation/ledger.h"
#include "tests/simulation/world.h"

namespace wharf::simulation {

/// Of a world that came to rest, with the daemon running. What of the answers and votes a session has is another
/// checker's affair.
void check_tallies(World& world, Ledger& ledger);

}  // namespace wharf::simulation
