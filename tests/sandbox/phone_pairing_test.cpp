#include <catch2/catch.hpp>

#include "protocol/pairing/adv.h"
#include "protocol/pairing/qr.h"
#include "sandbox/phone.h"
#include "tests/sandbox/phone_world.h"

namespace wharf::sandbox::test {

using protocol::Errc;
using protocol::Error;
using protocol::Result;
using Strings = std::vector<std::string>;

namespace {

struct Pairing : PhoneWorld {
  Phone& anna = phone("15550000001", "Anna");
  Phone& ben = phone("15550000002", "Ben");
  Result<Jid> outcome = Error(Errc::not_ready, "");
  std::function<void(Result<Jid>)> done() {
    return [this](Result<Jid> result) { outcome = std::move(result); };
  }
};

}  // namespace

TEST_CASE("a scanned companion is linked and starts with a key share and a history") {
  Pairing world;
  Client client(world);
  client.open_pairing();
  world.anna.scan(client.qr(), world.done());
  world.settle();
  REQUIRE(world.outcome);
  REQUIRE(*world.outcome == Jid("15550000001", protocol::server::user, 1));
  REQUIRE(client.key_index == 1);
  REQUIRE(client.received.back().attr("code") == "515");
  REQUIRE(world.anna.companions() == std::vector<std::uint16_t>{1});

  const Account& account = *world.network.find_account(std::string_view("15550000001"));
  const auto list = protocol::read_key_index_list(account.key_index_list, account.devices.at(0).keys.identity);
  REQUIRE(list);
  REQUIRE(list->current_index == 1);
  REQUIRE(list->valid_indexes == std::vector<std::uint32_t>{0, 1});

  client.log_in();
  world.settle();
  const auto first = client.read_messages();
  REQUIRE(first.size() == 2);
  REQUIRE(first[0].protocol_type == 6);
  REQUIRE(first[0].app_state_keys.size() == 1);
  REQUIRE(first[0].app_state_keys[0].id.size() == 6);
  REQUIRE(first[0].app_state_keys[0].data.size() == 32);
  REQUIRE(first[1].protocol_type == 5);
  for (const Node& stanza : client.received) {
    if (stanza.is("message")) REQUIRE(stanza.attr("category") == "peer");
  }
  world.settle();
  REQUIRE(world.network.queue_length({"15550000001", 0}) == 0);
}

TEST_CASE("companions that come and go while another one is being linked stay in the phone's newest list") {
  Pairing world;
  const auto list = [&world] {
    const Account& account = *world.network.find_account(std::string_view("15550000001"));
    const auto read = protocol::read_key_index_list(account.key_index_list, account.devices.at(0).keys.identity);
    REQUIRE(read);
    return *read;
  };
  auto first = linked_client(world, world.anna);
  const auto before = list().timestamp;
  // Both are signed before either of them has answered.
  Client second(world), third(world);
  second.open_pairing();
  third.open_pairing();
  second.answers_pairing = third.answers_pairing = false;
  world.anna.scan(second.qr(), world.done());
  world.anna.scan(third.qr(), world.done());
  world.settle();
  SECTION("in the order of their codes") {
    second.answer_pairing();
    third.answer_pairing();
    world.settle();
    CHECK(list().valid_indexes == std::vector<std::uint32_t>{0, 1, 2, 3});
  }
  SECTION("in the other order") {
    third.answer_pairing();
    second.answer_pairing();
    world.settle();
    CHECK(list().valid_indexes.size() == 4);
  }
  SECTION("and one is unlinked meanwhile: the list that was signed before is not the newest any more") {
    REQUIRE(world.network.unlink(first->key));
    world.settle();
    const auto removed = list().timestamp;
    CHECK(list().valid_indexes == std::vector<std::uint32_t>{0});
    second.answer_pairing();
    world.settle();
    CHECK(list().timestamp > removed);
    CHECK(list().valid_indexes == std::vector<std::uint32_t>{0, 2});
  }
  CHECK(list().timestamp > before);
}

TEST_CASE("messages reach every device of both accounts") {
  Pairing world;
  auto client = linked_client(world, world.anna);
  (void)client->read_messages();

  REQUIRE(world.ben.send({"15550000001", "from ben", {}, {}}));
  world.settle();
  auto seen = client->read_messages();
  REQUIRE(seen.size() == 1);
  REQUIRE(seen[0].text == "from ben");
  REQUIRE_FALSE(seen[0].was_device_sent);
  REQUIRE(texts(world.anna) == Strings{"from ben"});

  REQUIRE(world.anna.send({"15550000002", "from the phone", {}, {}}));
  world.settle();
  seen = client->read_messages();
  REQUIRE(seen.size() == 1);
  REQUIRE(seen[0].text == "from the phone");
  REQUIRE(seen[0].was_device_sent);

  client->send(client->prepare("15550000002", "from the companion", "3EB0AA01"));
  world.settle();
  REQUIRE(texts(world.ben) == Strings{"from ben", "from the phone", "from the companion"});
  const PhoneMessage* received = with_text(world.ben, "from the companion");
  REQUIRE(received->device == 1);
  REQUIRE(received->author == "15550000001");
  const PhoneMessage* copy = with_text(world.anna, "from the companion");
  REQUIRE(copy != nullptr);
  REQUIRE(copy->from_me);
  REQUIRE(copy->device == 1);
  REQUIRE(copy->chat == "15550000002");
  REQUIRE(copy->status == "delivered");
}

TEST_CASE("a companion's messages decrypt out of order") {
  Pairing world;
  auto client = linked_client(world, world.anna);
  std::vector<Node> stanzas;
  for (int i = 0; i < 4; ++i) {
    stanzas.push_back(client->prepare("15550000002", "message " + std::to_string(i), "3EB0BB0" + std::to_string(i)));
  }
  for (auto stanza = stanzas.rbegin(); stanza != stanzas.rend(); ++stanza) client->send(*stanza);
  world.settle();
  REQUIRE(texts(world.ben) == Strings{"message 3", "message 2", "message 1", "message 0"});
  REQUIRE(world.network.stats().retries_relayed == 0);
}

TEST_CASE("a device linked while others talk is found without being told") {
  Pairing world;
  REQUIRE(world.ben.send({"15550000001", "before", {}, {}}));
  world.settle();
  auto client = linked_client(world, world.anna);
  (void)client->read_messages();
  REQUIRE(world.ben.send({"15550000001", "after", {}, {}}));
  world.settle();
  const auto seen = client->read_messages();
  REQUIRE(seen.size() == 1);
  REQUIRE(seen[0].text == "after");
}

TEST_CASE("a companion without a true device-identity is refused") {
  Pairing world;
  auto client = linked_client(world, world.anna);
  SECTION("none at all") { client->device_identity.clear(); }
  SECTION("a flipped signature") { client->device_identity.back() ^= 0x01; }
  SECTION("of another account") {
    const auto stranger = protocol::KeyPair::generate(world.random);
    const auto container = protocol::issue_device_identity(stranger, client->keys.identity.identity.pub, {1, 2, 3},
                                                           client->keys.adv_secret, world.random);
    const auto forged =
        protocol::accept_pair_success(container, client->keys.adv_secret, client->keys.identity.identity, world.random);
    REQUIRE(forged);
    client->device_identity = forged->account;
    REQUIRE(world.ben.send({"15550000001", "so that ben knows anna's identity", {}, {}}));
    world.settle();
    client->sessions.erase({"15550000002", 0});
  }
  client->send(client->prepare("15550000002", "forged", "3EB0CC01"));
  world.settle();
  REQUIRE(with_text(world.ben, "forged") == nullptr);
  const PhoneMessage& failed = world.ben.messages().back();
  REQUIRE(failed.status == "failed");
  REQUIRE_FALSE(failed.failure.empty());
}

TEST_CASE("a companion that cannot verify what the phone signed is not linked") {
  Pairing world;
  Client client(world);
  client.open_pairing();
  SECTION("HMAC flipped on the way") {
    world.network.faults().bad_hmac = true;
    world.anna.scan(client.qr(), world.done());
  }
  SECTION("account signature flipped on the way") {
    world.network.faults().bad_account_signature = true;
    world.anna.scan(client.qr(), world.done());
  }
  SECTION("the QR shows another ADV secret than the companion holds") {
    const std::string shown = client.qr();
    client.keys.adv_secret[0] ^= 0x01;
    world.anna.scan(shown, world.done());
  }
  SECTION("the QR names another identity than the companion registered") {
    auto parsed = protocol::parse_qr_text(client.qr());
    REQUIRE(parsed);
    parsed->identity = protocol::KeyPair::generate(world.random).pub;
    world.anna.scan(protocol::qr_text(*parsed), world.done());
  }
  world.settle();
  REQUIRE_FALSE(world.outcome);
  REQUIRE(world.outcome.error().code == Errc::refused);
  REQUIRE(world.anna.companions().empty());
  REQUIRE_FALSE(client.success.has_value());

  // The spent key index is not given again.
  world.network.faults() = Faults();
  auto second = linked_client(world, world.anna);
  REQUIRE(second->key_index == 2);
}

TEST_CASE("QR texts that lead nowhere are refused with their reason") {
  Pairing world;
  Client client(world);
  client.open_pairing();
  const auto scanned = [&](const std::string& text) {
    world.anna.scan(text, world.done());
    world.settle();
    REQUIRE_FALSE(world.outcome);
    return world.outcome.error().code;
  };
  REQUIRE(scanned("") == Errc::malformed);
  REQUIRE(scanned("https://example.org/") == Errc::malformed);
  REQUIRE(scanned("a,b,c,d,e") == Errc::malformed);
  auto other = protocol::parse_qr_text(client.qr());
  REQUIRE(other);
  other->ref = "2@nobody";
  REQUIRE(scanned(protocol::qr_text(*other)) == Errc::not_found);
  other = protocol::parse_qr_text(client.qr());
  other->noise[0] ^= 0x01;
  REQUIRE(scanned(protocol::qr_text(*other)) == Errc::refused);
  const std::string shown = client.qr();
  world.network.drop_pairing(client.pairing);
  REQUIRE(scanned(shown) == Errc::not_found);
  world.anna.power(false);
  Client late(world);
  late.open_pairing();
  REQUIRE(scanned(late.qr()) == Errc::refused);
}

TEST_CASE("the right code pairs, a wrong one is told and may be typed again") {
  Pairing world;
  Client client(world);
  client.open_pairing();
  world.anna.enter_code("ABCD1234", world.done());
  REQUIRE(world.outcome.error().code == Errc::not_found);

  REQUIRE_FALSE(world.anna.code_pending());
  client.ask_code("15550000001", "ABCD1234");
  REQUIRE(world.anna.code_pending());
  world.anna.enter_code("ABCD-ABCD", world.done());
  world.settle();
  REQUIRE_FALSE(world.outcome);
  REQUIRE(world.outcome.error().code == Errc::bad_mac);
  REQUIRE(world.anna.companions().empty());

  world.anna.enter_code("IOU", world.done());
  REQUIRE(world.outcome.error().code == Errc::malformed);

  world.anna.enter_code("abcd-1234", world.done());
  world.settle();
  REQUIRE(world.outcome);
  REQUIRE(world.outcome->device == 1);
  REQUIRE_FALSE(world.anna.code_pending());
  client.log_in();
  world.settle();
  REQUIRE(client.read_messages().size() == 2);
}

TEST_CASE("key stretching runs where the worker says, and ends on its call") {
  Pairing world;
  std::vector<std::pair<std::function<void()>, std::function<void()>>> jobs;
  world.phones.set_worker(
      [&](std::function<void()> work, std::function<void()> then) { jobs.emplace_back(work, then); });
  Client client(world);
  client.open_pairing();
  client.ask_code("15550000001", "ABCD1234");
  world.anna.enter_code("ABCD1234", world.done());
  world.settle();
  REQUIRE(jobs.size() == 1);
  REQUIRE(world.outcome.error().code == Errc::not_ready);
  Result<Jid> second = Error(Errc::not_ready, "");
  world.anna.enter_code("ABCD1234", [&](Result<Jid> result) { second = std::move(result); });
  REQUIRE(second.error().code == Errc::conflict);
  jobs[0].first();
  jobs[0].second();
  world.settle();
  REQUIRE(world.outcome);
}

TEST_CASE("a code that the companion never finishes times out") {
  Pairing world;
  Client client(world);
  client.open_pairing();
  client.ask_code("15550000001", "ABCD1234");
  world.phones.set_worker([](std::function<void()>, std::function<void()>) {});  // never comes back
  world.anna.enter_code("ABCD1234", world.done());
  world.clock.advance(61'000);
  REQUIRE(world.outcome.error().code == Errc::timed_out);
}

TEST_CASE("an unlinked companion is taken off the key index list and gets nothing more") {
  Pairing world;
  auto client = linked_client(world, world.anna);
  REQUIRE(world.network.unlink(client->key));
  REQUIRE(world.anna.companions().empty());
  const Account& account = *world.network.find_account(std::string_view("15550000001"));
  const auto list = protocol::read_key_index_list(account.key_index_list, account.devices.at(0).keys.identity);
  REQUIRE(list);
  REQUIRE(list->valid_indexes == std::vector<std::uint32_t>{0});
  REQUIRE(world.anna.send({"15550000002", "alone again", {}, {}}));
  world.settle();
  REQUIRE(texts(world.ben) == Strings{"alone again"});
}

TEST_CASE("reinstalling the phone unlinks its companions") {
  Pairing world;
  auto client = linked_client(world, world.anna);
  world.anna.reinstall();
  REQUIRE(client->closed);
  REQUIRE(world.anna.companions().empty());
  REQUIRE_FALSE(world.network.is_online(client->key));
}

TEST_CASE("a companion linked while the phone is off is bootstrapped later") {
  Pairing world;
  Client client(world);
  client.open_pairing();
  world.anna.scan(client.qr(), world.done());
  world.settle();
  REQUIRE(world.outcome);
  world.anna.power(false);
  client.log_in();
  world.settle();
  REQUIRE(client.read_messages().empty());
  world.anna.power(true);
  world.settle();
  REQUIRE(client.read_messages().size() == 2);
}

}  // namespace wharf::sandbox::test
