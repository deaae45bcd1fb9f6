#pragma once
// Time, without an event loop behind it.

#include <chrono>
#include <cstdint>

namespace wharf::net {

using SteadyTime = std::chrono::steady_clock::time_point;

/// Wall clock in unix milliseconds and a monotonic clock. Handed in, so that tests and the sandbox can move it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t unix_ms() const = 0;
  virtual SteadyTime steady() const = 0;
};
class SystemClock final : public Clock {
 public:
  std::int64_t unix_ms() const override;
  SteadyTime steady() const override;
};

}  // namespace wharf::net
