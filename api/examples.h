#pragma once
// Requests as the OpenAPI document shows them. Each is valid by its schema (tests/api/openapi_test.cpp), and is
// accepted by a gateway when its chat, its addresses and its messages are there (tests/e2e).

#include <span>
#include <string_view>

#include "api/validation.h"

namespace wharf::api {

struct Example {
  const Schema* schema;   // of the body
  std::string_view name;  // of POST …/messages: the type of the message, then a blank and more
  std::string_view json;
};
std::span<const Example> examples();

}  // namespace wharf::api
