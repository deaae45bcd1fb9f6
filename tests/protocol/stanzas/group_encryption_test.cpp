// A group message with everything around it: the key travels padded in a pairwise message, then the message itself,
// padded, under the key. Specification 03 sections 2 and 5.1.

#include <catch2/catch.hpp>

#include "protocol/messages/content.h"
#include "protocol/messages/padding.h"
#include "protocol/signal/sender_key.h"
#include "tests/support/signal_peer.h"

using namespace wharf::protocol;
using wharf::test::SignalPeer;

namespace {

const Jid group("120363000000000001", server::group);

struct World {
  SeededRandom random{77};
  SignalPeer anna = SignalPeer::make(random, 1111);
  SignalPeer ben = SignalPeer::make(random, 2222);
  OwnSenderKey key = OwnSenderKey::create(random);  // Anna's
  SenderKeyRecord keys;                             // Ben's, of Anna's device

  World() { REQUIRE(start_session(anna.session, anna.local, ben.bundle(), random).has_value()); }

  IncomingMessage read(ByteView padded) { return parse_message(unpad_message(padded).value()).value(); }
  IncomingMessage deliver_pairwise(ByteView message) {
    const Ciphertext sent = encrypt(anna.session, anna.local, pad_message(message, random)).value();
    return read(ben.receive(sent, random)->plaintext);
  }
};

}  // namespace

TEST_CASE("the key of a group arrives in a pairwise message, then its messages are read") {
  World world;
  const Bytes hello = build_text({"hello, group", {}, {}}, world.random).encoded;
  const GroupCiphertext sent = world.key.encrypt(pad_message(hello, world.random), world.random).value();

  const IncomingMessage carrier = world.deliver_pairwise(with_sender_key({}, group, sent.distribution));
  REQUIRE(carrier.kind == MessageKind::sender_key_only);
  REQUIRE_FALSE(carrier.has_content);
  REQUIRE(carrier.sender_key_group == group.to_string());
  REQUIRE(world.keys.process(carrier.sender_key_distribution).value() == DistributionEffect::added);
  REQUIRE(world.read(world.keys.decrypt(sent.body)->plaintext).text == "hello, group");

  const Bytes again = build_text({"and again", {}, {}}, world.random).encoded;
  const GroupCiphertext next = world.key.encrypt(pad_message(again, world.random), world.random).value();
  REQUIRE(world.read(world.keys.decrypt(next.body)->plaintext).text == "and again");
}

TEST_CASE("a resend to one device brings the text and the key for what follows") {
  World world;
  const Bytes missed = build_text({"missed", {}, {}}, world.random).encoded;
  const GroupCiphertext first = world.key.encrypt(pad_message(missed, world.random), world.random).value();
  REQUIRE(world.keys.decrypt(first.body).error().code == Errc::no_sender_key);

  const IncomingMessage resent = world.deliver_pairwise(with_sender_key(missed, group, world.key.distribution()));
  REQUIRE(resent.text == "missed");
  REQUIRE(world.keys.process(resent.sender_key_distribution).value() == DistributionEffect::added);
  REQUIRE(world.keys.decrypt(first.body).error().code == Errc::no_sender_key);  // from before the key

  const Bytes next = build_text({"next", {}, {}}, world.random).encoded;
  const GroupCiphertext second = world.key.encrypt(pad_message(next, world.random), world.random).value();
  REQUIRE(world.read(world.keys.decrypt(second.body)->plaintext).text == "next");
}
