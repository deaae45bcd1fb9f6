#include "web/byte_range.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "web/header_parameters.h"

namespace wharf::web {
namespace {

/// The whole text as a decimal number without a sign.
std::optional<std::uint64_t> read_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Whether a list of entity tags names `etag`, weak ones too: RFC 9110 section 13.1.2. A quoted tag may hold commas.
bool names(std::string_view list, std::string_view etag) {
  list = trimmed(list);
  if (list == "*") return true;
  while (!list.empty()) {
    if (list.starts_with("W/")) list.remove_prefix(2);
    const std::size_t end = list.starts_with('"') ? list.find('"', 1) : std::string_view::npos;
    if (end == std::string_view::npos) return false;
    if (list.substr(0, end + 1) == etag) return true;
    list = trimmed(list.substr(end + 1));
    if (!list.empty() && list.front() != ',') return false;
    while (list.starts_with(',')) list = trimmed(list.substr(1));
  }
  return false;
}

}  // namespace

RangeAnswer answer_range(std::string_view range, std::uint64_t size) {
  const RangeAnswer whole{200, 0, size - 1}, none{416, 0, 0};
  constexpr std::string_view unit = "bytes=";
  if (lower_case(range.substr(0, unit.size())) != unit) return whole;
  range.remove_prefix(unit.size());
  const auto dash = range.find('-');
  if (dash == std::string_view::npos) return whole;
  const std::string_view from = range.substr(0, dash), to = range.substr(dash + 1);
  const auto last = read_number(to);
  if (!to.empty() && !last) return whole;
  if (from.empty()) {  // so many at the end
    if (!last) return whole;
    if (*last == 0) return none;
    return {206, size - std::min(size, *last), size - 1};
  }
  const auto first = read_number(from);
  if (!first || (last && *last < *first)) return whole;
  if (*first >= size) return none;
  return {206, *first, last ? std::min(*last, size - 1) : size - 1};
}

RangeAnswer answer_file(const net::HttpRequest& request, std::string_view etag, std::uint64_t size) {
  if (names(request.header("if-none-match"), etag)) return {304, 0, 0};
  const bool other = request.has_header("if-range") && trimmed(request.header("if-range")) != etag;
  return answer_range(other ? std::string_view() : request.header("range"), size);
}

void add_range_headers(net::HttpResponse& response, const RangeAnswer& answer, std::string_view etag,
                       std::uint64_t size) {
  response.headers.emplace_back("ETag", std::string(etag));
  response.headers.emplace_back("Accept-Ranges", "bytes");
  if (answer.status == 206)
    response.headers.emplace_back("Content-Range", fmt::format("bytes {}-{}/{}", answer.first, answer.last, size));
  if (answer.status == 416) response.headers.emplace_back("Content-Range", fmt::format("bytes */{}", size));
}

}  // namespace wharf::web
