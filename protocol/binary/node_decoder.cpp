// Reads what a peer sends, in any form 01 section 5 allows, and refuses the rest. Nothing is
// reserved from an announced count, recursion ends at the depth limit, and nodes and attributes together count
// against max_nodes: a two-byte attribute costs a hundred bytes of memory.

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "protocol/binary/inflate.h"
#include "protocol/binary/node.h"
#include "protocol/binary/token.h"
#include "protocol/binary/wire_tag.h"

namespace wharf::protocol {

namespace {

constexpr char nibble_characters[] = "0123456789-.";  // 12-14 are unassigned, 15 is padding
constexpr char hex_characters[] = "0123456789ABCDEF";
constexpr std::size_t max_user_bytes = 255;

// Whether this user prints and parses back to itself. Others stay text, so that ':' or '@' inside a user can never
// pass for a device or a server.
bool is_plain_user(std::string_view user) {
  return user.size() <= max_user_bytes && std::none_of(user.begin(), user.end(), [](char c) {
           return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == ':' || c == '@';
         });
}

class Decoder {
 public:
  Decoder(ByteView bytes, const NodeLimits& limits, std::size_t kept_depth = SIZE_MAX)
      : next_(bytes.data()), end_(next_ + bytes.size()), limits_(limits), kept_depth_(kept_depth) {}

  Result<Node> root() {
    Node out;
    if (!node(out, 1)) return std::move(error_);
    if (next_ != end_) return Error(Errc::malformed, "node: trailing bytes");
    return out;
  }

 private:
  bool fail(Errc code, const char* why) {
    error_ = Error(code, std::string("node: ") + why);
    return false;
  }
  bool cut() { return fail(Errc::truncated, "ends early"); }
  std::size_t remaining() const { return static_cast<std::size_t>(end_ - next_); }

  bool u8(std::uint8_t& out) {
    if (next_ == end_) return cut();
    out = *next_++;
    return true;
  }
  bool integer(std::size_t width, std::size_t& out) {
    if (remaining() < width) return cut();
    out = 0;
    for (std::size_t i = 0; i < width; ++i) out = out << 8 | *next_++;
    return true;
  }
  bool count_item() { return ++items_ <= limits_.max_nodes || fail(Errc::too_large, "too many nodes and attributes"); }

  // The length behind BINARY_8/20/32, bounded by what is there.
  bool binary(std::uint8_t tag, ByteView& out) {
    std::size_t length = 0;
    if (!integer(tag == wire_tag::binary_8 ? 1 : tag == wire_tag::binary_20 ? 3 : 4, length)) return false;
    if (tag == wire_tag::binary_20) length &= 0xfffff;
    if (length > remaining()) return cut();
    out = {next_, length};
    next_ += length;
    return true;
  }

  bool packed(std::uint8_t tag, std::string& out) {
    std::uint8_t header = 0;
    if (!u8(header)) return false;
    const std::size_t bytes = header & 0x7f;
    const bool odd = (header & 0x80) != 0;
    if (bytes == 0 && odd) return fail(Errc::malformed, "odd packed string of length 0");
    if (bytes > remaining()) return cut();
    const bool hex = tag == wire_tag::hex_8;
    out.resize(bytes * 2 - (odd ? 1 : 0));
    for (std::size_t i = 0; i < out.size(); ++i) {
      const unsigned value = i % 2 == 0 ? next_[i / 2] >> 4 : next_[i / 2] & 15u;
      if (!hex && value > 11) return fail(Errc::malformed, "unassigned nibble");
      out[i] = hex ? hex_characters[value] : nibble_characters[value];
    }
    next_ += bytes;
    return true;
  }

  // Token, packed or raw; not a JID, a list or LIST_EMPTY.
  bool string(std::uint8_t tag, std::string& out) {
    if (tag >= 1 && tag <= wire_tag::last_single_byte_token) {
      out = single_byte_token(tag);
      return true;
    }
    if (tag >= wire_tag::dictionary_0 && tag <= wire_tag::dictionary_3) {
      std::uint8_t index = 0;
      if (!u8(index)) return false;
      out = double_byte_token(static_cast<std::uint8_t>(tag - wire_tag::dictionary_0), index);
      return true;
    }
    if (tag == wire_tag::binary_8 || tag == wire_tag::binary_20 || tag == wire_tag::binary_32) {
      ByteView bytes;
      if (!binary(tag, bytes)) return false;
      out = as_text(bytes);
      return true;
    }
    if (tag == wire_tag::hex_8 || tag == wire_tag::nibble_8) return packed(tag, out);
    return fail(Errc::malformed, "no string where one is expected");
  }
  bool string(std::string& out) {
    std::uint8_t tag = 0;
    return u8(tag) && string(tag, out);
  }
  bool non_empty_string(std::string& out, const char* why) {
    return string(out) && (!out.empty() || fail(Errc::malformed, why));
  }

  static bool is_jid(std::uint8_t tag) {
    return tag == wire_tag::jid_pair || (tag >= wire_tag::interop_jid && tag <= wire_tag::ad_jid);
  }

  bool jid(std::uint8_t tag, Jid& out) {
    if (tag == wire_tag::jid_pair) {
      std::uint8_t user_tag = 0;
      if (!u8(user_tag)) return false;
      if (user_tag != wire_tag::list_empty && !string(user_tag, out.user)) return false;
      return non_empty_string(out.server, "JID without server");
    }
    if (tag == wire_tag::ad_jid) {
      std::uint8_t domain = 0, device = 0;
      if (!u8(domain) || !u8(device) || !non_empty_string(out.user, "device JID without user")) return false;
      out.device = device;
      if (domain == 0) {
        out.server = server::user;
      } else if (domain == 1) {
        out.server = server::lid;
      } else if (domain == 129) {
        out.server = server::hosted_lid;
      } else if (domain >= 128 && domain % 2 == 0) {
        out.server = server::hosted;
      } else {
        return fail(Errc::malformed, "unassigned JID domain");
      }
      return true;
    }
    std::size_t device = 0, integrator = 0;
    const bool interop = tag == wire_tag::interop_jid;
    if (!non_empty_string(out.user, "JID without user") || !integer(2, device)) return false;
    if (interop && !integer(2, integrator)) return false;
    if (!string(out.server)) return false;
    if (out.server != (interop ? server::interop : server::messenger)) return fail(Errc::malformed, "wrong JID server");
    out.device = static_cast<std::uint16_t>(device);
    out.integrator = static_cast<std::uint16_t>(integrator);
    return true;
  }

  bool attribute_value(AttrValue& out) {
    std::uint8_t tag = 0;
    if (!u8(tag)) return false;
    if (tag == wire_tag::list_empty) return true;  // reads as the empty string
    if (!is_jid(tag)) return string(tag, std::get<std::string>(out));
    Jid value;
    if (!jid(tag, value)) return false;
    if (is_plain_user(value.user)) {
      out = std::move(value);
    } else {
      out = value.to_string();
    }
    return true;
  }

  bool list_size(std::uint8_t tag, std::size_t& out) {
    if (tag == wire_tag::list_8) return integer(1, out);
    if (tag == wire_tag::list_16) return integer(2, out);
    return fail(Errc::malformed, "no list where one is expected");
  }

  bool content(Node& out, std::size_t depth) {
    std::uint8_t tag = 0;
    if (!u8(tag)) return false;
    switch (tag) {
      case wire_tag::list_empty: return true;
      case wire_tag::list_8:
      case wire_tag::list_16:
        if (depth >= kept_depth_) return pass_over_list(tag, depth);
        return children(tag, out.content.emplace<std::vector<Node>>(), depth);
      case wire_tag::binary_8:
      case wire_tag::binary_20:
      case wire_tag::binary_32: {
        ByteView bytes;
        if (!binary(tag, bytes)) return false;
        out.bytes(bytes);
        return true;
      }
      default: break;
    }
    if (is_jid(tag)) {
      Jid value;
      if (!jid(tag, value)) return false;
      out.text(value.to_string());
      return true;
    }
    std::string text;
    if (!string(tag, text)) return false;
    out.text(text);
    return true;
  }

  bool children(std::uint8_t tag, std::vector<Node>& out, std::size_t depth) {
    std::size_t size = 0;
    if (!list_size(tag, size)) return false;
    if (size > 0 && depth >= limits_.max_depth) return fail(Errc::too_large, "nested too deep");
    out.reserve(std::min<std::size_t>(size, 32));  // the rest grows with what is really there
    for (std::size_t i = 0; i < size; ++i)
      if (!node(out.emplace_back(), depth + 1)) return false;
    return true;
  }

  // --- what is not kept

  bool skip(std::size_t bytes) {
    if (bytes > remaining()) return cut();
    next_ += bytes;
    return true;
  }

  /// A string, a JID, an empty list or the content of a node that is none.
  bool pass_over_value(std::uint8_t tag, std::size_t depth) {
    if (tag == wire_tag::list_empty || (tag >= 1 && tag <= wire_tag::last_single_byte_token)) return true;
    if (tag >= wire_tag::dictionary_0 && tag <= wire_tag::dictionary_3) return skip(1);
    switch (tag) {
      case wire_tag::binary_8:
      case wire_tag::binary_20:
      case wire_tag::binary_32: {
        ByteView bytes;
        return binary(tag, bytes);
      }
      case wire_tag::hex_8:
      case wire_tag::nibble_8: {
        std::uint8_t header = 0;
        return u8(header) && skip(header & 0x7f);
      }
      case wire_tag::list_8:
      case wire_tag::list_16: return pass_over_list(tag, depth);
      case wire_tag::jid_pair: return pass_over_value(depth + 1) && pass_over_value(depth + 1);
      case wire_tag::ad_jid: return skip(2) && pass_over_value(depth + 1);
      case wire_tag::fb_jid: return pass_over_value(depth + 1) && skip(2) && pass_over_value(depth + 1);
      case wire_tag::interop_jid: return pass_over_value(depth + 1) && skip(4) && pass_over_value(depth + 1);
      default: return fail(Errc::malformed, "no value where one is expected");
    }
  }
  bool pass_over_value(std::size_t depth) {
    if (depth > limits_.max_depth) return fail(Errc::too_large, "nested too deep");
    std::uint8_t tag = 0;
    return u8(tag) && pass_over_value(tag, depth);
  }

  /// The children of a node: each a list of its tag, its attributes and its content.
  bool pass_over_list(std::uint8_t tag, std::size_t depth) {
    std::size_t size = 0;
    if (!list_size(tag, size)) return false;
    for (std::size_t i = 0; i < size; ++i)
      if (!pass_over_value(depth + 1)) return false;
    return true;
  }

  bool node(Node& out, std::size_t depth) {
    std::uint8_t tag = 0;
    std::size_t size = 0;
    if (!count_item() || !u8(tag) || !list_size(tag, size)) return false;
    if (size == 0) return fail(Errc::malformed, "empty list where a node is expected");
    if (!non_empty_string(out.tag, "empty tag")) return false;
    const std::size_t attributes = (size - 1) / 2;
    out.attrs.reserve(std::min<std::size_t>(attributes, 16));
    for (std::size_t i = 0; i < attributes; ++i) {
      Attr& attr = out.attrs.emplace_back();
      if (!count_item() || !non_empty_string(attr.key, "empty attribute key") || !attribute_value(attr.value))
        return false;
    }
    return size % 2 != 0 || content(out, depth);
  }

  const std::uint8_t* next_;
  const std::uint8_t* end_;
  const NodeLimits& limits_;
  std::size_t kept_depth_;  // of the lists of children
  std::size_t items_ = 0;
  Error error_;
};

}  // namespace

Result<Node> decode_node(ByteView payload, const NodeLimits& limits) {
  if (payload.empty()) return Error(Errc::truncated, "node: no flag byte");
  const ByteView body = payload.subspan(1);
  if ((payload[0] & wire_tag::flag_compressed) == 0) return Decoder(body, limits).root();
  Result<Bytes> inflated = inflate_zlib(body, limits.max_inflated_bytes);
  if (!inflated) return inflated.error();
  return Decoder(*inflated, limits).root();
}

Result<Node> decode_outline(ByteView payload) {
  if (payload.empty()) return Error(Errc::truncated, "node: no flag byte");
  if ((payload[0] & wire_tag::flag_compressed) != 0) return Error(Errc::malformed, "node: an outline of compressed");
  const NodeLimits limits;
  return Decoder(payload.subspan(1), limits, 2).root();
}

}  // namespace wharf::protocol
