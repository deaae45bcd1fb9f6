#pragma once
// Spreads connection attempts of all sessions: a storm of ten thousand reconnects costs 10-15 s of CPU for TLS alone
// and must not starve the loop. A token bucket that hands out start times.

#include <algorithm>
#include <chrono>

#include "net/clock.h"

namespace wharf::sessions {

class ConnectGate {
 public:
  explicit ConnectGate(unsigned per_second, unsigned burst = 20)
      : spacing_(std::chrono::microseconds(1'000'000 / std::max(1u, per_second))), allowance_(spacing_ * burst) {}

  /// When an attempt wanted at `wanted` may start.
  net::SteadyTime reserve(net::SteadyTime now, net::SteadyTime wanted) {
    next_ = std::max(next_, now - allowance_);
    const net::SteadyTime start = std::max(wanted, next_);
    next_ += spacing_;
    return start;
  }

 private:
  std::chrono::microseconds spacing_;
  std::chrono::microseconds allowance_;
  net::SteadyTime next_{};
};

}  // namespace wharf::sessions
