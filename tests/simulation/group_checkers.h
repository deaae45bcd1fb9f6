#pragma once
// What was said in groups, compared with what sessions and phones have of it; and the groups as sessions and phones
// know them, compared with the server's.

#include "tests/simulation/ledger.h"
#include "tests/simulation/world.h"

namespace wharf::simulation {

/// When the world has come to rest. `orderly`: nothing of the seed can reorder.
void check_groups(World& world, Ledger& ledger, bool orderly);

}  // namespace wharf::simulation
