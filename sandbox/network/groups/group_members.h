#pragma once
// Requests about members: a new group, add, remove, promote, demote, leave. Specification 05 sections 2.1, 2.4 and 2.5.

#include "protocol/groups/requests.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/groups/group_admission.h"
#include "sandbox/network/groups/group_answer.h"
#include "sandbox/network/groups/group_communities.h"
#include "sandbox/network/groups/group_membership.h"

namespace wharf::sandbox {

class GroupMembers {
 public:
  GroupMembers(NetworkContext& context, GroupStore& store, const GroupViews& views, GroupNotices& notices,
               GroupAdmission& admission, GroupMembership& membership, GroupCommunities& communities)
      : c_(context),
        store_(store),
        views_(views),
        notices_(notices),
        admission_(admission),
        membership_(membership),
        communities_(communities) {}

  GroupAnswer create(const Party& creator, const protocol::groups::CreateGroup& asked);
  GroupAnswer change(const Party& actor, const protocol::groups::ChangeMembers& asked);
  GroupAnswer leave(const Party& actor, const protocol::groups::LeaveGroups& asked);

 private:
  GroupAnswer add(Group& group, const Party& actor, const protocol::groups::ChangeMembers& asked);
  GroupAnswer change_others(Group& group, const Party& actor, const protocol::groups::ChangeMembers& asked);
  /// The code of a row; nullopt: it can be done.
  std::optional<unsigned> why_not(const Group& group, const Party& actor, const Party* target,
                                  protocol::groups::MemberAction action) const;
  void propose(Group& group, const Party& actor, const GroupNotices::Parties& who);

  NetworkContext& c_;
  GroupStore& store_;
  const GroupViews& views_;
  GroupNotices& notices_;
  GroupAdmission& admission_;
  GroupMembership& membership_;
  GroupCommunities& communities_;
};

}  // namespace wharf::sandbox
