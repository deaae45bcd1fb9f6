#pragma once
// Delays between connection attempts: Fibonacci seconds up to 15 minutes with full jitter (specification 01
// section 8.8; full jitter spreads a thousand sessions that lost the network together). Reset only after a stable
// connection, never on `success` alone.

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "protocol/crypto/random.h"

namespace wharf::sessions {

class Backoff {
 public:
  static constexpr std::chrono::milliseconds cap{900'000};
  static constexpr std::chrono::milliseconds floor{100};
  static constexpr std::chrono::seconds stable_after{30};

  std::chrono::milliseconds next(protocol::Random& random) {
    const auto ceiling = std::min<std::chrono::milliseconds>(std::chrono::seconds(current_), cap);
    const std::uint32_t sum = previous_ + current_;
    if (std::chrono::seconds(current_) < cap) {
      previous_ = current_;
      current_ = sum;
    }
    ++attempts_;
    const auto jittered = std::chrono::milliseconds(random.below(static_cast<std::uint32_t>(ceiling.count()) + 1));
    return std::max(floor, jittered);
  }
  /// The server asked for distance (stream:error 429): five steps further at once.
  void penalise(protocol::Random& random) {
    for (int i = 0; i < 5; ++i) next(random);
  }
  void reset() {
    previous_ = 0;
    current_ = 1;
    attempts_ = 0;
  }
  std::uint32_t attempts() const { return attempts_; }

 private:
  std::uint32_t previous_ = 0;
  std::uint32_t current_ = 1;
  std::uint32_t attempts_ = 0;
};

}  // namespace wharf::sessions
