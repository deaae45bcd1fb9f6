#pragma once
// Requests that only look. Specification 05 sections 2.2 and 2.3.

#include "protocol/groups/requests.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/groups/group_answer.h"
#include "sandbox/network/groups/group_store.h"
#include "sandbox/network/groups/group_views.h"

namespace wharf::sandbox {

class GroupQueries {
 public:
  GroupQueries(const GroupStore& store, const GroupViews& views) : store_(store), views_(views) {}

  GroupAnswer query(const Party& actor, const protocol::groups::QueryGroup& asked) const;
  GroupAnswer query(const Party& actor, const protocol::groups::QueryGroups& asked) const;
  GroupAnswer list(const Party& actor, const protocol::groups::ListGroups& asked) const;

 private:
  const GroupStore& store_;
  const GroupViews& views_;
};

}  // namespace wharf::sandbox
