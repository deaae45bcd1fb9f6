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
/// Row id of an organisation.
struct OrgId {
  std::int64_t value = 0;
  friend auto operator<=>(const OrgId&, const OrgId&) = default;
};
/// The one that every file begins with: everything is its until access tells callers apart.
inline constexpr OrgId default_org{1};
/// Growing number of an event in the log, the same on WebSocket, webhook and long-poll.
using EventId = std::int64_t;
using events::UnixMs;

}  // namespace wharf::storage

template <>
struct std::hash<wharf::storage::SessionId> {
  std::size_t operator()(wharf::storage::SessionId id) const noexcept { return std::hash<std::int64_t>{}(id.value); }
};
