#include "sessions/event_json.h"

#include <catch2/catch.hpp>

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;

TEST_CASE("a reason survives its JSON, and garbage is no reason") {
  Reason reason{"restricted", "banned \"for now\"", "wait", 12345};
  const auto back = parse_reason(reason_json(reason));
  REQUIRE(back.has_value());
  REQUIRE(back->code == "restricted");
  REQUIRE(back->message == "banned \"for now\"");
  REQUIRE(back->until == 12345);
  for (const char* bad : {"", "{", "[]", "{\"message\":\"x\"}", "7"}) REQUIRE_FALSE(parse_reason(bad).has_value());
}
