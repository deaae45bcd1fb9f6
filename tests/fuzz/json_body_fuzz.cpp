// Body parsing and validation of every route with a body, and the query validation of every route, with arbitrary
// bytes. The first byte chooses the route; the second, strict or not. What validation accepted must then be readable:
// the accessors that handlers use on it are called, and what it refused must be renderable.

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "api/chat_id.h"
#include "api/router.h"
#include "api/session_json.h"

using namespace wharf::api;

namespace {

std::vector<const Route*> routes_with_input() {
  std::vector<const Route*> out;
  for (const Route& route : routes())
    if (route.body || route.query) out.push_back(&route);
  return out;
}

void check(bool invariant) {
  if (!invariant) std::abort();
}

void read_accepted(const boost::json::object& body, const Schema& schema) {
  for (const Field& field : schema.fields) {
    const std::string_view text = text_of(body, field.name);
    if (field.format == &formats::chat_id && field.type == Type::text && field.required)
      check(parse_chat_id(text).has_value());
    if (field.format == &formats::session_name && field.required) check(is_session_name(text));
    for (const std::string& item : texts_of(body, field.name))
      if (field.format == &formats::chat_id) check(parse_chat_id(item).has_value());
    if (field.name == "config")
      if (const auto* config = body.if_contains("config"); config && config->is_object())
        session_config_from_json(config->get_object());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<const Route*> targets = routes_with_input();
  if (size < 2) return 0;
  const Route& route = *targets[data[0] % targets.size()];
  const Unknown unknown = data[1] % 2 == 0 ? Unknown::ignored : Unknown::refused;
  const std::string_view input(reinterpret_cast<const char*>(data + 2), size - 2);

  if (route.body) {
    std::optional<Failure> failure;
    const auto body = read_body(route, "application/json", input, unknown, failure);
    check(body.has_value() != failure.has_value());
    if (body) read_accepted(*body, *route.body);
    else check(render_failure(*failure, Dialect::gateway).status >= 400);
  }
  if (route.query) {
    if (auto query = Query::parse(input)) {
      std::vector<FieldProblem> problems;
      validate(*query, *route.query, unknown, problems);
      if (!problems.empty()) check(!render_failure(failure_of(problems), Dialect::openwa).body.empty());
    }
  }
  return 0;
}
