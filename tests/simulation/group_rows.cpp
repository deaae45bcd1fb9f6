#include "tests/simulation/group_rows.h"

#include "protocol/groups/metadata.h"
#include "storage/groups.h"

namespace wharf::simulation {

std::optional<KnownGroup> known_group(World& world, storage::SessionId session, const std::string& jid) {
  const auto group = protocol::Jid::parse(jid);
  const auto row = group ? storage::find_group(world.daemon.store().reader(), session, *group) : std::nullopt;
  const auto node = row ? protocol::decode_node(row->metadata) : protocol::Error(protocol::Errc::not_found, "");
  const auto metadata = node ? protocol::groups::read_group(*node, *group) : node.error();
  if (!metadata) return std::nullopt;
  KnownGroup known;
  known.subject = row->subject;
  known.member = row->member;
  known.stale = row->stale;
  for (const auto& who : metadata->members) {
    const auto* account = world.network.find_account(who.jid);
    known.members[account != nullptr ? account->phone : who.jid.to_string()] = who.role;
  }
  return known;
}

}  // namespace wharf::simulation
