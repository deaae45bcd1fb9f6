#pragma once
// The one shape of every answer (docs/api.md "Envelope"), of the API and of the sandbox's control API.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http_server.h"
#include "web/schema.h"

namespace wharf::web {

/// What is wrong with a request: for readers, and by field.
struct Explanation {
  std::string message;
  std::vector<std::pair<std::string, std::string>> details;  // field -> what is wrong and what is allowed
};
/// The message names the first of `problems` (never empty); at most 50 fields are details, each once, with all that is
/// wrong with it.
Explanation explain(const std::vector<FieldProblem>& problems);

/// {"success":false,"error":{"code","message","details"}}
net::HttpResponse render_error(unsigned status, std::string_view code, const Explanation& explanation);

/// Members beside `data`.
struct Beside {
  unsigned status = 200;
  std::string message;
  std::optional<std::string> next_cursor;  // a JSON value: "\"m12\"", "null", "17"
  std::optional<bool> complete = {};       // of a search: it covered everything
};
/// {"success":true,"message":…,"data":…,"nextCursor":…}; `data` is one JSON value, "" for none.
net::HttpResponse render_success(std::string_view data, const Beside& beside);

/// Text of a caller that is echoed in a message: valid UTF-8, at most 80 bytes or so.
std::string echo(std::string_view text);

}  // namespace wharf::web
