#pragma once
// What each session shows of messages, compared with what a search for their words finds: all of it, in the words that
// it has now, and nothing that was deleted, taken back, or never sent.

#include "tests/simulation/ledger.h"
#include "tests/simulation/world.h"

namespace wharf::simulation {

/// Of a world that came to rest, with the daemon running.
void check_search(World& world, Ledger& ledger);

}  // namespace wharf::simulation
