#include "protocol/stanzas/iq.h"

#include <catch2/catch.hpp>
#include <set>

#include "tests/support/node_json.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::canonical;
using wharf::test::hex;
using wharf::test::node_from_hex;
using wharf::test::node_from_json;
using wharf::test::text;
using wharf::test::vectors;

namespace {

const boost::json::object& code() { return vectors("pairing-code").as_object(); }
PublicKey public_key(const char* name) { return exactly<32>(hex(code().at("keys").at(name).at("public"))).value(); }
Node stanza(const char* name) { return node_from_json(code().at("stanzas").at(name)); }

Node& child(Node& node, std::size_t index) { return std::get<std::vector<Node>>(node.content).at(index); }

}  // namespace

TEST_CASE("stanza ids never repeat and share one prefix") {
  SeededRandom random(1);
  StanzaIds ids(random);
  std::set<std::string> seen;
  const std::string first = ids.next();
  const std::string prefix = first.substr(0, first.find('-') + 1);
  REQUIRE(first == prefix + "1");
  REQUIRE(prefix.find('.') != std::string::npos);
  for (int i = 0; i < 1000; ++i) {
    const std::string id = ids.next();
    REQUIRE(id.starts_with(prefix));
    REQUIRE(id.find('@') == std::string::npos);
    REQUIRE(seen.insert(id).second);
  }
}

TEST_CASE("pair-device of the vectors gives its six refs and is answered with an empty result") {
  const auto& vector = vectors("pairing-qr").at("pair_device").as_object();
  const Node request = node_from_hex(vector.at("request_node_binary_hex"));
  REQUIRE(canonical(request) == canonical(node_from_json(vector.at("request_node"))));
  const auto refs = pair_device_refs(request);
  REQUIRE(refs.size() == 6);
  REQUIRE(refs.front() == text(vectors("pairing-qr").at("qr").as_object(), "ref"));
  REQUIRE(canonical(iq_result(request)) == canonical(node_from_hex(vector.at("ack_node_binary_hex"))));
}

TEST_CASE("pair-device is ignored unless the server sets it, and unusable refs are skipped") {
  const auto pair_device = [](std::initializer_list<std::string> refs) {
    Node list("pair-device");
    for (const std::string& ref : refs) list.add(Node("ref").text(ref));
    Node iq("iq");
    iq.set("from", server_jid()).set("type", "set").set("id", "1").set("xmlns", "md").add(std::move(list));
    return iq;
  };
  REQUIRE(pair_device_refs(pair_device({"2@a", "", "2@b,c", "\xff\xfe", "2@d"})) ==
          std::vector<std::string>{"2@a", "2@d"});
  Node many = pair_device({});
  Node list("pair-device");
  for (int i = 0; i < 40; ++i) list.add(Node("ref").text("2@" + std::to_string(i)));
  many.add(std::move(list));
  REQUIRE(pair_device_refs(many).empty());  // the first pair-device child counts, and it is empty
  Node forged = pair_device({"2@a"});
  forged.set("from", Jid("15550000001", server::user));
  REQUIRE(pair_device_refs(forged).empty());
  Node get = pair_device({"2@a"});
  get.set("type", "get");
  REQUIRE(pair_device_refs(get).empty());

  Node sixteen("iq"), refs("pair-device");
  for (int i = 0; i < 40; ++i) refs.add(Node("ref").text("2@" + std::to_string(i)));
  sixteen.set("from", server_jid()).set("type", "set").set("id", "1").add(std::move(refs));
  REQUIRE(pair_device_refs(sixteen).size() == 16);
}

TEST_CASE("pair-success of the vectors is read and answered with their reply") {
  for (const char* name : {"e2ee", "hosted"}) {
    INFO(name);
    const auto& vector = vectors("pairing-qr").at("cases").at(name).as_object();
    const Node iq = node_from_hex(vector.at("pair_success_node_binary_hex"));
    const auto success = read_pair_success(iq);
    REQUIRE(success);
    REQUIRE(*success);
    REQUIRE((*success)->jid == Jid("15551234567", server::user, 12));
    REQUIRE((*success)->lid == Jid("182736455463728", server::lid, 12));
    REQUIRE((*success)->platform == "android");
    REQUIRE((*success)->server_time == 1'700'000'001);
    REQUIRE((*success)->device_identity == hex(vector.at("step1_ADVSignedDeviceIdentityHMAC_hex")));

    const Bytes reply = hex(vector.at("step7_reply_device_identity_hex_for_deterministic_signature"));
    REQUIRE(canonical(pair_device_sign(iq, reply, 3)) ==
            canonical(node_from_hex(vector.at("step7_reply_node_binary_hex"))));
  }
}

TEST_CASE("a pair-success that cannot be used is malformed, one without LID is fine") {
  const Node good = node_from_hex(vectors("pairing-qr").at("cases").at("e2ee").at("pair_success_node_binary_hex"));
  const auto with_device = [&](auto&& change) {
    Node iq = good;
    for (Node& node : std::get<std::vector<Node>>(child(iq, 0).content)) {
      if (node.is("device")) change(node);
    }
    return read_pair_success(iq);
  };
  REQUIRE_FALSE(with_device([](Node& device) { device.attrs.clear(); }));
  REQUIRE_FALSE(with_device([](Node& device) { device.set("jid", Jid("15551234567", server::user)); }));
  REQUIRE_FALSE(with_device([](Node& device) { device.set("jid", Jid("abc", server::user, 2)); }));
  REQUIRE_FALSE(with_device([](Node& device) { device.set("jid", Jid("182736455463728", server::lid, 2)); }));
  const auto without_lid = with_device([](Node& device) { device.set("lid", "nonsense"); });
  REQUIRE(without_lid);
  REQUIRE_FALSE((*without_lid)->lid);

  Node no_identity = good;
  child(no_identity, 0) = wharf::test::without_child(child(no_identity, 0), "device-identity");
  REQUIRE(read_pair_success(no_identity).error().code == Errc::malformed);
  Node long_identity = no_identity;
  child(long_identity, 0).add(Node("device-identity").bytes(Bytes(501, 1)));
  REQUIRE(read_pair_success(long_identity).error().code == Errc::malformed);

  Node no_id = good;
  std::erase_if(no_id.attrs, [](const Attr& attr) { return attr.key == "id"; });
  REQUIRE_FALSE(read_pair_success(no_id).value());
  Node forged = good;
  forged.set("from", Jid("15550000001", server::user));
  REQUIRE_FALSE(read_pair_success(forged).value());
}

TEST_CASE("a refused pairing is answered with code and text") {
  const Node iq = node_from_hex(vectors("pairing-qr").at("cases").at("e2ee").at("pair_success_node_binary_hex"));
  const Node answer = iq_error(iq, 401, "hmac-mismatch");
  Node expected("iq");
  expected.set("to", server_jid()).set("type", "error").set("id", "3726451928");
  expected.add(Node("error").set("code", "401").set("text", "hmac-mismatch"));
  REQUIRE(canonical(answer) == canonical(expected));
  const auto read = iq_error_of(answer);
  REQUIRE(read);
  REQUIRE(read->code == 401);
  REQUIRE(read->text == "hmac-mismatch");
  REQUIRE_FALSE(iq_error_of(iq));
}

TEST_CASE("the four stanzas of code pairing are the vectors'") {
  CompanionHello hello;
  hello.phone = "15551234567";
  hello.wrapped_ephemeral = hex(code().at("companion").at("wrapped_companion_ephemeral_pub"));
  hello.noise = public_key("companion_noise");
  hello.platform_id = '1';
  hello.platform_display = "Chrome (Linux)";
  const Node hello_iq = companion_hello_iq("8127.4410-1", hello);
  REQUIRE(canonical(hello_iq) == canonical(stanza("companion_hello")));
  REQUIRE(canonical(hello_iq) == canonical(node_from_hex(code().at("stanzas").at("companion_hello_binary_hex"))));

  const auto ref = companion_hello_ref(stanza("companion_hello_result"));
  REQUIRE(ref);
  const auto primary = read_primary_hello(stanza("primary_hello_notification"));
  REQUIRE(primary);
  REQUIRE(primary->ref == *ref);
  REQUIRE(primary->wrapped_ephemeral == hex(code().at("primary").at("wrapped_primary_ephemeral_pub")));
  REQUIRE(primary->identity == public_key("primary_identity"));

  const Node finish =
      companion_finish_iq("8127.4410-2", "15551234567", hex(code().at("finish").at("wrapped_key_bundle")),
                          public_key("companion_identity"), *ref);
  REQUIRE(canonical(finish) == canonical(stanza("companion_finish")));
  REQUIRE(canonical(finish) == canonical(node_from_hex(code().at("stanzas").at("companion_finish_binary_hex"))));
}

TEST_CASE("the lengths that the code vectors refuse in primary_hello drop the stanza") {
  int seen = 0;
  for (const auto& entry : code().at("must_fail").as_array()) {
    Node notification = stanza("primary_hello_notification");
    const auto replace = [&](std::string_view tag, const boost::json::value& bytes) {
      for (Node& node : std::get<std::vector<Node>>(child(notification, 0).content)) {
        if (node.is(tag)) node.bytes(hex(bytes));
      }
    };
    const std::string_view reason = text(entry.as_object(), "must_fail_with");
    if (reason == "bad-wrapped-length") {
      replace("link_code_pairing_wrapped_primary_ephemeral_pub", entry.at("wrapped_primary_ephemeral_pub"));
    } else if (reason == "bad-key-length") {
      replace("primary_identity_pub", entry.at("primary_identity_pub"));
    } else {
      continue;
    }
    ++seen;
    INFO(text(entry.as_object(), "name"));
    REQUIRE_FALSE(read_primary_hello(notification));
  }
  REQUIRE(seen == 3);
}

TEST_CASE("primary_hello counts only from the server and in its own stage") {
  Node forged = stanza("primary_hello_notification");
  forged.set("from", Jid("15550000001", server::user));
  REQUIRE_FALSE(read_primary_hello(forged));
  Node refresh = stanza("primary_hello_notification");
  child(refresh, 0).set("stage", "refresh_code");
  REQUIRE_FALSE(read_primary_hello(refresh));
}

TEST_CASE("the small queries have the form of the specification") {
  const auto iq = [](const char* type, const char* xmlns) {
    Node node("iq");
    return node.set("id", "7").set("to", server_jid()).set("type", type).set("xmlns", xmlns);
  };
  REQUIRE(canonical(ping_iq("7")) == canonical(iq("get", "w:p")));
  REQUIRE(canonical(set_active_iq("7")) == canonical(iq("set", "passive").add(Node("active"))));
  REQUIRE(canonical(clean_dirty_iq("7", "groups", "1700")) ==
          canonical(
              iq("set", "urn:xmpp:whatsapp:dirty").add(Node("clean").set("type", "groups").set("timestamp", "1700"))));
  REQUIRE(canonical(remove_companion_iq("7", Jid("1", server::user, 4))) ==
          canonical(iq("set", "md")
                        .add(Node("remove-companion-device")
                                 .set("jid", Jid("1", server::user, 4))
                                 .set("reason", "user_initiated"))));
  REQUIRE(canonical(offline_batch_ib(200)) == "ib\n  offline_batch count=200\n");
  REQUIRE(canonical(presence("available", "A@nna")) == "presence name=Anna type=available\n");
}

TEST_CASE("the unified session id is the time in a shifted week") {
  REQUIRE(canonical(unified_session_ib(0)) == "ib\n  unified_session id=259200000\n");
  REQUIRE(canonical(unified_session_ib(604'800'000 - 259'200'000)) == "ib\n  unified_session id=0\n");
  REQUIRE(canonical(unified_session_ib(1'760'000'000'000)) ==
          "ib\n  unified_session id=" + std::to_string((1'760'000'000'000 + 259'200'000) % 604'800'000) + "\n");
}
