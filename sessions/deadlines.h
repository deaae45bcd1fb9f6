#pragma once
// The deadlines of one session. The actor keeps one timer, armed for the earliest.

#include <array>
#include <optional>

#include "net/clock.h"

namespace wharf::sessions {

enum class Deadline : unsigned {
  first_stanza,    // nothing 20 s after the handshake
  qr_rotation,     // the shown QR code expires
  qr_patience,     // the session gives up showing codes
  authentication,  // from pair-success to ready
  pairing_code,    // the code and its hello expire
  keepalive,       // time to ping
  silence,         // nothing came back: the socket is dead
  iq,              // the earliest IQ answer is due
  stable,          // the connection held long enough to reset the backoff
  queue,           // SendQueue::due(), set at the end of each turn
  offline_batch,   // ask for more of the backlog
  signed_pre_key,  // rotation
  count_,
};

class Deadlines {
 public:
  void set(Deadline kind, net::SteadyTime at) { at_[static_cast<unsigned>(kind)] = at; }
  void clear(Deadline kind) { at_[static_cast<unsigned>(kind)].reset(); }
  bool armed(Deadline kind) const { return at_[static_cast<unsigned>(kind)].has_value(); }
  std::optional<net::SteadyTime> earliest() const {
    std::optional<net::SteadyTime> first;
    for (const auto& at : at_) {
      if (at && (!first || *at < *first)) first = at;
    }
    return first;
  }
  /// Takes one that is due, if any.
  std::optional<Deadline> take_due(net::SteadyTime now) {
    for (unsigned i = 0; i < at_.size(); ++i) {
      if (at_[i] && *at_[i] <= now) {
        at_[i].reset();
        return static_cast<Deadline>(i);
      }
    }
    return std::nullopt;
  }

 private:
  std::array<std::optional<net::SteadyTime>, static_cast<unsigned>(Deadline::count_)> at_;
};

}  // namespace wharf::sessions
