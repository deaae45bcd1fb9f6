#pragma once
// Pages of lists: how many rows, and behind which the next one begins.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/router.h"

namespace wharf::api {

/// How many rows the caller wants at most.
std::size_t page_limit(const CallPtr& call);

/// The place behind a row, which no other list takes: `list` is its letter. Opaque to callers.
std::string row_cursor(char list, std::int64_t row);
/// nullopt: no such cursor of this list, or of a row below `least`.
std::optional<std::int64_t> parse_row_cursor(char list, std::string_view cursor, std::int64_t least = 1);
Failure bad_cursor();
/// As the JSON value of nextCursor.
std::string cursor_json(const std::string& cursor);

}  // namespace wharf::api
