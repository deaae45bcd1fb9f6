#pragma once
// The dialects of the API (docs/api.md "Dialects"), and which one a caller asks for.

#include <string_view>

namespace wharf::api {

enum class Dialect { openwa, gateway };

/// Chosen by `Accept: application/json; profile=gateway` (RFC 6906), else the default of the configuration.
Dialect dialect_of(std::string_view accept_header, Dialect fallback);

}  // namespace wharf::api
