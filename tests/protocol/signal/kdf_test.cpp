// Every intermediate value of the first vector session.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <catch2/catch.hpp>

#include "protocol/signal/message_codec.h"
#include "protocol/signal/ratchet.h"
#include "protocol/signal/x3dh.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using namespace wharf::protocol::detail;
using wharf::test::hex;
using wharf::test::vectors;

namespace {

Key32 key32(const boost::json::value& value) { return exactly<32>(hex(value)).value(); }

KeyPair pair(const boost::json::object& entry) {
  const KeyPair made = KeyPair::from_secret(key32(entry.at("private")));
  REQUIRE(equal(typed(made.pub), hex(entry.at("public"))));
  return made;
}

struct KdfInputs {
  const boost::json::object& file = vectors("signal-kdf").as_object();
  const boost::json::object& inputs = file.at("inputs").as_object();
  KeyPair alice = pair(inputs.at("aliceIdentity").as_object());
  KeyPair base = pair(inputs.at("aliceBase").as_object());
  KeyPair alice_ratchet = pair(inputs.at("aliceRatchet1").as_object());
  KeyPair bob = pair(inputs.at("bobIdentity").as_object());
  KeyPair signed_pre_key = pair(inputs.at("bobSignedPreKey").as_object());
  KeyPair one_time = pair(inputs.at("bobOneTimePreKey77").as_object());
  KeyPair bob_ratchet = pair(inputs.at("bobRatchet1").as_object());

  PreKeyBundle bundle(bool with_one_time) const {
    PreKeyBundle out;
    out.identity = bob.pub;
    out.signed_pre_key = signed_pre_key.pub;
    if (with_one_time) out.one_time = {77, one_time.pub};
    return out;
  }
};

}  // namespace

TEST_CASE("X3DH gives both sides the vector's root key, with and without one-time prekey") {
  const KdfInputs in;
  for (const bool with_one_time : {true, false}) {
    const auto& expected = in.file.at(with_one_time ? "withOneTimePreKey" : "withoutOneTimePreKey").as_object();
    const auto initiator = x3dh_initiator(in.alice, in.base, in.bundle(with_one_time)).value();
    const auto responder =
        x3dh_responder(in.bob, in.signed_pre_key, with_one_time ? &in.one_time : nullptr, in.alice.pub, in.base.pub)
            .value();
    REQUIRE(initiator.root_key.bytes == key32(expected.at("rootKey")));
    REQUIRE(initiator.unused_chain_key.bytes == key32(expected.at("initialChainKeyUnused")));
    REQUIRE(responder.root_key.bytes == initiator.root_key.bytes);
    REQUIRE(responder.unused_chain_key.bytes == initiator.unused_chain_key.bytes);
  }
}

TEST_CASE("root steps follow the vectors on both sides") {
  const KdfInputs in;
  const Secret32 root(key32(in.file.at("withOneTimePreKey").as_object().at("rootKey")));
  const auto& first = in.file.at("firstSendingChain").as_object();
  const auto sending = root_step(root, in.alice_ratchet.secret, in.signed_pre_key.pub).value();
  REQUIRE(sending.root_key.bytes == key32(first.at("rootKeyAfter")));
  REQUIRE(sending.chain_key.bytes == key32(first.at("chainKey0")));

  const auto& responder = in.file.at("responderFirstStep").as_object();
  const auto receiving = root_step(root, in.signed_pre_key.secret, in.alice_ratchet.pub).value();
  REQUIRE(receiving.root_key.bytes == key32(responder.at("rootKeyAfterReceiving")));
  REQUIRE(receiving.chain_key.bytes == key32(responder.at("receivingChainKey0")));
  const auto reply = root_step(receiving.root_key, in.bob_ratchet.secret, in.alice_ratchet.pub).value();
  REQUIRE(reply.root_key.bytes == key32(responder.at("rootKeyAfterSending")));
  REQUIRE(reply.chain_key.bytes == key32(responder.at("sendingChainKey0")));
}

TEST_CASE("a root step with a low-order key is refused") {
  const KdfInputs in;
  REQUIRE(root_step(Secret32(), in.alice.secret, PublicKey{}).error().code == Errc::invalid_key);
}

TEST_CASE("chain keys and message keys follow the vectors") {
  const KdfInputs in;
  const auto& chain = in.file.at("chain").as_array();
  REQUIRE(chain.size() == 4);
  for (const auto& value : chain) {
    const auto& step = value.as_object();
    const Secret32 chain_key(key32(step.at("chainKey")));
    const Secret32 seed = message_seed(chain_key);
    REQUIRE(seed.bytes == key32(step.at("messageKeySeed")));
    REQUIRE(next_chain_key(chain_key).bytes == key32(step.at("nextChainKey")));
    const MessageKeys keys = message_keys(seed);
    REQUIRE(keys.cipher_key == key32(step.at("cipherKey")));
    REQUIRE(keys.mac_key == key32(step.at("macKey")));
    REQUIRE(equal(keys.iv, hex(step.at("iv"))));
  }
}

TEST_CASE("the MAC covers both typed identities and the version byte") {
  const KdfInputs in;
  const auto& expected = in.file.at("firstMessageMac").as_object();
  const Bytes body = hex(expected.at("signalMessage"));
  const auto message = parse_signal_message(body).value();
  const Bytes mac_key = hex(in.file.at("chain").as_array().at(0).as_object().at("macKey"));
  REQUIRE(equal(concat(typed(in.alice.pub), typed(in.bob.pub), message.authenticated), hex(expected.at("macInput"))));
  const auto mac = message_mac(mac_key, in.alice.pub, in.bob.pub, message.authenticated);
  REQUIRE(equal(mac, hex(expected.at("mac8"))));
  REQUIRE(equal(mac, message.mac));
}
