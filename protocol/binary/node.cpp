#include "protocol/binary/node.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "protocol/text.h"

namespace wharf::protocol {

namespace {

// Jid::parse() demands as much of text. A JID of the binary form can hold any bytes, which could not be shown or named
// again.
bool printable(std::string_view text, std::size_t max_bytes) {
  return text.size() <= max_bytes && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// From the back: of duplicate keys the last wins (01 section 12).
const AttrValue* find(const std::vector<Attr>& attrs, std::string_view key) {
  for (auto it = attrs.rbegin(); it != attrs.rend(); ++it)
    if (it->key == key) return &it->value;
  return nullptr;
}

void put(std::vector<Attr>& attrs, std::string_view key, AttrValue value) {
  if (const AttrValue* present = find(attrs, key)) {
    const_cast<AttrValue&>(*present) = std::move(value);
  } else {
    attrs.push_back({std::string(key), std::move(value)});
  }
}

}  // namespace

Node& Node::set(std::string_view key, std::string_view value) {
  put(attrs, key, std::string(value));
  return *this;
}

Node& Node::set(std::string_view key, const Jid& value) {
  put(attrs, key, value);
  return *this;
}

Node& Node::set(std::string_view key, std::uint64_t value) {
  put(attrs, key, std::to_string(value));
  return *this;
}

Node& Node::add(Node child) {
  auto* list = std::get_if<std::vector<Node>>(&content);
  if (list == nullptr) list = &content.emplace<std::vector<Node>>();
  list->push_back(std::move(child));
  return *this;
}

Node& Node::bytes(ByteView value) {
  content.emplace<Bytes>(value.begin(), value.end());
  return *this;
}

std::string Node::attr(std::string_view key) const {
  const AttrValue* value = find(attrs, key);
  if (value == nullptr) return {};
  if (const auto* jid_value = std::get_if<Jid>(value)) return jid_value->to_string();
  return std::get<std::string>(*value);
}

bool Node::has(std::string_view key) const { return find(attrs, key) != nullptr; }

std::optional<Jid> Node::jid(std::string_view key) const {
  const AttrValue* value = find(attrs, key);
  if (value == nullptr) return std::nullopt;
  if (const auto* jid_value = std::get_if<Jid>(value)) {
    if (!printable(jid_value->user, 255) || !printable(jid_value->server, 64)) return std::nullopt;
    return *jid_value;
  }
  Result<Jid> parsed = Jid::parse(std::get<std::string>(*value));
  if (!parsed) return std::nullopt;
  return std::move(*parsed);
}

std::optional<std::uint64_t> Node::number(std::string_view key) const {
  const AttrValue* value = find(attrs, key);
  const auto* digits = value == nullptr ? nullptr : std::get_if<std::string>(value);
  if (digits == nullptr || digits->empty()) return std::nullopt;
  std::uint64_t out = 0;
  const char* end = digits->data() + digits->size();
  const auto [stop, failure] = std::from_chars(digits->data(), end, out);
  if (failure != std::errc() || stop != end) return std::nullopt;
  if (out > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return out;
}

const Node* Node::child(std::string_view t) const {
  for (const Node& node : children())
    if (node.tag == t) return &node;
  return nullptr;
}

const std::vector<Node>& Node::children() const {
  static const std::vector<Node> none;
  const auto* list = std::get_if<std::vector<Node>>(&content);
  return list != nullptr ? *list : none;
}

std::vector<const Node*> Node::children(std::string_view t) const {
  std::vector<const Node*> out;
  for (const Node& node : children())
    if (node.tag == t) out.push_back(&node);
  return out;
}

ByteView Node::data() const {
  const auto* value = std::get_if<Bytes>(&content);
  return value != nullptr ? ByteView(*value) : ByteView();
}

std::optional<ByteView> Node::child_data(std::string_view t) const {
  const Node* node = child(t);
  if (node == nullptr) return std::nullopt;
  return node->data();
}

namespace {

// Stops as soon as the bound is passed, so a huge tree costs no more than what is printed.
void print(std::string& out, const Node& node, std::size_t max_length) {
  out.append("<").append(node.tag);
  for (const Attr& attr : node.attrs) {
    if (out.size() > max_length) return;
    const auto* jid = std::get_if<Jid>(&attr.value);
    out.append(" ").append(attr.key).append("=");
    if (jid != nullptr) {
      out.append(jid->to_string());
    } else {
      out.append("\"").append(std::get<std::string>(attr.value), 0, max_length).append("\"");
    }
  }
  if (const auto* bytes = std::get_if<Bytes>(&node.content)) {
    out.append(">[").append(std::to_string(bytes->size())).append(" bytes]");
  } else if (const auto* list = std::get_if<std::vector<Node>>(&node.content)) {
    out.append(">");
    for (const Node& child : *list) {
      if (out.size() > max_length) return;
      print(out, child, max_length);
    }
  } else {
    out.append("/>");
    return;
  }
  out.append("</>");
}

}  // namespace

std::size_t weight(const Node& node) {
  std::size_t bytes = sizeof(Node) + node.tag.size() + node.data().size();
  for (const Attr& attr : node.attrs) {
    const auto* text = std::get_if<std::string>(&attr.value);
    bytes += sizeof(Attr) + attr.key.size() + (text ? text->size() : 0);
  }
  for (const Node& child : node.children()) bytes += weight(child);
  return bytes;
}

std::string summary(const Node& node, std::size_t max_length) {
  std::string out;
  print(out, node, max_length);
  if (out.size() > max_length) {
    out.resize(max_length);
    out.append("...");
  }
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';  // one log line stays one line
  return displayable(out);
}

}  // namespace wharf::protocol
