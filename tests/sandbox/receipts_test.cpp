#include <catch2/catch.hpp>

#include "protocol/stanzas/ack.h"
#include "tests/sandbox/fixture.h"

using namespace wharf;
using namespace wharf::sandbox;
using namespace wharf::sandbox::test;

namespace {

struct Scene {
  World world;
  Primary anna{world, "15550000001", "Anna"}, ben{world, "15550000002", "Ben"};
  std::unique_ptr<Companion> desk = ready_companion(world, anna);
  std::unique_ptr<Companion> bens = ready_companion(world, ben);
  std::unique_ptr<Companion> bens_tablet = ready_companion(world, ben);
  /// What Ben's companion received.
  Node received(std::string id = "m1") {
    desk->send(message_to(id, ben.account().lid_jid(),
                          {ben.account().lid_jid(), bens->lid(), bens_tablet->lid(), anna.account().lid_jid()}));
    return *bens->inbox->last("message");
  }
  Node receipt(std::string_view type, std::string id = "m1") {
    Node node("receipt");
    node.set("id", id).set("to", desk->lid());
    if (!type.empty()) node.set("type", type);
    return node;
  }
};

std::size_t count(const Inbox& inbox, std::string_view tag, std::string_view type) {
  std::size_t n = 0;
  for (const auto& node : inbox.all) n += node.is(tag) && node.attr("type") == type;
  return n;
}

}  // namespace

TEST_CASE("a delivery receipt is acked, settles the message, and reaches every device of the author with a time") {
  Scene s;
  s.received();
  const auto queued = s.world.network.queue_length(s.bens->key);
  s.bens->send(s.receipt(""));
  CHECK(s.world.network.queue_length(s.bens->key) == queued - 1);
  const auto* ack = s.bens->inbox->last("ack");
  REQUIRE(ack);
  CHECK(ack->attr("class") == "receipt");
  CHECK(ack->jid("from") == s.desk->lid());
  const auto* relayed = s.desk->inbox->last("receipt");
  REQUIRE(relayed);
  CHECK(relayed->jid("from") == s.bens->lid());
  CHECK(relayed->attr("id") == "m1");
  CHECK(relayed->number("t") == static_cast<std::uint64_t>(s.world.clock.unix_ms() / 1000));
  CHECK(s.anna.inbox.last("receipt"));
  CHECK(protocol::read_receipt_stanza(*relayed));
}

TEST_CASE("a read receipt reaches the author and, as read-self with the chat, the reader's other devices") {
  Scene s;
  s.received();
  s.bens->send(protocol::read_receipt(s.desk->lid(), std::nullopt, {"m1", "m0"}, 1));
  const auto* relayed = s.desk->inbox->last("receipt");
  REQUIRE(relayed);
  CHECK(relayed->attr("type") == "read");
  CHECK(protocol::read_receipt_stanza(*relayed)->ids.size() == 2);
  const auto* own = s.bens_tablet->inbox->last("receipt");
  REQUIRE(own);
  CHECK(own->attr("type") == "read-self");
  CHECK(own->jid("recipient") == s.anna.account().lid_jid());
  CHECK(own->jid("from") == s.bens->lid());
}

TEST_CASE("with read receipts off the author learns nothing") {
  Scene s;
  Node category("category");
  Node iq = protocol::iq_set("pv", "privacy");
  s.bens->send(iq.add(Node("privacy").add(category.set("name", "readreceipts").set("value", "none"))));
  REQUIRE(s.bens->inbox->answer("pv").attr("type") == "result");
  s.received();
  s.bens->send(s.receipt("read"));
  CHECK(count(*s.desk->inbox, "receipt", "read") == 0);
  CHECK(count(*s.bens_tablet->inbox, "receipt", "read-self") == 1);
}

TEST_CASE("receipts about own messages stay inside the account") {
  Scene s;
  auto tablet = ready_companion(s.world, s.anna);
  s.desk->send(message_to("m1", s.ben.account().lid_jid(), {s.ben.account().lid_jid(), tablet->lid()}));
  Node sender("receipt");
  sender.set("id", "m1").set("to", s.desk->lid()).set("type", "sender").set("recipient", s.ben.account().lid_jid());
  const auto before = s.world.network.stats().receipts_relayed;
  tablet->send(sender);
  CHECK(tablet->inbox->last("ack")->attr("type") == "sender");
  CHECK(s.world.network.stats().receipts_relayed == before);
  CHECK(count(*s.desk->inbox, "receipt", "sender") == 0);
  CHECK(count(s.ben.inbox, "receipt", "sender") == 0);
}

TEST_CASE("a retry receipt goes to the sending device alone and the resend passes the duplicate check") {
  Scene s;
  auto tablet = ready_companion(s.world, s.anna);
  const auto message = s.received();
  const auto queued = s.world.network.queue_length(s.bens->key);
  s.bens->send(protocol::retry_receipt(message, 1, 7, s.bens->keys.identity.registration_id, std::nullopt));
  CHECK(s.world.network.queue_length(s.bens->key) == queued - 1);  // the sender will resend it
  const auto* asked = s.desk->inbox->last("receipt");
  REQUIRE(asked);
  CHECK(asked->attr("type") == "retry");
  CHECK(asked->jid("from") == s.bens->lid());
  CHECK(asked->has("t"));
  const auto request = protocol::read_retry_request(*asked);
  REQUIRE(request);
  CHECK(request->count == 1);
  CHECK(request->registration_id == s.bens->keys.identity.registration_id);
  CHECK(count(*tablet->inbox, "receipt", "retry") == 0);
  CHECK(s.world.network.stats().retries_relayed == 1);

  protocol::RetryStanza resend;
  resend.id = "m1";
  resend.to = s.bens->lid();
  resend.ciphertext = {protocol::CiphertextKind::message, Bytes{9, 9, 9}};
  s.desk->send(protocol::retry_stanza(resend));
  const auto got = s.bens->inbox->tagged("message");
  REQUIRE(got.size() == 2);
  CHECK(protocol::read_encs(got[1])[0].count == 1);
  CHECK(got[1].jid("from") == s.desk->lid());
  CHECK(s.bens_tablet->inbox->tagged("message").size() == 1);
  // Without another retry receipt the same id is a duplicate again.
  s.desk->send(protocol::retry_stanza(resend));
  CHECK(s.bens->inbox->tagged("message").size() == 2);
}

TEST_CASE("the complete fan-out that Baileys sends for a retry reaches only the requester") {
  Scene s;
  const auto message = s.received();
  s.bens->send(protocol::retry_receipt(message, 1, 7, 1, std::nullopt));
  s.received();
  CHECK(s.bens->inbox->tagged("message").size() == 2);
  CHECK(s.bens_tablet->inbox->tagged("message").size() == 1);
}

TEST_CASE("retry receipts beyond the fifth and from devices that were not addressed are dropped") {
  Scene s;
  const auto message = s.received();
  s.bens->send(protocol::retry_receipt(message, 6, 7, 1, std::nullopt));
  CHECK(count(*s.desk->inbox, "receipt", "retry") == 0);
  Primary carl(s.world, "15550000003");
  auto stranger = ready_companion(s.world, carl);
  stranger->send(protocol::retry_receipt(message, 1, 7, 1, std::nullopt));
  CHECK(count(*s.desk->inbox, "receipt", "retry") == 0);
  CHECK(stranger->inbox->last("ack")->attr("class") == "receipt");  // acked all the same
}

TEST_CASE("the ack behind a retry receipt means the copy that was refused, not the one that was sent again meanwhile") {
  Scene s;
  s.received();
  const auto queued = s.world.network.queue_length(s.bens->key);
  Node retry = s.receipt("retry");
  retry.add(Node("retry").set("count", std::uint64_t{1}).set("id", "m1"));
  s.bens->send(retry);
  CHECK(s.world.network.queue_length(s.bens->key) == queued - 1);
  Node resend("message");
  resend.set("id", "m1").set("to", s.bens->lid()).set("type", "text");
  resend.add(Node("enc").set("v", "2").set("type", "msg").set("count", std::uint64_t{1}).text("sealed again"));
  s.desk->send(resend);
  REQUIRE(s.world.network.queue_length(s.bens->key) == queued);
  const auto copy = *s.bens->inbox->last("message");
  s.bens->send(protocol::ack_for(copy, s.bens->pn()));  // on its way before the second copy arrived
  CHECK(s.world.network.queue_length(s.bens->key) == queued);
  SECTION("the second copy is settled by its own answer") {
    s.bens->send(s.receipt(""));
    CHECK(s.world.network.queue_length(s.bens->key) == queued - 1);
  }
  SECTION("a new connection gets it, and its plain ack settles it there") {
    s.bens->disconnect();
    REQUIRE(s.bens->login());
    REQUIRE(s.bens->inbox->tagged("message").size() == 1);
    s.bens->send(protocol::ack_for(copy, s.bens->pn()));
    CHECK(s.world.network.queue_length(s.bens->key) == queued - 1);
  }
}
