#include <catch2/catch.hpp>

#include "sandbox/phone.h"
#include "sandbox/phone/log.h"
#include "tests/sandbox/phone_world.h"

namespace wharf::sandbox::test {

using protocol::Errc;
using Strings = std::vector<std::string>;

namespace {

std::string send(Phone& from, const Phone& to, const std::string& text) {
  const auto id = from.send({to.number(), text, {}, {}});
  REQUIRE(id);
  return *id;
}

std::string status_of(const Phone& phone, const std::string& text) {
  const PhoneMessage* message = with_text(phone, text);
  return message == nullptr ? "absent" : message->status;
}

struct TwoPhones : PhoneWorld {
  Phone& anna = phone("+1 555-000-0001", "Anna");
  Phone& ben = phone("15550000002", "Ben");
};

}  // namespace

TEST_CASE("two phones exchange messages and see them delivered and read") {
  TwoPhones world;
  const std::string id = send(world.anna, world.ben, "hello");
  REQUIRE(status_of(world.anna, "hello") == "pending");
  world.settle();

  REQUIRE(texts(world.ben) == Strings{"hello"});
  const PhoneMessage& received = world.ben.messages()[0];
  REQUIRE(received.id == id);
  REQUIRE(received.chat == "15550000001");
  REQUIRE(received.author == "15550000001");
  REQUIRE_FALSE(received.from_me);
  REQUIRE(received.kind == "text");
  REQUIRE(received.status == "received");
  REQUIRE(received.timestamp == world.clock.unix_ms() / 1000);
  REQUIRE(status_of(world.anna, "hello") == "delivered");

  send(world.ben, world.anna, "hi");
  send(world.ben, world.anna, "how are you");
  world.settle();
  REQUIRE(texts(world.anna) == Strings{"hello", "hi", "how are you"});

  const auto read = world.anna.read("15550000002");
  REQUIRE(read);
  REQUIRE(*read == 2);
  world.settle();
  REQUIRE(status_of(world.ben, "hi") == "read");
  REQUIRE(status_of(world.ben, "how are you") == "read");
  REQUIRE(*world.anna.read("15550000002") == 0);
  REQUIRE(world.anna.read("15550000002", "unknown").error().code == Errc::not_found);
}

TEST_CASE("every stanza of a phone is answered, so its queue is empty afterwards") {
  TwoPhones world;
  for (int i = 0; i < 10; ++i) send(world.anna, world.ben, "a" + std::to_string(i));
  for (int i = 0; i < 10; ++i) send(world.ben, world.anna, "b" + std::to_string(i));
  world.settle();
  REQUIRE(world.network.queue_length({"15550000001", 0}) == 0);
  REQUIRE(world.network.queue_length({"15550000002", 0}) == 0);
  REQUIRE(world.network.stats().unknown_iqs == 0);
  REQUIRE(world.network.stats().reused_message_keys == 0);
}

TEST_CASE("messages keep their order while device lists and bundles are fetched") {
  TwoPhones world;
  Strings expected;
  for (int i = 0; i < 50; ++i) {
    expected.push_back("message " + std::to_string(i));
    send(world.anna, world.ben, expected.back());
  }
  world.settle();
  REQUIRE(texts(world.ben) == expected);
}

TEST_CASE("a quote and mentions arrive as such") {
  TwoPhones world;
  world.phone("15550000003", "Cleo");
  const std::string id = send(world.anna, world.ben, "shall we meet");
  world.settle();
  REQUIRE(world.ben.send({"15550000001", "yes, and @Cleo too", id, {"+1 555 000 0003"}}));
  world.settle();
  const PhoneMessage* answer = with_text(world.anna, "yes, and @Cleo too");
  REQUIRE(answer != nullptr);
  REQUIRE(answer->quoted_id == id);
  REQUIRE(answer->mentions == Strings{"15550000003"});
}

TEST_CASE("what cannot be sent is refused at once") {
  TwoPhones world;
  REQUIRE(world.anna.send({"19999999999", "x", {}, {}}).error().code == Errc::not_found);
  REQUIRE(world.anna.send({"not a number", "x", {}, {}}).error().code == Errc::not_found);
  REQUIRE(world.anna.send({"15550000002", "", {}, {}}).error().code == Errc::malformed);
  REQUIRE(world.anna.send({"15550000002", "x", "3A00", {}}).error().code == Errc::not_found);
  REQUIRE(world.anna.send({"15550000002", "x", {}, {"19999999999"}}).error().code == Errc::not_found);
  REQUIRE(world.anna.messages().empty());
}

TEST_CASE("a JID in either form names the recipient") {
  TwoPhones world;
  const Account& ben = *world.network.find_account(std::string_view("15550000002"));
  REQUIRE(world.anna.send({ben.pn_jid().to_string(), "by number", {}, {}}));
  REQUIRE(world.anna.send({ben.lid_jid().to_string(), "by lid", {}, {}}));
  world.settle();
  REQUIRE(texts(world.ben) == Strings{"by number", "by lid"});
}

TEST_CASE("a forgotten or damaged session heals by retry and nothing is shown twice") {
  TwoPhones world;
  send(world.anna, world.ben, "one");
  world.settle();
  send(world.ben, world.anna, "two");
  world.settle();
  SECTION("the receiver forgot it") { world.ben.forget_sessions("15550000001"); }
  SECTION("the receiver's ratchet is damaged") { world.ben.corrupt_sessions("15550000001"); }
  SECTION("the sender's ratchet is damaged") { world.anna.corrupt_sessions("15550000002"); }
  SECTION("the sender forgot it") { world.anna.forget_sessions("15550000002"); }
  send(world.anna, world.ben, "three");
  world.settle();
  send(world.anna, world.ben, "four");
  world.settle();
  send(world.ben, world.anna, "five");
  world.settle();

  REQUIRE(texts(world.ben) == Strings{"one", "two", "three", "four", "five"});
  REQUIRE(status_of(world.ben, "three") == "received");
  REQUIRE(with_text(world.ben, "three")->failure.empty());
  REQUIRE(status_of(world.anna, "three") == "delivered");
  REQUIRE(texts(world.anna) == Strings{"one", "two", "three", "four", "five"});
  REQUIRE(world.network.stats().reused_message_keys == 0);
}

TEST_CASE("a retry receipt is what heals the damaged session") {
  TwoPhones world;
  send(world.anna, world.ben, "one");
  world.settle();
  send(world.ben, world.anna, "two");
  world.settle();
  REQUIRE(world.network.stats().retries_relayed == 0);
  world.ben.corrupt_sessions("15550000001");
  if (GENERATE(false, true)) world.ben.corrupt_sessions("15550000001");  // twice is no repair
  send(world.anna, world.ben, "three");
  world.settle();
  // Count 1 without keys gets the same broken session, count 2 brings the keys for a new one.
  REQUIRE(world.network.stats().retries_relayed == 2);
  REQUIRE(status_of(world.ben, "three") == "received");
}

TEST_CASE("damaged sessions are damaged in both directions") {
  TwoPhones world;
  send(world.anna, world.ben, "one");
  world.settle();
  send(world.ben, world.anna, "two");
  world.settle();
  world.ben.corrupt_sessions("15550000001");
  send(world.ben, world.anna, "three");
  world.settle();
  REQUIRE(world.network.stats().retries_relayed > 0);
  REQUIRE(status_of(world.anna, "three") == "received");
  REQUIRE(world.network.stats().reused_message_keys == 0);
}

TEST_CASE(
    "an own phone that could not read a companion's message shows its resend, whatever the contact says meanwhile") {
  TwoPhones world;
  auto desk = linked_client(world, world.anna);
  desk->send(desk->prepare("15550000002", "one", "D1"));
  world.settle();
  world.anna.corrupt_sessions("15550000001");
  const Node original = desk->prepare("15550000002", "two", "D2");
  desk->send(original);
  world.settle();  // Ben's delivery receipt reaches Anna's phone too
  const auto placeholder = [&] {
    const auto& all = world.anna.messages();
    return std::find_if(all.begin(), all.end(), [](const PhoneMessage& m) { return m.id == "D2"; });
  };
  REQUIRE(placeholder() != world.anna.messages().end());
  REQUIRE(placeholder()->status == "failed");
  // The companion answers the request: the same id for the phone alone, on a new session.
  desk->sessions.erase({"15550000001", 0});
  const Node again = desk->prepare("15550000002", "two", "D2");
  const auto* row = again.child("participants")->children("to").back();
  REQUIRE(row->jid("jid")->user == world.network.find_account(world.anna.number())->lid);
  Node resend("message");
  resend.set("id", "D2").set("to", *row->jid("jid")).set("type", "text");
  resend.set("recipient", world.network.find_account(world.ben.number())->lid_jid());
  resend.add(*row->child("enc")).add(*again.child("device-identity"));
  desk->send(resend);
  world.settle();
  REQUIRE(placeholder()->text == "two");
  REQUIRE(placeholder()->status != "failed");
}

TEST_CASE("faults of the network do not lose or double messages") {
  TwoPhones world;
  send(world.anna, world.ben, "zero");
  world.settle();
  SECTION("a duplicate delivery is dropped without a retry") {
    world.network.faults().duplicate_deliveries = 1;
    send(world.anna, world.ben, "one");
    world.settle();
    REQUIRE(world.network.stats().retries_relayed == 0);
  }
  SECTION("a corrupt pkmsg is asked for again") {
    world.network.faults().corrupt_messages = 1;
    send(world.anna, world.ben, "one");
    world.settle();
    REQUIRE(world.network.stats().retries_relayed >= 1);
  }
  SECTION("a corrupt msg is asked for again") {
    send(world.ben, world.anna, "back");
    world.settle();
    world.network.faults().corrupt_messages = 1;
    send(world.anna, world.ben, "one");
    world.settle();
    REQUIRE(world.network.stats().retries_relayed >= 1);
  }
  SECTION("a lost ack makes the phone send the same again, which is shown once") {
    world.network.faults().drop_acks = 2;
    send(world.anna, world.ben, "one");
    world.settle();
    REQUIRE(status_of(world.anna, "one") == "delivered");  // the receipt says more than the ack
    world.clock.advance(60'000);
    REQUIRE(world.network.stats().duplicate_sends == 2);
  }
  const Strings shown = texts(world.ben);
  REQUIRE(std::count(shown.begin(), shown.end(), "one") == 1);
  REQUIRE(status_of(world.ben, "one") == "received");
  REQUIRE(status_of(world.anna, "one") == "delivered");
  REQUIRE(world.network.stats().reused_message_keys == 0);
}

TEST_CASE("a message that is never acknowledged ends as an error") {
  TwoPhones world;
  world.ben.power(false);
  world.network.faults().drop_acks = 100;
  send(world.anna, world.ben, "one");
  world.settle();
  REQUIRE(status_of(world.anna, "one") == "pending");
  world.clock.advance(120'000);
  REQUIRE(status_of(world.anna, "one") == "error");
  REQUIRE(world.network.stats().duplicate_sends == 3);
}

TEST_CASE("a bundle with a forged signed prekey is not used") {
  TwoPhones world;
  world.network.faults().bad_signed_prekey = true;
  send(world.anna, world.ben, "one");
  world.settle();
  REQUIRE(status_of(world.anna, "one") == "error");
  REQUIRE(world.ben.messages().empty());
}

TEST_CASE("a phone that is switched off gets its messages later") {
  TwoPhones world;
  world.ben.power(false);
  send(world.anna, world.ben, "one");
  send(world.anna, world.ben, "two");
  world.settle();
  REQUIRE(status_of(world.anna, "one") == "server");
  REQUIRE(world.ben.messages().empty());
  world.ben.power(true);
  world.settle();
  REQUIRE(texts(world.ben) == Strings{"one", "two"});
  REQUIRE(status_of(world.anna, "two") == "delivered");
}

TEST_CASE("what is sent while the own phone is off leaves when it is on again") {
  TwoPhones world;
  world.anna.power(false);
  send(world.anna, world.ben, "one");
  world.settle();
  REQUIRE(status_of(world.anna, "one") == "pending");
  world.anna.power(true);
  world.settle();
  REQUIRE(texts(world.ben) == Strings{"one"});
}

TEST_CASE("switching off in the middle of a bundle fetch loses nothing") {
  TwoPhones world;
  send(world.anna, world.ben, "one");
  world.anna.power(false);
  world.anna.power(true);
  send(world.anna, world.ben, "two");
  world.settle();
  REQUIRE(texts(world.ben) == Strings{"one", "two"});
}

TEST_CASE("delivery receipts are withheld until they are wanted again") {
  TwoPhones world;
  world.ben.deliver(false);
  send(world.anna, world.ben, "one");
  world.settle();
  REQUIRE(texts(world.ben) == Strings{"one"});
  REQUIRE(status_of(world.anna, "one") == "server");
  REQUIRE(world.network.queue_length({"15550000002", 0}) == 0);
  world.ben.deliver(true);
  world.settle();
  REQUIRE(status_of(world.anna, "one") == "delivered");
}

TEST_CASE("automatic replies answer what matches and never each other") {
  TwoPhones world;
  world.anna.set_auto_reply(Phone::AutoReply{"", "anna is away"});
  world.ben.set_auto_reply(Phone::AutoReply{"price", "it is 5"});
  world.ben.set_auto_read(true);
  send(world.anna, world.ben, "good morning");
  world.settle();
  REQUIRE(texts(world.anna) == Strings{"good morning"});
  REQUIRE(status_of(world.anna, "good morning") == "read");
  send(world.anna, world.ben, "what is the price?");
  world.settle();
  REQUIRE(texts(world.anna) == Strings{"good morning", "what is the price?", "it is 5"});
  world.ben.set_auto_reply(std::nullopt);
  send(world.anna, world.ben, "price again?");
  world.settle();
  REQUIRE(texts(world.anna).back() == "price again?");
}

TEST_CASE("a reinstalled phone goes on talking under a new identity") {
  TwoPhones world;
  send(world.anna, world.ben, "one");
  world.settle();
  send(world.ben, world.anna, "two");
  world.settle();
  const Account& ben = *world.network.find_account(std::string_view("15550000002"));
  const protocol::PublicKey before = ben.devices.at(0).keys.identity;
  world.ben.reinstall();
  REQUIRE(ben.devices.at(0).keys.identity != before);
  world.settle();
  send(world.anna, world.ben, "three");
  world.settle();
  send(world.ben, world.anna, "four");
  world.settle();
  REQUIRE(status_of(world.ben, "three") == "received");
  REQUIRE(status_of(world.anna, "four") == "received");
}

TEST_CASE("a message in flight over a reinstallation arrives after a retry") {
  TwoPhones world;
  send(world.anna, world.ben, "one");
  world.settle();
  world.ben.power(false);
  send(world.anna, world.ben, "two");
  world.settle();
  world.ben.reinstall();
  world.ben.power(true);
  world.settle();
  REQUIRE(status_of(world.ben, "two") == "received");
}

TEST_CASE("what a phone had not sent yet ends as an error when it is installed anew") {
  TwoPhones world;
  world.anna.power(false);
  send(world.anna, world.ben, "one");
  world.settle();
  REQUIRE(status_of(world.anna, "one") == "pending");
  world.anna.reinstall();
  CHECK(status_of(world.anna, "one") == "error");
  world.anna.power(true);
  world.settle();
  CHECK(status_of(world.anna, "one") == "error");
  CHECK(texts(world.ben).empty());
}

TEST_CASE("a phone refills its one-time keys when the network says they are few") {
  TwoPhones world;
  const DeviceKey ben{"15550000002", 0};
  REQUIRE(world.network.prekeys_left(ben) == 30);
  for (int i = 0; i < 27; ++i) {
    Phone& other = world.phone("1666000" + std::to_string(1000 + i));
    send(other, world.ben, "hello from " + std::to_string(i));
    world.settle();
  }
  REQUIRE(world.ben.messages().size() == 27);
  REQUIRE(world.network.prekeys_left(ben) >= 30);

  world.network.drain_prekeys(ben);
  world.settle();
  send(world.anna, world.ben, "without a one-time key or with a fresh one");
  world.settle();
  REQUIRE(status_of(world.ben, "without a one-time key or with a fresh one") == "received");
}

TEST_CASE("a note to oneself stays with the account") {
  TwoPhones world;
  send(world.anna, world.anna, "remember");
  world.settle();
  REQUIRE(status_of(world.anna, "remember") == "server");
  auto client = linked_client(world, world.anna);
  (void)client->read_messages();
  send(world.anna, world.anna, "also here");
  world.settle();
  const auto seen = client->read_messages();
  REQUIRE(seen.size() == 1);
  REQUIRE(seen[0].text == "also here");
  REQUIRE(status_of(world.anna, "also here") == "server");
}

TEST_CASE("typing reaches the contact as one chat state") {
  TwoPhones world;
  auto client = linked_client(world, world.ben);
  client->send(protocol::presence("available", "Ben"));
  client->received.clear();
  world.anna.typing("15550000002", protocol::ChatState::composing);
  world.settle();
  const auto state = std::find_if(client->received.begin(), client->received.end(),
                                  [](const Node& node) { return node.is("chatstate"); });
  REQUIRE(state != client->received.end());
  REQUIRE(state->child("composing") != nullptr);
}

TEST_CASE(
    "a phone sets the timer of a chat, both show it, and what they send carries it, also after a restart of the log") {
  TwoPhones world;
  send(world.anna, world.ben, "before");
  Phone::Send timer{"15550000002", {}, {}, {}};
  timer.content = PhoneTimer{86'400};
  REQUIRE(world.anna.send(timer));
  world.settle();
  send(world.anna, world.ben, "from Anna");
  send(world.ben, world.anna, "from Ben");
  world.settle();
  for (const Phone* phone : {&world.anna, &world.ben}) {
    for (const PhoneMessage& message : phone->messages()) {
      INFO(message.kind << " " << message.text);
      CHECK(message.expires_after == (message.text == "before" ? 0u : 86'400u));
    }
    CHECK(phone->messages().size() == 4);
    CHECK(phone->messages()[1].kind == "disappearing");
  }
  PhoneLog log([](std::uint64_t) {});
  PhoneMessage set;
  set.id = "3A01";
  set.chat = set.author = "1";
  set.kind = "disappearing";
  set.expires_after = 604'800;
  log.put(set, {});
  PhoneLog again([](std::uint64_t) {});
  again.restore(0, log.row(0).value());
  CHECK(again.timer("1").seconds == 604'800);
  CHECK(again.timer("2").seconds == 0);
}

TEST_CASE("of timers the one that was set last counts, whatever comes last, and messages tell of it") {
  PhoneLog log([](std::uint64_t) {});
  const auto put = [&](const char* id, const char* kind, std::uint32_t seconds, std::int64_t set_at) {
    PhoneMessage message;
    message.id = id;
    message.chat = message.author = "1";
    message.kind = kind;
    message.expires_after = seconds;
    message.timestamp = 1'000;
    PhoneLog::Behind behind;
    behind.timer_set_at = set_at;
    log.put(std::move(message), std::move(behind));
    return log.timer("1");
  };
  CHECK(put("3A01", "text", 7'776'000, 0).seconds == 7'776'000);  // nobody has said so yet
  CHECK(put("3A02", "disappearing", 86'400, 500).seconds == 86'400);
  CHECK(put("3A03", "disappearing", 604'800, 400).seconds == 86'400);
  CHECK(put("3A04", "text", 604'800, 0).seconds == 86'400);
  CHECK(put("3A05", "text", 604'800, 500).seconds == 86'400);
  CHECK(put("3A06", "text", 604'800, 501).set_at == 501);
  CHECK(put("3A07", "disappearing", 0, 5'000).set_at == 1'000);  // the server had it then
  PhoneLog again([](std::uint64_t) {});
  for (std::uint64_t number = 0; number < 7; ++number) again.restore(number, log.row(number).value());
  CHECK(again.timer("1").set_at == 1'000);
  CHECK(again.timer("1").seconds == 0);
}

TEST_CASE("a message of a chat with a timer says since when") {
  TwoPhones world;
  Phone::Send timer{"15550000002", {}, {}, {}};
  timer.content = PhoneTimer{86'400};
  REQUIRE(world.anna.send(timer));
  world.settle();
  auto companion = linked_client(world, world.ben);
  (void)companion->read_messages();
  const std::int64_t set_at = world.clock.unix_ms() / 1000;
  world.clock.advance(60'000);
  send(world.anna, world.ben, "hello");
  world.settle();
  const auto got = companion->read_messages();
  REQUIRE(got.size() == 1);
  CHECK(got[0].traits.expires_after_s == 86'400);
  CHECK(got[0].traits.expiry_set_at == set_at);
}

TEST_CASE("a pin of either phone is shown by both, and its end too") {
  TwoPhones world;
  const std::string id = send(world.anna, world.ben, "keep this");
  world.settle();
  for (const bool pinned : {true, false}) {
    Phone::Send pin{"15550000001", {}, {}, {}};
    pin.content = PhonePin{id, pinned};
    REQUIRE(world.ben.send(pin));
    world.settle();
    CHECK(with_text(world.ben, "keep this")->pinned == pinned);
    CHECK(with_text(world.anna, "keep this")->pinned == pinned);
  }
}

TEST_CASE("of two pins the one counts that the server had last, and none of a message that was taken back") {
  TwoPhones world;
  const std::string id = send(world.anna, world.ben, "keep this");
  world.settle();
  const auto pin = [&](Phone& phone, const char* to, bool pinned) {
    Phone::Send said{to, {}, {}, {}};
    said.content = PhonePin{id, pinned};
    REQUIRE(phone.send(said));
    world.settle();
  };
  world.ben.power(false);
  pin(world.ben, "15550000001", true);  // leaves later
  world.clock.advance(10'000);
  pin(world.anna, "15550000002", false);
  world.clock.advance(10'000);
  world.ben.power(true);
  world.settle();
  CHECK(with_text(world.anna, "keep this")->pinned);
  CHECK(with_text(world.ben, "keep this")->pinned);

  Phone::Send revoke{"15550000002", {}, {}, {}};
  revoke.content = PhoneRevoke{id};
  REQUIRE(world.anna.send(revoke));
  world.settle();
  pin(world.ben, "15550000001", true);
  for (const Phone* phone : {&world.anna, &world.ben}) CHECK_FALSE(phone->messages()[0].pinned);
}

}  // namespace wharf::sandbox::test
