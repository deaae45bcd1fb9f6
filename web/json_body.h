#pragma once
// The body of a request as a JSON object.

#include <boost/json/object.hpp>
#include <boost/system/result.hpp>
#include <cstddef>
#include <string_view>

#include "web/envelope.h"

namespace wharf::web {

/// A body is parsed on the loop, in one piece: 5 million empty arrays of 16 MiB held it for a second. No field of a
/// JSON body needs as much.
constexpr std::size_t max_json_bytes = 512u << 10;

/// Why a body is not read.
struct BodyProblem {
  enum class Kind {
    malformed,   // 400
    too_large,   // over max_json_bytes: 413
    media_type,  // no JSON by its Content-Type: 415
  };
  Kind kind = Kind::malformed;
  Explanation explanation;
};
enum class NullBody { refused, empty };

/// An empty body is {}: the fields say what is missing. Nesting is bounded by the parser (32).
boost::system::result<boost::json::object, BodyProblem> read_json_object(std::string_view content_type,
                                                                         std::string_view body,
                                                                         NullBody null = NullBody::refused);

}  // namespace wharf::web
