// The codec of protocol/binary/node_encoder.cpp and node_decoder.cpp.

#include <catch2/catch.hpp>

#include "protocol/binary/node.h"
#include "protocol/binary/token.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::hex;
using wharf::test::text;
using wharf::test::vectors;

namespace {

Node expected_node(const boost::json::object& object) {
  Node node(text(object, "tag"));
  for (const auto& attr : object.at("attrs").as_array()) {
    const auto& parts = attr.as_array();
    const std::string_view key = parts.at(0).as_string(), value = parts.at(1).as_string();
    if (parts.size() == 3) {
      const Result<Jid> jid = Jid::parse(value);
      REQUIRE(jid);
      node.attrs.push_back({std::string(key), *jid});
    } else {
      node.attrs.push_back({std::string(key), std::string(value)});
    }
  }
  const auto& content = object.at("content");
  if (content.is_null()) return node;
  const auto& kind = content.as_object();
  if (kind.contains("bytes_hex")) {
    node.bytes(hex(kind.at("bytes_hex")));
  } else if (kind.contains("text")) {
    node.text(text(kind, "text"));
  } else {
    auto& children = node.content.emplace<std::vector<Node>>();
    for (const auto& child : kind.at("nodes").as_array()) children.push_back(expected_node(child.as_object()));
  }
  return node;
}

Node nested(int depth) {
  Node node("enc");
  for (int i = 1; i < depth; ++i) node = Node("enc").add(std::move(node));
  return node;
}

}  // namespace

TEST_CASE("nodes are decoded and encoded as published") {
  const auto& cases = vectors("nodes").at("vectors").as_array();
  REQUIRE(cases.size() == 84);
  int canonical = 0;
  for (const auto& entry : cases) {
    const auto& c = entry.as_object();
    INFO(text(c, "id"));
    const Bytes payload = hex(c.at("payload_hex"));
    const Node expected = expected_node(c.at("node").as_object());
    const Result<Node> decoded = decode_node(payload);
    REQUIRE(decoded);
    REQUIRE(*decoded == expected);
    const bool is_canonical = c.at("canonical").as_bool();
    canonical += is_canonical ? 1 : 0;
    REQUIRE(to_hex(encode_node(expected)) == text(c, is_canonical ? "payload_hex" : "canonical_hex"));
    const Result<Node> again = decode_node(encode_node_compressed(expected));
    REQUIRE(*again == *decode_node(encode_node(expected)));  // equal but for the empty list, which reads as none
  }
  REQUIRE(canonical == 66);
}

TEST_CASE("malformed nodes are refused") {
  const auto& cases = vectors("nodes").at("invalid").as_array();
  REQUIRE(cases.size() == 25);
  for (const auto& entry : cases) {
    const auto& c = entry.as_object();
    INFO(text(c, "id"));
    REQUIRE(text(c, "required") == "reject");
    const Result<Node> decoded = decode_node(hex(c.at("payload_hex")));
    REQUIRE(!decoded);
    const Errc code = decoded.error().code;
    REQUIRE((code == Errc::truncated || code == Errc::malformed || code == Errc::too_large));
  }
}

TEST_CASE("a frame cut at any byte is refused") {
  const auto& cases = vectors("nodes").at("vectors").as_array();
  for (const auto& entry : cases) {
    const auto& c = entry.as_object();
    INFO(text(c, "id"));
    const Bytes payload = hex(c.at("payload_hex"));
    for (std::size_t length = 0; length < payload.size(); ++length)
      REQUIRE(!decode_node(ByteView(payload).first(length)));
    REQUIRE(!decode_node(concat(payload, Bytes{0})));
  }
}

TEST_CASE("depth ends at the limit") {
  REQUIRE(decode_node(encode_node(nested(128))));
  REQUIRE(decode_node(encode_node(nested(129))).error().code == Errc::too_large);
  NodeLimits network;
  network.max_depth = 32;
  REQUIRE(decode_node(encode_node(nested(32)), network));
  REQUIRE(!decode_node(encode_node(nested(33)), network));
}

TEST_CASE("nodes and attributes count against one limit") {
  Node node("iq");
  for (int i = 0; i < 10; ++i) node.add(Node("enc").set("v", "2"));
  NodeLimits limits;
  limits.max_nodes = 21;
  REQUIRE(decode_node(encode_node(node), limits));
  limits.max_nodes = 20;
  REQUIRE(decode_node(encode_node(node), limits).error().code == Errc::too_large);
}

TEST_CASE("what a frame inflates to is bounded, exactly") {
  Node node("iq");
  node.bytes(Bytes(100'000, 0));
  const Bytes compressed = encode_node_compressed(node);
  REQUIRE(compressed.size() < 1000);
  const std::size_t inflated = encode_node(node).size() - 1;
  NodeLimits limits;
  limits.max_inflated_bytes = inflated;
  REQUIRE(*decode_node(compressed, limits) == node);
  limits.max_inflated_bytes = inflated - 1;
  REQUIRE(decode_node(compressed, limits).error().code == Errc::too_large);
  REQUIRE(decode_node(concat(compressed, Bytes{0})).error().code == Errc::malformed);
}

TEST_CASE("text that is no UTF-8 is kept as its bytes") {
  Node node("a");
  node.set("v", "\xff\xfe\x80");
  REQUIRE(decode_node(encode_node(node))->attr("v") == "\xff\xfe\x80");
}

TEST_CASE("a user with ':' or '@' inside a JID token stays text") {
  // JID_PAIR with the user "1:2": as text it parses to device 2, as a token it must not pass for device 0.
  const Result<Node> node = decode_node(hex("00f8031911fafc03313a3203"));
  REQUIRE(node);
  REQUIRE(std::holds_alternative<std::string>(node->attrs.at(0).value));
  REQUIRE(node->jid("to") == Jid("1", server::user, 2));
  const Result<Node> two_servers = decode_node(hex("00f8031911fafc0561406c696403"));  // "a@lid" @ s.whatsapp.net
  REQUIRE(two_servers);
  REQUIRE(two_servers->has("to"));
  REQUIRE_FALSE(two_servers->jid("to"));
}

TEST_CASE("every token is found at its place") {
  for (unsigned index = 1; index < 236; ++index) {
    const auto token = find_token(single_byte_token(static_cast<std::uint8_t>(index)));
    REQUIRE(token);
    REQUIRE(token->dictionary == Token::single);
    REQUIRE(token->index == index);
  }
  for (std::uint8_t dictionary = 0; dictionary < 4; ++dictionary)
    for (unsigned index = 0; index < 256; ++index) {
      const auto token = find_token(double_byte_token(dictionary, static_cast<std::uint8_t>(index)));
      REQUIRE(token);
      REQUIRE(token->dictionary == dictionary);
      REQUIRE(token->index == index);
    }
  REQUIRE_FALSE(find_token(""));
  REQUIRE_FALSE(find_token("no such token"));
  REQUIRE_FALSE(find_token(std::string(10'000, 'x')));
}

TEST_CASE("an outline is the node without what lies below its children") {
  Node copy("to");
  copy.set("jid", Jid("15550000002", server::user, 4)).set("at", Jid("15550000003", server::user)).set("n", "AB-");
  copy.add(Node("enc").set("v", "2").set("type", "pkmsg").bytes(Bytes(300, 7)));
  copy.add(Node("enc").set("id", "3EB0AA").set("other", "12.5").bytes(Bytes(70'000, 7)));
  copy.add(Node("empty").set("from", Jid("", server::user)).set("group", Jid("1", server::interop)));
  Node message("message");
  message.set("id", "3EB0BB").set("to", Jid("120363000000000001", "g.us"));
  Node participants("participants");
  for (int i = 0; i < 300; ++i) participants.add(copy);  // a long list, and a short one
  message.add(participants.set("n", "300")).add(Node("few").add(copy)).add(Node("enc").set("v", "2").bytes(Bytes{1}));
  const Bytes encoded = encode_node(message);
  Node outline("message");
  outline.set("id", "3EB0BB").set("to", Jid("120363000000000001", "g.us"));
  outline.add(Node("participants").set("n", "300")).add(Node("few")).add(Node("enc").set("v", "2").bytes(Bytes{1}));
  REQUIRE(decode_outline(encoded).value() == outline);
  for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, encoded.size() / 2, encoded.size() - 1})
    REQUIRE_FALSE(decode_outline(ByteView(encoded).first(cut)));
  REQUIRE(decode_outline(concat(encoded, Bytes{0})).error().code == Errc::malformed);
  // A JID in a JID, for ever.
  Bytes deep{0, 0xf8, 2, 0x11, 0xf8, 1, 0xf8, 2, 0x11, 0xf8, 1};
  deep.insert(deep.end(), 100'000, 0xfa);
  REQUIRE_FALSE(decode_outline(deep));
}
