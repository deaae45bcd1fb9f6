#include "tests/support/vectors.h"

#include <boost/json/parse.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>

namespace wharf::test {

const boost::json::value& vectors(std::string_view name) {
  static std::map<std::string, boost::json::value, std::less<>> loaded;
  if (auto known = loaded.find(name); known != loaded.end()) return known->second;
  std::string path = WHARF_VECTORS;
  path.append("/").append(name).append(".json");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("no vector file " + path);
  const std::string body{std::istreambuf_iterator<char>(file), {}};
  boost::json::parse_options options;
  options.max_depth = 256;
  return loaded.emplace(std::string(name), boost::json::parse(body, {}, options)).first->second;
}

protocol::Bytes hex(std::string_view text) {
  auto bytes = protocol::from_hex(text);
  if (!bytes) throw std::runtime_error("not hex: " + std::string(text.substr(0, 40)));
  return std::move(*bytes);
}

protocol::Bytes hex(const boost::json::value& value) { return hex(std::string_view(value.as_string())); }

std::string_view text(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view{};
}

}  // namespace wharf::test
