#pragma once
// An account that gets another number and keeps everything else: LID, phone, keys, chats, groups. Specification 05
// sections 4 (`modify`) and 6.2 (`contacts`), 02 section 9.

#include <set>
#include <string>

#include "protocol/result.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/audience.h"
#include "sandbox/network/companions.h"
#include "sandbox/network/groups/group_membership.h"
#include "sandbox/network/groups/group_store.h"
#include "sandbox/network/groups/group_views.h"

namespace wharf::sandbox {

class NumberChanges {
 public:
  NumberChanges(Accounts& accounts, Audience& audience, Companions& companions, const GroupStore& groups,
                const GroupViews& views, GroupMembership& membership)
      : accounts_(accounts),
        audience_(audience),
        companions_(companions),
        groups_(groups),
        views_(views),
        membership_(membership) {}

  /// Its groups hear of it, and everybody who has a chat with it, sees its number in a group or is named in `besides`.
  /// Its companions are removed: they log in by the number, and nothing in the specification tells one that its own has
  /// changed. Errors: malformed (not 7-15 digits), refused (it is its number already), conflict (taken).
  protocol::Result<void> change(Party& party, const std::string& number, const std::set<std::string>& besides);

 private:
  Accounts& accounts_;
  Audience& audience_;
  Companions& companions_;
  const GroupStore& groups_;
  const GroupViews& views_;
  GroupMembership& membership_;
};

}  // namespace wharf::sandbox
