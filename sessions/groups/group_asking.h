#pragma once
// Operations on groups: asked of WhatsApp, and what the answer says kept and told to who asked. What others see of a
// change comes as a notification, to us too (groups.h). Specification 05 sections 2 and 3.

#include "sessions/commands.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/groups/group_answer.h"
#include "sessions/groups/groups.h"
#include "sessions/groups/made_groups.h"

namespace wharf::sessions {

class GroupAsking {
 public:
  GroupAsking(Context& context, Directory& directory, Groups& groups);

  void ask(AskGroup asked, Reply<GroupAnswer> reply);

 private:
  /// What goes out, the name of a creation that has one, and how often it went out.
  struct Asked {
    protocol::groups::GroupRequest request;
    std::optional<MadeGroups::Name> name;
    unsigned tries = 1;
    /// Of each person that the program spelled, which of those that are asked for it is; none: each is one of them.
    std::vector<std::size_t> places = {};
  };
  GroupAnswer answer_again(const MadeGroups::Made& made) const;
  /// The same with the names that the group uses for its people, each of them once, and what the request needs of the
  /// group.
  Asked prepared(Asked asked);
  /// By the one name that the group has for each of its members.
  void name_as_members(const protocol::Jid& group, std::vector<protocol::groups::MemberRef>& who) const;
  void send(Asked asked, Reply<GroupAnswer> reply);
  /// Sends it when it is known what the group is called: the notification of the joining, which comes first, does not
  /// say so.
  void look_first(Asked accepting, Reply<GroupAnswer> reply);
  void on_answer(const Asked& asked, const std::string& iq_id, const Node* answer, bool left, Reply<GroupAnswer> reply);
  /// Of what the answer says was not done, or was so before, no event is to name the request.
  void settle_claims(const Asked& asked, const std::string& iq_id, const GroupAnswer& answer);
  /// What the answer says of a creation that has a name; an error that leaves it open says so from here on.
  void settle(const MadeGroups::Name& name, protocol::groups::GroupResult<GroupAnswer>& read);

  Context& c_;
  Directory& directory_;
  Groups& groups_;
  MadeGroups made_;
};

}  // namespace wharf::sessions
