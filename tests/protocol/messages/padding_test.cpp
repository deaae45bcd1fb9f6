#include "protocol/messages/padding.h"

#include <catch2/catch.hpp>
#include <set>

#include "tests/support/scripted_random.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::hex;
using wharf::test::ScriptedRandom;
using wharf::test::vectors;

TEST_CASE("the padding vectors are produced and removed") {
  const auto& good = vectors("padding").at("good").as_array();
  REQUIRE(good.size() == 17);
  for (const auto& entry : good) {
    const Bytes plain = hex(entry.at("unpadded")), padded = hex(entry.at("padded"));
    const auto length = entry.at("padLength").as_int64();
    REQUIRE(equal(unpad_message(padded).value(), plain));
    ScriptedRandom random;
    random.push(Bytes{static_cast<std::uint8_t>(length - 1)});
    REQUIRE(pad_message(plain, random) == padded);
  }
}

TEST_CASE("the bad padding vectors are refused") {
  const auto& bad = vectors("padding").at("bad").as_array();
  REQUIRE(bad.size() == 5);
  for (const auto& entry : bad) {
    REQUIRE(unpad_message(hex(entry.at("padded"))).error().code == Errc::malformed);
  }
}

TEST_CASE("every padding length from 1 to 16 occurs and is removed again") {
  SeededRandom random(3);
  std::set<std::size_t> lengths;
  const Bytes plain = to_bytes("text");
  for (int i = 0; i < 500; ++i) {
    const Bytes padded = pad_message(plain, random);
    lengths.insert(padded.size() - plain.size());
    REQUIRE(equal(unpad_message(padded).value(), plain));
  }
  REQUIRE(lengths.size() == 16);
  REQUIRE(*lengths.begin() == 1);
  REQUIRE(*lengths.rbegin() == 16);
}

TEST_CASE("padding longer than 16 is accepted when all its bytes agree") {
  REQUIRE(unpad_message(Bytes(200, 200)).value().empty());
  REQUIRE_FALSE(unpad_message(Bytes(199, 200)));
}
