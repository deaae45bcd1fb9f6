#include "sessions/groups/taking_answers.h"

#include <utility>
#include <variant>

#include "sessions/groups/group_events.h"

namespace wharf::sessions {

namespace groups = protocol::groups;
using groups::GroupResult;

GroupView view_of(const groups::GroupMetadata& group, const Groups& known) {
  const PeopleLookup people = known.people();
  const groups::OwnAccount self = known.own();
  GroupView out;
  out.metadata = group;
  out.member = false;
  for (const groups::Participant& member : group.members) {
    out.people.push_back(group_person(member, people));
    if (!self.is(member)) continue;
    out.member = true;
    out.admin = member.role != groups::Role::member;
  }
  out.metadata.members.clear();
  if (group.creator) out.creator = group_person(groups::person(*group.creator, group.creator_pn), people);
  return out;
}

namespace {

/// Takes an answer: what it says, in the form that programs see; what it tells of groups of the account is kept. One
/// overload for each kind of request.
class Taking {
 public:
  Taking(const Node& answer, Groups& known) : answer_(answer), known_(known), people_(known.people()) {}

  GroupResult<GroupAnswer> operator()(const groups::CreateGroup& asked) const {
    auto read = groups::read_created(asked, answer_);
    if (!read) return read.error();
    GroupAnswer out;
    out.members = outcomes(read->members);
    out.group = view(read->group);
    out.made = read->group.group;
    known_.store(std::move(read->group));
    return out;
  }
  GroupResult<GroupAnswer> operator()(const groups::QueryGroup& asked) const {
    auto read = groups::read_queried(asked, answer_);
    if (!read) return read.error();
    GroupAnswer out;
    if (*read) {
      out.group = view(**read);
      known_.store(std::move(**read));
    }
    return out;
  }
  GroupResult<GroupAnswer> operator()(const groups::LeaveGroups& asked) const {
    auto read = groups::read_left(asked, answer_);
    if (!read) return read.error();
    GroupAnswer out;
    out.outcomes = std::move(read->asked);
    for (const groups::GroupOutcome& left : out.outcomes)
      if (left.succeeded()) known_.leave(left.group);
    return out;
  }
  GroupResult<GroupAnswer> operator()(const groups::ChangeMembers& asked) const {
    auto read = groups::read_changed(asked, answer_);
    if (!read) return read.error();
    GroupAnswer out;
    out.members = outcomes(*read);
    return out;
  }
  GroupResult<GroupAnswer> operator()(const groups::GetInvite&) const { return invite(); }
  GroupResult<GroupAnswer> operator()(const groups::ResetInvite&) const { return invite(); }
  GroupResult<GroupAnswer> operator()(const groups::PreviewInvite&) const { return preview(); }
  GroupResult<GroupAnswer> operator()(const groups::PreviewInvitation&) const { return preview(); }
  GroupResult<GroupAnswer> operator()(const groups::JoinByInvite&) const { return joined({}); }
  GroupResult<GroupAnswer> operator()(const groups::AcceptInvitation& asked) const { return joined(asked.group); }
  GroupResult<GroupAnswer> operator()(const groups::ListJoinRequests&) const {
    const auto read = groups::read_join_requests(answer_);
    if (!read) return read.error();
    GroupAnswer out;
    for (const groups::JoinRequest& one : *read)
      out.requests.push_back({group_person(one.who, people_), one.time, one.method});
    return out;
  }
  GroupResult<GroupAnswer> operator()(const groups::DecideJoinRequests& asked) const {
    const auto read = groups::read_decided(asked, answer_);
    if (!read) return read.error();
    GroupAnswer out;
    out.members = outcomes(read->approved);
    for (MemberOutcome& one : outcomes(read->rejected)) out.members.push_back(std::move(one));
    return out;
  }
  GroupResult<GroupAnswer> operator()(const groups::CancelJoinRequests& asked) const {
    const auto read = groups::read_cancelled(asked, answer_);
    if (!read) return read.error();
    GroupAnswer out;
    out.members = outcomes(*read);
    return out;
  }
  GroupResult<GroupAnswer> operator()(const groups::SetPicture&) const {
    auto read = groups::read_picture_set(answer_);
    if (!read) return read.error();
    GroupAnswer out;
    out.picture_id = std::move(*read);
    return out;
  }
  GroupResult<GroupAnswer> operator()(const groups::GetPicture&) const {
    auto read = groups::read_picture(answer_);
    if (!read) return read.error();
    GroupAnswer out;
    out.picture = std::move(*read);
    return out;
  }
  GroupResult<GroupAnswer> operator()(const groups::LinkGroups& asked) const {
    return linked(groups::read_linked(asked, answer_));
  }
  GroupResult<GroupAnswer> operator()(const groups::UnlinkGroups& asked) const {
    return linked(groups::read_unlinked(asked, answer_));
  }
  GroupResult<GroupAnswer> operator()(const groups::ListSubGroups&) const {
    const auto read = groups::read_sub_groups(answer_);
    if (!read) return read.error();
    GroupAnswer out;
    for (const groups::GroupMetadata& group : *read) out.groups.push_back(view(group));
    return out;
  }
  GroupResult<GroupAnswer> operator()(const groups::ListLinkedMembers&) const {
    const auto read = groups::read_linked_members(answer_);
    if (!read) return read.error();
    GroupAnswer out;
    for (const groups::Participant& one : *read) out.members.push_back({group_person(one, people_), {}, 200, {}});
    return out;
  }
  GroupResult<GroupAnswer> operator()(const groups::SetDescription&) const {
    return done(groups::Operation::description);
  }
  GroupResult<GroupAnswer> operator()(const groups::RemovePicture&) const { return done(groups::Operation::picture); }
  GroupResult<GroupAnswer> operator()(const groups::DeactivateCommunity&) const {
    return done(groups::Operation::community);
  }
  GroupResult<GroupAnswer> operator()(const groups::JoinLinkedGroup&) const { return done(groups::Operation::join); }
  /// Settings, whose answers hold nothing.
  GroupResult<GroupAnswer> operator()(const auto&) const { return done(groups::Operation::change); }

  GroupView view(const groups::GroupMetadata& group) const { return view_of(group, known_); }

 private:
  std::vector<MemberOutcome> outcomes(const groups::MemberOutcomes& read) const {
    std::vector<MemberOutcome> out;
    for (const groups::MemberOutcome& one : read.asked)
      out.push_back({group_person(one.who, people_), std::string(name(one.result)), one.code, one.invite});
    return out;
  }
  GroupResult<GroupAnswer> done(groups::Operation operation) const {
    const auto read = groups::read_done(operation, answer_);
    if (!read) return read.error();
    return GroupAnswer{};
  }
  GroupResult<GroupAnswer> invite() const {
    auto read = groups::read_invite(answer_);
    if (!read) return read.error();
    GroupAnswer out;
    out.invite_code = std::move(*read);
    return out;
  }
  GroupResult<GroupAnswer> preview() const {
    const auto read = groups::read_preview(answer_);
    if (!read) return read.error();
    GroupAnswer out;
    out.group = view(*read);
    return out;
  }
  GroupResult<GroupAnswer> joined(const std::optional<Jid>& group) const {
    auto read = groups::read_joined(answer_, group);
    if (!read) return read.error();
    GroupAnswer out;
    if (read->state == groups::JoinState::joined) known_.enter(read->group);
    out.joined = std::move(*read);
    return out;
  }
  static GroupResult<GroupAnswer> linked(GroupResult<groups::GroupOutcomes> read) {
    if (!read) return read.error();
    GroupAnswer out;
    out.outcomes = std::move(read->asked);
    return out;
  }

  const Node& answer_;
  Groups& known_;
  const PeopleLookup people_;
};

}  // namespace

GroupResult<GroupAnswer> take_answer(const groups::GroupRequest& asked, const Node& answer, Groups& known) {
  return std::visit(Taking(answer, known), asked);
}

}  // namespace wharf::sessions
