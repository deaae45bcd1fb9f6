#pragma once
// Ways into a group that are not an admin's adding: the link, invitations in messages, requests. Specification 05
// sections 2.5 (v4), 2.7 and 2.8.

#include <optional>
#include <string>

#include "protocol/groups/requests.h"
#include "protocol/groups/results.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/groups/group_admission.h"
#include "sandbox/network/groups/group_answer.h"
#include "sandbox/network/groups/group_communities.h"
#include "sandbox/network/groups/group_membership.h"

namespace wharf::sandbox {

class GroupEntry {
 public:
  GroupEntry(NetworkContext& context, const Accounts& accounts, GroupStore& store, const GroupViews& views,
             GroupNotices& notices, GroupAdmission& admission, GroupMembership& membership,
             GroupCommunities& communities)
      : c_(context),
        accounts_(accounts),
        store_(store),
        views_(views),
        notices_(notices),
        admission_(admission),
        membership_(membership),
        communities_(communities) {}

  // --- the link
  GroupAnswer code(const Party& actor, const protocol::groups::GetInvite& asked);
  GroupAnswer reset(const Party& actor, const protocol::groups::ResetInvite& asked);
  GroupAnswer preview(const Party& actor, const protocol::groups::PreviewInvite& asked);
  GroupAnswer join(const Party& actor, const protocol::groups::JoinByInvite& asked);

  // --- invitations in messages
  GroupAnswer preview(const Party& actor, const protocol::groups::PreviewInvitation& asked);
  GroupAnswer accept(const Party& actor, const protocol::groups::AcceptInvitation& asked);
  GroupAnswer revoke(const Party& actor, const protocol::groups::RevokeInvitations& asked);

  // --- requests
  GroupAnswer requests(const Party& actor, const protocol::groups::ListJoinRequests& asked);
  GroupAnswer decide(const Party& actor, const protocol::groups::DecideJoinRequests& asked);
  GroupAnswer cancel(const Party& actor, const protocol::groups::CancelJoinRequests& asked);

 private:
  /// 404, 403, and 401 unless the actor is an admin, when it is for them.
  std::optional<unsigned> why_not(const Group* group, const Party& actor, bool as_admin) const;
  struct Invited {
    const GroupInvitation* invitation = nullptr;
    unsigned error = 0;
  };
  Invited find(const Group* group, const Party& actor, const protocol::groups::Invitation& shown) const;
  /// Comes in, or waits for an admin.
  GroupAnswer enter(Group& group, const Party& actor, bool waits);
  protocol::groups::MemberRow approve(Group& group, const Party& actor, const Jid& jid);
  void tell_revoked(const Group& group, const Party& author, const GroupNotices::Parties& who);

  NetworkContext& c_;
  const Accounts& accounts_;
  GroupStore& store_;
  const GroupViews& views_;
  GroupNotices& notices_;
  GroupAdmission& admission_;
  GroupMembership& membership_;
  GroupCommunities& communities_;
};

}  // namespace wharf::sandbox
