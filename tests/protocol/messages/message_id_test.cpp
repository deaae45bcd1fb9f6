#include "protocol/messages/message_id.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "protocol/crypto/hash.h"
#include "tests/support/scripted_random.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::text;
using wharf::test::vectors;

TEST_CASE("the participant hash is the vectors', in any order of devices") {
  const auto& cases = vectors("phash").at("cases").as_array();
  REQUIRE(cases.size() == 6);
  for (const auto& entry : cases) {
    INFO(text(entry.as_object(), "description"));
    std::vector<Jid> devices;
    for (const auto& device : entry.at("devices").as_array()) devices.push_back(Jid::parse(device.as_string()).value());
    REQUIRE(participant_hash(devices) == text(entry.as_object(), "phash"));
    std::reverse(devices.begin(), devices.end());
    REQUIRE(participant_hash(devices) == text(entry.as_object(), "phash"));
  }
}

TEST_CASE("a message id is 3EB0 and the hash of time, account and noise in upper case") {
  wharf::test::ScriptedRandom random;
  random.push(Bytes(16, 0xab));
  const std::uint64_t seconds = 1'760'000'000;
  const Bytes input = concat(Bytes{0, 0, 0, 0, 0x68, 0xe7, 0x78, 0x00}, as_bytes("15550000001@c.us"), Bytes(16, 0xab));
  std::string expected = to_hex(ByteView(sha256(input)).first(9));
  std::transform(expected.begin(), expected.end(), expected.begin(), [](unsigned char c) { return std::toupper(c); });
  REQUIRE(new_message_id(seconds, Jid("15550000001", server::user, 7), random) == "3EB0" + expected);
}
