#include "web/query.h"

#include <algorithm>
#include <charconv>

#include "net/percent_encoding.h"

namespace wharf::web {
namespace {

constexpr std::size_t max_query_pairs = 64;

}  // namespace

std::optional<Query> Query::parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (pair.empty()) continue;
    if (query.pairs_.size() == max_query_pairs) return std::nullopt;
    const std::size_t equals = pair.find('=');
    auto name = net::percent_decode(pair.substr(0, equals), net::Plus::space);
    auto value = net::percent_decode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1),
                                     net::Plus::space);
    if (!name || !value) return std::nullopt;
    if (query.has(*name) && !query.repeats(*name)) query.repeated_.push_back(*name);
    query.set(*name, std::move(*value));
  }
  return query;
}

const std::string* Query::find(std::string_view name) const {
  for (const auto& [key, value] : pairs_)
    if (key == name) return &value;
  return nullptr;
}

bool Query::repeats(std::string_view name) const {
  return std::find(repeated_.begin(), repeated_.end(), name) != repeated_.end();
}

void Query::set(std::string_view name, std::string value) {
  for (auto& [key, old] : pairs_) {
    if (key != name) continue;
    old = std::move(value);
    return;
  }
  pairs_.emplace_back(name, std::move(value));
}

std::string_view Query::text(std::string_view name, std::string_view fallback) const {
  const std::string* value = find(name);
  return value ? std::string_view(*value) : fallback;
}

std::int64_t Query::integer(std::string_view name, std::int64_t fallback) const {
  const std::string* value = find(name);
  return value ? parse_integer(*value).value_or(fallback) : fallback;
}

bool Query::boolean(std::string_view name) const {
  const std::string_view value = text(name);
  return value == "true" || value == "1";
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace wharf::web
