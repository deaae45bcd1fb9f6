// Messages into a real Session from peers that encrypt for themselves: what is stored, what is answered, whose keys count.
#include "sessions/inbound.h"

#include "protocol/messages/padding.h"
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

/// The peer opens a session with us from what we publish.
void greet(Fixture& f, SignalPeer& peer) {
  const auto device = storage::load_device(f.store->reader(), f.row.id);
  const auto signed_key = storage::find_signed_pre_key(f.store->reader(), f.row.id, device->signed_pre_key_id);
  protocol::PreKeyBundle ours;
  ours.registration_id = device->registration_id;
  ours.identity = device->identity.pub;
  ours.signed_pre_key_id = signed_key->id;
  ours.signed_pre_key = signed_key->pair.pub;
  ours.signed_pre_key_signature = signed_key->signature;
  REQUIRE(protocol::start_session(peer.session, peer.local, ours, f.random).has_value());
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
  storage::put_identity(changes, f.row.id, device, key);
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
  Node both = message(group, "3EB0AA");
  both.set("participant", ben).add(enc(f, peer, text("key"))).add(text_of_group);
  Node alone = message(group, "3EB0BB");
  alone.set("participant", ben).add(text_of_group);
  for (const Node& stanza : {both, alone, both /* again: the pairwise part is a duplicate */}) {
    const auto answers = Fixture::sent(f.stanza(stanza));
    REQUIRE(answers.size() == 1);
    REQUIRE(answers[0].is("ack"));
    REQUIRE_FALSE(answers[0].has("error"));  // the queue drains
  }
}
