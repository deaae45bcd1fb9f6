#include "protocol/stanzas/prekeys.h"

#include <algorithm>
#include <boost/json/value_to.hpp>
#include <catch2/catch.hpp>

#include "tests/support/node_json.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::canonical;
using wharf::test::hex;
using wharf::test::node_from_hex;
using wharf::test::node_from_json;
using wharf::test::vectors;
using wharf::test::without_child;

namespace {

const boost::json::object& root() { return vectors("prekey-upload").as_object(); }
Node node(const char* name) { return node_from_json(root().at(name)); }
Key32 key(const boost::json::value& value) { return exactly<32>(hex(value)).value(); }

PublishedKeys published() {
  const auto& keys = root().at("keys").as_object();
  const auto& signed_key = keys.at("signed_prekey").as_object();
  PublishedKeys out;
  out.registration_id = boost::json::value_to<std::uint32_t>(keys.at("registration_id"));
  out.identity = key(keys.at("identity").at("public"));
  out.signed_pre_key_id = boost::json::value_to<std::uint32_t>(signed_key.at("id"));
  out.signed_pre_key = key(signed_key.at("public"));
  out.signature = exactly<64>(hex(signed_key.at("signature"))).value();
  return out;
}

std::vector<PreKey> one_time() {
  std::vector<PreKey> out;
  for (const auto& entry : root().at("keys").at("one_time_prekeys").as_array()) {
    out.push_back(
        {boost::json::value_to<std::uint32_t>(entry.at("id")), KeyPair::from_secret(key(entry.at("private")))});
  }
  return out;
}

/// The upload with one element's bytes replaced.
Node upload_with(std::initializer_list<std::string_view> path, ByteView bytes) {
  Node iq = node("upload_node");
  Node* at = &iq;
  for (const std::string_view tag : path) {
    auto& children = std::get<std::vector<Node>>(at->content);
    at = &*std::find_if(children.begin(), children.end(), [&](const Node& child) { return child.is(tag); });
  }
  at->bytes(bytes);
  return iq;
}

}  // namespace

TEST_CASE("the upload of the vectors is built and read back by the server side") {
  REQUIRE(one_time().size() == 4);
  const Node iq = upload_prekeys_iq("8127.4410-7", published(), one_time());
  REQUIRE(canonical(iq) == canonical(node("upload_node")));
  REQUIRE(canonical(iq) == canonical(node_from_hex(root().at("upload_node_binary_hex"))));

  const auto read = read_upload(iq);
  REQUIRE(read);
  REQUIRE(read->keys.registration_id == published().registration_id);
  REQUIRE(read->keys.identity == published().identity);
  REQUIRE(read->keys.signed_pre_key_id == 1);
  REQUIRE(read->keys.signed_pre_key == published().signed_pre_key);
  REQUIRE(read->keys.signature == published().signature);
  REQUIRE(read->one_time.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    REQUIRE(read->one_time[i].id == one_time()[i].id);
    REQUIRE(read->one_time[i].pub == one_time()[i].pair.pub);
  }
}

TEST_CASE("an upload with a wrong width, a wrong type or a bad number of keys is malformed") {
  const auto refused = [](const Node& iq) { return !read_upload(iq); };
  REQUIRE(refused(upload_with({"registration"}, Bytes(3, 1))));
  REQUIRE(refused(upload_with({"type"}, Bytes{6})));
  REQUIRE(refused(upload_with({"type"}, Bytes{5, 5})));
  REQUIRE(refused(upload_with({"identity"}, Bytes(31, 1))));
  REQUIRE(refused(upload_with({"list", "key", "id"}, Bytes(4, 1))));
  REQUIRE(refused(upload_with({"list", "key", "value"}, Bytes(33, 1))));
  REQUIRE(refused(upload_with({"skey", "id"}, Bytes(2, 1))));
  REQUIRE(refused(upload_with({"skey", "value"}, Bytes(31, 1))));
  REQUIRE(refused(upload_with({"skey", "signature"}, Bytes(63, 1))));
  for (const char* tag : {"registration", "identity", "list", "skey"}) {
    REQUIRE(refused(without_child(node("upload_node"), tag)));
  }
  REQUIRE(refused(upload_prekeys_iq("1", published(), {})));
  std::vector<PreKey> many(1001, one_time().front());
  REQUIRE(refused(upload_prekeys_iq("1", published(), many)));
  many.pop_back();
  REQUIRE_FALSE(refused(upload_prekeys_iq("1", published(), many)));
}

TEST_CASE("rotation, count and digest queries are the vectors'") {
  SignedPreKey rotated;
  const Node expected = node("rotate_node");
  const Node* skey = expected.child("rotate")->child("skey");
  rotated.id = 2;
  rotated.pair.pub = exactly<32>(*skey->child_data("value")).value();
  rotated.signature = exactly<64>(*skey->child_data("signature")).value();
  const Node rotate = rotate_signed_prekey_iq("8127.4410-8", rotated);
  REQUIRE(canonical(rotate) == canonical(expected));
  REQUIRE(canonical(rotate) == canonical(node_from_hex(root().at("rotate_node_binary_hex"))));
  REQUIRE(canonical(prekey_count_iq("8127.4410-6")) == canonical(node("count_request")));
  REQUIRE(canonical(prekey_digest_iq("8127.4410-9")) == canonical(node("digest_request")));
}

TEST_CASE("the count is a number, anything else is none") {
  REQUIRE(prekey_count(node("count_response")) == 0);
  REQUIRE(prekey_count(node("low_notification")) == 4);
  const auto counted = [](const char* value) {
    return prekey_count(Node("iq").add(Node("count").set("value", value)));
  };
  REQUIRE(counted("812") == 812);
  REQUIRE(counted("-3") == 0);
  REQUIRE(counted("many") == 0);
  REQUIRE(counted("9999999999999") == 1u << 24);
  REQUIRE(prekey_count(Node("iq")) == 0);
}

TEST_CASE("the digest of the vectors is read and its hash computed") {
  const auto digest = read_digest(node("digest_response"));
  REQUIRE(digest);
  REQUIRE(digest->keys.registration_id == 10801);
  REQUIRE(digest->one_time == std::vector<PreKeyId>{255, 256, 257, 258});
  std::vector<PublicKey> publics;
  for (const PreKey& entry : one_time()) publics.push_back(entry.pair.pub);
  REQUIRE(digest_hash(published(), publics) == exactly<20>(hex(root().at("digest_expected_hash_hex"))).value());
  REQUIRE(digest->hash == digest_hash(published(), publics));
  std::swap(publics[0], publics[1]);
  REQUIRE(digest->hash != digest_hash(published(), publics));
  REQUIRE_FALSE(read_digest(Node("iq")));
}

TEST_CASE("a fetch asks for each device, with the reason of an identity change") {
  const std::vector<Jid> devices = {Jid("182736455463728", server::lid), Jid("182736455463728", server::lid, 7),
                                    Jid("555000111222333", server::lid, 3)};
  REQUIRE(canonical(fetch_bundles_iq("8127.4410-10", devices, true)) == canonical(node("fetch_request")));
  const Node plain = fetch_bundles_iq("8127.4410-10", devices);
  for (const Node& user : plain.child("key")->children()) REQUIRE_FALSE(user.has("reason"));
}

TEST_CASE("the fetch answer gives a full bundle, one without one-time key and one error") {
  const auto bundles = read_bundles(node("fetch_response"));
  const auto& expected = root().at("fetch_expected").as_array();
  REQUIRE(expected.size() == 3);
  REQUIRE(bundles.size() == 3);
  for (std::size_t i = 0; i < bundles.size(); ++i) {
    const auto& wanted = expected[i].as_object();
    REQUIRE(bundles[i].jid.to_string() == wanted.at("jid").as_string());
    if (wanted.contains("error_code")) {
      REQUIRE_FALSE(bundles[i].bundle);
      REQUIRE(bundles[i].error_code == wanted.at("error_code").as_int64());
      continue;
    }
    REQUIRE(bundles[i].bundle);
    const PreKeyBundle& bundle = *bundles[i].bundle;
    REQUIRE(bundle.registration_id == wanted.at("registration_id").as_int64());
    REQUIRE(bundle.signed_pre_key_id == wanted.at("signed_prekey_id").as_int64());
    REQUIRE(bundle.one_time.has_value() == !wanted.at("one_time_prekey_id").is_null());
    if (bundle.one_time) REQUIRE(bundle.one_time->id == wanted.at("one_time_prekey_id").as_int64());
    // The simulated server writes the very same element.
    Node user = node("fetch_response").child("list")->children()[i];
    std::erase_if(user.attrs, [](const Attr& attr) { return attr.key == "t"; });
    REQUIRE(canonical(bundle_user_node(bundles[i].jid, bundle)) == canonical(user));
  }
  REQUIRE(bundles[0].bundle->identity == key(expected[0].at("identity")));
  REQUIRE(xeddsa_verify(bundles[0].bundle->identity, typed(bundles[0].bundle->signed_pre_key),
                        bundles[0].bundle->signed_pre_key_signature));
}

TEST_CASE("one malformed bundle does not spoil the others") {
  Node answer = node("fetch_response");
  auto& users = std::get<std::vector<Node>>(std::get<std::vector<Node>>(answer.content).at(0).content);
  for (const char* tag : {"registration", "identity", "skey"}) {
    Node answer_without = answer;
    auto& list = std::get<std::vector<Node>>(std::get<std::vector<Node>>(answer_without.content).at(0).content);
    list[0] = without_child(list[0], tag);
    const auto bundles = read_bundles(answer_without);
    REQUIRE(bundles.size() == 3);
    REQUIRE_FALSE(bundles[0].bundle);
    REQUIRE(bundles[0].error_code == 0);
    REQUIRE(bundles[1].bundle);
  }
  users[0] = without_child(users[0], "type");  // absent means 05
  REQUIRE(read_bundles(answer)[0].bundle);
  users[0].add(Node("type").bytes(Bytes{6}));
  REQUIRE_FALSE(read_bundles(answer)[0].bundle);
}

TEST_CASE("a bundle inside a keys wrapper is read and a companion's device identity kept") {
  PreKeyBundle bundle = *read_bundles(node("fetch_response"))[0].bundle;
  bundle.device_identity = Bytes(200, 7);
  const Jid jid("182736455463728", server::lid, 7);
  Node plain = bundle_user_node(jid, bundle);
  Node keys("keys");
  for (const Node& child : plain.children()) keys.add(child);
  Node wrapped("user");
  wrapped.set("jid", jid).add(std::move(keys));
  for (const Node& user : {plain, wrapped}) {
    const auto read = read_bundles(Node("iq").add(Node("list").add(user)));
    REQUIRE(read.size() == 1);
    REQUIRE(read[0].bundle);
    REQUIRE(read[0].bundle->device_identity == bundle.device_identity);
    REQUIRE(read[0].bundle->one_time->pub == bundle.one_time->pub);
  }
  REQUIRE(read_bundles(Node("iq")).empty());
}
