#pragma once
// Values of log lines ("event key=value"). Ids and reasons come from peers: a value with a space would read as the next
// field, one with a newline as the next line.

#include <string>
#include <string_view>

namespace wharf::sessions {

/// `value` as it may stand behind "key=": bare when it is one plain word, else in quotes with escapes; valid UTF-8.
std::string log_value(std::string_view value);

}  // namespace wharf::sessions
