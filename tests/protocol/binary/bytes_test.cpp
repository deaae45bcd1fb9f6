#include "protocol/bytes.h"

#include <catch2/catch.hpp>

#include "protocol/result.h"

using namespace wharf::protocol;

TEST_CASE("hex is read in either case and written in lower case") {
  REQUIRE(to_hex(Bytes{0x00, 0xab, 0xff}) == "00abff");
  REQUIRE(from_hex("00ABff") == Bytes{0x00, 0xab, 0xff});
  REQUIRE(from_hex("") == Bytes{});
  REQUIRE_FALSE(from_hex("0"));
  REQUIRE_FALSE(from_hex("0g"));
}

TEST_CASE("base64 needs its padding and nothing behind it") {
  for (std::string_view text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"})
    REQUIRE(from_base64(to_base64(as_bytes(text))) == to_bytes(text));
  REQUIRE(to_base64(as_bytes("fooba")) == "Zm9vYmE=");
  REQUIRE(to_base64url(Bytes{0xfb, 0xff}) == "-_8");
  for (std::string_view bad : {"Zg", "Zg=", "Zm9v=", "Zg==x", "Z", "-_8=", "Zm 9v"}) {
    INFO(bad);
    REQUIRE_FALSE(from_base64(bad));
  }
}

TEST_CASE("base64 takes no byte beyond ASCII for a letter of it") {
  for (int byte = 0x80; byte <= 0xff; ++byte) {
    INFO(byte);
    std::string text = "QUJD";
    text[1] = static_cast<char>(byte);
    CHECK_FALSE(from_base64(text));
  }
}

TEST_CASE("integers are big-endian") {
  REQUIRE(big_endian(0x010203, 3) == Bytes{1, 2, 3});
  REQUIRE(big_endian(0x01020304, 4) == Bytes{1, 2, 3, 4});
  REQUIRE(from_big_endian(Bytes{1, 2, 3}) == 0x010203);
  REQUIRE(from_big_endian(Bytes{0xff, 0, 0, 0, 0, 0, 0, 1, 9}) == 0xff00000000000001);
}

TEST_CASE("a reader stops at the end and a failed read does not move") {
  const Bytes bytes{1, 2, 3, 4, 5};
  ByteReader reader(bytes);
  REQUIRE(reader.u8() == 1);
  REQUIRE(reader.big_endian(2) == 0x0203u);
  REQUIRE_FALSE(reader.big_endian(3));
  REQUIRE_FALSE(reader.u64());
  REQUIRE_FALSE(reader.take(3));
  REQUIRE(reader.remaining() == 2);
  REQUIRE(to_bytes(*reader.take(2)) == Bytes{4, 5});
  REQUIRE(reader.empty());
  REQUIRE_FALSE(reader.u8());
  REQUIRE(reader.take(0));
}

TEST_CASE("exactly copies only the whole") {
  REQUIRE(exactly<2>(Bytes{1, 2}) == std::array<std::uint8_t, 2>{1, 2});
  REQUIRE_FALSE(exactly<2>(Bytes{1}));
  REQUIRE_FALSE(exactly<2>(Bytes{1, 2, 3}));
}

TEST_CASE("every error code has a name of its own") {
  std::vector<std::string> names;
  for (int code = 0; code <= static_cast<int>(Errc::internal); ++code) names.push_back(name(static_cast<Errc>(code)));
  std::sort(names.begin(), names.end());
  REQUIRE(std::adjacent_find(names.begin(), names.end()) == names.end());
  REQUIRE(std::find(names.begin(), names.end(), "unknown") == names.end());
}
