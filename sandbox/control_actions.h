#pragma once
// The route table of the control API as a scenario sees it: what its steps may do. Whoever adds a route adds an action.

#include <boost/json/object.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "web/schema.h"

namespace wharf::sandbox {

/// Says what is wrong with a body that has no schema.
using ControlCheck = void (*)(const boost::json::object& body, std::vector<web::FieldProblem>& problems);

struct ControlAction {
  std::string_view method;
  std::string_view pattern;           // below /sandbox/v1
  bool takes_body = false;            // false: what it is told is its query
  const web::Schema* body = nullptr;  // nullptr: the handler looks at it
  const web::Schema* query = nullptr;
  ControlCheck check = nullptr;
};

/// In the order of the table; without the routes that no step can be (control_api.cpp: Steps::no).
std::span<const ControlAction> control_actions();

}  // namespace wharf::sandbox
