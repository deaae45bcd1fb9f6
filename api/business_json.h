#pragma once
// What a business says of itself, and its products, as callers see them (api/schemas_people.cpp).

#include <string>
#include <string_view>
#include <vector>

#include "api/contact_json.h"
#include "protocol/business/catalog.h"
#include "protocol/business/profile.h"

namespace wharf::api {

std::string business_json(const PersonHead& who, const protocol::BusinessProfile& profile);
std::string products_json(const std::vector<protocol::Product>& products);

}  // namespace wharf::api
