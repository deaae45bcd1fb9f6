#pragma once
// Everything that is asked about groups, each to the part that answers it. Specification 06 section 11, 05 section 2.

#include "protocol/groups/requests.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/groups/group_answer.h"
#include "sandbox/network/groups/group_communities.h"
#include "sandbox/network/groups/group_dirt.h"
#include "sandbox/network/groups/group_entry.h"
#include "sandbox/network/groups/group_members.h"
#include "sandbox/network/groups/group_pictures.h"
#include "sandbox/network/groups/group_queries.h"
#include "sandbox/network/groups/group_settings.h"

namespace wharf::sandbox {

class GroupIqs {
 public:
  struct Parts {
    NetworkContext& context;
    GroupMembers& members;
    GroupSettings& settings;
    GroupQueries& queries;
    GroupEntry& entry;
    GroupCommunities& communities;
    GroupPictures& pictures;
    GroupDirt& dirt;
  };
  explicit GroupIqs(const Parts& parts) : p_(parts) {}

  /// Of namespace w:g2, and those of others that are about groups.
  void on_iq(const Origin& origin, const Node& iq);

 private:
  Parts p_;
};

}  // namespace wharf::sandbox
