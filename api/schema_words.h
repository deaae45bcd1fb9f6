#pragma once
// Words that the schemas of several subjects share.

#include <string_view>

namespace wharf::api::schemas {

/// Seconds of a disappearing timer: protocol::is_disappearing_timer (tests/api/openapi_test.cpp).
inline constexpr std::string_view timers = "0|86400|604800|7776000";

}  // namespace wharf::api::schemas
