#pragma once
// Who may be brought into a group, and why not: the codes of a row. Specification 05 sections 2.5 and 2.7.

#include <optional>

#include "protocol/groups/outcomes.h"
#include "protocol/groups/requests.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/blocklist.h"
#include "sandbox/network/context.h"
#include "sandbox/network/groups/group_store.h"
#include "sandbox/network/groups/group_views.h"
#include "sandbox/network/privacy.h"

namespace wharf::sandbox {

class GroupAdmission {
 public:
  GroupAdmission(NetworkContext& context, const Accounts& accounts, GroupStore& store, const GroupViews& views,
                 Blocklist& blocklist, const Privacy& privacy)
      : c_(context), accounts_(accounts), store_(store), views_(views), blocklist_(blocklist), privacy_(privacy) {}

  /// Somebody named in a request, who may be nobody.
  struct Named {
    Party* party = nullptr;
    std::optional<unsigned> error;  // 404, or why `adder` cannot bring him in
  };
  /// `coming`: how many come with him before.
  Named admit(Group& group, const Party& adder, const protocol::groups::MemberRef& ref, std::size_t coming);
  Party* find(const Jid& jid) const;
  bool full(const Group& group, std::size_t coming = 0) const;
  /// Why he cannot come by himself, with a link or an invitation: 405 removed, 406, 409, 419. nullopt: he can.
  std::optional<unsigned> why_not_join(const Group& group, const Party& joiner) const;

  /// A row of the answer: the person as the group names it, or as the request did; of 403 with an invitation.
  protocol::groups::MemberRow row(Group& group, const Party& viewer, const protocol::groups::MemberRef& ref,
                                  const Named& named);

 private:
  std::optional<unsigned> why_not_add(const Group& group, const Party& adder, const Party& target,
                                      std::size_t coming) const;
  protocol::groups::AddRequest invite(Group& group, const Party& inviter, const Party& target);

  NetworkContext& c_;
  const Accounts& accounts_;
  GroupStore& store_;
  const GroupViews& views_;
  Blocklist& blocklist_;
  const Privacy& privacy_;
};

}  // namespace wharf::sandbox
