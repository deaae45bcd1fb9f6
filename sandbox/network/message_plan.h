#pragma once
// What a message stanza asks for: checked, and split into one copy per device. The server reads attributes and
// envelopes only; ciphertext passes through unread. Specification 06 section 8.

#include <string>
#include <vector>

#include "sandbox/network/accounts.h"

namespace wharf::sandbox {

struct MessagePlan {
  struct Copy {
    DeviceKey target;
    const Node* enc = nullptr;  // in the stanza
  };
  unsigned error = 0;  // the nack code; 0: valid
  std::string why;
  bool single_device = false;  // a bare <enc>: retry or peer message
  std::vector<Copy> copies;    // existing devices except the sender
};

/// `to`: what `to_jid` of the stanza resolves to.
MessagePlan plan_of(const Accounts& accounts, const Origin& origin, const Address& to, const Jid& to_jid,
                    const Node& message);

}  // namespace wharf::sandbox
