#include "api/request_turns.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using wharf::api::RequestTurns;

TEST_CASE("requests of one name go one after the other, others do not wait") {
  RequestTurns turns;
  std::vector<std::pair<std::string, RequestTurns::Turn>> held;
  const auto ask = [&](const std::string& name, const std::string& what) {
    return turns.take(name, [&held, what](RequestTurns::Turn turn) { held.emplace_back(what, std::move(turn)); });
  };
  REQUIRE((ask("a", "a1") && ask("a", "a2") && ask("b", "b1") && ask("a", "a3")));
  REQUIRE(held.size() == 2);
  CHECK(held[1].first == "b1");
  CHECK(turns.names() == 2);
  std::exchange(held[0].second, nullptr).reset();
  REQUIRE(held.size() == 3);
  CHECK(held[2].first == "a2");
  std::exchange(held[2].second, nullptr).reset();
  REQUIRE(held.size() == 4);
  CHECK(held[3].first == "a3");
  while (!held.empty()) std::exchange(held.back().second, nullptr).reset(), held.pop_back();
  CHECK(turns.names() == 0);
}

TEST_CASE("one that is over at once begins the next one") {
  RequestTurns turns;
  int begun = 0;
  RequestTurns::Turn first;
  turns.take("a", [&](RequestTurns::Turn turn) { first = std::move(turn); });
  for (int i = 0; i < 3; ++i) turns.take("a", [&](const RequestTurns::Turn&) { ++begun; });
  CHECK(begun == 0);
  first.reset();
  CHECK(begun == 3);
  CHECK(turns.names() == 0);
}

TEST_CASE("so many may wait, and a turn may outlive those who wait") {
  RequestTurns::Turn first;
  int begun = 0;
  {
    RequestTurns turns;
    turns.take("a", [&](RequestTurns::Turn turn) { first = std::move(turn); });
    for (std::size_t i = 0; i < RequestTurns::max_waiting; ++i)
      REQUIRE(turns.take("a", [&](const RequestTurns::Turn&) { ++begun; }));
    CHECK_FALSE(turns.take("a", [&](const RequestTurns::Turn&) { ++begun; }));
    CHECK(turns.take("b", [](const RequestTurns::Turn&) {}));
  }
  first.reset();
  CHECK(begun == 0);
}
