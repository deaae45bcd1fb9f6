#include "api/webhook_rounds.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace wharf::api;

TEST_CASE("webhooks take turns, and stand in a round once") {
  WebhookRounds rounds(10);
  rounds.join("a", Round::healthy);
  rounds.join("b", Round::healthy);
  rounds.join("a", Round::healthy);
  rounds.join("a", Round::failing);
  CHECK(rounds.next() == "a");
  rounds.join("a", Round::healthy);
  CHECK(rounds.next() == "b");
  CHECK(rounds.next() == "a");
  CHECK_FALSE(rounds.next());
}

TEST_CASE("no more requests are under way than there are slots") {
  WebhookRounds rounds(2);
  for (const char* id : {"a", "b", "c"}) rounds.join(id, Round::healthy);
  CHECK(rounds.next() == "a");
  rounds.began(Round::healthy);
  CHECK(rounds.next() == "b");
  rounds.began(Round::healthy);
  CHECK_FALSE(rounds.next());
  CHECK(rounds.in_flight() == 2);
  rounds.ended(Round::healthy);
  CHECK(rounds.next() == "c");
}

TEST_CASE("failing webhooks have at most half of the slots, and one at least") {
  struct Row {
    std::size_t slots, failing;
  };
  for (const auto& [slots, failing] : std::vector<Row>{{1, 1}, {2, 1}, {3, 1}, {4, 2}, {64, 32}}) {
    INFO(slots);
    WebhookRounds rounds(slots);
    for (std::size_t i = 0; i <= slots; ++i) rounds.join("dead" + std::to_string(i), Round::failing);
    for (std::size_t i = 0; i <= slots; ++i) rounds.join("good" + std::to_string(i), Round::healthy);
    std::size_t dead = 0, good = 0;
    while (const auto id = rounds.next()) {
      const bool failed = id->starts_with("dead");
      ++(failed ? dead : good);
      rounds.began(failed ? Round::failing : Round::healthy);
    }
    CHECK(dead == failing);
    CHECK(good == slots - failing);
    rounds.ended(Round::failing);
    CHECK(rounds.next().value_or("").starts_with("dead"));
  }
}
