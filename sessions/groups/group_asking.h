#pragma once
// Operations on groups: asked of WhatsApp, and what the answer says kept and told to who asked. What others see of a
// change comes as a notification, to us too (groups.h). Specification 05 sections 2 and 3.

#include "sessions/commands.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/groups/group_answer.h"
#include "sessions/groups/groups.h"

namespace wharf::sessions {

class GroupAsking {
 public:
  GroupAsking(Context& context, Directory& directory, Groups& groups)
      : c_(context), directory_(directory), groups_(groups) {}

  void ask(protocol::groups::GroupRequest request, Reply<GroupAnswer> reply);

 private:
  /// The same with the names that the group uses for its people, and what the request needs of the group.
  protocol::groups::GroupRequest prepared(protocol::groups::GroupRequest request);
  /// By the one name that the group has for each of its members.
  void name_as_members(const protocol::Jid& group, std::vector<protocol::groups::MemberRef>& who) const;
  void send(protocol::groups::GroupRequest request, Reply<GroupAnswer> reply, unsigned tries);

  Context& c_;
  Directory& directory_;
  Groups& groups_;
};

}  // namespace wharf::sessions
