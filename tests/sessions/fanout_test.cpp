// Whom a text is encrypted for: every device of the recipient and the own other ones, those that can be reached.
#include "sessions/fanout.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <utility>

#include "protocol/messages/wire.h"
#include "protocol/stanzas/prekeys.h"
#include "tests/sessions/session_fixture.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Jid;
using protocol::Node;

namespace {

const Jid ben("100000000000002", "lid");
const Jid own("100000000000001", "lid");

/// A fan-out in one endless turn, its questions and answers by hand.
struct Turns {
  test::SessionFixture fixture;
  Context context{fixture.store->reader(), fixture.random, fixture.settings, fixture.row,
                  *storage::load_device(fixture.store->reader(), fixture.row.id)};
  Directory directory{context};
  TrustedTokens tokens{context, directory};
  Fanout fanout{context, directory, tokens};
  std::map<Jid, test::SignalPeer> peers;
  std::vector<Fanout::Prepared> prepared;

  Turns() {
    context.link.hear_handshake(fixture.steady, fixture.random);
    context.now = {fixture.now_ms, fixture.steady};
  }
  void lists(std::vector<std::uint16_t> of_ben, std::vector<std::uint16_t> of_own) {
    storage::Changes changes;
    for (auto& [user, devices] : {std::pair{ben, of_ben}, std::pair{own, of_own}}) {
      storage::DeviceListRow row;
      row.devices = devices;
      row.fetched_at = fixture.now_ms;
      changes.add(storage::PutDeviceList{fixture.row.id, user, row});
    }
    fixture.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  }
  std::vector<Node> said() {
    auto nodes = test::SessionFixture::sent(context.turn.effects);
    context.turn.effects.clear();
    return nodes;
  }
  void prepare() {
    fanout.prepare(ben, [this](Fanout::Prepared result) { prepared.push_back(result); });
  }
  /// Answers the one bundle query for every device of `known`, with a signature that is wrong for `spoilt`; the devices
  /// asked.
  std::set<Jid> answer_bundles(const std::set<Jid>& known, const std::set<Jid>& spoilt = {}) {
    const auto questions = said();
    REQUIRE(questions.size() == 1);
    REQUIRE(questions[0].attr("xmlns") == "encrypt");
    std::set<Jid> asked;
    Node list("list");
    for (const Node* user : questions[0].child("key")->children("user")) {
      const Jid device = *user->jid("jid");
      asked.insert(device);
      if (!known.contains(device)) continue;
      auto& peer = peers.emplace(device, test::SignalPeer::make(fixture.random, 70)).first->second;
      auto bundle = peer.bundle();
      if (spoilt.contains(device)) bundle.signed_pre_key_signature[7] ^= 1;
      list.add(protocol::bundle_user_node(device, bundle));
    }
    context.link.conversation()->iqs.answer(
        Node("iq").set("id", questions[0].attr("id")).set("type", "result").add(std::move(list)));
    return asked;
  }
  protocol::Result<Node> seal() {
    protocol::TextContent text;
    text.text = "hello";
    const auto message = protocol::build_text(text, fixture.random);
    return fanout.seal(ben, "3EB0AA", message.encoded, *message.secret, fanout.addressing(ben));
  }
  static std::set<Jid> recipients(const Node& message) {
    std::set<Jid> devices;
    for (const Node* to : message.child("participants")->children("to")) devices.insert(*to->jid("jid"));
    return devices;
  }
};

}  // namespace

TEST_CASE("a text is for every device of the recipient and for the own others, never for this one") {
  Turns t;
  t.lists({0, 5}, {0, 3, 8});
  REQUIRE_FALSE(t.fanout.prepared(ben));
  t.prepare();
  const std::set<Jid> all{ben, ben.with_device(5), own, own.with_device(8)};
  REQUIRE(t.answer_bundles(all) == all);
  REQUIRE(t.prepared == std::vector{Fanout::Prepared::yes});
  REQUIRE(t.fanout.prepared(ben));
  const auto sealed = t.seal();
  REQUIRE(sealed.has_value());
  REQUIRE(Turns::recipients(*sealed) == all);
  for (const Node* to : sealed->child("participants")->children("to")) {
    auto& peer = t.peers.at(*to->jid("jid"));
    const auto opened = peer.receive(
        {protocol::CiphertextKind::pre_key_message, protocol::to_bytes(to->child("enc")->data())}, t.fixture.random);
    REQUIRE(opened.has_value());
  }
  REQUIRE(sealed->child("device-identity") != nullptr);
}

TEST_CASE(
    "a device whose bundle is wrong or missing is left out, is not asked for again, and the others get the text") {
  Turns t;
  t.lists({0, 5, 6}, {3});
  t.prepare();
  t.answer_bundles({ben, ben.with_device(5)}, {ben.with_device(5)});
  REQUIRE(t.fanout.prepared(ben));
  const auto sealed = t.seal();
  REQUIRE(sealed.has_value());
  REQUIRE(Turns::recipients(*sealed) == std::set<Jid>{ben});
  t.prepare();
  REQUIRE(t.said().empty());
  t.fanout.on_link_down();
  REQUIRE_FALSE(t.fanout.prepared(ben));  // the next connection tries them again
}

TEST_CASE("the bundles of many devices are taken some a turn, so that others have the loop in between") {
  Turns t;
  std::vector<std::uint16_t> many;
  for (std::uint16_t device = 0; device < 20; ++device) many.push_back(device);
  t.lists(many, {3});
  t.prepare();
  std::set<Jid> all;
  for (const std::uint16_t device : many) all.insert(ben.with_device(device));
  REQUIRE(t.answer_bundles(all) == all);
  const auto begun = [&] {
    return std::count_if(all.begin(), all.end(), [&](const Jid& device) { return t.fanout.has_session(device); });
  };
  const auto next_turn = [&] {
    auto effects = std::exchange(t.context.turn.effects, {});
    for (auto& effect : effects)
      if (auto* work = std::get_if<RunWork>(&effect)) work->then();
  };
  std::vector<std::ptrdiff_t> seen;
  for (int turn = 0; turn < 3; ++turn) {
    seen.push_back(begun());
    next_turn();
  }
  REQUIRE(seen == std::vector<std::ptrdiff_t>{8, 16, 20});
  REQUIRE(t.prepared == std::vector{Fanout::Prepared::yes});
  REQUIRE(Turns::recipients(*t.seal()) == all);
}

TEST_CASE("a text that reaches no device of the recipient is an error, own devices or not") {
  Turns t;
  t.lists({0}, {0, 3});
  t.prepare();
  t.answer_bundles({own});
  const auto sealed = t.seal();
  REQUIRE(sealed.has_error());
  REQUIRE(sealed.error().code == protocol::Errc::not_found);
}

TEST_CASE("a refused or unanswered bundle query asks to come back later and knows nothing of the devices") {
  Turns t;
  t.lists({0}, {3});
  t.prepare();
  const auto questions = t.said();
  Node refused("iq");
  refused.set("id", questions.at(0).attr("id")).set("type", "error").add(Node("error").set("code", "503"));
  t.context.link.conversation()->iqs.answer(refused);
  REQUIRE(t.prepared == std::vector{Fanout::Prepared::later});
  t.prepare();
  REQUIRE(t.said().size() == 1);
  t.context.link.conversation()->iqs.fail_all();
  REQUIRE(t.prepared == std::vector{Fanout::Prepared::later, Fanout::Prepared::later});
  REQUIRE_FALSE(t.fanout.prepared(ben));
}

TEST_CASE("each text takes the next message key of every session") {
  Turns t;
  t.lists({0}, {0, 3});
  t.prepare();
  t.answer_bundles({ben, own});
  std::set<std::pair<Jid, protocol::MessageKeyIdentity>> used;
  for (int n = 0; n < 3; ++n) {
    const auto sealed = t.seal();
    REQUIRE(sealed.has_value());
    for (const Node* to : sealed->child("participants")->children("to")) {
      const auto key = protocol::read_message_key(protocol::CiphertextKind::pre_key_message, to->child("enc")->data());
      REQUIRE(key.has_value());
      REQUIRE(used.emplace(*to->jid("jid"), *key).second);
    }
  }
  REQUIRE(used.size() == 6);
}

TEST_CASE("our phone is who signed our pairing, under whatever address the server names the account") {
  Turns t;
  const auto paired = protocol::KeyPair::generate(t.fixture.random).pub;
  const auto stranger = protocol::KeyPair::generate(t.fixture.random).pub;
  t.context.device.account.clear();
  protocol::append_field(t.context.device.account, 2, paired);  // accountSignatureKey
  const Jid renamed("100000000000099", "lid");
  t.context.device.lid = renamed.with_device(3);
  for (const Jid& phone : {renamed, t.context.device.jid.user_jid()}) {
    CHECK_FALSE(t.fanout.contradicts_pairing(phone, paired));
    CHECK(t.fanout.contradicts_pairing(phone, stranger));
  }
  CHECK_FALSE(t.fanout.contradicts_pairing(ben, stranger));  // others are trusted on first use
}

TEST_CASE(
    "a device that could not be reached is asked for again after a minute, whatever the wall clock does meanwhile") {
  Turns t;
  t.lists({0, 5}, {3});
  t.prepare();
  t.answer_bundles({ben});
  REQUIRE(t.fanout.prepared(ben));
  const bool even = GENERATE(true, false);
  t.context.now = {t.fixture.now_ms + (even ? 61'000 : 61'000 - 3'600'000),
                   t.fixture.steady + std::chrono::seconds(61)};
  CHECK_FALSE(t.fanout.prepared(ben));  // device 5 is to be asked for
}
