#include "sandbox/network/groups/group_iqs.h"

#include <charconv>
#include <utility>
#include <variant>

#include "sandbox/network/answers.h"

namespace wharf::sandbox {

namespace groups = protocol::groups;
using protocol::Errc;

namespace {

std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// One overload for each request.
struct Answerer {
  const GroupIqs::Parts& p;
  const Origin& origin;
  const Party& who() const { return origin.party; }

  GroupAnswer operator()(const groups::CreateGroup& asked) const { return p.members.create(who(), asked); }
  GroupAnswer operator()(const groups::QueryGroup& asked) const { return p.queries.query(who(), asked); }
  GroupAnswer operator()(const groups::QueryGroups& asked) const { return p.queries.query(who(), asked); }
  GroupAnswer operator()(const groups::ListGroups& asked) const { return p.queries.list(who(), asked); }
  GroupAnswer operator()(const groups::LeaveGroups& asked) const { return p.members.leave(who(), asked); }
  GroupAnswer operator()(const groups::ChangeMembers& asked) const { return p.members.change(who(), asked); }
  GroupAnswer operator()(const groups::SetSubject& asked) const { return p.settings.set(who(), asked); }
  GroupAnswer operator()(const groups::SetDescription& asked) const { return p.settings.set(who(), asked); }
  GroupAnswer operator()(const groups::SetFlag& asked) const { return p.settings.set(who(), asked); }
  GroupAnswer operator()(const groups::SetMode& asked) const { return p.settings.set(who(), asked); }
  GroupAnswer operator()(const groups::SetEphemeral& asked) const { return p.settings.set(who(), asked); }
  GroupAnswer operator()(const groups::SetJoinApproval& asked) const { return p.settings.set(who(), asked); }
  GroupAnswer operator()(const groups::SetPicture& asked) const { return p.pictures.set(who(), asked); }
  GroupAnswer operator()(const groups::RemovePicture& asked) const { return p.pictures.remove(who(), asked); }
  GroupAnswer operator()(const groups::GetPicture& asked) const { return p.pictures.get(who(), asked); }
  GroupAnswer operator()(const groups::GetInvite& asked) const { return p.entry.code(who(), asked); }
  GroupAnswer operator()(const groups::ResetInvite& asked) const { return p.entry.reset(who(), asked); }
  GroupAnswer operator()(const groups::PreviewInvite& asked) const { return p.entry.preview(who(), asked); }
  GroupAnswer operator()(const groups::JoinByInvite& asked) const { return p.entry.join(who(), asked); }
  GroupAnswer operator()(const groups::PreviewInvitation& asked) const { return p.entry.preview(who(), asked); }
  GroupAnswer operator()(const groups::AcceptInvitation& asked) const { return p.entry.accept(who(), asked); }
  GroupAnswer operator()(const groups::RevokeInvitations& asked) const { return p.entry.revoke(who(), asked); }
  GroupAnswer operator()(const groups::ListJoinRequests& asked) const { return p.entry.requests(who(), asked); }
  GroupAnswer operator()(const groups::DecideJoinRequests& asked) const { return p.entry.decide(who(), asked); }
  GroupAnswer operator()(const groups::CancelJoinRequests& asked) const { return p.entry.cancel(who(), asked); }
  GroupAnswer operator()(const groups::LinkGroups& asked) const { return p.communities.link(who(), asked); }
  GroupAnswer operator()(const groups::UnlinkGroups& asked) const { return p.communities.unlink(who(), asked); }
  GroupAnswer operator()(const groups::ListSubGroups& asked) const { return p.communities.sub_groups(who(), asked); }
  GroupAnswer operator()(const groups::ListLinkedMembers& asked) const {
    return p.communities.linked_members(who(), asked);
  }
  GroupAnswer operator()(const groups::JoinLinkedGroup& asked) const { return p.communities.join(who(), asked); }
  GroupAnswer operator()(const groups::DeactivateCommunity& asked) const {
    return p.communities.deactivate(who(), asked);
  }
  GroupAnswer operator()(const groups::CleanGroupsDirty& asked) const {
    p.dirt.clean(origin.key, number_of(asked.timestamp));
    return GroupAnswer::done();
  }
};

unsigned code_of(Errc why) {
  if (why == Errc::unsupported) return 501;
  return why == Errc::too_large ? 406 : 400;
}

}  // namespace

void GroupIqs::on_iq(const Origin& origin, const Node& iq) {
  const auto refuse = [&](unsigned code) { p_.context.send(origin.key, error_of(iq, code, words_of(code))); };
  const auto asked = groups::read_group_request(iq);
  if (!asked) {
    p_.context.complain("group request " + protocol::summary(iq) + " not read: " + asked.error().detail);
    return refuse(code_of(asked.error().code));
  }
  const auto answer = std::visit(Answerer{p_, origin}, *asked);
  if (answer.error != 0) return refuse(answer.error);
  auto result = result_of(iq);
  if (answer.payload) result.add(*answer.payload);
  p_.context.send(origin.key, result);
}

}  // namespace wharf::sandbox
