#include "sandbox/network/groups/group_members.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "protocol/groups/results.h"
#include "sandbox/network/groups/group_texts.h"

namespace wharf::sandbox {

namespace groups = protocol::groups;
using groups::MemberAction;

namespace {

/// Of a row: an admin decides whether he comes in. (Own choice: no client is known to name a code for it.)
constexpr unsigned waits_for_admin = 202;

}  // namespace

// --- a new group

GroupAnswer GroupMembers::create(const Party& creator, const groups::CreateGroup& asked) {
  if (!acceptable_subject(asked.subject, c_.settings)) return GroupAnswer::refused(406);
  if (asked.description && !acceptable_description(asked.description->text, c_.settings))
    return GroupAnswer::refused(406);
  // Accounts may be made for the numbers that are named: not for any number of them.
  if (asked.members.size() > c_.settings.max_group_members) return GroupAnswer::refused(406);
  if (store_.count() >= c_.settings.max_groups) return GroupAnswer::refused(419);
  if (const auto refusal = communities_.why_not_create(creator, asked)) return GroupAnswer::refused(*refusal);

  const auto& own = creator.account;
  auto& group = store_.create(own.phone);
  group.lid = own.has_lid() && !c_.faults.groups_by_number;
  group.subject = {asked.subject, c_.now(), own.phone};
  if (asked.description)
    group.description = GroupDescription{asked.description->id, asked.description->text, own.phone, c_.now()};
  auto& settings = group.settings;
  settings.announcement = asked.announcement;
  settings.locked = asked.locked;
  settings.ephemeral = asked.ephemeral.value_or(groups::Ephemeral{});
  settings.join_approval = asked.join_approval.value_or(false);
  settings.member_add = asked.member_add.value_or(groups::Allowed::admins);
  settings.member_link = asked.member_link.value_or(groups::Allowed::admins);
  settings.history_share = asked.history_share.value_or(groups::Allowed::admins);
  store_.put_member(group, own.phone, {GroupRole::superadmin, c_.now()});

  std::vector<groups::MemberRow> refused;
  GroupNotices::Parties coming;
  std::set<const Party*> seen;
  for (const auto& ref : asked.members) {
    const auto named = admission_.admit(group, creator, ref, 0);
    if (named.party == &creator || (named.party != nullptr && !seen.insert(named.party).second)) continue;
    if (named.error) {
      refused.push_back(admission_.row(group, creator, ref, named));
      continue;
    }
    store_.put_member(group, named.party->account.phone, {GroupRole::member, c_.now()});
    coming.push_back(named.party);
  }
  store_.changed(group);
  communities_.created(group, creator, asked);
  notices_.tell(group, &creator, [&](const Party& viewer) {
    return groups::GroupCreated{"new", {}, asked.key, {}, views_.metadata(group, viewer)};
  });
  auto told = views_.metadata(group, creator);
  told.not_added = std::move(refused);
  communities_.announce_created(group, creator, asked);
  return GroupAnswer::with(groups::group_node(told));
}

// --- add, remove, promote, demote

GroupAnswer GroupMembers::change(const Party& actor, const groups::ChangeMembers& asked) {
  auto* group = store_.find(asked.group);
  if (group == nullptr) return GroupAnswer::refused(404);
  const auto& phone = actor.account.phone;
  if (group->member(phone) == nullptr) return GroupAnswer::refused(403);
  if (asked.members.size() > c_.settings.max_group_members) return GroupAnswer::refused(406);
  const bool members_may =
      asked.action == MemberAction::add && group->members_may(groups::Mode::member_add) && !group->is_root();
  if (!group->is_admin(phone) && !members_may) return GroupAnswer::refused(401);
  return asked.action == MemberAction::add ? add(*group, actor, asked) : change_others(*group, actor, asked);
}

GroupAnswer GroupMembers::add(Group& group, const Party& actor, const groups::ChangeMembers& asked) {
  const bool proposes = group.settings.join_approval && !group.is_admin(actor.account.phone);
  std::vector<groups::MemberRow> rows;
  GroupNotices::Parties coming;
  for (const auto& ref : asked.members) {
    auto named = admission_.admit(group, actor, ref, coming.size());
    if (!named.error && std::find(coming.begin(), coming.end(), named.party) != coming.end()) named.error = 409;
    if (!named.error) coming.push_back(named.party);
    if (!named.error && proposes) named.error = waits_for_admin;
    rows.push_back(admission_.row(group, actor, ref, named));
  }
  if (proposes) propose(group, actor, coming);
  else membership_.add(group, &actor, coming);
  communities_.members_added(group, coming);
  return GroupAnswer::with(groups::changed_node(asked.action, rows));
}

void GroupMembers::propose(Group& group, const Party& actor, const GroupNotices::Parties& who) {
  GroupNotices::Parties fresh;
  for (const auto* party : who) {
    const auto& phone = party->account.phone;
    if (group.request_of(phone) != nullptr || group.requests.size() == Group::max_requests) continue;
    group.requests.push_back({phone, c_.now(), "non_admin_add", actor.account.phone});
    fresh.push_back(party);
  }
  if (fresh.empty()) return;
  store_.changed(group);
  notices_.tell_only(notices_.admins(group), group, &actor, [&](const Party& viewer) {
    groups::JoinRequested asked{"non_admin_add", {}, {}};
    for (const auto* party : fresh) asked.people.push_back(views_.participant(group, viewer, *party));
    return asked;
  });
}

std::optional<unsigned> GroupMembers::why_not(const Group& group, const Party& actor, const Party* target,
                                              MemberAction action) const {
  const auto* member = target != nullptr ? group.member(target->account.phone) : nullptr;
  if (member == nullptr) return 404;
  // Whoever made the group stays what he is, and only leaves by himself.
  if (member->role == GroupRole::superadmin && action != MemberAction::promote && target != &actor) return 403;
  if (action == MemberAction::promote && member->role != GroupRole::member) return 406;
  if (action == MemberAction::demote && member->role == GroupRole::member) return 406;
  return std::nullopt;
}

GroupAnswer GroupMembers::change_others(Group& group, const Party& actor, const groups::ChangeMembers& asked) {
  std::vector<groups::MemberRow> rows;
  GroupNotices::Parties concerned;
  for (const auto& ref : asked.members) {
    GroupAdmission::Named named{admission_.find(ref.jid), std::nullopt};
    if (named.party == nullptr && ref.phone_number) named.party = admission_.find(*ref.phone_number);
    named.error = why_not(group, actor, named.party, asked.action);
    const bool twice = std::find(concerned.begin(), concerned.end(), named.party) != concerned.end();
    if (!named.error && !twice) concerned.push_back(named.party);
    groups::MemberRow row;
    row.who = named.party != nullptr ? views_.participant(group, actor, *named.party) : groups::person(ref.jid);
    row.error = named.error;
    rows.push_back(std::move(row));
  }
  auto answer = GroupAnswer::with(groups::changed_node(asked.action, rows));
  if (asked.action == MemberAction::remove) {
    if (asked.linked_groups || group.is_root()) communities_.remove_everywhere(group, actor, concerned);
    else membership_.remove(group, &actor, concerned);
  } else {
    const auto role = asked.action == MemberAction::promote ? GroupRole::admin : GroupRole::member;
    membership_.set_role(group, &actor, concerned, role);
    communities_.role_set(group, actor, concerned, role);
  }
  return answer;
}

// --- leave

GroupAnswer GroupMembers::leave(const Party& actor, const groups::LeaveGroups& asked) {
  std::vector<groups::GroupOutcome> rows;
  for (const auto& jid : asked.groups) {
    auto* group = store_.find(jid);
    unsigned code = 200;
    if (group == nullptr) code = 404;
    else if (group->member(actor.account.phone) == nullptr) code = 403;
    else if (group->is_root()) communities_.remove_everywhere(*group, actor, {&actor});
    else membership_.remove(*group, &actor, {&actor});
    rows.push_back({jid, code});
  }
  return GroupAnswer::with(groups::left_node(rows));
}

}  // namespace wharf::sandbox
