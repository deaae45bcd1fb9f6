#pragma once
// Keeps one connection honest (specification 01 section 8.7). A ping goes out after a random 15-30 s without traffic,
// and already 10 s after the FIRST send that nothing answered, so that neither later sends nor pending queries can push
// it away. An unanswered ping means a dead socket 20 s later: a mute connection is noticed within 50 s. (Pinging before
// giving up differs from the specification's bare 20 s rule: acks and receipts of ours draw no answer from the server.)
// Pure: the caller supplies time and randomness and acts on the answers.

#include <algorithm>
#include <chrono>
#include <optional>

#include "net/clock.h"
#include "protocol/crypto/random.h"

namespace wharf::sessions {

class Keepalive {
 public:
  static constexpr std::chrono::seconds min_interval{15};
  static constexpr std::chrono::milliseconds interval_spread{15'000};
  static constexpr std::chrono::seconds doubt_after{10};
  static constexpr std::chrono::seconds patience{20};

  void start(net::SteadyTime now, protocol::Random& random) {
    unanswered_since_.reset();
    pinged_at_.reset();
    schedule(now, random);
  }
  void on_receive(net::SteadyTime now, protocol::Random& random) {
    unanswered_since_.reset();
    pinged_at_.reset();
    schedule(now, random);
  }
  void on_send(net::SteadyTime now) {
    if (!unanswered_since_) unanswered_since_ = now;
  }
  void on_ping(net::SteadyTime now) { pinged_at_ = now; }

  /// When the next ping is due; nullopt while one is unanswered.
  std::optional<net::SteadyTime> ping_at() const {
    if (pinged_at_) return std::nullopt;
    if (unanswered_since_) return std::min(idle_ping_at_, *unanswered_since_ + doubt_after);
    return idle_ping_at_;
  }
  /// When the socket counts as dead; nullopt while no ping is unanswered.
  std::optional<net::SteadyTime> dead_at() const {
    if (!pinged_at_) return std::nullopt;
    return *pinged_at_ + patience;
  }

 private:
  void schedule(net::SteadyTime now, protocol::Random& random) {
    idle_ping_at_ = now + min_interval +
                    std::chrono::milliseconds(random.below(static_cast<std::uint32_t>(interval_spread.count())));
  }
  net::SteadyTime idle_ping_at_{};
  std::optional<net::SteadyTime> unanswered_since_;
  std::optional<net::SteadyTime> pinged_at_;
};

}  // namespace wharf::sessions
