#pragma once
// What no correct client does with its keys, seen from the envelopes alone: a message key twice, a companion's first
// message without what vouches for it. It is counted and noted, and never refused.

#include <string>

#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery_memory.h"

namespace wharf::sandbox {

/// RowKind::server.
inline constexpr std::string_view reused_keys_row = "reused_keys";

class KeyWatch {
 public:
  KeyWatch(NetworkContext& context, DeliveryMemory& memory) : c_(context), memory_(memory) {}

  /// A pairwise ciphertext of `message` for one device.
  void look(const Origin& origin, const Node& message, const DeviceKey& target, const Node& enc);
  /// One for a whole group, under the sender's key there.
  void look_shared(const Origin& origin, const Node& message, const DeviceKey& group, const Node& enc);

 private:
  void note_reuse(const Origin& origin, const std::string& target, const Node& message);

  NetworkContext& c_;
  DeliveryMemory& memory_;
};

}  // namespace wharf::sandbox
