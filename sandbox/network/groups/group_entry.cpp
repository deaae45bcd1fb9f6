#include "sandbox/network/groups/group_entry.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace wharf::sandbox {

namespace groups = protocol::groups;

std::optional<unsigned> GroupEntry::why_not(const Group* group, const Party& actor, bool as_admin) const {
  if (group == nullptr) return 404;
  if (group->member(actor.account.phone) == nullptr) return 403;
  if (as_admin && !group->is_admin(actor.account.phone)) return 401;
  return std::nullopt;
}

// --- the link

GroupAnswer GroupEntry::code(const Party& actor, const groups::GetInvite& asked) {
  const auto* group = store_.find(asked.group);
  const bool for_admins = group != nullptr && !group->members_may(groups::Mode::member_link);
  if (const auto refusal = why_not(group, actor, for_admins)) return GroupAnswer::refused(*refusal);
  return GroupAnswer::with(groups::invite_node(group->code));
}

GroupAnswer GroupEntry::reset(const Party& actor, const groups::ResetInvite& asked) {
  auto* group = store_.find(asked.group);
  if (const auto refusal = why_not(group, actor, true)) return GroupAnswer::refused(*refusal);
  store_.reset_code(*group);
  // Who may not hand the link out does not hear of it.
  const groups::InviteChanged change{group->code};
  if (group->members_may(groups::Mode::member_link)) notices_.tell(*group, &actor, change);
  else notices_.tell_only(notices_.admins(*group), *group, &actor, [&](const Party&) { return change; });
  return GroupAnswer::with(groups::invite_node(group->code));
}

GroupAnswer GroupEntry::preview(const Party& actor, const groups::PreviewInvite& asked) {
  const auto [group, current] = store_.by_code(asked.code);
  if (group == nullptr) return GroupAnswer::refused(406);
  if (!current) return GroupAnswer::refused(410);
  return GroupAnswer::with(groups::group_node(views_.preview(*group, actor)));
}

GroupAnswer GroupEntry::join(const Party& actor, const groups::JoinByInvite& asked) {
  const auto [group, current] = store_.by_code(asked.code);
  if (group == nullptr) return GroupAnswer::refused(406);
  if (!current) return GroupAnswer::refused(410);
  if (const auto refusal = admission_.why_not_join(*group, actor)) return GroupAnswer::refused(*refusal);
  return enter(*group, actor, group->settings.join_approval);
}

GroupAnswer GroupEntry::enter(Group& group, const Party& actor, bool waits) {
  const auto& phone = actor.account.phone;
  if (!waits) {
    membership_.add(group, &actor, {&actor}, "invite");
    communities_.members_added(group, {&actor});
    return GroupAnswer::with(groups::joined_node({group.jid(), groups::JoinState::joined}));
  }
  if (group.request_of(phone) == nullptr) {
    if (group.requests.size() == Group::max_requests) return GroupAnswer::refused(419);
    group.requests.push_back({phone, c_.now(), "invite_link", {}});
    store_.changed(group);
    notices_.tell_only(notices_.admins(group), group, &actor, [&](const Party& viewer) {
      return groups::JoinRequested{"invite_link", {}, {views_.participant(group, viewer, actor)}};
    });
  }
  return GroupAnswer::with(groups::joined_node({group.jid(), groups::JoinState::pending_approval}));
}

// --- invitations in messages

GroupEntry::Invited GroupEntry::find(const Group* group, const Party& actor, const groups::Invitation& shown) const {
  if (group == nullptr) return {nullptr, 404};
  const auto* known = group->invitation(shown.code, actor.account.phone);
  const auto inviter = accounts_.resolve(shown.admin);
  const bool true_one = known != nullptr && known->expires == std::int64_t{shown.expires_at} && inviter &&
                        inviter->party->account.phone == known->inviter;
  if (!true_one) return {nullptr, 406};
  // It is as good as the word of who gave it.
  const bool may_add = group->is_admin(known->inviter) ||
                       (group->member(known->inviter) != nullptr && group->members_may(groups::Mode::member_add));
  if (known->expires <= c_.now() || !may_add) return {nullptr, 410};
  return {known, 0};
}

GroupAnswer GroupEntry::preview(const Party& actor, const groups::PreviewInvitation& asked) {
  const auto* group = store_.find(asked.group);
  const auto [invitation, error] = find(group, actor, asked.invitation);
  if (error != 0) return GroupAnswer::refused(error);
  return GroupAnswer::with(groups::group_node(views_.preview(*group, actor)));
}

GroupAnswer GroupEntry::accept(const Party& actor, const groups::AcceptInvitation& asked) {
  auto* group = store_.find(asked.group);
  const auto [invitation, error] = find(group, actor, asked.invitation);
  if (error != 0) return GroupAnswer::refused(error);
  const auto refusal = admission_.why_not_join(*group, actor);
  if (refusal && *refusal != 405) return GroupAnswer::refused(*refusal);  // an invitation undoes a removal
  const bool waits = group->settings.join_approval && !group->is_admin(invitation->inviter);
  std::erase_if(group->invitations, [&](const auto& one) { return one.phone == actor.account.phone; });
  store_.changed(*group);
  return enter(*group, actor, waits);
}

GroupAnswer GroupEntry::revoke(const Party& actor, const groups::RevokeInvitations& asked) {
  auto* group = store_.find(asked.group);
  if (const auto refusal = why_not(group, actor, true)) return GroupAnswer::refused(*refusal);
  GroupNotices::Parties revoked;
  for (const auto& jid : asked.people) {
    const auto* party = admission_.find(jid);
    if (party == nullptr) continue;
    const auto gone =
        std::erase_if(group->invitations, [&](const auto& one) { return one.phone == party->account.phone; });
    if (gone > 0) revoked.push_back(party);
  }
  if (revoked.empty()) return GroupAnswer::done();
  store_.changed(*group);
  notices_.tell_only(notices_.admins(*group), *group, &actor, [&](const Party& viewer) {
    groups::InvitationsRevoked told;
    for (const auto* party : revoked) told.people.push_back(views_.participant(*group, viewer, *party));
    return told;
  });
  return GroupAnswer::done();
}

// --- requests

GroupAnswer GroupEntry::requests(const Party& actor, const groups::ListJoinRequests& asked) {
  const auto* group = store_.find(asked.group);
  if (const auto refusal = why_not(group, actor, true)) return GroupAnswer::refused(*refusal);
  std::vector<groups::JoinRequest> rows;
  for (const auto& request : group->requests) {
    groups::JoinRequest row;
    row.who = views_.participant(*group, actor, *accounts_.find(request.phone));
    row.time = static_cast<std::uint64_t>(request.at);
    row.method = request.method;
    if (const auto* by = accounts_.find(request.by)) {
      const auto proposer = views_.participant(*group, actor, *by);
      row.requestor = proposer.jid;
      if (proposer.jid.is_lid()) row.requestor_pn = proposer.pn;
    }
    if (request.method == "linked_group_join") row.parent_group = group->settings.linked_parent;
    rows.push_back(std::move(row));
  }
  return GroupAnswer::with(groups::join_requests_node(rows));
}

groups::MemberRow GroupEntry::approve(Group& group, const Party& actor, const Jid& jid) {
  groups::MemberRow row;
  const auto* party = admission_.find(jid);
  if (party == nullptr || group.request_of(party->account.phone) == nullptr) {
    row.who = groups::person(jid);
    row.error = 404;
    return row;
  }
  row.who = views_.participant(group, actor, *party);
  if (admission_.full(group)) {
    row.error = 419;
    return row;
  }
  membership_.add(group, &actor, {party});
  communities_.members_added(group, {party});
  return row;
}

GroupAnswer GroupEntry::decide(const Party& actor, const groups::DecideJoinRequests& asked) {
  auto* group = store_.find(asked.group);
  if (const auto refusal = why_not(group, actor, true)) return GroupAnswer::refused(*refusal);
  std::vector<groups::MemberRow> approved, rejected;
  for (const auto& jid : asked.approve) approved.push_back(approve(*group, actor, jid));
  GroupNotices::Parties gone;
  for (const auto& jid : asked.reject) {
    const auto* party = admission_.find(jid);
    groups::MemberRow row;
    row.who = party != nullptr ? views_.participant(*group, actor, *party) : groups::person(jid);
    if (party == nullptr || group->request_of(party->account.phone) == nullptr) row.error = 404;
    else gone.push_back(party);
    rejected.push_back(std::move(row));
  }
  for (const auto* party : gone) group->drop_request(party->account.phone);
  if (!gone.empty()) store_.changed(*group);
  tell_revoked(*group, actor, gone);
  return GroupAnswer::with(groups::decided_node(approved, rejected));
}

/// To the admins, and to whoever had asked.
void GroupEntry::tell_revoked(const Group& group, const Party& author, const GroupNotices::Parties& who) {
  if (who.empty()) return;
  auto told = notices_.admins(group);
  for (const auto* party : who) {
    if (std::find(told.begin(), told.end(), party) == told.end()) told.push_back(party);
  }
  notices_.tell_only(told, group, &author, [&](const Party& viewer) {
    groups::JoinRequestsRevoked change;
    for (const auto* party : who) change.people.push_back(views_.participant(group, viewer, *party));
    return change;
  });
}

GroupAnswer GroupEntry::cancel(const Party& actor, const groups::CancelJoinRequests& asked) {
  auto* group = store_.find(asked.group);
  if (group == nullptr) return GroupAnswer::refused(404);
  std::vector<groups::MemberRow> rows;
  GroupNotices::Parties gone;
  for (const auto& jid : asked.people) {
    const auto* party = admission_.find(jid);
    const auto* request = party != nullptr ? group->request_of(party->account.phone) : nullptr;
    const bool own = request != nullptr && (party == &actor || request->by == actor.account.phone);
    groups::MemberRow row;
    row.who = party != nullptr ? views_.participant(*group, actor, *party) : groups::person(jid);
    if (!own) row.error = 404;
    else gone.push_back(party);
    rows.push_back(std::move(row));
  }
  for (const auto* party : gone) group->drop_request(party->account.phone);
  if (!gone.empty()) store_.changed(*group);
  tell_revoked(*group, actor, gone);
  return GroupAnswer::with(groups::cancelled_node(rows));
}

}  // namespace wharf::sandbox
