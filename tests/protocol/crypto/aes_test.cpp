#include "protocol/crypto/aes.h"

#include <catch2/catch.hpp>

#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::hex;

namespace {

template <std::size_t N>
std::array<std::uint8_t, N> fixed(std::string_view text) {
  auto out = exactly<N>(hex(text));
  REQUIRE(out);
  return *out;
}

const auto nist_key = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
const auto nist_text =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

}  // namespace

TEST_CASE("AES-256-GCM equals the test cases of its specification") {
  const auto key = fixed<32>("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const auto iv = fixed<12>("cafebabefacedbaddecaf888");
  const Bytes aad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const Bytes plain =
      hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
          "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
  const Bytes sealed = gcm_seal(key, iv, plain, aad);
  REQUIRE(to_hex(sealed) ==
          "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
          "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b");
  REQUIRE(*gcm_open(key, iv, sealed, aad) == plain);
  REQUIRE(to_hex(gcm_seal({}, {}, {})) == "530f8afbc74536b9a963b4f1c4cb738b");
  REQUIRE(gcm_open({}, {}, hex("530f8afbc74536b9a963b4f1c4cb738b"))->empty());
}

TEST_CASE("AES-GCM refuses every changed byte, another AAD and a short input") {
  const AesKey key{1};
  const GcmIv iv{2};
  const Bytes sealed = gcm_seal(key, iv, as_bytes("some text"), as_bytes("aad"));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes changed = sealed;
    changed[i] ^= 1;
    REQUIRE(gcm_open(key, iv, changed, as_bytes("aad")).error().code == Errc::bad_mac);
    REQUIRE(!gcm_open(key, iv, ByteView(sealed).first(i), as_bytes("aad")));
  }
  REQUIRE(!gcm_open(key, iv, sealed));
  REQUIRE(!gcm_open(key, GcmIv{3}, sealed, as_bytes("aad")));
  REQUIRE(*gcm_open(key, iv, sealed, as_bytes("aad")) == to_bytes("some text"));  // a failure leaves no trace
}

TEST_CASE("AES-256-CBC equals SP 800-38A and pads") {
  const auto key = fixed<32>(nist_key);
  const auto iv = fixed<16>("000102030405060708090a0b0c0d0e0f");
  const Bytes sealed = cbc_encrypt(key, iv, hex(nist_text));
  REQUIRE(sealed.size() == 80);
  REQUIRE(to_hex(ByteView(sealed).first(64)) ==
          "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
          "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b");
  REQUIRE(*cbc_decrypt(key, iv, sealed) == hex(nist_text));
  for (std::size_t length = 0; length < 40; ++length) {
    const Bytes plain(length, 0x61);
    REQUIRE(*cbc_decrypt(key, iv, cbc_encrypt(key, iv, plain)) == plain);
  }
}

TEST_CASE("AES-CBC gives one error for a bad length and bad padding") {
  const AesKey key{1};
  const BlockIv iv{};
  REQUIRE(cbc_decrypt(key, iv, {}).error() == cbc_decrypt(key, iv, Bytes(15)).error());
  Bytes sealed = cbc_encrypt(key, iv, as_bytes("sixteen bytes..!"));
  sealed[15] ^= 0x80;  // turns the padding byte 16 of the second block into 144
  REQUIRE(cbc_decrypt(key, iv, sealed).error() == cbc_decrypt(key, iv, {}).error());
  REQUIRE(cbc_decrypt(key, iv, sealed).error().code == Errc::bad_mac);
}

TEST_CASE("AES-256-CTR equals SP 800-38A and is its own inverse") {
  const auto key = fixed<32>(nist_key);
  const auto counter = fixed<16>("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
  const Bytes out = ctr_crypt(key, counter, hex(nist_text));
  REQUIRE(to_hex(out) ==
          "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
          "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6");
  REQUIRE(ctr_crypt(key, counter, out) == hex(nist_text));
  REQUIRE(ctr_crypt(key, counter, {}).empty());
}
