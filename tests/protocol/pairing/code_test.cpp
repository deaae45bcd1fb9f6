#include "protocol/pairing/code.h"

#include <catch2/catch.hpp>

#include "protocol/crypto/aes.h"
#include "protocol/crypto/hash.h"
#include "tests/support/scripted_random.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::hex;
using wharf::test::ScriptedRandom;
using wharf::test::text;
using wharf::test::vectors;

namespace {

const boost::json::object& root() { return vectors("pairing-code").as_object(); }
Key32 key(const boost::json::value& value) { return exactly<32>(hex(value)).value(); }
KeyPair pair(const char* name) { return KeyPair::from_secret(key(root().at("keys").at(name).at("private"))); }

}  // namespace

TEST_CASE("five bytes become the eight characters of the vectors") {
  const auto& samples = root().at("code_encoding_samples").as_array();
  REQUIRE(samples.size() == 5);
  for (const auto& sample : samples) {
    REQUIRE(pairing_code(exactly<5>(hex(sample.at("bytes"))).value()) == text(sample.as_object(), "code"));
  }
  REQUIRE(pairing_code(exactly<5>(hex(root().at("code").at("random_bytes"))).value()) ==
          text(root().at("code").as_object(), "code"));
}

TEST_CASE("the ephemeral key is wrapped and unwrapped with the whole block as counter") {
  const std::string code(text(root().at("code").as_object(), "code"));
  const struct {
    const char* section;
    const char* owner;
    const char* wrapped;
  } sides[] = {{"companion", "companion_ephemeral", "wrapped_companion_ephemeral_pub"},
               {"primary", "primary_ephemeral", "wrapped_primary_ephemeral_pub"}};
  for (const auto& side : sides) {
    const auto& vector = root().at(side.section).as_object();
    const Key32 salt = key(vector.at("salt"));
    const Key32 code_key = pairing_code_key(code, salt);
    REQUIRE(code_key == key(vector.at("pbkdf2_key")));
    const Bytes wrapped = hex(vector.at(side.wrapped));
    REQUIRE(wrap_pairing_ephemeral(code_key, salt, exactly<16>(hex(vector.at("iv"))).value(), pair(side.owner).pub) ==
            wrapped);
    REQUIRE(wrapped_ephemeral_salt(wrapped).value() == salt);
    REQUIRE(unwrap_pairing_ephemeral(code_key, wrapped).value() == pair(side.owner).pub);
  }
}

TEST_CASE("companion_finish is the vector's bundle and both sides derive its ADV secret") {
  const auto& finish = root().at("finish").as_object();
  ScriptedRandom random;
  for (const char* draw : {"adv_random", "bundle_hkdf_salt", "bundle_iv"}) random.push(hex(finish.at(draw)));
  const auto made = make_companion_finish(pair("companion_identity"), pair("companion_ephemeral"),
                                          pair("primary_ephemeral").pub, pair("primary_identity").pub, random);
  REQUIRE(made);
  REQUIRE(random.drained());
  REQUIRE(made->wrapped_bundle == hex(finish.at("wrapped_key_bundle")));
  REQUIRE(made->adv_secret == key(finish.at("adv_secret")));

  const auto opened = open_companion_finish(made->wrapped_bundle, pair("primary_identity"), pair("primary_ephemeral"),
                                            pair("companion_ephemeral").pub, pair("companion_identity").pub);
  REQUIRE(opened.value() == key(finish.at("adv_secret")));
}

TEST_CASE("what the code vectors accept is accepted") {
  const auto& cases = root().at("accept").as_array();
  REQUIRE(cases.size() == 1);
  for (const auto& entry : cases) {
    REQUIRE(normalise_pairing_code(text(entry.as_object(), "entered_code")).value() == text(entry.as_object(), "code"));
  }
}

TEST_CASE("what the code vectors refuse is refused for the named reason") {
  const auto& cases = root().at("must_fail").as_array();
  REQUIRE(cases.size() == 15);
  Key32 primary_salt = key(root().at("primary").at("salt"));
  const Key32 code_key = pairing_code_key(text(root().at("code").as_object(), "code"), primary_salt);
  int codes = 0, hellos = 0, identities = 0, bundles = 0;
  for (const auto& entry : cases) {
    const auto& object = entry.as_object();
    const std::string_view reason = text(object, "must_fail_with");
    INFO(text(object, "name"));
    if (object.contains("entered_code")) {
      ++codes;
      const auto code = normalise_pairing_code(text(object, "entered_code"));
      REQUIRE(code.error().code == Errc::malformed);
    } else if (object.contains("wrapped_primary_ephemeral_pub")) {
      ++hellos;
      const Bytes wrapped = hex(object.at("wrapped_primary_ephemeral_pub"));
      const auto ephemeral = unwrap_pairing_ephemeral(code_key, wrapped);
      if (reason == "bad-wrapped-length") {
        REQUIRE(ephemeral.error().code == Errc::malformed);
        REQUIRE(wrapped_ephemeral_salt(wrapped).error().code == Errc::malformed);
      } else {
        REQUIRE(reason == "all-zero-dh");
        SeededRandom random(1);
        const auto made = make_companion_finish(pair("companion_identity"), pair("companion_ephemeral"),
                                                ephemeral.value(), pair("primary_identity").pub, random);
        REQUIRE(made.error().code == Errc::invalid_key);
      }
    } else if (object.contains("primary_identity_pub")) {
      ++identities;
      const auto identity = exactly<32>(hex(object.at("primary_identity_pub")));
      // 31 bytes never become a key: read_primary_hello drops the stanza (tests/protocol/stanzas).
      REQUIRE(identity.has_value() == (reason == "all-zero-dh"));
      if (!identity) continue;
      SeededRandom random(1);
      const auto made = make_companion_finish(pair("companion_identity"), pair("companion_ephemeral"),
                                              pair("primary_ephemeral").pub, *identity, random);
      REQUIRE(made.error().code == Errc::invalid_key);
    } else {
      ++bundles;
      // A wrongly typed code gives the phone another companion ephemeral, hence another shared secret.
      const bool wrong_code = object.contains("ephemeral_shared_secret");
      const KeyPair stranger = KeyPair::from_secret(Key32{7});
      const auto opened = open_companion_finish(
          hex(object.at("wrapped_key_bundle")), pair("primary_identity"), pair("primary_ephemeral"),
          wrong_code ? stranger.pub : pair("companion_ephemeral").pub, pair("companion_identity").pub);
      const Errc expected = reason == "auth"                ? Errc::bad_mac
                            : reason == "bad-bundle-length" ? Errc::malformed
                                                            : Errc::conflict;
      REQUIRE(opened.error().code == expected);
    }
  }
  REQUIRE(codes == 6);
  REQUIRE(hellos == 3);
  REQUIRE(identities == 2);
  REQUIRE(bundles == 4);
}

TEST_CASE("a bundle opened with the vector's wrong shared secret fails its tag") {
  const auto& cases = root().at("must_fail").as_array();
  int seen = 0;
  for (const auto& entry : cases) {
    if (!entry.as_object().contains("ephemeral_shared_secret")) continue;
    ++seen;
    const Bytes bundle = hex(entry.at("wrapped_key_bundle"));
    const auto wrong = hkdf_sha256<32>(hex(entry.at("ephemeral_shared_secret")), ByteView(bundle).first(32),
                                       as_bytes("link_code_pairing_key_bundle_encryption_key"));
    const auto iv = exactly<12>(ByteView(bundle).subspan(32, 12)).value();
    REQUIRE(gcm_open(wrong, iv, ByteView(bundle).subspan(44)).error().code == Errc::bad_mac);
  }
  REQUIRE(seen == 1);
}

// Passkey pairing (the vectors' "passkey" section: 25 derivations) needs a WebAuthn assertion and is not implemented;
// only its verification code shares this alphabet.
TEST_CASE("the verification code of passkey pairing uses the same encoding") {
  const auto& passkey = root().at("passkey").as_object();
  REQUIRE(pairing_code(exactly<5>(hex(passkey.at("verification_code_bytes"))).value()) ==
          text(passkey, "verification_code"));
}
