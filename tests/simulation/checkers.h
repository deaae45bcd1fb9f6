#pragma once
// The promises, compared with what a simulated world holds: the stored copies, the event log, the phones, the network's
// counters. Each broken one is a line in Ledger::violations.

#include <string>

#include "tests/simulation/ledger.h"
#include "tests/simulation/world.h"

namespace wharf::simulation {

/// "" when nothing waits any more: no queue, no read receipt, nothing at the server for a device that is there.
/// Else what waits, for who looks at a world that does not come to rest.
std::string what_waits(World& world, const Ledger& ledger);

/// Along the way: what every session holds in memory stays within its bounds.
void check_bounds(World& world, Ledger& ledger);

/// Of a world that came to rest, with the daemon running. `orderly`: nothing may have changed the order of the texts of
/// a chat (no message had to be asked for again, none was held back or refused for a while).
void check_promises(World& world, Ledger& ledger, bool orderly);
/// PRAGMA integrity_check and foreign_key_check.
void check_file(World& world, Ledger& ledger);

}  // namespace wharf::simulation
