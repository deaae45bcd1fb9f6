#include "sandbox/network/groups/group_admission.h"

#include <utility>

namespace wharf::sandbox {

namespace groups = protocol::groups;

namespace {

constexpr std::int64_t invitation_seconds = 3 * 86'400;

}  // namespace

Party* GroupAdmission::find(const Jid& jid) const {
  const auto address = accounts_.resolve_or_create(jid);
  return address ? address->party : nullptr;
}

bool GroupAdmission::full(const Group& group, std::size_t coming) const {
  return group.members.size() + coming >= c_.settings.max_group_members;
}

std::optional<unsigned> GroupAdmission::why_not_add(const Group& group, const Party& adder, const Party& target,
                                                    std::size_t coming) const {
  const auto& phone = target.account.phone;
  if (group.member(phone) != nullptr) return 409;
  if (blocklist_.blocks(target, adder)) return 401;
  if (!group.names(target.account)) return 406;
  const auto* left = group.departure_of(phone);
  if (left != nullptr && !left->removed && c_.now() - left->at < c_.settings.group_left_seconds) return 408;
  if (!privacy_.lets_see(target, "groupadd", adder, false)) return 403;
  if (full(group, coming)) return 419;
  return std::nullopt;
}

std::optional<unsigned> GroupAdmission::why_not_join(const Group& group, const Party& joiner) const {
  const auto& phone = joiner.account.phone;
  if (group.member(phone) != nullptr) return 409;
  if (!group.names(joiner.account)) return 406;
  if (const auto* left = group.departure_of(phone); left != nullptr && left->removed) return 405;
  if (full(group)) return 419;
  return std::nullopt;
}

GroupAdmission::Named GroupAdmission::admit(Group& group, const Party& adder, const groups::MemberRef& ref,
                                            std::size_t coming) {
  Named named{find(ref.jid), std::nullopt};
  if (named.party == nullptr && ref.phone_number) named.party = find(*ref.phone_number);
  named.error = named.party != nullptr ? why_not_add(group, adder, *named.party, coming) : 404;
  return named;
}

groups::AddRequest GroupAdmission::invite(Group& group, const Party& inviter, const Party& target) {
  GroupInvitation invitation;
  invitation.code = protocol::to_base64url(c_.random.bytes<12>());
  invitation.phone = target.account.phone;
  invitation.inviter = inviter.account.phone;
  invitation.expires = c_.now() + invitation_seconds;
  const groups::AddRequest told{invitation.code, static_cast<std::uint32_t>(invitation.expires)};
  group.note_invitation(std::move(invitation));
  store_.changed(group);
  return told;
}

groups::MemberRow GroupAdmission::row(Group& group, const Party& viewer, const groups::MemberRef& ref,
                                      const Named& named) {
  groups::MemberRow row;
  row.who = named.party != nullptr ? views_.participant(group, viewer, *named.party) : groups::person(ref.jid);
  row.error = named.error;
  if (named.error == 403u) row.add_request = invite(group, viewer, *named.party);
  return row;
}

}  // namespace wharf::sandbox
