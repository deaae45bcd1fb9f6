#include "sandbox/network/groups/group_membership.h"

#include <algorithm>
#include <utility>

namespace wharf::sandbox {

namespace groups = protocol::groups;

std::vector<groups::Participant> GroupMembership::rows(const Group& group, const Party& viewer,
                                                       const Parties& who) const {
  std::vector<groups::Participant> out;
  for (const auto* party : who) out.push_back(views_.participant(group, viewer, *party));
  return out;
}

void GroupMembership::add(Group& group, const Party* author, const Parties& who, std::string_view reason) {
  if (who.empty()) return;
  const auto before = std::to_string(group.members_version);
  for (const auto* party : who) {
    group.drop_request(party->account.phone);
    store_.put_member(group, party->account.phone, {GroupRole::member, c_.now()});
  }
  notices_.tell(group, author, [&](const Party& viewer) {
    return groups::MembersAdded{
        std::string(reason), {before, std::to_string(group.members_version)}, rows(group, viewer, who)};
  });
}

void GroupMembership::remove(Group& group, const Party* author, const Parties& who, std::string_view reason) {
  if (who.empty()) return;
  const auto before = std::to_string(group.members_version);
  for (const auto* party : who) {
    group.note_departure({party->account.phone, c_.now(), party != author});
    store_.drop_member(group, party->account.phone);
  }
  notices_.tell(
      group, author,
      [&](const Party& viewer) {
        return groups::MembersRemoved{
            std::string(reason), {before, std::to_string(group.members_version)}, rows(group, viewer, who)};
      },
      who);
  if (group.members.empty()) return store_.remove(group);
  keep_an_admin(group);
}

void GroupMembership::keep_an_admin(Group& group) {
  const auto younger = [](const auto& a, const auto& b) { return a.second.since < b.second.since; };
  const auto admin = std::find_if(group.members.begin(), group.members.end(),
                                  [](const auto& entry) { return entry.second.role != GroupRole::member; });
  if (admin != group.members.end()) return;
  const auto eldest = std::min_element(group.members.begin(), group.members.end(), younger);
  set_role(group, nullptr, {accounts_.find(eldest->first)}, GroupRole::admin);
}

void GroupMembership::set_role(Group& group, const Party* author, const Parties& who, GroupRole role) {
  if (who.empty()) return;
  const auto before = std::to_string(group.members_version);
  for (const auto* party : who) {
    auto member = *group.member(party->account.phone);
    member.role = role;
    store_.put_member(group, party->account.phone, member);
  }
  group.admins_version = Group::next_version(group.admins_version, c_.clock.unix_ms());
  store_.changed(group);
  const auto change = role == GroupRole::member ? groups::RoleChange::demote : groups::RoleChange::promote;
  notices_.tell(group, author, [&](const Party& viewer) {
    return groups::RolesChanged{change, {before, std::to_string(group.members_version)}, rows(group, viewer, who), {}};
  });
}

void GroupMembership::tell_number(const Group& group, const Party& member, const std::string& number) {
  notices_.tell(group, &member, [&](const Party& viewer) {
    auto row = views_.participant(group, viewer, member);
    const Jid pn(number, protocol::server::user);
    if (row.pn) row.pn = pn;
    if (!row.jid.is_lid()) row.jid = pn;
    return groups::MemberReplaced{{std::move(row)}};
  });
}

void GroupMembership::tell_lid(const Group& group, const Party& member, const std::string& lid) {
  if (!group.lid) return;
  notices_.tell(group, &member, [&](const Party& viewer) {
    auto row = views_.participant(group, viewer, member);
    row.jid = Jid(lid, protocol::server::lid);
    row.lid = row.jid;
    return groups::MemberReplaced{{std::move(row)}};
  });
}

void GroupMembership::switch_addressing(Group& group) {
  const bool all_have_one = std::all_of(group.members.begin(), group.members.end(), [this](const auto& entry) {
    return accounts_.find(entry.first)->account.has_lid();
  });
  if (!all_have_one) return;
  group.lid = !group.lid;
  group.members_version = Group::next_version(group.members_version, c_.clock.unix_ms());
  store_.changed(group);
}

void GroupMembership::remove_someone(Group& group, const Party& spared) {
  const auto admin = std::find_if(group.members.begin(), group.members.end(),
                                  [](const auto& entry) { return entry.second.role != GroupRole::member; });
  for (auto entry = group.members.rbegin(); entry != group.members.rend(); ++entry) {
    if (entry->second.role != GroupRole::member || entry->first == spared.account.phone) continue;
    const auto* author = admin == group.members.end() ? nullptr : accounts_.find(admin->first);
    return remove(group, author, {accounts_.find(entry->first)});
  }
}

}  // namespace wharf::sandbox
