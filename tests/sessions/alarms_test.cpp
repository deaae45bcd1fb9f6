#include "sessions/alarms.h"

#include <catch2/catch.hpp>

#include "sessions/due.h"

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;

TEST_CASE("the earliest of the times that are set is due from its moment on") {
  const net::SteadyTime now = net::SteadyTime{} + 1h;
  CHECK_FALSE(earliest({}));
  CHECK_FALSE(earliest({std::nullopt, std::nullopt}));
  CHECK(earliest({now + 5s, std::nullopt, now + 2s}) == now + 2s);
  CHECK_FALSE(is_due(std::nullopt, now));
  CHECK_FALSE(is_due(now + 1ms, now));
  CHECK(is_due(now, now));
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
