#include "protocol/groups/events.h"

#include <algorithm>

namespace wharf::protocol::groups {

namespace {

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

/// Somebody alone who is the author went by himself.
bool went_alone(const std::vector<Participant>& members, const Author& author) {
  return members.size() == 1 && author.is(members.front());
}

class EventMaker {
 public:
  EventMaker(const GroupNotification& notification, const OwnAccount& own) : told_(notification), own_(own) {}
  std::vector<GroupEvent> take() { return std::move(events_); }

  void operator()(const GroupCreated& change) {
    raise(GroupJoined{"created_or_added", GroupJoined::Group{change.group.subject, change.group.members}});
  }

  void operator()(const MembersAdded& change) {
    const auto [self, others] = split(change.members);
    if (self) raise(GroupJoined{change.reason.empty() ? "added" : change.reason, {}});
    if (!others.empty()) raise(MembersChanged{MemberEvent::join, unless_empty(change.reason), others});
  }

  void operator()(const MembersRemoved& change) {
    const auto [self, others] = split(change.members);
    if (self) {
      const bool left = change.left || own_.is(told_.author);
      raise(GroupLeft{left ? Leaving::left : Leaving::removed, {}});
    }
    if (others.empty()) return;
    const bool left = change.left || went_alone(change.members, told_.author);
    raise(MembersChanged{left ? MemberEvent::leave : MemberEvent::remove, unless_empty(change.reason), others});
  }

  void operator()(const RolesChanged& change) {
    const bool promoted = change.change == RoleChange::promote;
    raise(MembersChanged{promoted ? MemberEvent::promote : MemberEvent::demote, {}, change.members});
    if (change.linked_group) events_.back().group = *change.linked_group;
  }

  void operator()(const MemberReplaced& change) {
    raise(MembersChanged{MemberEvent::number_changed, {}, change.members});
  }
  void operator()(const GroupDeleted& change) { raise(GroupLeft{Leaving::group_deleted, unless_empty(change.reason)}); }

  void operator()(const SubjectChanged& change) { update("subject", change.subject); }
  void operator()(const DescriptionChanged& change) {
    GroupUpdated updated{"description", std::monostate(), change.id, {}};
    if (change.text) updated.value = *change.text;
    raise(std::move(updated));
  }
  void operator()(const FlagChanged& change) { update(event_field(change.flag), change.on); }
  void operator()(const ModeChanged& change) { update(tag(change.mode), std::string(text(change.mode, change.who))); }
  void operator()(const EphemeralChanged& change) {
    update("ephemeral_seconds", std::uint64_t{change.ephemeral.seconds});
  }
  void operator()(const JoinApprovalChanged& change) { update("join_approval", change.on); }
  void operator()(const GrowthLockChanged& change) {
    GroupUpdated updated{"growth_locked", change.lock.has_value(), {}, {}};
    if (change.lock) updated.until = change.lock->until;
    raise(std::move(updated));
  }
  void operator()(const InviteChanged& change) { update("invite_code", change.code); }
  void operator()(const InvitationsRevoked& change) {
    std::vector<Jid> people;
    people.reserve(change.people.size());
    for (const Participant& who : change.people) people.push_back(who.jid);
    update("invite_revoked", std::move(people));
  }

  void operator()(const JoinRequested& change) {
    raise(JoinRequestsChanged{RequestEvent::created, unless_empty(change.method), change.people});
  }
  void operator()(const JoinRequestsRevoked& change) {
    const bool own_wish = std::all_of(change.people.begin(), change.people.end(),
                                      [&](const Participant& who) { return told_.author.is(who); });
    raise(JoinRequestsChanged{own_wish ? RequestEvent::cancelled : RequestEvent::rejected, {}, change.people});
  }

  void operator()(const GroupsLinked& change) { raise(CommunityChanged{true, change.type, {}, change.groups}); }
  void operator()(const GroupsUnlinked& change) {
    raise(CommunityChanged{false, change.type, unless_empty(change.reason), change.groups});
  }

  void operator()(const OtherChange& change) { update(change.tag, true); }
  void operator()(const UnknownChange& change) { raise(UnknownGroupChange{change.tag}); }

 private:
  void raise(GroupEvent::What what) {
    events_.push_back({told_.group, told_.author, told_.timestamp, std::move(what)});
  }
  template <class Value>
  void update(std::string_view field, Value value) {
    raise(GroupUpdated{std::string(field), std::move(value), {}, {}});
  }
  std::pair<bool, std::vector<Participant>> split(const std::vector<Participant>& members) const {
    std::vector<Participant> others;
    for (const Participant& who : members)
      if (!own_.is(who)) others.push_back(who);
    const bool self = others.size() != members.size();
    return {self, std::move(others)};
  }

  const GroupNotification& told_;
  const OwnAccount& own_;
  std::vector<GroupEvent> events_;
};

}  // namespace

std::string_view name(Leaving how) {
  switch (how) {
    case Leaving::removed: return "removed";
    case Leaving::left: return "left";
    case Leaving::group_deleted: break;
  }
  return "group_deleted";
}

std::string_view name(MemberEvent action) {
  switch (action) {
    case MemberEvent::join: return "join";
    case MemberEvent::remove: return "remove";
    case MemberEvent::leave: return "leave";
    case MemberEvent::promote: return "promote";
    case MemberEvent::demote: return "demote";
    case MemberEvent::number_changed: break;
  }
  return "number_changed";
}

std::string_view name(RequestEvent action) {
  switch (action) {
    case RequestEvent::created: return "created";
    case RequestEvent::cancelled: return "cancelled";
    case RequestEvent::rejected: break;
  }
  return "rejected";
}

std::string_view name(const GroupEvent::What& what) {
  struct Name {
    std::string_view operator()(const GroupJoined&) const { return "group_join"; }
    std::string_view operator()(const GroupLeft&) const { return "group_leave"; }
    std::string_view operator()(const MembersChanged&) const { return "group_participants"; }
    std::string_view operator()(const GroupUpdated&) const { return "group_update"; }
    std::string_view operator()(const JoinRequestsChanged&) const { return "group_join_request"; }
    std::string_view operator()(const CommunityChanged& c) const {
      return c.linked ? "community_link" : "community_unlink";
    }
    std::string_view operator()(const UnknownGroupChange&) const { return "group_unknown_change"; }
  };
  return std::visit(Name{}, what);
}

std::vector<GroupEvent> events_of(const GroupNotification& notification, const OwnAccount& own) {
  EventMaker maker(notification, own);
  for (const GroupChange& change : notification.changes) std::visit(maker, change);
  return maker.take();
}

}  // namespace wharf::protocol::groups
