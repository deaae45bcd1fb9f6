#pragma once
// Keeps one connection honest (specification 01 section 8.7): pings after a random 15-30 s, skipped while traffic comes
// in; and a dead-socket rule armed at the FIRST send after a receive, so that neither later sends nor pending queries can
// push it away. Pure: the caller supplies time and randomness and acts on the answers.

#include <chrono>
#include <optional>

#include "net/loop.h"
#include "protocol/crypto/random.h"

namespace wharf::sessions {

class Keepalive {
 public:
  static constexpr std::chrono::seconds min_interval{15};
  static constexpr std::chrono::milliseconds interval_spread{15'000};
  static constexpr std::chrono::seconds patience{20};

  void start(net::SteadyTime now, protocol::Random& random) {
    last_receive_ = now;
    waiting_since_.reset();
    ping_at_ = now + interval(random);
  }
  void on_receive(net::SteadyTime now) {
    last_receive_ = now;
    waiting_since_.reset();
  }
  void on_send(net::SteadyTime now) {
    if (!waiting_since_) waiting_since_ = now;
  }
  net::SteadyTime ping_at() const { return ping_at_; }
  /// When the socket counts as dead; nullopt while nothing is owed to us.
  std::optional<net::SteadyTime> dead_at() const {
    if (!waiting_since_) return std::nullopt;
    return *waiting_since_ + patience;
  }
  /// The ping time came: true = send one. Schedules the next.
  bool on_ping_due(net::SteadyTime now, protocol::Random& random) {
    ping_at_ = now + interval(random);
    return now - last_receive_ >= min_interval;
  }

 private:
  static std::chrono::milliseconds interval(protocol::Random& random) {
    return min_interval + std::chrono::milliseconds(random.below(static_cast<std::uint32_t>(interval_spread.count())));
  }
  net::SteadyTime last_receive_{};
  net::SteadyTime ping_at_{};
  std::optional<net::SteadyTime> waiting_since_;
};

}  // namespace wharf::sessions
