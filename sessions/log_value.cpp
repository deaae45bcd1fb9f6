#include "sessions/log_value.h"

#include <algorithm>

#include "events/json_writer.h"

namespace wharf::sessions {

std::string log_value(std::string_view value) {
  const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
  });
  if (plain) return std::string(value);
  return events::JsonWriter(value.size() + 2).text(value).take();
}

}  // namespace wharf::sessions
