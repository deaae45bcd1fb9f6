#include "web/json_body.h"

#include <fmt/format.h>
#include <boost/json/parser.hpp>

#include <algorithm>

#include "net/web_guard.h"

namespace wharf::web {
namespace {

// "at line 2, column 14": columns count bytes, from 1.
std::string position_text(std::string_view body, std::size_t offset) {
  const std::string_view before = body.substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return fmt::format("at line {}, column {}", lines + 1, offset - line_start + 1);
}

BodyProblem malformed(std::string message, std::string detail) {
  return {BodyProblem::Kind::malformed, {std::move(message), {{"body", std::move(detail)}}}};
}

}  // namespace

boost::system::result<boost::json::object, BodyProblem> read_json_object(std::string_view content_type,
                                                                         std::string_view body, NullBody null) {
  if (body.empty()) return boost::json::object();
  // Required, not guessed: a page of another site can send a body without a type unasked, JSON it cannot.
  if (!net::is_json_type(content_type)) {
    return BodyProblem{BodyProblem::Kind::media_type,
                       {content_type.empty() ? std::string("a body needs Content-Type: application/json")
                                             : fmt::format("Content-Type {} is not supported; send application/json",
                                                           echo(content_type)),
                        {}}};
  }
  if (body.size() > max_json_bytes) {
    return BodyProblem{BodyProblem::Kind::too_large,
                       {fmt::format("a JSON body has at most {} bytes", max_json_bytes),
                        {{"body", fmt::format("must be at most {} bytes", max_json_bytes)}}}};
  }
  boost::system::error_code failed;
  boost::json::parser parser;
  const std::size_t read = parser.write_some(body.data(), body.size(), failed);
  if (!failed && read < body.size()) failed = boost::json::error::extra_data;
  boost::json::value value;
  if (!failed) value = parser.release();
  if (failed) {
    const std::string where = failed.message() + " " + position_text(body, read);
    return malformed("the body is not valid JSON: " + where, "must be valid JSON: " + where);
  }
  if (value.is_null() && null == NullBody::empty) return boost::json::object();
  if (!value.is_object()) return malformed("the body is not a JSON object", "must be a JSON object");
  return std::move(value.get_object());
}

}  // namespace wharf::web
