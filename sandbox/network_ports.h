#pragma once
// What the simulated server stands on and whom it talks to: a clock, and the devices that are attached to it.

#include <cstdint>
#include <functional>
#include <memory>

#include "protocol/binary/node.h"

namespace wharf::sandbox {

/// The network clock (06 section 18): real time plus an offset that tests move.
class NetworkClock {
 public:
  virtual ~NetworkClock() = default;
  virtual std::int64_t unix_ms() const = 0;
  virtual void advance(std::int64_t ms) = 0;
  /// One-shot timer on this clock; the token cancels when destroyed.
  virtual std::shared_ptr<void> after(std::int64_t ms, std::function<void()> callback) = 0;
};

/// A device that is attached right now. Neither call may lead to detach() or drop_pairing() before it returned: a
/// connection that wants to end posts that to its loop.
class DevicePort {
 public:
  virtual ~DevicePort() = default;
  virtual void deliver(const protocol::Node& stanza) = 0;
  /// The server ends the connection after what was delivered (stream:error and failure were delivered before).
  virtual void disconnect() = 0;
};

}  // namespace wharf::sandbox
