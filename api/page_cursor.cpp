#include "api/page_cursor.h"

#include <algorithm>
#include <charconv>

#include "api/json_writer.h"

namespace wharf::api {

namespace {

constexpr std::size_t default_page = 50, max_gateway_page = 200;

}  // namespace

std::size_t page_limit(const CallPtr& call) {
  const auto asked = static_cast<std::size_t>(call->query.integer("limit", 0));
  const std::size_t limit = asked == 0 ? default_page : asked;
  return call->dialect == Dialect::gateway ? std::min(limit, max_gateway_page) : limit;
}

std::string row_cursor(char list, std::int64_t row) { return list + std::to_string(row); }

std::optional<std::int64_t> parse_row_cursor(char list, std::string_view cursor, std::int64_t least) {
  std::int64_t row = 0;
  if (!cursor.starts_with(list)) return std::nullopt;
  const auto [end, failed] = std::from_chars(cursor.data() + 1, cursor.data() + cursor.size(), row);
  if (failed != std::errc() || row < least || row_cursor(list, row) != cursor) return std::nullopt;
  return row;
}

Failure bad_cursor() { return failure_of({FieldProblem{"cursor", "must be the nextCursor of an earlier answer"}}); }

std::string cursor_json(const std::string& cursor) {
  JsonWriter out;
  return out.text(cursor).take();
}

}  // namespace wharf::api
