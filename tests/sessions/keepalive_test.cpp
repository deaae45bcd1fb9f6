#include "sessions/keepalive.h"

#include <catch2/catch.hpp>

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;

TEST_CASE("ten seconds after the first unanswered send the socket is probed, and dead 20 s later") {
  protocol::SeededRandom random(2);
  const net::SteadyTime start{};
  Keepalive keepalive;
  keepalive.start(start, random);
  REQUIRE_FALSE(keepalive.dead_at().has_value());
  keepalive.on_send(start + 1s);
  keepalive.on_send(start + 9s);  // pushes nothing away
  REQUIRE(keepalive.ping_at() == start + 1s + Keepalive::doubt_after);
  REQUIRE_FALSE(keepalive.dead_at().has_value());  // acks draw no answer: silence alone proves nothing
  keepalive.on_ping(start + 11s);
  REQUIRE_FALSE(keepalive.ping_at().has_value());
  REQUIRE(keepalive.dead_at() == start + 11s + Keepalive::patience);
  keepalive.on_receive(start + 20s, random);
  REQUIRE_FALSE(keepalive.dead_at().has_value());
}

TEST_CASE("an idle connection is pinged 15 to 30 s after the last receive") {
  protocol::SeededRandom random(3);
  const net::SteadyTime start{};
  Keepalive keepalive;
  keepalive.start(start, random);
  REQUIRE(keepalive.ping_at() >= start + 15s);
  REQUIRE(keepalive.ping_at() <= start + 30s);
  keepalive.on_receive(start + 14s, random);
  REQUIRE(keepalive.ping_at() >= start + 29s);
}
