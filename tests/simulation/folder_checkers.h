#pragma once
// The files on the daemon's disk in the end: the plain folder has each file that was fetched, as it was sent, and none
// of what was deleted; nothing went before its time, and nothing stays behind it.

#include <set>
#include <utility>

#include "tests/simulation/ledger.h"
#include "tests/simulation/users.h"
#include "tests/simulation/world.h"

namespace wharf::simulation {

/// Of a world that came to rest, with the daemon running, when the users have fetched all files.
void check_folder(World& world, Ledger& ledger, const Users& users);

/// A day passes by the daemon's clock, which is set, with a start of the daemon at each half of it and kills in
/// between; one file of two is used at noon. Nothing when no file is bounded by its age.
void pass_a_day(World& world, Ledger& ledger, Users& users);

}  // namespace wharf::simulation
