#include "protocol/crypto/curve25519.h"

#include <catch2/catch.hpp>

#include "tests/support/scripted_random.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::hex;
using wharf::test::text;
using wharf::test::vectors;

namespace {

Key32 key(ByteView bytes) {
  auto out = exactly<32>(bytes);
  REQUIRE(out);
  return *out;
}

// As the callers do: 32 bytes, or 33 with the type byte.
std::optional<PublicKey> received_key(ByteView bytes) {
  if (bytes.size() == 33) return untyped(bytes);
  return exactly<32>(bytes);
}

}  // namespace

TEST_CASE("signatures equal the published ones bit for bit") {
  const auto& cases = vectors("xeddsa").at("sign").as_array();
  REQUIRE(cases.size() == 8);
  for (const auto& entry : cases) {
    const auto& c = entry.as_object();
    INFO(text(c, "note"));
    const KeyPair pair = KeyPair::from_secret(key(hex(c.at("private_key"))));
    REQUIRE(to_hex(pair.secret.view()) == text(c, "clamped_private_key"));
    REQUIRE(to_hex(pair.pub) == text(c, "public_key"));
    wharf::test::ScriptedRandom random(hex(c.at("random64")));
    const Bytes message = hex(c.at("message"));
    const Signature signature = xeddsa_sign(pair, message, random);
    REQUIRE(to_hex(signature) == text(c, "signature_with_random"));
    REQUIRE(xeddsa_verify(pair.pub, message, signature));
    REQUIRE(xeddsa_verify(pair.pub, message, hex(c.at("signature_without_random"))));
  }
}

TEST_CASE("verification is strict") {
  const auto& cases = vectors("xeddsa").at("verify").as_array();
  REQUIRE(cases.size() == 20);
  int accepted = 0, rejected = 0, other = 0;
  for (const auto& entry : cases) {
    const auto& c = entry.as_object();
    INFO(text(c, "note"));
    const auto pub = received_key(hex(c.at("public_key")));
    const bool verified = pub && xeddsa_verify(*pub, hex(c.at("message")), hex(c.at("signature")));
    if (const auto& expected = c.at("expected_strict"); expected.is_bool()) {
      REQUIRE(verified == expected.as_bool());
      ++(verified ? accepted : rejected);
    } else {
      // Bit 255 of a public key is masked as in every Montgomery decoder; low-order keys never verify.
      REQUIRE(verified == (expected.as_string() == "implementation-defined"));
      ++other;
    }
  }
  REQUIRE(accepted == 5);
  REQUIRE(rejected == 13);
  REQUIRE(other == 2);
}

TEST_CASE("low-order public keys neither agree nor verify") {
  const auto& keys = vectors("xeddsa").at("low_order_public_keys").at("values").as_array();
  REQUIRE(keys.size() == 7);
  SeededRandom random(1);
  const KeyPair own = KeyPair::generate(random);
  Signature identity_signature{};  // R is the identity, S is 0
  identity_signature[0] = 1;
  for (const auto& value : keys) {
    for (const std::uint8_t high : {std::uint8_t{0}, std::uint8_t{0x80}}) {
      PublicKey low = key(hex(value));
      low[31] = static_cast<std::uint8_t>(low[31] | high);
      INFO(to_hex(low));
      const Result<Key32> shared = agree(own.secret, low);
      REQUIRE(!shared);
      REQUIRE(shared.error().code == Errc::invalid_key);
      for (std::uint8_t m = 0; m < 8; ++m)
        for (const std::uint8_t sign : {std::uint8_t{0}, std::uint8_t{0x80}}) {
          identity_signature[63] = sign;
          REQUIRE_FALSE(xeddsa_verify(low, ByteView(&m, 1), identity_signature));
        }
    }
  }
}

TEST_CASE("both sides agree, for keys of either Edwards sign signatures verify") {
  SeededRandom random(7);
  int negative = 0;
  for (int i = 0; i < 40; ++i) {
    const KeyPair a = KeyPair::generate(random), b = KeyPair::generate(random);
    REQUIRE(*agree(a.secret, b.pub) == *agree(b.secret, a.pub));
    Signature signature = xeddsa_sign(a, as_bytes("message"), random);
    if (signature[63] >= 0x80) ++negative;
    REQUIRE(xeddsa_verify(a.pub, as_bytes("message"), signature));
    REQUIRE_FALSE(xeddsa_verify(b.pub, as_bytes("message"), signature));
  }
  REQUIRE(negative > 5);
  REQUIRE(negative < 35);
}

TEST_CASE("X25519 equals the test vectors of RFC 7748 section 5.2") {
  // The iterated test, 1 and 1,000 rounds from k = u = 9.
  Key32 k{9}, u{9};
  for (int round = 1; round <= 1000; ++round) {
    const Key32 result = *agree(PrivateKey(k), u);
    u = k;
    k = result;
    if (round == 1) REQUIRE(to_hex(k) == "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
  }
  REQUIRE(to_hex(k) == "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

TEST_CASE("typed keys carry 05 and nothing else is taken") {
  SeededRandom random(3);
  const KeyPair pair = KeyPair::generate(random);
  auto bytes = typed(pair.pub);
  REQUIRE(bytes[0] == 5);
  REQUIRE(untyped(bytes) == pair.pub);
  REQUIRE_FALSE(untyped(ByteView(bytes).first(32)));
  REQUIRE_FALSE(untyped(concat(bytes, Bytes{0})));
  bytes[0] = 6;
  REQUIRE_FALSE(untyped(bytes));
}
