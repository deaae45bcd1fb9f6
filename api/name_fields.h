#pragma once
// What somebody or something may be called: fields of bodies that WhatsApp shows as names.

#include <string>
#include <string_view>

#include "api/router.h"

namespace wharf::api {

/// A name that goes to WhatsApp as it is: one line of at least one visible character. False: refused by its field.
bool acceptable_name(const CallPtr& call, const std::string& field, const std::string& name);
/// The `name` of a group or a channel; false: refused by its field. WhatsApp takes blanks, and nobody finds such a one
/// in a list.
bool shows_something(const CallPtr& call, std::string_view name);

}  // namespace wharf::api
