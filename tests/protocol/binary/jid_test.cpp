#include "protocol/binary/jid.h"

#include <catch2/catch.hpp>

#include "protocol/binary/node.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::hex;
using wharf::test::text;
using wharf::test::vectors;

TEST_CASE("JIDs are parsed, printed and written as published") {
  const auto& cases = vectors("jids").at("vectors").as_array();
  REQUIRE(cases.size() == 55);
  int valid = 0;
  for (const auto& entry : cases) {
    const auto& c = entry.as_object();
    INFO(text(c, "input"));
    const Result<Jid> jid = Jid::parse(text(c, "input"));
    REQUIRE(jid.has_value() == c.at("valid").as_bool());
    if (!jid) {
      REQUIRE(jid.error().code == Errc::malformed);
      continue;
    }
    ++valid;
    const auto& parsed = c.at("parsed").as_object();
    REQUIRE(jid->user == text(parsed, "user"));
    REQUIRE(jid->server == text(parsed, "server"));
    REQUIRE(jid->device == parsed.at("device").as_int64());
    REQUIRE(jid->integrator == parsed.at("integrator").as_int64());
    REQUIRE(jid->to_string() == text(c, "printed"));
    REQUIRE(jid->user_jid().to_string() == text(c, "user_jid"));
    REQUIRE(*Jid::parse(jid->to_string()) == *jid);
    const auto& address = c.at("signal_address");
    REQUIRE(signal_address(*jid).value_or("none") == (address.is_null() ? "none" : text(c, "signal_address")));

    // As the value of the attribute "id": list of 3, tag, key, JID.
    Node node("iq");
    node.set("id", *jid);
    const Bytes encoded = encode_node(node);
    REQUIRE(to_hex(ByteView(encoded).subspan(5)) == text(c, "wire_hex"));
    const Result<Node> decoded = decode_node(encoded);
    REQUIRE(decoded);
    REQUIRE(decoded->jid("id") == *jid);
  }
  REQUIRE(valid == 33);
}

TEST_CASE("a JID without device, and with another") {
  const Jid jid("15550001111", server::user, 5);
  REQUIRE(jid.user_jid() == Jid("15550001111", server::user));
  REQUIRE(jid.with_device(9) == Jid("15550001111", server::user, 9));
  REQUIRE(Jid("1", server::hosted, 99).user_jid().server == server::hosted);
  REQUIRE(jid.has_devices());
  REQUIRE_FALSE(Jid("1", server::group).has_devices());
  REQUIRE(server_jid().is_server());
  REQUIRE(server_jid().to_string() == "s.whatsapp.net");
  REQUIRE(Jid().empty());
}

TEST_CASE("a c.us JID with a device survives the wire") {
  Node node("iq");
  node.set("to", Jid("15550001111", server::legacy_user, 5));
  REQUIRE(decode_node(encode_node(node))->jid("to") == Jid("15550001111", server::legacy_user, 5));
}
