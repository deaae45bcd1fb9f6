#pragma once
// ISO 8601 UTC times as the API shows them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/ids.h"

namespace wharf::api {

std::string iso_seconds(storage::UnixMs at);  // 2025-07-20T16:03:18Z
std::string iso_millis(storage::UnixMs at);   // 2025-07-20T16:03:18.123Z

/// A whole number of units of `unit_ms`, "2026-11-29" (its first instant) or "2026-11-29T21:00:00[.123]Z".
std::optional<storage::UnixMs> parse_time(std::string_view text, std::int64_t unit_ms);

}  // namespace wharf::api
