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
/// RFC 3339, section 5.6, with its offset; fractions beyond milliseconds are cut. nullopt: none, or not from 1970 to
/// 9999.
std::optional<storage::UnixMs> parse_iso(std::string_view text);

/// A whole number of units of `unit_ms`, "2026-11-29" (its first instant) or as parse_iso().
std::optional<storage::UnixMs> parse_time(std::string_view text, std::int64_t unit_ms);

}  // namespace wharf::api
