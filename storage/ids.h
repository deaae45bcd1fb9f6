#pragma once
// Strong identities of rows.

#include <compare>
#include <cstdint>
#include <functional>

#include "events/unix_ms.h"

namespace wharf::storage {

/// Row id of a session; names are the API's business.
struct SessionId {
  std::int64_t value = 0;
  friend auto operator<=>(const SessionId&, const SessionId&) = default;
};
/// Growing number of an event in the log, the same on WebSocket, webhook and long-poll.
using EventId = std::int64_t;
using events::UnixMs;

}  // namespace wharf::storage

template <>
struct std::hash<wharf::storage::SessionId> {
  std::size_t operator()(wharf::storage::SessionId id) const noexcept { return std::hash<std::int64_t>{}(id.value); }
};
