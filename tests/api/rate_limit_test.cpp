#include "api/rate_limit.h"

#include <catch2/catch.hpp>

using namespace wharf;
using namespace wharf::api;
using namespace std::chrono_literals;

namespace {
const net::SteadyTime start{1000s};
}

TEST_CASE("no more than the limit passes in any minute") {
  RateLimit limit(30);
  for (unsigned i = 0; i < 30; ++i) {
    const auto verdict = limit.take("a", start + i * 100ms);
    REQUIRE(verdict.allowed);
    CHECK(verdict.limit == 30);
    CHECK(verdict.remaining == 29 - i);
  }
  const auto refused = limit.take("a", start + 10s);
  CHECK_FALSE(refused.allowed);
  CHECK(refused.remaining == 0);
  CHECK(refused.reset == 51s);
  CHECK_FALSE(limit.take("a", start + 60s).allowed);
  CHECK(limit.take("a", start + 61s).allowed);  // the first second left the window
  CHECK(limit.take("b", start + 10s).allowed);  // another key has its own window
}

TEST_CASE("what counts several times passes as a whole or not at all") {
  RateLimit limit(5);
  CHECK(limit.take("a", start, 3).remaining == 2);
  CHECK_FALSE(limit.take("a", start, 3).allowed);
  CHECK(limit.take("a", start, 2).allowed);
  CHECK(limit.take("a", start + 61s, 5).allowed);
  CHECK_FALSE(limit.take("b", start, 6).allowed);
}

TEST_CASE("the window slides instead of starting over") {
  RateLimit limit(10);
  for (int i = 0; i < 5; ++i) REQUIRE(limit.take("a", start).allowed);
  for (int i = 0; i < 5; ++i) REQUIRE(limit.take("a", start + 50s).allowed);
  for (int i = 0; i < 5; ++i) REQUIRE(limit.take("a", start + 62s).allowed);
  CHECK_FALSE(limit.take("a", start + 63s).allowed);
}

TEST_CASE("refused requests do not extend the wait and looking costs nothing") {
  RateLimit limit(1);
  REQUIRE(limit.look("a", start).allowed);
  REQUIRE(limit.take("a", start).allowed);
  for (int i = 1; i < 60; ++i) CHECK_FALSE(limit.take("a", start + std::chrono::seconds(i)).allowed);
  CHECK(limit.take("a", start + 61s).allowed);
}

TEST_CASE("zero turns a limit off") {
  RateLimit limit(0);
  for (int i = 0; i < 1000; ++i) REQUIRE(limit.take("a", start).allowed);
  CHECK(limit.take("a", start).limit == 0);
}

TEST_CASE("memory is bounded: the key silent longest is forgotten") {
  RateLimit limit(1, 100);
  for (int i = 0; i < 1000; ++i) limit.take(std::to_string(i), start);
  CHECK(limit.keys() == 100);
  CHECK_FALSE(limit.take("999", start).allowed);
  CHECK(limit.take("0", start).allowed);
}

TEST_CASE("a key that counts nothing any more is forgotten") {
  RateLimit limit(1);
  for (int i = 0; i < 100; ++i) limit.take(std::to_string(i), start);
  for (int i = 0; i < 100; ++i) limit.take("later " + std::to_string(i), start + 61s);
  CHECK(limit.keys() == 100);
  CHECK_FALSE(limit.take("later 0", start + 61s).allowed);
}

TEST_CASE("an IPv6 client is its /64") {
  CHECK(client_key("2001:db8:1:2:3:4:5:6") == client_key("2001:db8:1:2::1"));
  CHECK(client_key("2001:db8:1:2::1") != client_key("2001:db8:1:3::1"));
  CHECK(client_key("[2001:db8:1:2::1]:443") == client_key("[2001:db8:1:2::9]:40000"));
  CHECK(client_key("[2001:db8:1:2::1]:443") != client_key("[2001:db8:1:3::1]:443"));
}

TEST_CASE("a client keeps its key over its connections") {
  CHECK(client_key("192.0.2.1:40000") == client_key("192.0.2.1:40001"));
  CHECK(client_key("192.0.2.1:40000") != client_key("192.0.2.2:40000"));
  CHECK(client_key("127.0.0.1") == "127.0.0.1");
}
