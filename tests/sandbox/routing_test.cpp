#include <catch2/catch.hpp>

#include "protocol/messages/message_id.h"
#include "protocol/stanzas/ack.h"
#include "tests/sandbox/fixture.h"

using namespace wharf;
using namespace wharf::sandbox;
using namespace wharf::sandbox::test;

namespace {

/// Anna with two companions, Ben with one.
struct Scene {
  World world;
  Primary anna{world, "15550000001", "Anna"}, ben{world, "15550000002", "Ben"};
  std::unique_ptr<Companion> desk = ready_companion(world, anna);
  std::unique_ptr<Companion> tablet = ready_companion(world, anna);
  std::unique_ptr<Companion> bens = ready_companion(world, ben);
  std::vector<Jid> everybody(bool lid) {
    if (lid) return {ben.account().lid_jid(), bens->lid(), anna.account().lid_jid(), tablet->lid()};
    return {ben.account().pn_jid(), bens->pn(), anna.account().pn_jid(), tablet->pn()};
  }
  const Node& ack() { return *desk->inbox->last("ack"); }
};

std::size_t copies(const Inbox& inbox, std::string_view id) {
  std::size_t count = 0;
  for (const auto& node : inbox.all) count += node.is("message") && node.attr("id") == id;
  return count;
}

}  // namespace

TEST_CASE("a LID fan-out reaches every device with its own ciphertext and the right identities") {
  Scene s;
  s.desk->send(message_to("m1", s.ben.account().lid_jid(), s.everybody(true)));
  const auto* to_ben = s.bens->inbox->last("message");
  REQUIRE(to_ben);
  CHECK(to_ben->jid("from") == s.desk->lid());
  CHECK(to_ben->jid("sender_pn") == s.anna.account().pn_jid());
  CHECK(to_ben->attr("addressing_mode") == "lid");
  CHECK(to_ben->attr("notify") == "Anna");
  CHECK_FALSE(to_ben->has("recipient"));
  REQUIRE(to_ben->children().size() == 1);
  CHECK(to_ben->children()[0].text() == "ciphertext" + s.bens->lid().to_string());

  const auto* own = s.tablet->inbox->last("message");
  REQUIRE(own);
  CHECK(own->jid("from") == s.desk->lid());
  CHECK(own->jid("recipient") == s.ben.account().lid_jid());
  CHECK(own->jid("peer_recipient_pn") == s.ben.account().pn_jid());
  CHECK_FALSE(own->has("sender_pn"));
  CHECK_FALSE(own->has("sender_lid"));

  CHECK(copies(s.ben.inbox, "m1") == 1);
  CHECK(copies(s.anna.inbox, "m1") == 1);
  CHECK(copies(*s.desk->inbox, "m1") == 0);  // never to the sending device
  const auto ack = protocol::read_ack(s.ack());
  REQUIRE(ack);
  CHECK(ack->error == 0);
  CHECK(ack->from == s.ben.account().lid_jid());
  CHECK(std::to_string(ack->timestamp) == to_ben->attr("t"));
  CHECK(ack->phash.empty());
}

TEST_CASE("a phone number fan-out names the LID of the sender") {
  Scene s;
  s.desk->send(message_to("m1", s.ben.account().pn_jid(), s.everybody(false)));
  const auto* to_ben = s.bens->inbox->last("message");
  REQUIRE(to_ben);
  CHECK(to_ben->jid("from") == s.desk->pn());
  CHECK(to_ben->jid("sender_lid") == s.anna.account().lid_jid());
  CHECK(s.tablet->inbox->last("message")->jid("peer_recipient_lid") == s.ben.account().lid_jid());
}

TEST_CASE("a re-sent id is acked with the same time and delivered once, but reaches devices it names anew") {
  Scene s;
  s.desk->send(message_to("m1", s.ben.account().pn_jid(),
                          {s.ben.account().pn_jid(), s.anna.account().pn_jid(), s.tablet->pn()}));
  const auto t = s.ack().attr("t");
  CHECK(s.ack().attr("phash") ==
        protocol::participant_hash(std::vector<Jid>{s.ben.account().pn_jid(), s.bens->pn(), s.anna.account().pn_jid(),
                                                    s.desk->pn(), s.tablet->pn()}));
  s.world.clock.advance(5'000);
  s.desk->send(message_to("m1", s.ben.account().pn_jid(), s.everybody(false)));
  CHECK(s.ack().attr("t") == t);
  CHECK(s.ack().attr("phash").empty());
  CHECK(copies(s.ben.inbox, "m1") == 1);
  CHECK(copies(*s.bens->inbox, "m1") == 1);
  CHECK(s.world.network.stats().duplicate_sends == 0);
  s.desk->send(message_to("m1", s.ben.account().pn_jid(), s.everybody(false)));
  CHECK(copies(*s.bens->inbox, "m1") == 1);
  CHECK(s.world.network.stats().duplicate_sends == 1);
}

TEST_CASE("a wrong phash is answered with the true one") {
  Scene s;
  auto message = message_to("m1", s.ben.account().pn_jid(), s.everybody(false));
  s.desk->send(message.set("phash", "2:AAAAAAAA"));
  CHECK(s.ack().attr("phash") != "");
  CHECK(s.ack().attr("phash") != "2:AAAAAAAA");
}

TEST_CASE("messages that break a rule are nacked and delivered to nobody") {
  Scene s;
  Primary carl(s.world, "15550000003");
  const auto ben = s.ben.account().pn_jid();
  Node message = message_to("m1", ben, s.everybody(false));
  std::string code = "400";
  SECTION("an enc for a foreign account") { message = message_to("m1", ben, {ben, carl.account().pn_jid()}); }
  SECTION("mixed namespaces") { message = message_to("m1", ben, {ben, s.bens->lid()}); }
  SECTION("no enc") {
    message = Node("message");
    message.set("id", "m1").set("to", ben).set("type", "text");
  }
  SECTION("only the sending device") { message = message_to("m1", s.anna.account().pn_jid(), {s.desk->pn()}); }
  SECTION("a fan-out to a device") { message.set("to", s.bens->pn()); }
  SECTION("unknown number") {
    message =
        message_to("m1", Jid("15559999999", protocol::server::user), {Jid("15559999999", protocol::server::user)});
    code = "404";
  }
  SECTION("empty ciphertext") {
    message = Node("message");
    message.set("id", "m1").set("to", ben).add(Node("enc").set("v", "2").set("type", "msg"));
    code = "479";
  }
  SECTION("over a megabyte") { message = message_to("m1", ben, {ben}, std::string(1'100'000, 'x')); }
  const auto before = s.world.network.stats().messages_delivered;
  s.desk->send(message);
  CHECK(s.ack().attr("error") == code);
  CHECK(s.world.network.stats().messages_delivered == before);
  // A refused id is not remembered: sent correctly it goes through.
  s.desk->send(message_to("m1", ben, s.everybody(false)));
  CHECK(copies(*s.bens->inbox, "m1") == 1);
}

TEST_CASE("a ciphertext for a device that is gone is skipped and shows in the phash") {
  Scene s;
  auto devices = s.everybody(false);
  devices.push_back(s.ben.account().pn_jid(40));
  auto message = message_to("m1", s.ben.account().pn_jid(), devices);
  devices.push_back(s.desk->pn());
  s.desk->send(message.set("phash", protocol::participant_hash(devices)));
  CHECK(copies(*s.bens->inbox, "m1") == 1);
  CHECK_FALSE(s.ack().attr("phash").empty());
}

TEST_CASE("a note to self goes to the own other devices without a recipient") {
  Scene s;
  s.desk->send(message_to("m1", s.anna.account().lid_jid(), {s.anna.account().lid_jid(), s.tablet->lid()}));
  const auto* note = s.tablet->inbox->last("message");
  REQUIRE(note);
  CHECK_FALSE(note->has("recipient"));
  CHECK(copies(*s.bens->inbox, "m1") == 0);
}

TEST_CASE("a peer message goes to the named device only") {
  Scene s;
  s.anna.send(
      protocol::peer_message_stanza("p1", s.desk->lid(), {protocol::CiphertextKind::message, Bytes{1, 2, 3}}, {}));
  const auto* peer = s.desk->inbox->last("message");
  REQUIRE(peer);
  CHECK(peer->attr("category") == "peer");
  CHECK_FALSE(peer->has("recipient"));
  CHECK(copies(*s.tablet->inbox, "p1") == 0);
}

TEST_CASE("device-identity goes with a pkmsg and only with a pkmsg") {
  Scene s;
  protocol::OutgoingStanza out;
  out.id = "m1";
  out.to = s.ben.account().lid_jid();
  out.participants = {{s.ben.account().lid_jid(), {protocol::CiphertextKind::pre_key_message, Bytes{1, 2, 3}}},
                      {s.bens->lid(), {protocol::CiphertextKind::message, Bytes{4, 5, 6}}}};
  out.device_identity = s.anna.account().devices[s.desk->key.device].device_identity;
  s.desk->send(protocol::message_stanza(out));
  CHECK(s.ben.inbox.last("message")->child("device-identity"));
  CHECK_FALSE(s.bens->inbox->last("message")->child("device-identity"));
}

TEST_CASE("a message key used for two ciphertexts is counted, a resend of the same one is not") {
  Scene s;
  const auto fetched = [&] {
    s.desk->send(protocol::fetch_bundles_iq("k", std::vector<Jid>{s.bens->lid()}));
    return *protocol::read_bundles(s.desk->inbox->answer("k"))[0].bundle;
  }();
  protocol::SessionRecord record;
  REQUIRE(protocol::start_session(record, s.desk->keys.identity, fetched, s.world.random));
  auto rolled_back = record;
  const auto send = [&](std::string id, const protocol::Ciphertext& ciphertext) {
    protocol::OutgoingStanza out;
    out.id = std::move(id);
    out.to = s.ben.account().lid_jid();
    out.participants = {{s.bens->lid(), ciphertext}};
    out.device_identity = Bytes{1};
    s.desk->send(protocol::message_stanza(out));
  };
  const auto first = protocol::encrypt(record, s.desk->keys.identity, protocol::as_bytes("one"));
  send("m1", *first);
  send("m1", *first);
  send("m2", *protocol::encrypt(record, s.desk->keys.identity, protocol::as_bytes("two")));
  CHECK(s.world.network.stats().reused_message_keys == 0);
  send("m3", *protocol::encrypt(rolled_back, s.desk->keys.identity, protocol::as_bytes("three")));
  CHECK(s.world.network.stats().reused_message_keys == 1);
}

TEST_CASE("the message faults lose acks, deliver twice, corrupt and reorder") {
  Scene s;
  auto& faults = s.world.network.faults();
  const auto ben = s.ben.account().pn_jid();
  SECTION("a lost ack, then the resend is acked and delivered once") {
    faults.drop_acks = 1;
    const auto before = s.desk->inbox->tagged("ack").size();
    s.desk->send(message_to("m1", ben, s.everybody(false)));
    CHECK(s.desk->inbox->tagged("ack").size() == before);
    s.desk->send(message_to("m1", ben, s.everybody(false)));
    CHECK(s.desk->inbox->tagged("ack").size() == before + 1);
    CHECK(copies(*s.bens->inbox, "m1") == 1);
  }
  SECTION("twice, the same ciphertext") {
    faults.duplicate_deliveries = 1;
    s.desk->send(message_to("m1", ben, {s.bens->pn()}));
    const auto got = s.bens->inbox->tagged("message");
    REQUIRE(got.size() == 2);
    CHECK(got[0] == got[1]);
  }
  SECTION("corrupted") {
    faults.corrupt_messages = 1;
    s.desk->send(message_to("m1", ben, {s.bens->pn()}, "x"));
    CHECK(s.bens->inbox->last("message")->child("enc")->text() != "x" + s.bens->pn().to_string());
    s.desk->send(message_to("m2", ben, {s.bens->pn()}, "x"));
    CHECK(s.bens->inbox->last("message")->child("enc")->text() == "x" + s.bens->pn().to_string());
  }
  SECTION("held and released reversed") {
    faults.hold_messages = true;
    faults.reorder = 1;
    for (const auto id : {"m1", "m2", "m3"}) s.desk->send(message_to(id, ben, {s.bens->pn()}));
    CHECK(s.bens->inbox->tagged("message").empty());
    s.world.network.release_held();
    std::vector<std::string> order;
    for (const auto& node : s.bens->inbox->tagged("message")) order.push_back(node.attr("id"));
    CHECK(order == std::vector<std::string>{"m3", "m2", "m1"});
  }
  SECTION("reordered by itself when n are there") {
    faults.reorder = 2;
    for (const auto id : {"m1", "m2", "m3"}) s.desk->send(message_to(id, ben, {s.bens->pn()}));
    std::vector<std::string> order;
    for (const auto& node : s.bens->inbox->tagged("message")) order.push_back(node.attr("id"));
    CHECK(order == std::vector<std::string>{"m2", "m1", "m3"});
  }
}

TEST_CASE("a message to a number nobody has can create it") {
  Scene s;
  std::unique_ptr<Primary> dora;
  s.world.network.on_unknown_number = [&](const std::string& phone) {
    dora = std::make_unique<Primary>(s.world, phone);
  };
  const Jid jid("15550000009", protocol::server::user);
  s.desk->send(message_to("m1", jid, {jid}));
  REQUIRE(dora);
  CHECK(copies(dora->inbox, "m1") == 1);
}

TEST_CASE("a resend with other bytes than the first one is counted") {
  Scene s;
  const auto& stats = s.world.network.stats();
  const auto ben = s.ben.account().pn_jid();
  s.desk->send(message_to("m1", ben, s.everybody(false)));
  s.desk->send(message_to("m1", ben, s.everybody(false)));
  s.desk->send(message_to("m2", ben, s.everybody(false), "another one"));
  CHECK(stats.changed_resends.empty());
  s.desk->send(message_to("m1", ben, s.everybody(false), "sealed anew"));
  CHECK(stats.changed_resends.at(s.desk->key) == 1);
}

TEST_CASE("a second fan-out for a device that the first one missed is delivered to it alone and no other resend") {
  Scene s;
  const auto ben = s.ben.account().pn_jid();
  auto devices = s.everybody(false);
  REQUIRE(devices.size() > 1);
  const auto missed = devices.back();
  devices.pop_back();
  s.desk->send(message_to("m1", ben, devices));
  s.desk->send(message_to("m1", ben, {missed}, "sealed later"));
  CHECK(s.world.network.stats().changed_resends.empty());
  s.desk->send(message_to("m1", ben, {missed}, "and again"));
  CHECK(s.world.network.stats().changed_resends.at(s.desk->key) == 1);
}

TEST_CASE("of a message that is corrupted and delivered twice one copy stays whole") {
  Scene s;
  s.world.network.faults().corrupt_messages = s.world.network.faults().duplicate_deliveries = 1;
  s.desk->send(message_to("m1", s.ben.account().pn_jid(), {s.bens->pn()}));
  const auto got = s.bens->inbox->tagged("message");
  REQUIRE(got.size() == 2);
  const auto text = [](const Node& message) { return std::string(protocol::as_text(*message.child_data("enc"))); };
  const std::string whole = "ciphertext" + s.bens->pn().to_string();
  CHECK(text(got[0]) != whole);
  CHECK(text(got[1]) == whole);
}
