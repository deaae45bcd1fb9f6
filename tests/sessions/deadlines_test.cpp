#include "sessions/deadlines.h"

#include <catch2/catch.hpp>

#include "sessions/alarms.h"

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

TEST_CASE("alarms come in the order of their times, each once; a later one overwrites only its own") {
  Alarms<std::string> alarms;
  const net::SteadyTime now = net::SteadyTime{} + 1h;
  CHECK_FALSE(alarms.earliest());
  alarms.set("a", now + 1s);
  alarms.set("b", now + 2s);
  alarms.set("c", now + 2s);
  alarms.set("a", now + 9s);
  CHECK(alarms.earliest() == now + 2s);
  CHECK_FALSE(alarms.take_due(now + 1s));
  alarms.clear("c");
  CHECK_FALSE(alarms.armed("c"));
  CHECK(alarms.take_due(now + 9s) == "b");
  CHECK(alarms.take_due(now + 9s) == "a");
  CHECK_FALSE(alarms.take_due(now + 9s));
  alarms.set("d", now);
  alarms.clear();
  CHECK_FALSE(alarms.earliest());
}
