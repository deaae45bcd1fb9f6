#include "events/session_state.h"

#include <catch2/catch.hpp>

#include "events/codec.h"

using namespace wharf;
using namespace wharf::events;

TEST_CASE("a reason survives its JSON, and garbage is no reason") {
  Reason reason{"restricted", "banned \"for now\"", NextStep::wait_start, 12345};
  const auto back = decode_reason(encode(reason));
  REQUIRE(back.has_value());
  REQUIRE(back->code == "restricted");
  REQUIRE(back->message == "banned \"for now\"");
  REQUIRE(back->next_step == NextStep::wait_start);
  REQUIRE(back->until == 12345);
  for (const char* bad : {"", "{", "[]", "{\"message\":\"x\"}", "7"}) REQUIRE_FALSE(decode_reason(bad).has_value());
}

TEST_CASE("each status has its word, and the word names it again") {
  for (const char* word : {"initializing", "qr_ready", "authenticated", "ready", "failed", "terminated"}) {
    const auto status = status_named(word);
    REQUIRE(status.has_value());
    CHECK(std::string(name(*status)) == word);
  }
  for (const char* other : {"", "Ready", "qr"}) CHECK_FALSE(status_named(other).has_value());
  CHECK(std::string(name(Connection::connected)) == "connected");
  CHECK(std::string(name(Connection::connecting)) == "connecting");
  CHECK(std::string(name(Connection::offline)) == "offline");
  for (const char* word : {"connected", "connecting", "offline"})
    CHECK(std::string(name(connection_named(word).value())) == word);
  CHECK_FALSE(connection_named("ready").has_value());
}
