#pragma once
// Communities: a root without a chat, its announcement group, and the groups that are linked to it. Whoever is in one
// of the groups is in the root and the announcement group, too. Specification 05 section 3.

#include <optional>
#include <string_view>

#include "protocol/groups/requests.h"
#include "protocol/groups/results.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/groups/group_answer.h"
#include "sandbox/network/groups/group_membership.h"
#include "sandbox/network/groups/group_notices.h"
#include "sandbox/network/groups/group_store.h"
#include "sandbox/network/groups/group_views.h"

namespace wharf::sandbox {

class GroupCommunities {
 public:
  GroupCommunities(NetworkContext& context, const Accounts& accounts, GroupStore& store, const GroupViews& views,
                   GroupNotices& notices, GroupMembership& membership)
      : c_(context), accounts_(accounts), store_(store), views_(views), notices_(notices), membership_(membership) {}

  using Parties = GroupNotices::Parties;
  // --- what creating and changing a group means here; nothing of a group by itself
  std::optional<unsigned> why_not_create(const Party& creator, const protocol::groups::CreateGroup& asked) const;
  /// Marks a new group as what it is; its creation is told next.
  void created(Group& group, const Party& creator, const protocol::groups::CreateGroup& asked);
  /// Its creation was told: what the server makes beside a root, and the link to one.
  void announce_created(Group& group, const Party& creator, const protocol::groups::CreateGroup& asked);
  void members_added(Group& group, const Parties& who);
  void role_set(Group& group, const Party& actor, const Parties& who, GroupRole role);
  /// Out of the community that the group belongs to, and of all its groups.
  void remove_everywhere(Group& group, const Party& actor, const Parties& who);

  // --- requests
  GroupAnswer link(const Party& actor, const protocol::groups::LinkGroups& asked);
  GroupAnswer unlink(const Party& actor, const protocol::groups::UnlinkGroups& asked);
  GroupAnswer sub_groups(const Party& actor, const protocol::groups::ListSubGroups& asked) const;
  GroupAnswer linked_members(const Party& actor, const protocol::groups::ListLinkedMembers& asked) const;
  GroupAnswer join(const Party& actor, const protocol::groups::JoinLinkedGroup& asked);
  GroupAnswer deactivate(const Party& actor, const protocol::groups::DeactivateCommunity& asked);

 private:
  Group* root_of(const Group& group) const;
  Group* announcement_group(const Group& root) const;
  /// A group of the server's making, with the members and roles of the root.
  Group& make_sub_group(Group& root, const Party& creator, std::string_view subject);
  void make_link(Group& root, Group& group, const Party& actor);
  void break_link(Group& root, Group& group, const Party* actor, std::string_view reason);
  /// What is wrong with a request about a root: 404, 403, 401.
  std::optional<unsigned> why_not(const Group* root, const Party& actor, bool as_admin) const;
  std::optional<unsigned> why_not_link(const Group& root, const Group* group, const Party& actor) const;
  void remove_orphans(Group& root, const Party& actor, const Parties& candidates);

  NetworkContext& c_;
  const Accounts& accounts_;
  GroupStore& store_;
  const GroupViews& views_;
  GroupNotices& notices_;
  GroupMembership& membership_;
};

}  // namespace wharf::sandbox
