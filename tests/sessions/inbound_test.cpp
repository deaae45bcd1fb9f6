// Messages into a real Session from peers that encrypt for themselves: what is stored, what is answered, whose keys
// count.
#include "sessions/inbound.h"

#include "protocol/messages/content.h"
#include "protocol/messages/padding.h"
#include "protocol/messages/wire.h"
#include "protocol/signal/sender_key.h"
#include "protocol/text.h"
#include "tests/sessions/session_fixture.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;
using test::SignalPeer;

using Fixture = wharf::test::SessionFixture;

namespace {

const Jid ben("15550000002", "s.whatsapp.net");
const Jid group("120363000000000001", "g.us");
const Jid own_phone("100000000000001", "lid");

/// What we publish, without a one-time key.
/// The peer opens a session with us.
void greet(Fixture& f, SignalPeer& peer) {
  REQUIRE(protocol::start_session(peer.session, peer.local, published_bundle(f), f.random).has_value());
}

Node enc(Fixture& f, SignalPeer& peer, protocol::ByteView content) {
  const auto sealed = protocol::encrypt(peer.session, peer.local, protocol::pad_message(content, f.random)).value();
  Node node("enc");
  node.set("v", "2").set("type", sealed.kind == protocol::CiphertextKind::pre_key_message ? "pkmsg" : "msg");
  return node.bytes(sealed.body);
}

Node message(const Jid& from, const std::string& id) {
  return Node("message").set("id", id).set("from", from).set("t", "1700000000").set("type", "text");
}

protocol::Bytes text(std::string_view body) {
  protocol::Bytes encoded{0x0a, static_cast<std::uint8_t>(body.size())};
  protocol::append(encoded, protocol::as_bytes(body));
  return encoded;
}

void put_identity(Fixture& f, const Jid& device, const protocol::PublicKey& key) {
  storage::Changes changes;
  changes.add(storage::PutIdentity{f.row.id, device, key});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
}

}  // namespace

TEST_CASE("a text of a peer is stored, an event and answered with a delivery receipt") {
  Fixture f;
  f.go_online();
  SignalPeer peer = SignalPeer::make(f.random, 77);
  greet(f, peer);
  const auto answers = Fixture::sent(f.stanza(message(ben, "3EB0AA").add(enc(f, peer, text("hello")))));
  REQUIRE(answers.size() == 1);
  REQUIRE(answers[0].is("receipt"));
  REQUIRE(storage::find_message(f.store->reader(), f.row.id, ben, "3EB0AA")->body == "hello");
  REQUIRE(storage::find_identity(f.store->reader(), f.row.id, ben) == peer.local.identity.pub);
}

TEST_CASE("what a first text gives, as data: its rows and its event, and nothing else") {
  Fixture f;
  f.go_online();
  SignalPeer peer = SignalPeer::make(f.random, 77);
  greet(f, peer);
  std::vector<Input> inputs;
  inputs.emplace_back(StanzaArrived{message(ben, "3EB0AA").add(enc(f, peer, text("hello"))), f.session->link_epoch()});
  const Turn turn = f.session->handle(std::move(inputs), Now{f.now_ms, f.steady});
  CHECK(storage::to_text(turn.changes) ==
        "TouchSession session=1 at=1700000000000\n"
        "InsertMessage session=1 chat=15550000002@s.whatsapp.net id=\"3EB0AA\" from_me=false"
        " author=15550000002@s.whatsapp.net push_name=\"\" kind=\"text\" body=\"hello\" quoted=\"\" mentions=<0>"
        " content=<7 bytes> secret=<0 bytes> ack=2 error=\"\" at=1700000000000 unread=true\n"
        "PutRatchet session=1 device=15550000002@s.whatsapp.net record=<279 bytes>\n"
        "PutIdentity session=1 device=15550000002@s.whatsapp.net\n"
        "event session=1 name=\"message\" lane=\"15550000002@s.whatsapp.net\"\n");
  CHECK(turn.effects.size() == 1);  // the delivery receipt, once these are durable
}

TEST_CASE("a prekey message that claims to be our phone under another identity is refused, whatever it says") {
  Fixture f;
  const SignalPeer phone = SignalPeer::make(f.random, 1);
  put_identity(f, own_phone, phone.local.identity.pub);
  f.go_online();
  SignalPeer attacker = SignalPeer::make(f.random, 99);
  greet(f, attacker);
  const auto answers = Fixture::sent(f.stanza(message(own_phone, "3EB0AA").add(enc(f, attacker, text("hello")))));
  REQUIRE(storage::find_identity(f.store->reader(), f.row.id, own_phone) == phone.local.identity.pub);
  REQUIRE_FALSE(storage::find_ratchet(f.store->reader(), f.row.id, own_phone));
  REQUIRE_FALSE(storage::has_message(f.store->reader(), f.row.id, own_phone, "3EB0AA"));
  REQUIRE(answers.size() == 2);
  REQUIRE(answers[0].attr("type") == "retry");  // never taken for delivered

  SignalPeer honest = phone;
  greet(f, honest);
  f.stanza(message(own_phone, "3EB0BB").add(enc(f, honest, text("hello"))));
  REQUIRE(storage::has_message(f.store->reader(), f.row.id, own_phone, "3EB0BB"));
}

TEST_CASE("an identity change that is announced for our own phone changes nothing") {
  Fixture f;
  const SignalPeer phone = f.befriend(own_phone);
  put_identity(f, own_phone, phone.local.identity.pub);
  f.go_online();
  for (const Jid& from : {own_phone, Jid("15550000001", "s.whatsapp.net")}) {
    f.stanza(Node("notification").set("id", "n1").set("type", "encrypt").set("from", from).add(Node("identity")));
  }
  REQUIRE(storage::find_identity(f.store->reader(), f.row.id, own_phone) == phone.local.identity.pub);
  REQUIRE(storage::find_ratchet(f.store->reader(), f.row.id, own_phone));
}

TEST_CASE("a 1:1 message with a participant is its sender's") {
  Fixture f;
  const SignalPeer phone = SignalPeer::make(f.random, 1);
  put_identity(f, own_phone, phone.local.identity.pub);
  f.go_online();
  SignalPeer peer = SignalPeer::make(f.random, 77);
  greet(f, peer);
  f.stanza(message(ben, "3EB0AA").set("participant", own_phone).add(enc(f, peer, text("hello"))));
  const auto stored = storage::find_message(f.store->reader(), f.row.id, ben, "3EB0AA");
  REQUIRE(stored);
  REQUIRE_FALSE(stored->from_me);
  REQUIRE(stored->author == ben);
  REQUIRE(storage::find_identity(f.store->reader(), f.row.id, own_phone) == phone.local.identity.pub);
}

TEST_CASE("a group text that we cannot read draws no receipt that says we had it") {
  Fixture f;
  f.go_online();
  SignalPeer peer = SignalPeer::make(f.random, 77);
  greet(f, peer);
  Node text_of_group("enc");
  text_of_group.set("v", "2").set("type", "skmsg").bytes(protocol::Bytes(80, 0x33));
  // The key that opens the group is inside the pairwise part: that one decrypts, the text itself does not.
  const auto key = protocol::OwnSenderKey::create(f.random);
  Node both = message(group, "3EB0AA");
  both.set("participant", ben).add(enc(f, peer, protocol::with_sender_key({}, group, key.distribution())));
  both.add(text_of_group);
  Node alone = message(group, "3EB0BB");
  alone.set("participant", ben).add(text_of_group);
  for (const Node& stanza : {both, alone, both /* again: the pairwise part is a duplicate */}) {
    const auto answers = Fixture::sent(f.stanza(stanza));
    REQUIRE(answers.size() == 2);
    REQUIRE(answers[0].attr("type") == "retry");
    REQUIRE(answers[1].is("ack"));
    REQUIRE_FALSE(answers[1].has("error"));  // the queue drains
  }
}

// --- what peers can fill

namespace {

Node unreadable(const Jid& from, const std::string& id) {
  Node node = message(from, id);
  return node.add(Node("enc").set("v", "2").set("type", "msg").bytes(protocol::Bytes(60, 0x33)));
}

/// What a peer can begin a session with after this retry receipt of ours.
protocol::PreKeyBundle bundle_of(Fixture& f, const Node& retry_receipt) {
  const Node* keys = retry_receipt.child("keys");
  REQUIRE(keys != nullptr);
  protocol::PreKeyBundle ours = published_bundle(f);
  const Node* key = keys->child("key");
  std::uint32_t id = 0;
  const std::optional<protocol::ByteView> bytes = key->child_data("id");
  for (const std::uint8_t byte : bytes.value()) id = id << 8 | byte;
  ours.one_time = {id, *protocol::exactly<32>(*key->child_data("value"))};
  return ours;
}

}  // namespace

TEST_CASE("a message larger than any that people write is refused and stored nowhere") {
  Fixture f;
  f.go_online();
  SignalPeer peer = SignalPeer::make(f.random, 77);
  greet(f, peer);
  protocol::Bytes huge;
  protocol::append_field(huge, 1, protocol::Bytes(5u << 20, 'x'));
  const auto answers = Fixture::sent(f.stanza(message(ben, "3EB0AA").add(enc(f, peer, huge))));
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].is("ack"));
  CHECK(answers[0].attr("error") == "491");  // again would be the same
  CHECK_FALSE(storage::has_message(f.store->reader(), f.row.id, ben, "3EB0AA"));
}

TEST_CASE("text that is not UTF-8 is made safe where it is parsed, the content is kept as it came") {
  Fixture f;
  f.go_online();
  SignalPeer peer = SignalPeer::make(f.random, 77);
  greet(f, peer);
  // extendedTextMessage{ text, contextInfo{ stanzaId, mentionedJid x2 } }
  const auto field = [](std::uint8_t number, std::string_view value) {
    protocol::Bytes out{static_cast<std::uint8_t>(number << 3 | 2)};
    if (number >= 16) out = {static_cast<std::uint8_t>(number << 3 | 0x82), static_cast<std::uint8_t>(number >> 4)};
    out.push_back(static_cast<std::uint8_t>(value.size()));
    protocol::append(out, protocol::as_bytes(value));
    return out;
  };
  protocol::Bytes context = field(1, "Q\xFFZ");
  protocol::append(context, field(15, "1\xFF@s.whatsapp.net"));
  protocol::append(context, field(15, "15550000003@s.whatsapp.net"));
  protocol::Bytes body = field(1, "a\xC3(b");
  protocol::append(body, field(17, protocol::as_text(context)));
  const protocol::Bytes content = field(6, protocol::as_text(body));
  f.stanza(message(ben, "3EB0AA").set("notify", "Be\xF0\x9Fn\nx").add(enc(f, peer, content)));
  const auto stored = storage::find_message(f.store->reader(), f.row.id, ben, "3EB0AA");
  REQUIRE(stored);
  REQUIRE(stored->body == "a\xEF\xBF\xBD(b");
  REQUIRE(stored->push_name == "Be\xEF\xBF\xBDn x");
  REQUIRE(stored->quoted_id.empty());
  REQUIRE(stored->mentions == std::vector<Jid>{Jid("15550000003", "s.whatsapp.net")});
  REQUIRE(stored->content == content);
  std::size_t told = 0;
  for (const auto& event : storage::read_events(f.store->reader(), storage::EventFilter()))
    told += event.data.find(R"("mentionIds":[{"pn":"15550000003@s.whatsapp.net"}])") != std::string::npos ? 1 : 0;
  REQUIRE(told == 1);
  for (const auto& event : storage::read_events(f.store->reader(), storage::EventFilter())) {
    INFO(event.data);
    REQUIRE(protocol::displayable(event.data) == event.data);
  }
}

TEST_CASE("a message whose id could not be named again is refused, and the refusal names it exactly") {
  Fixture f;
  f.go_online();
  SignalPeer peer = SignalPeer::make(f.random, 77);
  greet(f, peer);
  for (const std::string& id : {std::string("\xFF\xFE"), std::string("A\nmessage=1"), std::string(500, 'A')}) {
    const auto answers = Fixture::sent(f.stanza(message(ben, id).add(enc(f, peer, text("hello")))));
    REQUIRE(answers.size() == 1);
    REQUIRE(answers[0].attr("error") == "487");
    REQUIRE(answers[0].attr("id") == id);
  }
  const auto names = f.event_names();
  REQUIRE(std::count(names.begin(), names.end(), "message") == 0);
}

TEST_CASE("a burst of unreadable messages asks with keys for the first few only, and with more when they come back") {
  Fixture f;
  f.go_online();
  SignalPeer peer = SignalPeer::make(f.random, 77);
  std::vector<Node> asked;
  const auto ask = [&](const Jid& from, const std::string& id) {
    auto answers = Fixture::sent(f.stanza(unreadable(from, id)));
    REQUIRE(answers.at(0).attr("type") == "retry");
    asked.push_back(std::move(answers[0]));
    return asked.back().child("keys") != nullptr;
  };
  std::size_t with_keys = 0;
  // His companions share with him: who has a hundred devices has no hundred shares.
  for (std::uint16_t i = 0; i < 100; ++i)
    with_keys += ask(ben.with_device(static_cast<std::uint16_t>(i % 3)), "J" + std::to_string(i)) ? 1 : 0;
  REQUIRE(with_keys == RetryKeysOut::max_per_user);
  REQUIRE(ask(Jid("15550000003", "s.whatsapp.net"), "C"));
  // The first one of those keys opens its message: there is room for one more.
  REQUIRE(protocol::start_session(peer.session, peer.local, bundle_of(f, asked.at(0)), f.random).has_value());
  f.stanza(message(ben, "J0").add(enc(f, peer, text("hello"))));
  REQUIRE(storage::has_message(f.store->reader(), f.row.id, ben, "J0"));
  REQUIRE(ask(ben.with_device(1), "K0"));
  REQUIRE_FALSE(ask(ben.with_device(1), "K1"));
  f.steady += RetryKeysOut::patience;
  REQUIRE(ask(ben.with_device(1), "K2"));
}

TEST_CASE("whoever sends what cannot be read fills a bounded number of rows, and they age") {
  Fixture f;
  f.go_online();
  const auto kept = [&] {
    std::size_t count = 0;
    for (const auto& key :
         storage::load_pre_keys(f.store->reader(), f.row.id, storage::first_retry_key_id, 0x1000000)) {
      REQUIRE(key.id >= storage::first_retry_key_id);
      ++count;
    }
    return count;
  };
  const auto junk = [&](const Jid& from, const std::string& id) {
    f.steady += RetryKeysOut::patience;  // the keys before are not waited for any more
    f.stanza(unreadable(from, id));
  };
  const storage::RetryKeyLimits limits;
  for (std::size_t i = 0; i < limits.per_user + 40; ++i)
    junk(ben.with_device(static_cast<std::uint16_t>(i % 3)), "J" + std::to_string(i));
  REQUIRE(kept() == limits.per_user);
  // Another one's key does not give way to them.
  const Jid carl("15550000003", "s.whatsapp.net");
  junk(carl, "C");
  for (std::size_t i = 0; i < 40; ++i) junk(ben, "K" + std::to_string(i));
  REQUIRE(kept() == limits.per_user + 1);
  f.now_ms += limits.kept_ms + 1;
  for (int i = 0; i < 3; ++i) junk(carl, "D" + std::to_string(i));
  REQUIRE(kept() == 3);
}

TEST_CASE("a one-time key of a retry receipt opens the resend and is gone then") {
  Fixture f;
  f.go_online();
  SignalPeer peer = SignalPeer::make(f.random, 77);
  const auto answers = Fixture::sent(f.stanza(unreadable(ben, "3EB0AA")));
  const auto ours = bundle_of(f, answers.at(0));
  REQUIRE(protocol::start_session(peer.session, peer.local, ours, f.random).has_value());
  f.stanza(message(ben, "3EB0AA").add(enc(f, peer, text("hello"))));
  REQUIRE(storage::has_message(f.store->reader(), f.row.id, ben, "3EB0AA"));
  REQUIRE(storage::load_pre_keys(f.store->reader(), f.row.id, storage::first_retry_key_id, 0x1000000).empty());
}

TEST_CASE("a request is repeated under its number until a resend answers it, so that cuts do not use the numbers up") {
  Fixture f;
  f.go_online();
  const auto stanza = [](std::uint32_t resend) {
    Node node = message(ben, "3EB0AA");
    Node part = Node("enc").set("v", "2").set("type", "msg").bytes(protocol::Bytes(60, 0x33));
    if (resend != 0) part.set("count", std::to_string(resend));
    return node.add(std::move(part));
  };
  const auto asked = [&](std::uint32_t resend) -> std::string {
    const auto answers = Fixture::sent(f.stanza(stanza(resend)));
    if (answers.size() != 2) return "refused";
    return std::string(answers[0].child("retry")->attr("count"));
  };
  SECTION("the first copy again and again, each resend again, an older copy late") {
    for (int i = 0; i < 6; ++i) CHECK(asked(0) == "1");
    for (int i = 0; i < 3; ++i) CHECK(asked(1) == "2");
    CHECK(asked(0) == "2");
    CHECK(asked(2) == "3");
    CHECK(asked(4) == "5");
    CHECK(asked(5) == "refused");
    CHECK(asked(4) == "5");  // the fifth may have been lost too
  }
  SECTION("a sender that states no count gets keys from the second request on, and is not asked for ever") {
    const SignalPeer peer = f.befriend(ben);
    for (std::uint32_t i = 1; i <= f.settings.max_retry_receipts; ++i) {
      INFO(i);
      f.steady += RetryKeysOut::patience;
      const auto answers = Fixture::sent(f.stanza(stanza(0)));
      const auto request = std::ranges::find_if(answers, [](const Node& node) { return node.child("retry"); });
      REQUIRE(request != answers.end());
      CHECK((request->child("keys") != nullptr) == (i > 1));
    }
    CHECK(asked(0) == "refused");
  }
}

TEST_CASE("a resend of what has come since is no second message, even when its chat is gone") {
  Fixture f;
  f.go_online();
  SignalPeer peer = SignalPeer::make(f.random, 77);
  greet(f, peer);
  REQUIRE(Fixture::sent(f.stanza(unreadable(ben, "3EB0AA"))).at(0).attr("type") == "retry");
  f.stanza(message(ben, "3EB0AA").add(enc(f, peer, text("hello"))));
  REQUIRE(storage::has_message(f.store->reader(), f.row.id, ben, "3EB0AA"));
  f.tell(RemoveChat{ben});
  const auto events = [&] {
    const auto names = f.event_names();
    return std::ranges::count(names, "message");
  };
  REQUIRE(events() == 1);

  SECTION("readable") {
    const auto answers = Fixture::sent(f.stanza(message(ben, "3EB0AA").add(enc(f, peer, text("hello")))));
    REQUIRE(answers.size() == 1);
    CHECK((answers[0].is("receipt") && answers[0].attr("type") != "retry"));
  }
  SECTION("unreadable: it is not asked for again") {
    const auto answers = Fixture::sent(f.stanza(unreadable(ben, "3EB0AA")));
    REQUIRE(answers.size() == 1);
    CHECK((answers[0].is("receipt") && answers[0].attr("type") != "retry"));
  }
  CHECK_FALSE(storage::has_message(f.store->reader(), f.row.id, ben, "3EB0AA"));
  CHECK(events() == 1);

  f.stanza(message(ben, "3EB0BB").add(enc(f, peer, text("another"))));
  CHECK(storage::has_message(f.store->reader(), f.row.id, ben, "3EB0BB"));
}

TEST_CASE(
    "an unreadable copy of what was read already is not asked for, and no resend of it counts when its chat is gone") {
  Fixture f;
  f.go_online();
  SignalPeer peer = SignalPeer::make(f.random, 77);
  greet(f, peer);
  f.stanza(message(ben, "3EB0AA").add(enc(f, peer, text("hello"))));
  const auto answers = Fixture::sent(f.stanza(unreadable(ben, "3EB0AA")));
  REQUIRE(answers.size() == 1);
  CHECK((answers[0].is("receipt") && answers[0].attr("type") != "retry"));
  f.tell(RemoveChat{ben});
  f.stanza(message(ben, "3EB0AA").add(enc(f, peer, text("hello"))));
  CHECK_FALSE(storage::has_message(f.store->reader(), f.row.id, ben, "3EB0AA"));
  const auto names = f.event_names();
  CHECK(std::ranges::count(names, "message") == 1);
}

TEST_CASE("what was asked for of a number is known of its LID too") {
  Fixture f;
  f.go_online();
  const Jid ben_lid("100000000000002", "lid");
  SignalPeer peer = SignalPeer::make(f.random, 77);
  greet(f, peer);
  REQUIRE(Fixture::sent(f.stanza(unreadable(ben, "3EB0AA"))).at(0).attr("type") == "retry");
  f.stanza(message(ben, "3EB0AA").set("sender_lid", ben_lid).add(enc(f, peer, text("hello"))));
  REQUIRE(storage::has_message(f.store->reader(), f.row.id, ben_lid, "3EB0AA"));
  f.tell(RemoveChat{ben_lid});
  f.stanza(message(ben, "3EB0AA").set("sender_lid", ben_lid).add(enc(f, peer, text("hello"))));
  const auto names = f.event_names();
  CHECK(std::ranges::count(names, "message") == 1);
}
