#pragma once
// What a message stanza to a group asks for: checked, and split into what all get and what single devices get. As in
// message_plan.h, envelopes only. Specification 06 sections 8.1, 8.2 and 25, 03 section 5.1.

#include <map>
#include <optional>
#include <string>

#include "sandbox/network/accounts.h"
#include "sandbox/network/groups/group.h"

namespace wharf::sandbox {

struct GroupPlan {
  unsigned error = 0;  // the nack code; 0: valid
  std::string why;
  /// The one ciphertext of all; nullptr of a resend, and of what is meant for few.
  const Node* shared = nullptr;
  /// Of existing devices of members, the sender's own others among them: the key of the shared one, or the message.
  std::map<DeviceKey, const Node*> single;
  /// A resend: for this device and no other.
  std::optional<DeviceKey> only;
  /// Something was meant for accounts that are not, or no longer, in the group: it is left out.
  bool strangers = false;
};

/// The identity by which the stanza names the members; nullopt when it does not say.
std::optional<bool> names_by_lid(const Node& message);

GroupPlan plan_of(const Accounts& accounts, const Origin& origin, const Group& group, const Node& message);

}  // namespace wharf::sandbox
