#include "protocol/crypto/hash.h"

#include <catch2/catch.hpp>

#include "protocol/crypto/random.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::hex;

TEST_CASE("digests equal the published ones") {
  REQUIRE(to_hex(sha256(as_bytes("abc"))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  REQUIRE(to_hex(sha1(as_bytes("abc"))) == "a9993e364706816aba3e25717850c26c9cd0d89d");
  REQUIRE(to_hex(md5({})) == "d41d8cd98f00b204e9800998ecf8427e");
  REQUIRE(to_hex(sha256(as_bytes("abc"))) == to_hex(sha256(as_bytes("abc"))));  // the context is reused
}

TEST_CASE("HMAC-SHA256 equals RFC 4231") {
  REQUIRE(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))) ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  REQUIRE(to_hex(hmac_sha256(Bytes(131, 0xaa), as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))) ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("HKDF-SHA256 equals RFC 5869") {
  REQUIRE(to_hex(hkdf_sha256<42>(Bytes(22, 0x0b), hex("000102030405060708090a0b0c"), hex("f0f1f2f3f4f5f6f7f8f9"))) ==
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  REQUIRE(to_hex(hkdf_sha256<42>(Bytes(22, 0x0b), {}, {})) ==
          "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
  // An empty salt is a salt of 32 zero bytes.
  REQUIRE(hkdf_sha256<80>(Bytes(22, 0x0b), {}, {}) == hkdf_sha256<80>(Bytes(22, 0x0b), Bytes(32, 0), {}));
}

TEST_CASE("HKDF output has an end") {
  Bytes out(255 * 32);
  REQUIRE_NOTHROW(hkdf_sha256(as_bytes("input"), {}, {}, out));
  out.push_back(0);
  REQUIRE_THROWS(hkdf_sha256(as_bytes("input"), {}, {}, out));
}

TEST_CASE("PBKDF2-HMAC-SHA256 equals the known answer") {
  REQUIRE(to_hex(pbkdf2_sha256(as_bytes("password"), as_bytes("salt"), 2)) ==
          "ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43");
}

TEST_CASE("constant-time comparison compares content and length") {
  REQUIRE(equal_constant_time(as_bytes("abc"), as_bytes("abc")));
  REQUIRE(equal_constant_time({}, {}));
  REQUIRE_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("abd")));
  REQUIRE_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("ab")));
}

TEST_CASE("the seeded generator is SHA-256 over seed and counter") {
  SeededRandom random(5);
  REQUIRE(to_hex(random.bytes<32>()) == "2c1b906867d313e9ee07fe22afc47439ef2a276c007fd555da428d975b6247fc");
  SeededRandom again(5), other(6);
  REQUIRE(again.bytes<70>() != other.bytes<70>());
  for (int i = 0; i < 1000; ++i) REQUIRE(again.below(7) < 7);
}
