#pragma once
// How long the texts of a group may be. Lengths count characters. Specification 05 section 2.1.

#include <string_view>

#include "sandbox/network_settings.h"

namespace wharf::sandbox {

bool acceptable_subject(std::string_view subject, const NetworkSettings& settings);
bool acceptable_description(std::string_view text, const NetworkSettings& settings);

}  // namespace wharf::sandbox
