#pragma once
// When something is to be done. No deadline of a session is kept in a table: each part answers due() from its state, so
// that what has ended cannot fall due, and the session takes the earliest. nullopt: nothing waits for a time.

#include <initializer_list>
#include <optional>

#include "net/clock.h"

namespace wharf::sessions {

inline std::optional<net::SteadyTime> earliest(std::initializer_list<std::optional<net::SteadyTime>> times) {
  std::optional<net::SteadyTime> first;
  for (const auto& at : times) {
    if (at && (!first || *at < *first)) first = at;
  }
  return first;
}

inline bool is_due(const std::optional<net::SteadyTime>& at, net::SteadyTime now) { return at && *at <= now; }

}  // namespace wharf::sessions
