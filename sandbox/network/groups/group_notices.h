#pragma once
// What became of a group, told to every device of every member: queued like any other stanza. Specification 06 section
// 11, 05 section 4.

#include <functional>
#include <vector>

#include "protocol/groups/changes.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"
#include "sandbox/network/groups/group.h"
#include "sandbox/network/groups/group_dirt.h"
#include "sandbox/network/groups/group_views.h"

namespace wharf::sandbox {

class GroupNotices {
 public:
  GroupNotices(NetworkContext& context, const Accounts& accounts, Delivery& delivery, const GroupViews& views,
               GroupDirt& dirt)
      : c_(context), accounts_(accounts), delivery_(delivery), views_(views), dirt_(dirt) {}

  using Change = protocol::groups::GroupChange;
  /// The same change as one account sees it, whose numbers it does not see are left out.
  using ChangeFor = std::function<Change(const Party& viewer)>;
  using Parties = std::vector<const Party*>;

  /// To all members, and to others whom it concerns. `author` nullptr: the server did it.
  void tell(const Group& group, const Party* author, const ChangeFor& change, const Parties& besides = {});
  void tell(const Group& group, const Party* author, Change change, const Parties& besides = {});
  /// To these alone.
  void tell_only(const Parties& who, const Group& group, const Party* author, const ChangeFor& change);
  Parties admins(const Group& group) const;

 private:
  Node notification(const Group& group, const Party* author, const Party& viewer, Change change);
  void enqueue(const Party& party, const Node& notification);

  NetworkContext& c_;
  const Accounts& accounts_;
  Delivery& delivery_;
  const GroupViews& views_;
  GroupDirt& dirt_;
};

}  // namespace wharf::sandbox
