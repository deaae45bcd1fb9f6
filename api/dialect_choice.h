#pragma once
// The dialects of the API (docs/api.md "Dialects"), and which one a caller asks for.

#include <cstdint>
#include <string_view>

namespace wharf::api {

enum class Dialect { openwa, gateway };

/// Chosen by `Accept: application/json; profile=gateway` (RFC 6906), else the default of the configuration.
Dialect dialect_of(std::string_view accept_header, Dialect fallback);

/// A time as the dialect tells it: milliseconds in gateway, seconds in openwa.
constexpr std::int64_t in_units(std::int64_t unix_ms, Dialect dialect) {
  return dialect == Dialect::gateway ? unix_ms : unix_ms / 1000;
}

}  // namespace wharf::api
