#pragma once
// The body of a request as a JSON object.

#include <boost/json/object.hpp>
#include <boost/system/result.hpp>
#include <string_view>

#include "web/envelope.h"

namespace wharf::web {

/// Why a body is not read. `media_type`: it is no JSON by its Content-Type (415); else it is malformed (400).
struct BodyProblem {
  bool media_type = false;
  Explanation explanation;
};
enum class NullBody { refused, empty };

/// An empty body is {}: the fields say what is missing. Nesting is bounded by the parser (32).
boost::system::result<boost::json::object, BodyProblem> read_json_object(std::string_view content_type,
                                                                         std::string_view body,
                                                                         NullBody null = NullBody::refused);

}  // namespace wharf::web
