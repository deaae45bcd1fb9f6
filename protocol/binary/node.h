#pragma once
// The stanza tree: XML-like nodes as the binary codec carries them. Specification 01 section 5.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/binary/jid.h"
#include "protocol/bytes.h"

namespace wharf::protocol {

/// Text or JID. Which one is decided by type, never by scanning text for '@'.
using AttrValue = std::variant<std::string, Jid>;

struct Attr {
  std::string key;
  AttrValue value;
  friend bool operator==(const Attr&, const Attr&) = default;
};

struct Node {
  /// none; bytes; children. Text content is delivered as its UTF-8 bytes.
  using Content = std::variant<std::monostate, Bytes, std::vector<Node>>;

  std::string tag;
  std::vector<Attr> attrs;  // wire order
  Content content;

  Node() = default;
  explicit Node(std::string_view t) : tag(t) {}

  // --- building: each returns *this so a stanza reads top-down
  Node& set(std::string_view key, std::string_view value);
  Node& set(std::string_view key, const char* value) { return set(key, std::string_view(value)); }
  Node& set(std::string_view key, const Jid& value);
  Node& set(std::string_view key, std::uint64_t value);  // decimal
  Node& add(Node child);                                 // content becomes a child list
  Node& bytes(ByteView value);
  Node& text(std::string_view value) { return bytes(as_bytes(value)); }

  // --- reading: never throws, whatever the peer sent
  bool is(std::string_view t) const { return tag == t; }
  /// The attribute as text (a JID prints canonically); "" when absent.
  std::string attr(std::string_view key) const;
  bool has(std::string_view key) const;
  /// The attribute as a JID, from a JID value or from text that parses; nullopt otherwise.
  std::optional<Jid> jid(std::string_view key) const;
  /// Unsigned decimal; nullopt when absent, malformed or over 2^63.
  std::optional<std::uint64_t> number(std::string_view key) const;
  const Node* child(std::string_view t) const;
  const std::vector<Node>& children() const;  // empty when the content is no list
  std::vector<const Node*> children(std::string_view t) const;
  ByteView data() const;  // empty when the content is no bytes
  std::string_view text() const { return as_text(data()); }
  /// The content of child `t`, nullopt when the child is absent.
  std::optional<ByteView> child_data(std::string_view t) const;

  friend bool operator==(const Node&, const Node&) = default;
};

/// What it occupies: tags, attributes and content of the whole tree, in bytes, near enough to bound memory with.
std::size_t weight(const Node& node);

/// A short printable form for debug logs: tag and attributes, content only as sizes, bounded length.
std::string summary(const Node& node, std::size_t max_length = 300);

/// Limits on what a peer may send (01 section 12, 06 section 25).
struct NodeLimits {
  std::size_t max_depth = 128;
  std::size_t max_inflated_bytes = 16u << 20;
  std::size_t max_nodes = 1'000'000;  // nodes and attributes together
};

/// `flag || body`, flag 0x00, minimal forms as 01 sections 5.4 and 5.5 name them.
Bytes encode_node(const Node& node);
/// The same compressed: flag 0x02 and a zlib stream.
Bytes encode_node_compressed(const Node& node);

/// Decodes one decrypted frame. Errors: truncated, malformed, too_large.
Result<Node> decode_node(ByteView payload, const NodeLimits& limits = {});
/// The same of a payload that encode_node() made, without what lies below the children of the root: a child whose
/// content is a list reads as one without content. Of a message with thousands of copies that is all that anybody asks.
/// Errors: as decode_node, and malformed of a compressed one; what is passed over is not checked.
Result<Node> decode_outline(ByteView payload);

}  // namespace wharf::protocol
