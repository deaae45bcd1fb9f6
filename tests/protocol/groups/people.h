#pragma once
// Names for the group tests: people 1 to 9 under both names (1 is the own account), groups, rows, lists.

#include <string>
#include <vector>

#include "protocol/groups/metadata.h"

namespace wharf::test {

inline protocol::Jid pn(int who) { return protocol::Jid("1555000000" + std::to_string(who), protocol::server::user); }
inline protocol::Jid lid(int who) {
  return protocol::Jid("90000000000000" + std::to_string(who), protocol::server::lid);
}
inline const protocol::Jid team("120363000000000001", protocol::server::group);
inline const protocol::Jid town("120363000000000009", protocol::server::group);
inline protocol::groups::OwnAccount own() { return {pn(1), lid(1)}; }

/// Under the LID, with the number beside it.
inline protocol::groups::Participant member(int who, protocol::groups::Role role = protocol::groups::Role::member) {
  protocol::groups::Participant out = protocol::groups::person(lid(who), pn(who));
  out.role = role;
  return out;
}
inline std::vector<protocol::groups::Participant> members(std::initializer_list<int> people) {
  std::vector<protocol::groups::Participant> out;
  for (const int who : people) out.push_back(member(who));
  return out;
}
inline protocol::Node row(const protocol::Jid& jid) { return protocol::Node("participant").set("jid", jid); }

/// A LID group at version 5 with these members.
inline protocol::groups::GroupMetadata group_of(std::initializer_list<int> people) {
  protocol::groups::GroupMetadata group;
  group.group = team;
  group.subject = "Team";
  group.addressing_mode = protocol::groups::AddressingMode::lid;
  group.member_list_version = "5";
  group.members = members(people);
  group.size = static_cast<std::uint32_t>(group.members.size());
  return group;
}

}  // namespace wharf::test
