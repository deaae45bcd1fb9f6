// Receipts and acks against receipts.json, both directions.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "protocol/stanzas/ack.h"
#include "protocol/stanzas/messages.h"
#include "tests/support/node_json.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::canonical;
using wharf::test::node_from_json;
using wharf::test::text;
using wharf::test::vectors;

namespace {

const Jid own_pn("15550001111", server::user, 7);
const Jid own_lid("100000000000001", server::lid, 7);

const boost::json::object& entry(const char* direction, std::string_view name) {
  for (const auto& value : vectors("receipts").at(direction).as_array()) {
    if (text(value.as_object(), "name") == name) return value.as_object();
  }
  throw std::runtime_error("no receipt " + std::string(name));
}
std::string outbound(std::string_view name) { return canonical(node_from_json(entry("outbound", name).at("node"))); }

Node message(std::string_view id, const Jid& from) {
  Node node("message");
  return node.set("id", id).set("from", from).set("type", "text").set("t", "1760000000");
}

std::string delivery(const Node& node, DeliveryReceipt kind) {
  const auto source = read_message_source(node, own_pn, own_lid);
  REQUIRE(source);
  return canonical(delivery_receipt(node, kind, *source));
}

std::vector<std::string> strings(const boost::json::value& list) {
  std::vector<std::string> out;
  for (const auto& value : list.as_array()) out.emplace_back(value.as_string());
  return out;
}

}  // namespace

TEST_CASE("every receipt vector is either covered or named as outside this issue") {
  const std::set<std::string_view> built = {"delivery_active_1to1",
                                            "delivery_inactive_1to1",
                                            "delivery_group",
                                            "delivery_status",
                                            "sender_own",
                                            "peer_msg",
                                            "read_list",
                                            "read_group",
                                            "read_self",
                                            "retry_1",
                                            "retry_2_keys",
                                            "ack_group_message",
                                            "nack_undecryptable",
                                            "nack_parse",
                                            "ack_receipt"};
  const std::set<std::string_view> outside = {"hist_sync", "played"};  // history sync and voice messages
  const auto& out = vectors("receipts").at("outbound").as_array();
  REQUIRE(out.size() == 17);
  REQUIRE(built.size() + outside.size() == 17);
  for (const auto& value : out) {
    INFO(text(value.as_object(), "name"));
    REQUIRE(built.contains(text(value.as_object(), "name")) != outside.contains(text(value.as_object(), "name")));
  }
  REQUIRE(vectors("receipts").at("inbound").as_array().size() == 13);
}

TEST_CASE("delivery receipts echo the sender with its device") {
  const Jid group("120363000000000001", server::group), status("status", server::broadcast);
  REQUIRE(delivery(message("3EB0112233445566778899", Jid("100000000000002", server::lid, 12)),
                   DeliveryReceipt::active) == outbound("delivery_active_1to1"));
  REQUIRE(delivery(message("3EB0AA", Jid("100000000000002", server::lid)), DeliveryReceipt::inactive) ==
          outbound("delivery_inactive_1to1"));
  REQUIRE(delivery(message("3EB0AA", group).set("participant", Jid("100000000000003", server::lid, 4)),
                   DeliveryReceipt::active) == outbound("delivery_group"));
  REQUIRE(delivery(message("3EB0112233445566778899", status).set("participant", Jid("100000000000002", server::lid)),
                   DeliveryReceipt::active) == outbound("delivery_status"));
  REQUIRE(delivery(message("3EB0AA", Jid("100000000000001", server::lid, 9))
                       .set("recipient", Jid("100000000000002", server::lid)),
                   DeliveryReceipt::sender) == outbound("sender_own"));
  // In this vector the own account is another one.
  const Jid phone("15550000001", server::user);
  Node peer = message("3EB0AA", phone);
  peer.set("category", "peer").set("participant", phone).set("recipient", phone);
  const auto source = read_message_source(peer, phone.with_device(7), own_lid);
  REQUIRE(source);
  REQUIRE(source->peer);
  REQUIRE(canonical(delivery_receipt(peer, DeliveryReceipt::peer, *source)) == outbound("peer_msg"));
}

TEST_CASE("read receipts name one chat and up to 256 messages") {
  const Jid chat("100000000000002", server::lid), group("120363000000000001", server::group);
  REQUIRE(canonical(read_receipt(chat, std::nullopt, {"3EB0AA", "3EB0BB", "3EB0CC"}, 1795227306)) ==
          outbound("read_list"));
  REQUIRE(canonical(read_receipt(group, Jid("100000000000003", server::lid, 4), {"3EB0112233445566778899"},
                                 1760000000)) == outbound("read_group"));
  REQUIRE(canonical(read_receipt(chat, std::nullopt, {"3EB0112233445566778899"}, 1760000000, "read-self")) ==
          outbound("read_self"));
  const std::vector<std::string> most(256, "3EB0AA");
  REQUIRE(read_receipt(chat, std::nullopt, most, 1).child("list")->children().size() == 255);
  REQUIRE_THROWS(read_receipt(chat, std::nullopt, std::vector<std::string>(257, "3EB0AA"), 1));
  REQUIRE_THROWS(read_receipt(chat, std::nullopt, {}, 1));
}

TEST_CASE("retry receipts are the vectors', without and with keys") {
  const Node failed = message("3EB0112233445566778899", Jid("100000000000002", server::lid, 12));
  REQUIRE(canonical(retry_receipt(failed, 1, retry_error_code(Errc::bad_mac), 1111, std::nullopt)) ==
          outbound("retry_1"));

  SeededRandom random(4);
  const KeyPair identity = KeyPair::generate(random);
  RetryKeys keys;
  keys.identity = identity.pub;
  keys.one_time = {77, KeyPair::generate(random)};
  keys.signed_pre_key.id = 1;
  keys.signed_pre_key.pair = KeyPair::generate(random);
  keys.signed_pre_key.signature = random.bytes<64>();
  keys.device_identity = to_bytes("<ADVSignedDeviceIdentity>");
  const Node built = retry_receipt(failed, 2, 7, 1111, keys);
  // The vector has placeholders for the keys: widths are checked, then the same placeholders put in.
  Node comparable = built;
  const auto place = [](Node& parent, std::string_view tag, std::string_view placeholder, std::size_t width) {
    for (Node& child : std::get<std::vector<Node>>(parent.content)) {
      if (!child.is(tag)) continue;
      REQUIRE(child.data().size() == width);
      child.text(placeholder);
    }
  };
  for (Node& node : std::get<std::vector<Node>>(comparable.content)) {
    if (!node.is("keys")) continue;
    place(node, "identity", "<32 bytes raw identity key>", 32);
    for (Node& key : std::get<std::vector<Node>>(node.content)) {
      if (!key.is("key") && !key.is("skey")) continue;
      place(key, "value", "<32 bytes>", 32);
      place(key, "signature", "<64 bytes>", 64);
    }
  }
  REQUIRE(canonical(comparable) == outbound("retry_2_keys"));

  // What the peer reads of it.
  Node relayed = built;
  std::erase_if(relayed.attrs, [](const Attr& attr) { return attr.key == "to"; });
  relayed.set("from", Jid("100000000000001", server::lid, 7));
  const auto request = read_retry_request(relayed);
  REQUIRE(request);
  REQUIRE(request->count == 2);
  REQUIRE(request->registration_id == 1111);
  REQUIRE(request->requester == Jid("100000000000001", server::lid, 7));
  REQUIRE(request->keys);
  REQUIRE(request->keys->registration_id == 1111);
  REQUIRE(request->keys->identity == identity.pub);
  REQUIRE(request->keys->one_time->id == 77);
  REQUIRE(request->keys->one_time->pub == keys.one_time.pair.pub);
  REQUIRE(request->keys->signed_pre_key_signature == keys.signed_pre_key.signature);
  REQUIRE(request->keys->device_identity == keys.device_identity);
}

TEST_CASE("a retry receipt carries category for peer messages, else the recipient") {
  Node own = message("1", Jid("100000000000001", server::lid, 9)).set("recipient", Jid("100000000000002", server::lid));
  REQUIRE(retry_receipt(own, 1, 0, 1, std::nullopt).has("recipient"));
  REQUIRE_FALSE(retry_receipt(own, 1, 0, 1, std::nullopt).child("retry")->has("error"));
  own.set("category", "peer");
  const Node peer = retry_receipt(own, 1, 0, 1, std::nullopt);
  REQUIRE(peer.attr("category") == "peer");
  REQUIRE_FALSE(peer.has("recipient"));
}

TEST_CASE("decryption failures map to the retry error codes") {
  REQUIRE(retry_error_code(Errc::no_session) == 1);
  REQUIRE(retry_error_code(Errc::no_sender_key) == 1);
  REQUIRE(retry_error_code(Errc::invalid_key) == 2);
  REQUIRE(retry_error_code(Errc::invalid_key_id) == 3);
  REQUIRE(retry_error_code(Errc::malformed) == 4);
  REQUIRE(retry_error_code(Errc::bad_signature) == 5);
  REQUIRE(retry_error_code(Errc::future_message) == 6);
  REQUIRE(retry_error_code(Errc::bad_mac) == 7);
  REQUIRE(retry_error_code(Errc::duplicate_message) == 0);
}

TEST_CASE("acks echo id, sender, type and addressing, and name the own device for messages") {
  const Jid device("100000000000002", server::lid, 12);
  const Node one = message("3EB0112233445566778899", device);
  Node group = message("3EB0112233445566778899", Jid("120363000000000001", server::group));
  group.set("participant", Jid("100000000000003", server::lid, 4));
  REQUIRE(canonical(ack_for(group, own_pn)) == outbound("ack_group_message"));
  REQUIRE(canonical(ack_for(one, own_pn, 500)) == outbound("nack_undecryptable"));
  REQUIRE(canonical(ack_for(one, own_pn, 487)) == outbound("nack_parse"));
  Node receipt("receipt");
  receipt.set("id", "3EB0112233445566778899").set("from", Jid("100000000000002", server::lid)).set("type", "read");
  REQUIRE(canonical(ack_for(receipt, own_pn)) == outbound("ack_receipt"));
  receipt.set("recipient", Jid("1", server::user));
  REQUIRE(ack_for(receipt, own_pn).jid("recipient") == Jid("1", server::user));
}

TEST_CASE("an identity change is acked without type, other encrypt notifications with it") {
  Node notification("notification");
  notification.set("id", "1").set("from", Jid("15550000001", server::user)).set("type", "encrypt");
  Node count = notification;
  REQUIRE(ack_for(count.add(Node("count")), own_pn).attr("type") == "encrypt");
  const Node ack = ack_for(notification.add(Node("identity")), own_pn);
  REQUIRE_FALSE(ack.has("type"));
  REQUIRE(ack.attr("class") == "notification");
  REQUIRE_FALSE(ack.has("from"));
}

TEST_CASE("inbound receipts are read as the vectors say") {
  int receipts = 0, acks = 0, retries = 0;
  for (const auto& value : vectors("receipts").at("inbound").as_array()) {
    const Node node = node_from_json(value.at("node"));
    const auto& parsed = value.at("parsed").as_object();
    INFO(text(value.as_object(), "name"));
    const std::string level(text(parsed, "level"));
    if (node.is("ack")) {
      ++acks;
      const auto ack = read_ack(node);
      REQUIRE(ack);
      REQUIRE(strings(parsed.at("ids")) == std::vector<std::string>{ack->id});
      REQUIRE((ack->error != 0) == (level == "error"));
      REQUIRE(ack->timestamp == 1'760'000'000);
      REQUIRE(ack->from == node.jid("from"));
      REQUIRE(ack->phash == node.attr("phash"));
      continue;
    }
    ++receipts;
    const auto receipt = read_receipt_stanza(node);
    REQUIRE(receipt);
    auto ids = receipt->ids;
    for (const auto& block : receipt->together) ids.push_back(block.id);
    REQUIRE(ids == strings(parsed.at("ids")));
    REQUIRE(receipt->timestamp == 1'760'000'000);
    const bool own = receipt->from.user_jid() == own_lid.user_jid();
    const Jid chat = own && receipt->recipient ? *receipt->recipient : receipt->from.user_jid();
    REQUIRE(chat.to_string() == text(parsed, "chat"));
    if (parsed.contains("by")) {
      REQUIRE(receipt->participant.value_or(receipt->from).to_string() == text(parsed, "by"));
    }
    if (level.starts_with("delivered")) REQUIRE((receipt->type.empty() || receipt->type == "inactive"));
    if (level == "read" || level == "played") REQUIRE(receipt->type == level);
    REQUIRE(receipt->feature_incapable == level.starts_with("server"));
    const auto* per_user = parsed.if_contains("perUser");
    REQUIRE(receipt->together.size() == (per_user == nullptr ? 0 : 1));
    const auto users = per_user == nullptr ? std::vector<IncomingReceipt::User>() : receipt->together[0].users;
    REQUIRE(users.size() == (per_user == nullptr ? 0 : per_user->as_object().size()));
    for (const auto& user : users) {
      REQUIRE(static_cast<std::int64_t>(user.timestamp) == per_user->at(user.jid.to_string()).as_int64());
    }
    if (parsed.contains("requester")) {
      ++retries;
      const auto retry = read_retry_request(node);
      REQUIRE(retry);
      REQUIRE(retry->requester.to_string() == text(parsed, "requester"));
      REQUIRE(retry->registration_id == parsed.at("registrationId").as_int64());
      REQUIRE(retry->id == receipt->ids.front());
      REQUIRE(retry->count == 1);
      REQUIRE_FALSE(retry->keys);
    }
  }
  REQUIRE(receipts == 10);
  REQUIRE(acks == 3);
  REQUIRE(retries == 1);
}

TEST_CASE("a retry that cannot be answered is malformed") {
  const Node good = node_from_json(entry("inbound", "in_retry").at("node"));
  REQUIRE(read_retry_request(good));
  const auto refused = [&](auto&& change) {
    Node node = good;
    change(node, std::get<std::vector<Node>>(node.content));
    const auto request = read_retry_request(node);
    return !request && request.error().code == Errc::malformed;
  };
  for (const char* count : {"0", "6", "-1", "x", ""}) {
    REQUIRE(refused([&](Node&, auto& children) { children[0].set("count", count); }));
  }
  REQUIRE(refused([](Node&, auto& children) { children[0].set("id", ""); }));
  REQUIRE(refused([](Node&, auto& children) { children[1].bytes(Bytes(5, 1)); }));
  REQUIRE(refused([](Node&, auto& children) { children.pop_back(); }));
  REQUIRE(refused([](Node&, auto& children) { children.push_back(Node("keys")); }));
  const Jid group("120363000000000001", server::group);
  REQUIRE(refused([&](Node& node, auto&) { node.set("from", group).set("participant", "nobody at all"); }));
  REQUIRE(refused([&](Node& node, auto&) { node.set("from", group); }));
  REQUIRE(refused([](Node& node, auto&) { node.set("from", server_jid()); }));
}

TEST_CASE("participant says who speaks in groups and broadcasts, and nothing in a 1:1 receipt") {
  const Jid stranger("100000000000009", server::lid, 2), other("15550000001", server::user);
  Node retry = node_from_json(entry("inbound", "in_retry").at("node"));
  retry.set("from", stranger).set("participant", other);
  REQUIRE(read_retry_request(retry)->requester == stranger);
  Node read("receipt");
  read.set("id", "1").set("type", "read").set("from", stranger).set("participant", other);
  REQUIRE_FALSE(read_receipt_stanza(read)->participant);
  for (const Jid& shared : {Jid("120363000000000001", server::group), Jid("status", server::broadcast)}) {
    REQUIRE(read_retry_request(retry.set("from", shared))->requester == other);
    REQUIRE(read_receipt_stanza(read.set("from", shared))->participant == other);
  }
}

TEST_CASE("a receipt without id or sender is malformed, hostile lists are bounded") {
  Node receipt("receipt");
  REQUIRE_FALSE(read_receipt_stanza(receipt));
  receipt.set("id", "1").set("from", Jid("1", server::user));
  Node list("list");
  for (std::uint64_t i = 0; i < 5000; ++i) list.add(Node("item").set("id", i));
  list.add(Node("item"));
  REQUIRE(read_receipt_stanza(receipt.add(std::move(list))).value().ids.size() == 1024);
}

TEST_CASE("an ack error that is no number is still an error") {
  Node ack("ack");
  ack.set("class", "message").set("id", "1").set("from", Jid("1", server::user)).set("error", "what");
  REQUIRE(read_ack(ack)->error == 500);
  const auto receipt = read_ack(ack.set("class", "receipt").set("type", "read"));
  REQUIRE(receipt->stanza == "receipt");
  REQUIRE(receipt->type == "read");
  REQUIRE(read_ack(Node("ack").set("id", "1"))->stanza.empty());
  REQUIRE(read_ack(Node("ack").set("id", "1").set("class", std::string(5000, 'x') + "\n"))->stanza.size() == 32);
  REQUIRE_FALSE(read_ack(Node("ack").set("id", "\xFF").set("class", "message")));
}

TEST_CASE("ids that could not be named again are none") {
  Node receipt("receipt");
  receipt.set("id", "good").set("from", Jid("1", server::user));
  Node list("list");
  for (const std::string& id :
       {std::string("a b"), std::string("\xC3\xA4"), std::string(129, 'A'), std::string("fine")}) {
    list.add(Node("item").set("id", id));
  }
  REQUIRE(read_receipt_stanza(receipt.add(std::move(list)))->ids == std::vector<std::string>{"fine", "good"});
  Node retry = node_from_json(entry("inbound", "in_retry").at("node"));
  std::get<std::vector<Node>>(retry.content)[0].set("id", "a\nb");
  REQUIRE_FALSE(read_retry_request(retry));
}
