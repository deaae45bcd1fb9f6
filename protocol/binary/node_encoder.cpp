// Writes nodes in the one form that 01 sections 5.3-5.5 and 6.3 recommend for each value.

#include <zlib.h>

#include <stdexcept>

#include "protocol/binary/node.h"
#include "protocol/binary/token.h"
#include "protocol/binary/wire_tag.h"

namespace wharf::protocol {

namespace {

int nibble_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c == '-') return 10;
  if (c == '.') return 11;
  return -1;
}

// Upper case only: unpacking yields upper case, so packing lower-case hex would change the value.
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

template <int (*value_of)(char)>
bool packable(std::string_view text) {
  if (text.empty() || text.size() > wire_tag::max_packed_characters) return false;
  for (char c : text)
    if (value_of(c) < 0) return false;
  return true;
}

std::optional<std::uint8_t> ad_domain(std::string_view server_name) {
  if (server_name == server::user) return std::uint8_t{0};
  if (server_name == server::lid) return std::uint8_t{1};
  if (server_name == server::hosted) return std::uint8_t{128};
  if (server_name == server::hosted_lid) return std::uint8_t{129};
  return std::nullopt;
}

// An upper bound of the encoded size, so that the output is allocated once.
std::size_t size_bound(const Node& node) {
  std::size_t bytes = node.tag.size() + 16;
  for (const Attr& attr : node.attrs) {
    bytes += attr.key.size() + 10;
    if (const auto* jid = std::get_if<Jid>(&attr.value)) {
      bytes += jid->user.size() + jid->server.size() + 16;
    } else {
      bytes += std::get<std::string>(attr.value).size();
    }
  }
  bytes += node.data().size();
  for (const Node& child : node.children()) bytes += size_bound(child);
  return bytes;
}

class Encoder {
 public:
  explicit Encoder(Bytes& out) : out_(out) {}

  void node(const Node& node) {
    const bool has_content = !std::holds_alternative<std::monostate>(node.content);
    list(1 + 2 * node.attrs.size() + (has_content ? 1 : 0));
    string(node.tag);
    for (const Attr& attr : node.attrs) {
      string(attr.key);
      if (const auto* value = std::get_if<Jid>(&attr.value)) {
        jid(*value);
      } else {
        string(std::get<std::string>(attr.value));
      }
    }
    if (const auto* bytes = std::get_if<Bytes>(&node.content)) {
      binary(*bytes);
    } else if (const auto* children = std::get_if<std::vector<Node>>(&node.content)) {
      list(children->size());
      for (const Node& child : *children) this->node(child);
    }
  }

 private:
  void byte(std::size_t value) { out_.push_back(static_cast<std::uint8_t>(value)); }
  void u16(std::size_t value) {
    byte(value >> 8);
    byte(value);
  }

  void list(std::size_t size) {
    if (size == 0) {
      byte(wire_tag::list_empty);
    } else if (size < 256) {
      byte(wire_tag::list_8);
      byte(size);
    } else if (size < 65536) {
      byte(wire_tag::list_16);
      u16(size);
    } else {
      throw std::length_error("node list over 65535 entries");
    }
  }

  void string(std::string_view text) {
    if (const auto token = find_token(text)) {
      if (token->dictionary != Token::single) byte(std::size_t{wire_tag::dictionary_0} + token->dictionary);
      byte(token->index);
    } else if (packable<nibble_value>(text)) {
      pack<nibble_value>(wire_tag::nibble_8, text);
    } else if (packable<hex_value>(text)) {
      pack<hex_value>(wire_tag::hex_8, text);
    } else {
      binary(as_bytes(text));
    }
  }

  template <int (*value_of)(char)>
  void pack(std::uint8_t tag, std::string_view text) {
    byte(tag);
    byte((text.size() + 1) / 2 | (text.size() % 2 != 0 ? 0x80 : 0));
    for (std::size_t i = 0; i < text.size(); i += 2) {
      const int low = i + 1 < text.size() ? value_of(text[i + 1]) : 15;
      byte(static_cast<std::size_t>(value_of(text[i]) << 4 | low));
    }
  }

  void binary(ByteView bytes) {
    const std::size_t size = bytes.size();
    if (size < 256) {
      byte(wire_tag::binary_8);
      byte(size);
    } else if (size < 1u << 20) {
      byte(wire_tag::binary_20);
      byte(size >> 16);
      u16(size);
    } else if (size <= 0xffffffffu) {
      byte(wire_tag::binary_32);
      u16(size >> 16);
      u16(size);
    } else {
      throw std::length_error("node content over 4 GiB");
    }
    append(out_, bytes);
  }

  void jid(const Jid& jid) {
    if (jid.server == server::messenger) {
      byte(wire_tag::fb_jid);
      string(jid.user);
      u16(jid.device);
      string(jid.server);
    } else if (jid.server == server::interop && !jid.user.empty()) {
      byte(wire_tag::interop_jid);
      string(jid.user);
      u16(jid.device);
      u16(jid.integrator);
      string(jid.server);
    } else if (const auto domain = ad_domain(jid.server); domain && jid.device > 0 && jid.device < 256) {
      byte(wire_tag::ad_jid);
      byte(*domain);
      byte(jid.device);
      string(jid.user);
    } else {
      byte(wire_tag::jid_pair);
      if (jid.user.empty()) {
        byte(wire_tag::list_empty);
      } else if (jid.device == 0) {
        string(jid.user);
      } else {  // c.us and device numbers that no AD_JID holds: as in text
        string(jid.user + ":" + std::to_string(jid.device));
      }
      string(jid.server);
    }
  }

  Bytes& out_;
};

}  // namespace

Bytes encode_node(const Node& node) {
  Bytes out;
  out.reserve(1 + size_bound(node));
  out.push_back(0);
  Encoder(out).node(node);
  return out;
}

Bytes encode_node_compressed(const Node& node) {
  const Bytes plain = encode_node(node);
  uLongf length = compressBound(static_cast<uLong>(plain.size() - 1));
  Bytes out(1 + length);
  out[0] = wire_tag::flag_compressed;
  if (compress2(out.data() + 1, &length, plain.data() + 1, static_cast<uLong>(plain.size() - 1),
                Z_DEFAULT_COMPRESSION) != Z_OK)
    throw std::runtime_error("zlib compression failed");
  out.resize(1 + length);
  return out;
}

}  // namespace wharf::protocol
