#pragma once
// The privacy settings in the words of the API: `lastSeen`, `contactBlacklist`. What each may be set to stands in its
// schema (api/schemas_people.cpp), as protocol::allowed() has it.

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/account/privacy_names.h"

namespace wharf::api {

std::string_view word(protocol::PrivacyCategory category);
std::string_view word(protocol::PrivacyValue value);
std::optional<protocol::PrivacyValue> privacy_value_of(std::string_view word);
std::optional<protocol::PrivacyCategory> privacy_category_of(std::string_view word);

/// What a validated body sets, each category once.
std::vector<protocol::PrivacySetting> privacy_of(const boost::json::object& body);
/// {"lastSeen":…}: of each category the last that was said; others are left out.
std::string privacy_json(const std::vector<protocol::PrivacySetting>& settings);

}  // namespace wharf::api
