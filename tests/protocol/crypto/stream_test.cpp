// The streams give what the functions for whole messages give, however the input is cut.
#include <catch2/catch.hpp>

#include "protocol/crypto/aes_stream.h"
#include "protocol/crypto/hash_stream.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::hex;

namespace {

Bytes counting(std::size_t length) {
  Bytes out(length);
  for (std::size_t i = 0; i < length; ++i) out[i] = static_cast<std::uint8_t>(i * 7);
  return out;
}

template <class Consume>
void in_pieces(ByteView bytes, std::size_t piece, Consume consume) {
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    consume(bytes.subspan(at, std::min(piece, bytes.size() - at)));
}

constexpr AesKey key{1, 2, 3};
constexpr BlockIv iv{9, 8, 7};

}  // namespace

TEST_CASE("streamed hashes equal those of the whole message") {
  for (const std::size_t length : {0u, 1u, 63u, 64u, 65u, 200u}) {
    const Bytes message = counting(length);
    for (const std::size_t piece : {1u, 7u, 64u, 1000u}) {
      Sha256Stream hash;
      HmacSha256Stream mac(as_bytes("key"));
      in_pieces(message, piece, [&](ByteView bytes) {
        hash.update(bytes);
        mac.update(bytes);
      });
      REQUIRE(hash.finish() == sha256(message));
      REQUIRE(mac.finish() == hmac_sha256(as_bytes("key"), message));
    }
  }
}

TEST_CASE("the HMAC test vector of RFC 4231 case 2 comes out, and again after a restart") {
  const Bytes expected = hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  HmacSha256Stream mac(as_bytes("Jefe"));
  mac.update(as_bytes("something else"));
  mac.finish();
  for (int round = 0; round < 2; ++round) {
    mac.restart();
    mac.update(as_bytes("what do ya want "));
    mac.update(as_bytes("for nothing?"));
    REQUIRE(equal(mac.finish(), expected));
  }
}

TEST_CASE("an HMAC stream takes an empty key and empty pieces") {
  HmacSha256Stream mac({});
  mac.update({});
  mac.update(as_bytes("x"));
  REQUIRE(mac.finish() == hmac_sha256({}, as_bytes("x")));
}

TEST_CASE("streamed CBC equals that of the whole message and decrypts again") {
  for (const std::size_t length : {0u, 1u, 15u, 16u, 17u, 32u, 100u}) {
    const Bytes plain = counting(length);
    const Bytes whole = cbc_encrypt(key, iv, plain);
    for (const std::size_t piece : {1u, 15u, 16u, 17u, 1000u}) {
      CbcEncryptStream encrypt(key, iv);
      Bytes cipher, again;
      in_pieces(plain, piece, [&](ByteView bytes) { encrypt.update(bytes, cipher); });
      encrypt.finish(cipher);
      REQUIRE(cipher == whole);
      CbcDecryptStream decrypt(key, iv, CbcPadding::pkcs7);
      in_pieces(cipher, piece, [&](ByteView bytes) { decrypt.update(bytes, again); });
      REQUIRE(again.size() + 16 <= cipher.size());  // the last block is held back
      REQUIRE(decrypt.finish(again));
      REQUIRE(again == plain);
    }
  }
}

TEST_CASE("input larger than one call to OpenSSL is cut inside") {
  const Bytes plain = counting((2u << 20) + 5);
  CbcEncryptStream encrypt(key, iv);
  Bytes cipher;
  encrypt.update(plain, cipher);
  encrypt.finish(cipher);
  REQUIRE(cipher == cbc_encrypt(key, iv, plain));
}

TEST_CASE("CBC blocks are decrypted where they lie, call after call, also more than OpenSSL takes at once") {
  const Bytes plain = counting((2u << 20) + 15);  // one byte of padding
  Bytes blocks = cbc_encrypt(key, iv, plain);
  CbcDecryptStream decrypt(key, iv, CbcPadding::none);
  const std::span<std::uint8_t> all(blocks);
  decrypt.update_in_place(all.first(32));
  decrypt.update_in_place(all.subspan(32));
  REQUIRE(std::equal(plain.begin(), plain.end(), blocks.begin()));
  REQUIRE(blocks.back() == 1);
}

TEST_CASE("CBC input that is no whole number of blocks or is badly padded does not finish") {
  const auto finishes = [](ByteView cipher, CbcPadding padding) {
    CbcDecryptStream decrypt(key, iv, padding);
    Bytes out;
    decrypt.update(cipher, out);
    const std::size_t before = out.size();
    const bool finished = decrypt.finish(out);
    REQUIRE((finished || out.size() == before));
    return finished;
  };
  const Bytes cipher = cbc_encrypt(key, iv, counting(20));
  REQUIRE(finishes(cipher, CbcPadding::pkcs7));
  REQUIRE(finishes(cipher, CbcPadding::none));
  REQUIRE_FALSE(finishes(ByteView(cipher).first(31), CbcPadding::pkcs7));
  REQUIRE_FALSE(finishes(ByteView(cipher).first(31), CbcPadding::none));
  REQUIRE_FALSE(finishes(ByteView(cipher).first(16), CbcPadding::pkcs7));  // ends without padding
  REQUIRE_FALSE(finishes({}, CbcPadding::pkcs7));
  REQUIRE(finishes({}, CbcPadding::none));
}
