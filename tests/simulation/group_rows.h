#pragma once
// A group as a session has it in its rows.

#include <map>
#include <optional>
#include <string>

#include "protocol/groups/participant.h"
#include "tests/simulation/world.h"

namespace wharf::simulation {

struct KnownGroup {
  std::string subject;
  bool member = true, stale = false;                      // as storage::GroupRow
  std::map<std::string, protocol::groups::Role> members;  // by number
};
/// nullopt: there is no such row, or none that can be read.
std::optional<KnownGroup> known_group(World& world, storage::SessionId session, const std::string& jid);

}  // namespace wharf::simulation
