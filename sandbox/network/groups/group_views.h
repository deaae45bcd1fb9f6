#pragma once
// How a group looks to an account: who is named how, and whose number is hidden from it. Specification 06 section 11,
// 05 sections 2.2 and 3.

#include <string_view>

#include "protocol/groups/metadata.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/groups/group.h"

namespace wharf::sandbox {

class GroupViews {
 public:
  GroupViews(const NetworkContext& context, const Accounts& accounts) : c_(context), accounts_(accounts) {}

  /// In a LID group the number of a member is shown to itself, to admins and to whom it has a chat with; to everybody
  /// unless the group is the announcement group of a community or the fault hide_group_numbers is on.
  bool shows_number(const Group& group, const Party& viewer, const Party& shown) const;
  /// Whether some viewer sees another list than the next.
  bool same_for_all(const Group& group) const;

  protocol::groups::Participant participant(const Group& group, const Party& viewer, const Party& shown) const;
  /// With the members, in the order of their numbers.
  protocol::groups::GroupMetadata metadata(const Group& group, const Party& viewer) const;
  /// For somebody who is not in the group: the size is true, of the members there is a sample.
  protocol::groups::GroupMetadata preview(const Group& group, const Party& viewer) const;
  /// Who did something, as author of a stanza: `<who>` is there, `<who>_pn` or `<who>_lid` as far as it may be known.
  void add_other_identity(Node& stanza, std::string_view who, const Group& group, const Party& viewer,
                          const Party& shown) const;

 private:
  protocol::groups::GroupMetadata without_members(const Group& group, const Party& viewer) const;
  std::optional<Jid> number(const Group& group, const Party& viewer, const Party& shown) const;

  const NetworkContext& c_;
  const Accounts& accounts_;
};

}  // namespace wharf::sandbox
