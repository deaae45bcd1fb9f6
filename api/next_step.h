#pragma once
// What the operator of a session can do about a reason, in words: with the routes and fields of this API.

#include <string>
#include <string_view>

#include "events/session_state.h"

namespace wharf::api {

std::string next_step_text(events::NextStep step, std::string_view session_name);

}  // namespace wharf::api
