#pragma once
// The `config` object of a session as stored. Validation is the API's; this reads what was accepted.

#include <string>

#include "sessions/session_view.h"

namespace wharf::sessions {

/// Unknown and missing members keep their defaults; "" and malformed text give the defaults.
SessionConfig parse_config(const std::string& json);

}  // namespace wharf::sessions
