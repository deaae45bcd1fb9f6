// What the server refuses by policy: rate limits, new-chat caps, restricted accounts, privacy. Specification 06
// sections 8.4 and 10.

#include <catch2/catch.hpp>

#include "tests/sandbox/disk.h"
#include "tests/sandbox/phone_world.h"

using namespace wharf;
using namespace wharf::sandbox;
using namespace wharf::sandbox::test;

namespace {

struct Two {
  World world;
  Primary anna{world, "15550000001"}, ben{world, "15550000002"};
  std::unique_ptr<Companion> desk = ready_companion(world, anna);

  /// The error of the ack, "" when accepted.
  std::string send(std::string_view id, Primary& to, const Bytes& token = {}) {
    auto message = message_to(id, to.account().lid_jid(), {to.account().lid_jid()});
    if (!token.empty()) message.add(Node("tctoken").bytes(token));
    desk->send(message);
    const auto* ack = desk->inbox->last("ack");
    REQUIRE(ack);
    REQUIRE(ack->attr("id") == id);
    return ack->attr("error");
  }
  /// The token that `issuer` gives to Anna at `t`.
  Bytes token_of(Primary& issuer, std::int64_t t) {
    Node token("token");
    token.set("jid", anna.account().lid_jid()).set("t", static_cast<std::uint64_t>(t)).set("type", "trusted_contact");
    issuer.send(protocol::iq_set(world.id(), "privacy").add(Node("tokens").add(std::move(token))));
    const auto* told = desk->inbox->last("notification");
    REQUIRE(told);
    REQUIRE(told->attr("type") == "privacy_token");
    return protocol::to_bytes(told->child("tokens")->child("token")->data());
  }
  std::int64_t now() { return world.clock.unix_ms() / 1000; }
  void set_privacy(Primary& who, std::string_view name, std::string_view value) {
    Node category("category");
    category.set("name", name).set("value", value);
    who.send(protocol::iq_set(world.id(), "privacy").add(Node("privacy").add(std::move(category))));
  }
};

}  // namespace

TEST_CASE("a companion over its rate is told 429 and nothing is delivered; phones are not counted") {
  Two two;
  two.world.network.faults().rate_limit_sends = 1;
  two.ben.send(message_to("b1", two.anna.account().lid_jid(), {two.anna.account().lid_jid()}));
  CHECK(two.ben.inbox.last("ack")->attr("error").empty());
  CHECK(two.send("m1", two.ben) == "429");
  CHECK_FALSE(two.ben.inbox.last("message"));
  CHECK(two.send("m1", two.ben).empty());  // the refusal marked nothing
  CHECK(two.ben.inbox.tagged("message").size() == 1);
  two.world.network.faults().rate_limit_sends = 1;
  CHECK(two.send("m1", two.ben).empty());  // accepted before: acked again
}

TEST_CASE("IQs over the rate are refused with a backoff, the keep-alive is not") {
  Two two;
  two.world.network.faults().rate_limit_iqs = 1;
  two.desk->send(protocol::iq_get("p", "w:p"));
  CHECK(two.desk->inbox->answer("p").attr("type") == "result");
  two.desk->send(protocol::iq_get("a", "abt").add(Node("props")));
  const auto* error = two.desk->inbox->answer("a").child("error");
  REQUIRE(error);
  CHECK(error->attr("code") == "429");
  CHECK(error->number("backoff").value_or(0) > 0);
  two.desk->send(protocol::iq_get("b", "abt").add(Node("props")));
  CHECK(two.desk->inbox->answer("b").attr("type") == "result");

  two.world.network.faults().rate_limit_usync = 1;
  two.desk->send(protocol::usync_devices_iq("u", "sid", std::vector<Jid>{two.ben.account().lid_jid()}));
  const auto* usync = two.desk->inbox->answer("u").child("usync");
  REQUIRE(usync);
  const auto* refused = usync->child("result")->child("devices")->child("error");
  REQUIRE(refused);
  CHECK(refused->attr("code") == "429");
  CHECK_FALSE(usync->child("list")->children().at(0).child("devices"));
}

TEST_CASE("a restricted account is reached by whom it gave a token, and in a chat that is there") {
  Two two;
  Primary carl(two.world, "15550000003");
  two.ben.account().restricted = true;
  CHECK(two.send("m1", two.ben) == "463");
  CHECK(two.send("m2", two.ben, Bytes(24, 7)) == "463");
  CHECK(two.send("m3", two.ben, two.token_of(carl, two.now())) == "463");  // of somebody else
  CHECK(two.send("m4", two.ben, two.token_of(two.ben, two.now() - 29 * 86'400)) == "463");
  CHECK_FALSE(two.ben.inbox.last("message"));
  CHECK(two.send("m5", two.ben, two.token_of(two.ben, two.now())).empty());
  CHECK(two.send("m6", two.ben).empty());
  CHECK(two.ben.inbox.tagged("message").size() == 2);
  CHECK(two.send("m7", carl).empty());
}

TEST_CASE("an account at its cap begins no chat and goes on in those it has") {
  Two two;
  Primary carl(two.world, "15550000003");
  two.anna.account().new_chats_left = 1;
  CHECK(two.send("m1", two.ben).empty());
  CHECK(two.send("m2", carl) == "475");
  CHECK_FALSE(carl.inbox.last("message"));
  CHECK(two.send("m3", two.ben).empty());
  carl.send(message_to("c1", two.anna.account().lid_jid(), {two.anna.account().lid_jid()}));
  CHECK(two.send("m4", carl).empty());  // Carl began it
}

TEST_CASE("a message to one device carries no phash") {
  Two two;
  Node message("message"), enc("enc");
  message.set("id", "m1").set("to", two.ben.account().lid_jid()).set("type", "text").set("phash", "2:abcdefgh");
  two.desk->send(message.add(enc.set("v", "2").set("type", "msg").text("x")));
  CHECK(two.desk->inbox->last("ack")->attr("error") == "479");
  CHECK_FALSE(two.ben.inbox.last("message"));
}

TEST_CASE("presence says what the account's privacy lets out") {
  Two two;
  two.ben.send(protocol::presence("available", "Ben"));
  two.desk->send(protocol::presence("available", "Anna"));
  const auto subscribe = [&](const Bytes& token = {}) {
    const auto before = two.desk->inbox->tagged("presence").size();
    Node presence("presence");
    presence.set("type", "subscribe").set("to", two.ben.account().lid_jid());
    if (!token.empty()) presence.add(Node("tctoken").bytes(token));
    two.desk->send(presence);
    const auto seen = two.desk->inbox->tagged("presence");
    return seen.size() == before ? std::optional<Node>() : std::optional<Node>(seen.back());
  };
  const auto go = [&](const char* type) { two.ben.send(protocol::presence(type, "Ben")); };

  SECTION("last seen for nobody: the time is denied, online is not") {
    two.set_privacy(two.ben, "last", "none");
    CHECK_FALSE(subscribe().value().has("type"));
    go("unavailable");
    CHECK(two.desk->inbox->last("presence")->attr("last") == "deny");
  }
  SECTION("both for nobody: nothing at all, not even later") {
    two.set_privacy(two.ben, "last", "none");
    two.set_privacy(two.ben, "online", "match_last_seen");
    CHECK_FALSE(subscribe());
    go("unavailable");
    go("available");
    CHECK_FALSE(two.desk->inbox->last("presence"));
  }
  SECTION("for contacts: a stranger with its token is one, and so is who has a chat with it") {
    two.set_privacy(two.ben, "last", "contacts");
    two.set_privacy(two.ben, "online", "match_last_seen");
    CHECK_FALSE(subscribe());
    CHECK_FALSE(subscribe(Bytes(24, 1)));
    CHECK(subscribe(two.token_of(two.ben, two.now())));
    CHECK_FALSE(subscribe());
    CHECK(two.send("m1", two.ben).empty());
    CHECK(subscribe());
    go("unavailable");
    CHECK(two.desk->inbox->last("presence")->number("last").has_value());
  }
}

TEST_CASE("limits of an account and used message keys outlive the network's process") {
  PhoneWorld world;
  Disk disk;
  Disk::watch(world.network);
  Phone& anna = world.phone("15550000001");
  Phone& ben = world.phone("15550000002");
  auto desk = linked_client(world, ben);
  (void)anna;
  Account& account = *world.network.find_account(std::string_view("15550000002"));
  account.restricted = true;
  account.new_chats_left = 5;
  const Node message = desk->prepare("15550000001", "once", "D1");
  desk->send(message);
  world.settle();
  disk.commit(world.network, world.phones);

  PhoneWorld later;
  REQUIRE(disk.load(later.network, later.phones));
  Disk::watch(later.network);
  const Account& restored = *later.network.find_account(std::string_view("15550000002"));
  CHECK(restored.restricted);
  CHECK(restored.new_chats_left == 4u);
  protocol::ParsedClientPayload login;
  login.username = std::stoull(desk->key.phone);
  login.device = desk->key.device;
  Inbox inbox;
  REQUIRE(later.network.login(desk->keys.noise.pub, login, inbox));
  later.network.handle(desk->key, message);
  CHECK(later.network.stats().reused_message_keys == 0);  // the same ciphertext
  // The same key for another text, and under another id: what a client does that lost its last step.
  Node forged("message");
  forged.set("id", "D2").set("to", *message.jid("to")).set("type", "text");
  Node participants("participants");
  for (const auto* to : message.child("participants")->children("to")) {
    const auto* enc = to->child("enc");
    Bytes body = protocol::to_bytes(enc->data());
    body[body.size() - (enc->attr("type") == "pkmsg" ? 12 : 1)] ^= 1;
    Node other("enc"), row("to");
    other.set("v", "2").set("type", enc->attr("type")).bytes(body);
    participants.add(row.set("jid", *to->jid("jid")).add(std::move(other)));
  }
  later.network.handle(desk->key, forged.add(std::move(participants)));
  const auto reused = later.network.stats().reused_message_keys;
  CHECK(reused > 0);
  disk.commit(later.network, later.phones);
  PhoneWorld last;
  REQUIRE(disk.load(last.network, last.phones));
  CHECK(last.network.stats().reused_message_keys == reused);
}
