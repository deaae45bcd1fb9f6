#pragma once
// Requests about what a group is called and how it is set. Specification 05 section 2.6.

#include <optional>

#include "protocol/groups/requests.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/groups/group_answer.h"
#include "sandbox/network/groups/group_notices.h"
#include "sandbox/network/groups/group_store.h"
#include "sandbox/network/groups/group_views.h"

namespace wharf::sandbox {

class GroupSettings {
 public:
  GroupSettings(NetworkContext& context, GroupStore& store, const GroupViews& views, GroupNotices& notices)
      : c_(context), store_(store), views_(views), notices_(notices) {}

  GroupAnswer set(const Party& actor, const protocol::groups::SetSubject& asked);
  GroupAnswer set(const Party& actor, const protocol::groups::SetDescription& asked);
  GroupAnswer set(const Party& actor, const protocol::groups::SetFlag& asked);
  GroupAnswer set(const Party& actor, const protocol::groups::SetMode& asked);
  GroupAnswer set(const Party& actor, const protocol::groups::SetEphemeral& asked);
  GroupAnswer set(const Party& actor, const protocol::groups::SetJoinApproval& asked);

 private:
  enum class For { admins, editors };  // editors: admins, and members too unless the group is locked
  std::optional<unsigned> why_not(const Group* group, const Party& actor, For whom) const;
  /// Keeps and tells it, unless it was so before.
  template <class Value>
  GroupAnswer put(Group& group, const Party& actor, Value& place, Value value, GroupNotices::Change change);

  NetworkContext& c_;
  GroupStore& store_;
  const GroupViews& views_;
  GroupNotices& notices_;
};

}  // namespace wharf::sandbox
