#pragma once
// The time of events and rows.

#include <cstdint>

namespace wharf::events {

/// Milliseconds since 1970, UTC.
using UnixMs = std::int64_t;

}  // namespace wharf::events
