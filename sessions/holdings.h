#pragma once
// How much a session holds in memory, by number: what its bounds are checked with from outside (tests/simulation).

#include <cstddef>
#include <optional>

#include "net/clock.h"

namespace wharf::sessions {

struct Holdings {
  /// A turn is being committed: what only the end of a turn trims may be larger.
  bool in_turn = false;
  std::size_t inputs = 0, input_bytes = 0;                     // of the mailbox
  std::size_t queued = 0, in_flight = 0, in_flight_bytes = 0;  // outgoing messages
  std::size_t lanes = 0;                                       // chats with messages that are not sealed
  std::size_t read_receipts = 0;
  std::size_t queries = 0;  // IQs without an answer
  std::size_t ratchets = 0;
  std::size_t people = 0, device_lists = 0, unreachable_devices = 0;
  std::optional<net::SteadyTime> due;  // the next turn without an input
};

}  // namespace wharf::sessions
