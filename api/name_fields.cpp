#include "api/name_fields.h"

#include <algorithm>

#include "api/sending.h"
#include "protocol/appstate/actions.h"
#include "protocol/text.h"

namespace wharf::api {

bool acceptable_name(const CallPtr& call, const std::string& field, const std::string& name) {
  const bool visible = name.find_first_not_of(' ') != std::string::npos;
  if (visible && protocol::display_line(name, protocol::max_action_name_bytes) == name) return true;
  refuse_field(call, field, "must be one line that is not blank");
  return false;
}

bool shows_something(const CallPtr& call, std::string_view name) {
  const bool visible = protocol::display_line(name, name.size()).find_first_not_of(' ') != std::string::npos;
  const bool one_line =
      std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (visible && one_line) return true;
  refuse_field(call, "name", "must be one line that is not blank");
  return false;
}

}  // namespace wharf::api
