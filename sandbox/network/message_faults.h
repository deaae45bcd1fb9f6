#pragma once
// What the faults do to messages on their way into a queue: delivered twice, corrupted, held back, reordered. Of other
// stanzas nothing is held. Specification 06 section 19.

#include <map>
#include <optional>

#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"

namespace wharf::sandbox {

class MessageFaults {
 public:
  MessageFaults(NetworkContext& context, Delivery& delivery) : c_(context), delivery_(delivery) {}

  /// Enqueues the message, now or when what is held is released.
  void enqueue(const DeviceKey& target, Node stanza);
  /// Hands out what the faults hold_messages and reorder keep back, and ends them.
  void release();

  // --- rows: held
  std::optional<Bytes> row(std::uint64_t number) const;
  void restore(std::uint64_t number, const Node& envelope);

 private:
  struct Held {
    DeviceKey target;
    Node stanza;
  };
  NetworkContext& c_;
  Delivery& delivery_;
  std::map<std::uint64_t, Held> held_;
  std::uint64_t last_held_ = 0;
};

}  // namespace wharf::sandbox
