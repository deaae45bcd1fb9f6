#include "tests/support/node_json.h"

#include <algorithm>
#include <stdexcept>

#include "tests/support/vectors.h"

namespace wharf::test {

using protocol::Jid;
using protocol::Node;

namespace {

void set_attr(Node& node, std::string_view key, std::string_view text) {
  if (text.starts_with("@")) {
    node.set(key, Jid({}, text.substr(1)));
    return;
  }
  const auto jid = Jid::parse(text);
  if (jid && text.find('@') != std::string_view::npos) node.set(key, *jid);
  else node.set(key, text);
}

void set_content(Node& node, const boost::json::value& content) {
  if (content.is_array()) {
    for (const auto& child : content.get_array()) node.add(node_from_json(child));
    return;
  }
  if (content.is_string()) {
    node.text(content.get_string());
    return;
  }
  const auto& object = content.as_object();
  if (object.contains("base64")) {
    const auto bytes = protocol::from_base64(text(object, "base64"));
    if (!bytes) throw std::runtime_error("vector holds no base64");
    node.bytes(*bytes);
  } else if (object.contains("hex")) {
    node.bytes(hex(object.at("hex")));
  } else if (object.contains("bytes_hex")) {
    node.bytes(hex(object.at("bytes_hex")));
  } else if (object.contains("text")) {
    node.text(text(object, "text"));
  } else {
    const std::string_view placeholder = text(object, "bytes");
    if (placeholder.starts_with("hex:")) node.bytes(hex(placeholder.substr(4)));
    else node.text(placeholder);
  }
}

void print(std::string& out, const Node& node, std::size_t depth) {
  out.append(depth * 2, ' ').append(node.tag);
  std::vector<std::string> attrs;
  for (const auto& attr : node.attrs) {
    const bool jid = std::holds_alternative<Jid>(attr.value);
    attrs.push_back(attr.key + (jid ? "=jid:" : "=") + node.attr(attr.key));
  }
  std::sort(attrs.begin(), attrs.end());
  for (const std::string& attr : attrs) out.append(" ").append(attr);
  if (const auto* bytes = std::get_if<protocol::Bytes>(&node.content)) out.append(" #" + protocol::to_hex(*bytes));
  out.append("\n");
  std::vector<std::string> children;
  for (const Node& child : node.children()) print(children.emplace_back(), child, depth + 1);
  std::sort(children.begin(), children.end());
  for (const std::string& child : children) out.append(child);
}

}  // namespace

Node node_from_json(const boost::json::value& value) {
  const auto& object = value.as_object();
  Node node(text(object, "tag"));
  if (const auto* attrs = object.if_contains("attrs")) {
    for (const auto& attr : attrs->as_object()) set_attr(node, attr.key(), attr.value().as_string());
  }
  if (const auto* content = object.if_contains("content"); content && !content->is_null()) set_content(node, *content);
  return node;
}

std::string canonical(const Node& node) {
  std::string out;
  print(out, node, 0);
  return out;
}

Node node_from_hex(const boost::json::value& value) {
  auto node = protocol::decode_node(hex(value));
  if (!node) throw std::runtime_error("vector node does not decode: " + node.error().detail);
  return std::move(*node);
}

Node without_child(const Node& node, std::string_view tag) {
  Node copy = node;
  if (auto* children = std::get_if<std::vector<Node>>(&copy.content)) {
    std::erase_if(*children, [&](const Node& child) { return child.is(tag); });
  }
  return copy;
}

}  // namespace wharf::test
