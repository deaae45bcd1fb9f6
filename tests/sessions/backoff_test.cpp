#include "sessions/backoff.h"

#include <catch2/catch.hpp>

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;

TEST_CASE("backoff grows with full jitter, keeps its cap and starts over only when told") {
  protocol::SeededRandom random(1);
  Backoff backoff;
  auto largest = 0ms;
  for (int i = 0; i < 200; ++i) {
    const auto delay = backoff.next(random);
    REQUIRE(delay >= Backoff::floor);
    REQUIRE(delay <= Backoff::cap);
    if (i == 0) REQUIRE(delay <= 1s);
    largest = std::max(largest, delay);
  }
  REQUIRE(largest > 60s);  // it did grow
  REQUIRE(backoff.attempts() == 200);
  backoff.reset();
  REQUIRE(backoff.next(random) <= 1s);
}

TEST_CASE("a rate limit pushes the next attempt further out than a plain failure") {
  protocol::SeededRandom random(7);
  Backoff plain, punished;
  plain.next(random);
  punished.penalise(random);
  auto most_plain = 0ms, most_punished = 0ms;
  for (int i = 0; i < 50; ++i) {
    Backoff p = plain, q = punished;
    most_plain = std::max(most_plain, p.next(random));
    most_punished = std::max(most_punished, q.next(random));
  }
  REQUIRE(most_punished > most_plain * 3);
}
