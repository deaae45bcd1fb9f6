#include "web/route_table.h"

#include <span>
#include <stdexcept>

#include "net/percent_encoding.h"

namespace wharf::web {
namespace {

constexpr std::size_t max_segments = 16;

// nullopt: more than max_segments, which no route has.
std::optional<std::vector<std::string_view>> split_path(std::string_view path) {
  std::vector<std::string_view> segments;
  segments.reserve(8);
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (!path.empty()) path.remove_prefix(1);
  while (!path.empty()) {
    if (segments.size() == max_segments) return std::nullopt;
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  }
  return segments;
}

}  // namespace

struct RouteTable::Node {
  struct Entry {
    std::string_view method;
    std::size_t route;
    std::vector<std::string_view> names;  // of the parameters, in order
  };
  std::vector<std::pair<std::string_view, std::unique_ptr<Node>>> literals;
  std::unique_ptr<Node> parameter;
  std::vector<Entry> entries;

  Node& child(std::string_view segment) {
    if (segment.front() == '{') {
      if (!parameter) parameter = std::make_unique<Node>();
      return *parameter;
    }
    for (auto& [text, node] : literals)
      if (text == segment) return *node;
    literals.emplace_back(segment, std::make_unique<Node>());
    return *literals.back().second;
  }

  // A literal wins over a parameter; the way back is tried when the literal leads nowhere.
  const Node* find(std::span<const std::string_view> rest, std::vector<std::string_view>& values) const {
    if (rest.empty()) return entries.empty() ? nullptr : this;
    for (const auto& [text, node] : literals) {
      if (text != rest.front()) continue;
      if (const Node* found = node->find(rest.subspan(1), values)) return found;
    }
    if (!parameter || rest.front().empty()) return nullptr;
    values.push_back(rest.front());
    if (const Node* found = parameter->find(rest.subspan(1), values)) return found;
    values.pop_back();
    return nullptr;
  }
};

RouteTable::RouteTable() : root_(std::make_unique<Node>()) {}
RouteTable::RouteTable(RouteTable&&) noexcept = default;
RouteTable::~RouteTable() = default;

void RouteTable::add(std::string_view method, std::string_view pattern, std::size_t route) {
  Node* node = root_.get();
  Node::Entry entry{method, route, {}};
  const auto segments = split_path(pattern);
  if (!segments) throw std::logic_error("a route has too many segments");
  for (const std::string_view segment : *segments) {
    node = &node->child(segment);
    if (segment.front() == '{') entry.names.push_back(segment.substr(1, segment.size() - 2));
  }
  node->entries.push_back(std::move(entry));
}

RouteTable::Match RouteTable::match(std::string_view method, std::string_view path) const {
  Match out;
  const auto segments = split_path(path);
  std::vector<std::string_view> values;
  const Node* node = segments ? root_->find(*segments, values) : nullptr;
  if (!node) return out;
  out.path_known = true;
  // The HTTP server leaves the body of an answer to HEAD away.
  if (method == "HEAD") method = "GET";
  const Node::Entry* entry = nullptr;
  for (const Node::Entry& candidate : node->entries) {
    if (candidate.method == method) entry = &candidate;
    out.allow += (out.allow.empty() ? "" : ", ") + std::string(candidate.method);
  }
  if (!entry) return out;
  out.route = entry->route;
  for (std::size_t i = 0; i < entry->names.size(); ++i) {
    auto value = net::percent_decode(values[i], net::Plus::literal);
    out.decodable = out.decodable && value.has_value();
    out.params.emplace_back(entry->names[i], value.value_or(std::string()));
  }
  return out;
}

}  // namespace wharf::web
