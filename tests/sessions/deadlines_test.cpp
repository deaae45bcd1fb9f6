#include "sessions/deadlines.h"

#include <catch2/catch.hpp>

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;

TEST_CASE("deadlines give the earliest and each only once") {
  Deadlines deadlines;
  const net::SteadyTime now = net::SteadyTime{} + 1h;
  deadlines.set(Deadline::keepalive, now + 5s);
  deadlines.set(Deadline::iq, now + 2s);
  REQUIRE(deadlines.earliest() == now + 2s);
  REQUIRE_FALSE(deadlines.take_due(now + 1s).has_value());
  REQUIRE(deadlines.take_due(now + 3s) == Deadline::iq);
  REQUIRE_FALSE(deadlines.take_due(now + 3s).has_value());
}
