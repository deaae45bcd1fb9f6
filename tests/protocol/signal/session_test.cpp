// How pairwise sessions behave when the network and the peer misbehave.

#include "protocol/signal/session.h"

#include <catch2/catch.hpp>

#include "protocol/signal/message_codec.h"
#include "protocol/signal/ratchet.h"
#include "protocol/signal/ratchet_state.h"
#include "tests/support/signal_peer.h"

using namespace wharf::protocol;
using wharf::test::SignalPeer;

namespace {

struct World {
  SeededRandom random{42};
  SignalPeer anna = SignalPeer::make(random, 1111, 3);
  SignalPeer ben = SignalPeer::make(random, 2222, 3);

  void start(SignalPeer& from, const SignalPeer& to) {
    REQUIRE(start_session(from.session, from.local, to.bundle(), random).has_value());
  }
  /// Both sides have decrypted something: only msg from here on.
  void establish() {
    start(anna, ben);
    deliver(ben, anna.send("first"), "first");
    deliver(anna, ben.send("reply"), "reply");
  }
  Decrypted deliver(SignalPeer& to, const Ciphertext& message, std::string_view expected) {
    auto decrypted = to.receive(message, random);
    REQUIRE(decrypted.has_value());
    REQUIRE(as_text(decrypted->plaintext) == expected);
    return *decrypted;
  }
  /// Fails with this code and leaves the record as it was.
  void refuse(SignalPeer& to, const Ciphertext& message, Errc code) {
    const Bytes before = to.session.serialize();
    const auto decrypted = to.receive(message, random);
    REQUIRE_FALSE(decrypted.has_value());
    REQUIRE(name(decrypted.error().code) == std::string(name(code)));
    REQUIRE(to.session.serialize() == before);
  }
};

/// A message of `from`'s sending chain `ahead` positions further on, without encrypting those between.
Ciphertext send_ahead(SignalPeer& from, std::uint32_t ahead, std::string_view text) {
  auto& chain = from.session.states().front().sending;
  for (std::uint32_t i = 0; i < ahead; ++i) chain.chain_key = detail::next_chain_key(chain.chain_key);
  chain.counter += ahead;
  return from.send(text);
}

/// The same pkmsg with changed envelope fields.
template <class Change>
Ciphertext with_header(const Ciphertext& message, Change change) {
  auto parsed = detail::parse_pre_key_signal_message(message.body).value();
  change(parsed.header);
  return {message.kind, detail::write_pre_key_signal_message(parsed.header, parsed.message)};
}

}  // namespace

TEST_CASE("every message is a pkmsg until the peer has answered") {
  World world;
  REQUIRE(encrypt(world.anna.session, world.anna.local, {}).error().code == Errc::no_session);
  world.start(world.anna, world.ben);
  REQUIRE(world.anna.session.awaiting_reply());
  const Ciphertext one = world.anna.send("one"), two = world.anna.send("two");
  REQUIRE(one.kind == CiphertextKind::pre_key_message);
  REQUIRE(two.kind == CiphertextKind::pre_key_message);
  world.deliver(world.ben, one, "one");
  REQUIRE_FALSE(world.ben.session.awaiting_reply());
  REQUIRE(world.ben.session.remote_registration_id() == 1111);
  REQUIRE(world.ben.session.remote_identity() == world.anna.local.identity.pub);
  REQUIRE(world.ben.session.base_key() == world.anna.session.base_key());
  const Ciphertext reply = world.ben.send("reply");
  REQUIRE(reply.kind == CiphertextKind::message);
  world.deliver(world.anna, reply, "reply");
  REQUIRE_FALSE(world.anna.session.awaiting_reply());
  REQUIRE(world.anna.send("three").kind == CiphertextKind::message);
}

TEST_CASE("a session says that it waits for a reply on the one-time key of a bundle, until there is one") {
  World world;
  PreKeyBundle bundle = world.ben.bundle();
  REQUIRE(bundle.one_time);
  REQUIRE_FALSE(world.anna.session.awaits_reply_on(bundle));
  REQUIRE(start_session(world.anna.session, world.anna.local, bundle, world.random).has_value());
  REQUIRE(world.anna.session.awaits_reply_on(bundle));
  PreKeyBundle other = bundle;
  ++other.one_time->id;
  REQUIRE_FALSE(world.anna.session.awaits_reply_on(other));
  other.one_time.reset();
  REQUIRE_FALSE(world.anna.session.awaits_reply_on(other));
  world.deliver(world.ben, world.anna.send("one"), "one");
  world.deliver(world.anna, world.ben.send("reply"), "reply");
  REQUIRE_FALSE(world.anna.session.awaits_reply_on(bundle));
}

TEST_CASE("a bundle whose signed prekey is not signed by the identity is refused before any key is made") {
  World world;
  PreKeyBundle bundle = world.ben.bundle();
  bundle.signed_pre_key_signature[5] ^= 1;
  const auto started = start_session(world.anna.session, world.anna.local, bundle, world.random);
  REQUIRE(started.error().code == Errc::bad_signature);
  REQUIRE_FALSE(world.anna.session.has_current());

  PreKeyBundle swapped = world.ben.bundle();
  swapped.identity = world.anna.local.identity.pub;
  REQUIRE(start_session(world.anna.session, world.anna.local, swapped, world.random).error().code ==
          Errc::bad_signature);
}

TEST_CASE("a bundle with a low-order one-time prekey is refused and keeps the existing session") {
  World world;
  world.establish();
  const Bytes before = world.anna.session.serialize();
  PreKeyBundle bundle = world.ben.bundle();
  bundle.one_time->pub = {};
  REQUIRE(start_session(world.anna.session, world.anna.local, bundle, world.random).error().code == Errc::invalid_key);
  REQUIRE(world.anna.session.serialize() == before);
}

TEST_CASE("a pkmsg reports the one-time prekey to delete, its repetition does not look it up again") {
  World world;
  world.start(world.anna, world.ben);
  const Ciphertext one = world.anna.send("one"), two = world.anna.send("two");
  const PreKeyId id = world.ben.one_time.begin()->first;
  REQUIRE(world.deliver(world.ben, two, "two").used_one_time == id);
  REQUIRE(world.ben.one_time.count(id) == 0);
  REQUIRE_FALSE(world.deliver(world.ben, one, "one").used_one_time);
  REQUIRE(world.ben.session.archived_count() == 0);
}

TEST_CASE("a session without one-time prekey works and reports none") {
  World world;
  world.ben.one_time.clear();
  world.start(world.anna, world.ben);
  const Ciphertext message = world.anna.send("hello");
  REQUIRE_FALSE(read_pre_key_message(message.body)->one_time_id);
  REQUIRE_FALSE(world.deliver(world.ben, message, "hello").used_one_time);
}

TEST_CASE("prekeys that are not held are an invalid key id") {
  World world;
  world.start(world.anna, world.ben);
  const Ciphertext message = world.anna.send("hello");
  const auto no_signed = with_header(message, [](auto& header) { header.signed_pre_key_id = 99; });
  const auto no_one_time = with_header(message, [](auto& header) { header.one_time_id = 99; });
  world.refuse(world.ben, no_signed, Errc::invalid_key_id);
  world.refuse(world.ben, no_one_time, Errc::invalid_key_id);
  const auto decrypted =
      decrypt_pre_key_message(world.ben.session, world.ben.local, OwnPreKeys{}, message.body, world.random);
  REQUIRE(decrypted.error().code == Errc::invalid_key_id);
}

TEST_CASE("a failed pkmsg keeps the prekey and the record") {
  World world;
  world.start(world.anna, world.ben);
  Ciphertext message = world.anna.send("hello");
  const auto keys = world.ben.one_time.size();
  world.refuse(world.ben, with_header(message, [](auto& header) { header.one_time_id.reset(); }), Errc::bad_mac);
  world.refuse(world.ben, with_header(message, [](auto& header) { header.identity[3] ^= 1; }), Errc::bad_mac);
  world.refuse(world.ben, with_header(message, [](auto& header) { header.base_key = {}; }), Errc::invalid_key);
  world.refuse(world.ben, with_header(message, [](auto& header) { header.identity = {}; }), Errc::invalid_key);
  REQUIRE(world.ben.one_time.size() == keys);
  world.deliver(world.ben, message, "hello");
}

TEST_CASE("a flipped bit anywhere in a msg is refused without a trace") {
  World world;
  world.establish();
  const Ciphertext message = world.anna.send("hello");
  for (std::size_t at = 0; at < message.body.size(); ++at) {
    Ciphertext changed = message;
    changed.body[at] ^= 0x10;
    const Bytes before = world.ben.session.serialize();
    REQUIRE_FALSE(world.ben.receive(changed, world.random).has_value());
    REQUIRE(world.ben.session.serialize() == before);
  }
  world.deliver(world.ben, message, "hello");
}

TEST_CASE("bad padding under a valid MAC gives the same error as a bad MAC") {
  World world;
  world.establish();
  // The author knows the MAC key, so it can sign a ciphertext that is no whole block.
  const auto& sending = world.anna.session.states().front().sending;
  const auto keys = detail::message_keys(detail::message_seed(sending.chain_key));
  const auto forge = [&](Bytes ciphertext) {
    Bytes body = detail::write_signal_message(sending.ratchet.pub, sending.counter, 0, ciphertext);
    append(body, detail::message_mac(keys.mac_key, world.anna.local.identity.pub, world.ben.local.identity.pub, body));
    return Ciphertext{CiphertextKind::message, body};
  };
  Ciphertext bad_mac = forge(Bytes(16, 0x55));
  bad_mac.body.back() ^= 1;
  const Error expected = world.ben.receive(bad_mac, world.random).error();
  REQUIRE(expected.code == Errc::bad_mac);
  for (const std::size_t length : {0u, 15u, 16u, 17u, 32u}) {
    const Bytes before = world.ben.session.serialize();
    REQUIRE(world.ben.receive(forge(Bytes(length, 0x55)), world.random).error() == expected);
    REQUIRE(world.ben.session.serialize() == before);
  }
}

TEST_CASE("messages arrive in any order, each once") {
  World world;
  world.establish();
  std::vector<Ciphertext> sent;
  for (int i = 0; i < 8; ++i) sent.push_back(world.anna.send(std::to_string(i)));
  for (const int i : {7, 0, 3, 1, 6, 2, 5, 4}) {
    const auto decrypted = world.deliver(world.ben, sent[static_cast<std::size_t>(i)], std::to_string(i));
    REQUIRE(decrypted.counter == static_cast<std::uint32_t>(i));
    world.refuse(world.ben, sent[static_cast<std::size_t>(i)], Errc::duplicate_message);
  }
}

TEST_CASE("a late message of the fourth chain back is read, of the fifth it is not") {
  World world;
  world.establish();
  std::vector<Ciphertext> late;
  for (int chain = 0; chain < 6; ++chain) {
    late.push_back(world.anna.send("late"));
    world.deliver(world.ben, world.anna.send("ping"), "ping");
    world.deliver(world.anna, world.ben.send("pong"), "pong");
  }
  REQUIRE(world.ben.session.states().front().receiving.size() == SessionLimits::max_receiving_chains);
  world.refuse(world.ben, late[0], Errc::bad_mac);
  for (std::size_t chain = 1; chain < 6; ++chain) world.deliver(world.ben, late[chain], "late");
}

TEST_CASE("old chains still move forward") {
  World world;
  world.establish();
  world.deliver(world.ben, world.anna.send("on the old chain"), "on the old chain");
  const Ciphertext later = send_ahead(world.anna, 3, "later on the old chain");
  world.deliver(world.anna, world.ben.send("pong"), "pong");
  world.deliver(world.ben, world.anna.send("on the new chain"), "on the new chain");
  REQUIRE(world.deliver(world.ben, later, "later on the old chain").counter == 4);
}

TEST_CASE("a jump of 25,000 is followed and leaves the newest 2,000 skipped keys, one more is refused") {
  World world;
  world.establish();
  world.deliver(world.ben, world.anna.send("0"), "0");
  const SignalPeer before = world.anna;
  const Ciphertext too_far = send_ahead(world.anna, SessionLimits::max_forward_jump + 1, "too far");
  world.refuse(world.ben, too_far, Errc::future_message);

  world.anna = before;
  const Ciphertext dropped = send_ahead(world.anna, 22'999, "dropped");  // counter 23,000
  const Ciphertext kept = world.anna.send("kept");                       // counter 23,001
  REQUIRE(read_message_key(kept.kind, kept.body)->counter == 23'001);
  const Ciphertext far = send_ahead(world.anna, 25'001 - 23'002, "far");
  REQUIRE(world.deliver(world.ben, far, "far").counter == 25'001);
  REQUIRE(world.ben.session.states().front().skipped_count() == SessionLimits::max_skipped_keys);
  world.refuse(world.ben, dropped, Errc::duplicate_message);
  world.deliver(world.ben, kept, "kept");

  // The next gap pushes the oldest out.
  const Ciphertext after = send_ahead(world.anna, 10, "after");
  world.deliver(world.ben, after, "after");
  const auto& skipped = world.ben.session.states().front().receiving.back().skipped;
  REQUIRE(skipped.size() == SessionLimits::max_skipped_keys);
  REQUIRE(skipped.front().counter == 23'011);
  REQUIRE(skipped.back().counter == 25'011);
}

TEST_CASE("a counter too far ahead on a new chain is refused without any agreement") {
  World world;
  world.establish();
  // The ratchet key is low-order: had an agreement been computed, the error would be invalid_key.
  const auto body = [](std::uint32_t counter) {
    return Ciphertext{CiphertextKind::message,
                      concat(detail::write_signal_message(PublicKey{}, counter, 0, Bytes(16)), Bytes(8))};
  };
  world.refuse(world.ben, body(SessionLimits::max_forward_jump + 1), Errc::future_message);
  world.refuse(world.ben, body(0xffffffff), Errc::future_message);
  world.refuse(world.ben, body(0), Errc::invalid_key);
}

TEST_CASE("all candidate sessions together do no more chain steps than one jump allows") {
  World world;
  world.establish();
  for (int i = 0; i < 3; ++i) world.start(world.ben, world.anna);
  REQUIRE(world.ben.session.archived_count() == 3);
  SignalPeer stranger = SignalPeer::make(world.random, 3);
  const auto forged = detail::write_signal_message(stranger.local.identity.pub, 20'000, 0, Bytes(16));
  const auto message = Ciphertext{CiphertextKind::message, concat(forged, Bytes(8))};
  // The first candidate spends 20,000 steps; for the others it is too far ahead.
  world.refuse(world.ben, message, Errc::future_message);
}

TEST_CASE("a session keeps working after the peer's state was archived, and is promoted by the next message") {
  World world;
  world.establish();
  const Bytes old_base = world.ben.session.base_key();
  world.start(world.ben, world.anna);
  REQUIRE(world.ben.session.base_key() != old_base);
  world.deliver(world.ben, world.anna.send("on the old session"), "on the old session");
  REQUIRE(world.ben.session.base_key() == old_base);
  REQUIRE(world.ben.session.archived_count() == 1);
  REQUIRE(world.ben.send("reply").kind == CiphertextKind::message);
}

TEST_CASE("an archived record without current session decrypts and is current again") {
  World world;
  world.establish();
  world.ben.session.archive_current();
  REQUIRE(encrypt(world.ben.session, world.ben.local, {}).error().code == Errc::no_session);
  world.deliver(world.ben, world.anna.send("hello"), "hello");
  REQUIRE(world.ben.session.has_current());
  REQUIRE(world.ben.session.archived_count() == 0);
}

TEST_CASE("a duplicate is recognised by an archived session") {
  World world;
  world.establish();
  const Ciphertext message = world.anna.send("hello");
  world.deliver(world.ben, message, "hello");
  world.start(world.ben, world.anna);
  world.refuse(world.ben, message, Errc::duplicate_message);
}

TEST_CASE("a msg without any session, and one from a stranger") {
  World world;
  world.establish();
  const Ciphertext message = world.anna.send("hello");
  SignalPeer carol = SignalPeer::make(world.random, 3);
  world.refuse(carol, message, Errc::no_session);
  REQUIRE(start_session(carol.session, carol.local, world.ben.bundle(), world.random).has_value());
  world.refuse(carol, message, Errc::bad_mac);
}

TEST_CASE("both sides initiate at once: both first messages arrive and the conversation settles") {
  World world;
  world.start(world.anna, world.ben);
  world.start(world.ben, world.anna);
  const Ciphertext from_anna = world.anna.send("anna first"), from_ben = world.ben.send("ben first");
  world.deliver(world.ben, from_anna, "anna first");
  world.deliver(world.anna, from_ben, "ben first");
  REQUIRE(world.anna.session.archived_count() == 1);
  REQUIRE(world.ben.session.archived_count() == 1);
  const Ciphertext cross_anna = world.anna.send("anna second"), cross_ben = world.ben.send("ben second");
  world.deliver(world.ben, cross_anna, "anna second");
  world.deliver(world.anna, cross_ben, "ben second");
  for (int i = 0; i < 3; ++i) {
    world.deliver(world.ben, world.anna.send("ping"), "ping");
    world.deliver(world.anna, world.ben.send("pong"), "pong");
  }
  REQUIRE(world.anna.session.base_key() == world.ben.session.base_key());
}

TEST_CASE("a reinstalled peer is trusted and reported, and its old messages do not turn the session back") {
  World world;
  world.establish();
  const Ciphertext in_flight = world.anna.send("before the reinstallation");
  SignalPeer reinstalled = SignalPeer::make(world.random, 4444);
  REQUIRE(start_session(reinstalled.session, reinstalled.local, world.ben.bundle(), world.random).has_value());
  const auto hello = world.deliver(world.ben, reinstalled.send("hello again"), "hello again");
  REQUIRE(hello.identity_changed);
  REQUIRE(world.ben.session.remote_identity() == reinstalled.local.identity.pub);
  REQUIRE(world.ben.session.remote_registration_id() == 4444);
  REQUIRE_FALSE(world.deliver(world.ben, reinstalled.send("more"), "more").identity_changed);

  world.deliver(world.ben, in_flight, "before the reinstallation");
  REQUIRE(world.ben.session.remote_identity() == reinstalled.local.identity.pub);
  world.refuse(world.ben, in_flight, Errc::duplicate_message);
  world.deliver(reinstalled, world.ben.send("welcome back"), "welcome back");
}

TEST_CASE("a pkmsg flood keeps forty archived states, the first session is among the forgotten") {
  World world;
  world.ben.one_time.clear();
  world.establish();
  const Ciphertext old_message = world.anna.send("on the first session");
  SessionRecord first_session = world.anna.session;
  for (std::size_t i = 0; i <= SessionLimits::max_archived_states; ++i) {
    world.start(world.anna, world.ben);
    world.deliver(world.ben, world.anna.send("flood"), "flood");
  }
  REQUIRE(world.ben.session.archived_count() == SessionLimits::max_archived_states);
  world.refuse(world.ben, old_message, Errc::bad_mac);
  REQUIRE(SessionRecord::parse(world.ben.session.serialize()).has_value());
}

TEST_CASE("a new signed prekey carries a signature over its typed public key") {
  SeededRandom random(5);
  const KeyPair identity = KeyPair::generate(random);
  const SignedPreKey key = make_signed_pre_key(identity, 17, random);
  REQUIRE(key.id == 17);
  REQUIRE(xeddsa_verify(identity.pub, typed(key.pair.pub), key.signature));
  REQUIRE_FALSE(xeddsa_verify(identity.pub, key.pair.pub, key.signature));
}
