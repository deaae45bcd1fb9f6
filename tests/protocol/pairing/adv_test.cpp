#include "protocol/pairing/adv.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/node_json.h"
#include "tests/support/scripted_random.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::hex;
using wharf::test::ScriptedRandom;
using wharf::test::text;
using wharf::test::vectors;

namespace {

const boost::json::object& root() { return vectors("pairing-qr").as_object(); }
Key32 key(const boost::json::value& value) { return exactly<32>(hex(value)).value(); }
KeyPair pair(const char* name) { return KeyPair::from_secret(key(root().at("keys").at(name).at("private"))); }
Key32 adv_secret() { return key(root().at("keys").at("adv_secret")); }

Errc refusal(ByteView container) {
  SeededRandom random(1);
  const auto accepted = accept_pair_success(container, adv_secret(), pair("identity"), random);
  return accepted ? Errc::none : accepted.error().code;
}

/// A companion that was linked with these keys, both sides run.
struct Linked {
  SeededRandom random{42};
  KeyPair account = KeyPair::generate(random);
  KeyPair companion = KeyPair::generate(random);
  Key32 secret = random.bytes<32>();
  Bytes container = issue_device_identity(account, companion.pub, {77, 1'700'000'000, 3}, secret, random);
};

}  // namespace

TEST_CASE("pair-success of the vectors is accepted, countersigned and answered without the account key") {
  for (const char* name : {"e2ee", "hosted"}) {
    INFO(name);
    const auto& vector = root().at("cases").at(name).as_object();
    const Bytes container = hex(vector.at("step1_ADVSignedDeviceIdentityHMAC_hex"));
    ScriptedRandom random;
    random.push(hex(vector.at("step6_random64_hex")));
    const auto accepted = accept_pair_success(container, adv_secret(), pair("identity"), random);
    REQUIRE(accepted);
    REQUIRE(accepted->key_index == 3);
    REQUIRE(accepted->account_key == key(vector.at("step5_verify_key_hex")));
    // Fresh randomness in real life; with the vector's 64 bytes the signature must be its randomised one.
    const Bytes signature = hex(vector.at("step6_valid_signature_randomised_hex"));
    const Bytes deterministic = hex(vector.at("step6_valid_signature_deterministic_hex"));
    const auto with_signature = [&](Bytes expected) {
      std::copy(signature.begin(), signature.end(), expected.end() - 64);
      return expected;
    };
    const Bytes reply = hex(vector.at("step7_reply_device_identity_hex_for_deterministic_signature"));
    const Bytes stored = hex(vector.at("step8_stored_ADVSignedDeviceIdentity_hex"));
    REQUIRE(equal(ByteView(reply).last(64), deterministic));
    REQUIRE(accepted->reply == with_signature(reply));
    REQUIRE(accepted->account == with_signature(stored));

    const PublicKey identity = pair("identity").pub;
    REQUIRE(xeddsa_verify(identity, hex(vector.at("step6_device_signature_message_hex")), deterministic));
    REQUIRE_FALSE(xeddsa_verify(identity, hex(vector.at("step6_device_signature_message_hex")),
                                hex(vector.at("step6_invalid_signature_hex"))));
    REQUIRE(verify_device_identity(stored, identity, std::nullopt));
    REQUIRE(complete_device_identity(reply, container, identity).value() == stored);
  }
}

TEST_CASE("the negative pairing vectors are refused with the code that 02 section 2.5 answers") {
  const auto& negative = root().at("negative").as_array();
  REQUIRE(negative.size() == 6);
  int internal = 0, hmac = 0, signature = 0;
  for (const auto& entry : negative) {
    INFO(text(entry.as_object(), "note"));
    const std::string_view expected = text(entry.as_object(), "expected");
    const Errc code = refusal(hex(entry.at("device_identity_hex")));
    if (expected.find("hmac-mismatch") != std::string_view::npos) {
      ++hmac;
      REQUIRE(code == Errc::bad_mac);
    } else if (expected.find("signature-mismatch") != std::string_view::npos) {
      ++signature;
      REQUIRE((code == Errc::bad_signature || code == Errc::invalid_key));
    } else {
      ++internal;
      REQUIRE(expected.find("500") != std::string_view::npos);
      REQUIRE(code == Errc::malformed);
    }
  }
  REQUIRE(hmac == 2);
  REQUIRE(signature == 2);
  REQUIRE(internal == 2);
}

TEST_CASE("a container that is empty, cut, too long or followed by junk is malformed") {
  const Bytes good = hex(root().at("cases").at("e2ee").at("step1_ADVSignedDeviceIdentityHMAC_hex"));
  REQUIRE(refusal(good) == Errc::none);
  for (std::size_t length = 0; length < good.size(); ++length) {
    INFO(length);
    REQUIRE(refusal(ByteView(good).first(length)) != Errc::none);
  }
  for (const Bytes& junk : {Bytes{0x00}, Bytes{0x0c}, Bytes{0xff}, Bytes{0x0f, 0x00}}) {
    REQUIRE(refusal(concat(good, junk)) == Errc::malformed);
  }
  Bytes padded = good;  // an unknown field of 400 bytes: well formed, but over the bound
  append(padded, Bytes{0x52, 0x90, 0x03});
  padded.resize(padded.size() + 400);
  REQUIRE(refusal(padded) == Errc::malformed);
}

TEST_CASE("phone and companion agree on a device identity made at run time") {
  Linked linked;
  const auto accepted = accept_pair_success(linked.container, linked.secret, linked.companion, linked.random);
  REQUIRE(accepted);
  REQUIRE(accepted->account_key == linked.account.pub);
  REQUIRE(accepted->key_index == 3);
  const auto complete = complete_device_identity(accepted->reply, linked.container, linked.companion.pub);
  REQUIRE(complete.value() == accepted->account);
  REQUIRE(verify_device_identity(*complete, linked.companion.pub, linked.account.pub));
}

TEST_CASE("the phone refuses a reply that names another account key, is another's or is not signed") {
  Linked linked;
  const auto accepted = accept_pair_success(linked.container, linked.secret, linked.companion, linked.random);
  REQUIRE(accepted);
  const auto refused = [&](ByteView reply) {
    const auto complete = complete_device_identity(reply, linked.container, linked.companion.pub);
    return complete ? Errc::none : complete.error().code;
  };
  REQUIRE(refused(accepted->account) == Errc::none);  // the issued key may be there
  Bytes other_key = accepted->account;
  const auto key =
      std::search(other_key.begin(), other_key.end(), linked.account.pub.begin(), linked.account.pub.end());
  REQUIRE(key != other_key.end());
  *key ^= 1;
  REQUIRE(refused(other_key) == Errc::conflict);
  Bytes forged = accepted->reply;
  forged[forged.size() - 20] ^= 1;
  REQUIRE(refused(forged) == Errc::bad_signature);
  REQUIRE(refused({}) == Errc::malformed);
  REQUIRE(refused(ByteView(accepted->reply).first(accepted->reply.size() - 1)) == Errc::malformed);

  const Bytes second =
      issue_device_identity(linked.account, linked.companion.pub, {77, 1'700'000'000, 4}, linked.secret, linked.random);
  const auto other = accept_pair_success(second, linked.secret, linked.companion, linked.random);
  REQUIRE(other);
  REQUIRE(refused(other->reply) == Errc::conflict);
}

TEST_CASE("a device identity is bound to the device's key and to the known account") {
  Linked linked;
  const auto accepted = accept_pair_success(linked.container, linked.secret, linked.companion, linked.random);
  REQUIRE(accepted);
  const KeyPair stranger = KeyPair::generate(linked.random);
  const auto verdict = [](ByteView identity, const PublicKey& device, const std::optional<PublicKey>& account) {
    const auto verified = verify_device_identity(identity, device, account);
    return verified ? Errc::none : verified.error().code;
  };
  REQUIRE(verdict(accepted->account, linked.companion.pub, std::nullopt) == Errc::none);
  REQUIRE(verdict(accepted->account, stranger.pub, std::nullopt) == Errc::bad_signature);
  REQUIRE(verdict(accepted->account, linked.companion.pub, stranger.pub) == Errc::bad_signature);
  // Without field 2 the stored identity of device 0 decides; with neither there is no verdict.
  REQUIRE(verdict(accepted->reply, linked.companion.pub, linked.account.pub) == Errc::none);
  REQUIRE(verdict(accepted->reply, linked.companion.pub, stranger.pub) == Errc::bad_signature);
  REQUIRE(verdict(accepted->reply, linked.companion.pub, std::nullopt) == Errc::not_found);
  for (std::size_t at = 0; at < accepted->account.size(); ++at) {
    Bytes changed = accepted->account;
    changed[at] ^= 0x01;
    INFO(at);
    REQUIRE(verdict(changed, linked.companion.pub, linked.account.pub) != Errc::none);
  }
}

TEST_CASE("the key index list of the usync vectors is read and its signature checked") {
  const auto& first = vectors("usync").at("pairs").as_array().at(0).as_object();
  const auto& vector = first.at("key_index_list").as_object();
  const Bytes bytes = hex(vector.at("ADVSignedKeyIndexList_hex"));
  const PublicKey account = key(first.at("contact_account").at("public"));
  const auto list = read_key_index_list(bytes, account);
  REQUIRE(list);
  REQUIRE(list->raw_id == 99887766);
  REQUIRE(list->timestamp == 1'700'000'000);
  REQUIRE(list->current_index == 5);
  REQUIRE(list->valid_indexes == std::vector<std::uint32_t>{1, 4});
  REQUIRE(read_key_index_list(bytes, pair("identity").pub).error().code == Errc::bad_signature);
  REQUIRE(read_key_index_list(bytes, std::nullopt));  // no key known: nothing to check against
  Bytes changed = bytes;
  changed[5] ^= 1;
  REQUIRE_FALSE(read_key_index_list(changed, account));
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    REQUIRE_FALSE(read_key_index_list(ByteView(bytes).first(length), account));
  }
}

TEST_CASE("a key index list made by the phone is read back") {
  SeededRandom random(9);
  const KeyPair account = KeyPair::generate(random);
  const KeyIndexList list{12345, 1'700'000'100, 7, {0, 3, 7, 300}};
  const auto read = read_key_index_list(issue_key_index_list(account, list, random), account.pub);
  REQUIRE(read);
  REQUIRE(read->raw_id == list.raw_id);
  REQUIRE(read->timestamp == list.timestamp);
  REQUIRE(read->current_index == list.current_index);
  REQUIRE(read->valid_indexes == list.valid_indexes);
}

TEST_CASE("a key index list with absurdly many indexes is refused") {
  SeededRandom random(9);
  const KeyPair account = KeyPair::generate(random);
  KeyIndexList list{1, 1, 1, std::vector<std::uint32_t>(2049, 1)};
  REQUIRE(read_key_index_list(issue_key_index_list(account, list, random), account.pub).error().code ==
          Errc::malformed);
}
