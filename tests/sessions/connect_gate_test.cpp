#include "sessions/connect_gate.h"

#include <catch2/catch.hpp>

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;

TEST_CASE("the gate lets a burst through and spaces what follows") {
  ConnectGate gate(100, 5);
  const net::SteadyTime now = net::SteadyTime{} + 1h;
  net::SteadyTime last = now;
  int at_once = 0;
  for (int i = 0; i < 105; ++i) {
    const auto start = gate.reserve(now, now);
    REQUIRE(start >= now);
    if (start == now) ++at_once;
    last = std::max(last, start);
  }
  REQUIRE(at_once >= 5);
  REQUIRE(at_once <= 7);
  REQUIRE(last - now >= 900ms);
  REQUIRE(last - now <= 1100ms);
}
