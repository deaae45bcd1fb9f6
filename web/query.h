#pragma once
// The query of a request.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wharf::web {

/// Decoded pairs, the last of a name wins.
class Query {
 public:
  Query() = default;
  /// `text` without the question mark. nullopt for broken percent-encoding or more than 64 pairs.
  static std::optional<Query> parse(std::string_view text);
  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// It was there more than once; the last one is its value.
  bool repeats(std::string_view name) const;
  std::string_view text(std::string_view name, std::string_view fallback = {}) const;
  std::int64_t integer(std::string_view name, std::int64_t fallback) const;  // validated before
  bool boolean(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& pairs() const { return pairs_; }
  void set(std::string_view name, std::string value);

 private:
  const std::string* find(std::string_view name) const;
  std::vector<std::pair<std::string, std::string>> pairs_;
  std::vector<std::string> repeated_;
};

/// The whole text as a decimal number.
std::optional<std::int64_t> parse_integer(std::string_view text);

}  // namespace wharf::web
