#pragma once
// What a business says of itself, and its products, as callers see them (api/schemas_people.cpp).

#include <string>
#include <string_view>
#include <vector>

#include "api/json_writer.h"
#include "protocol/business/catalog.h"
#include "protocol/business/profile.h"

namespace wharf::api {

/// `id`: of the business, as the dialect spells it.
std::string business_json(std::string_view id, const protocol::BusinessProfile& profile);
std::string products_json(const std::vector<protocol::Product>& products);

}  // namespace wharf::api
