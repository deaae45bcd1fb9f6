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
  std::vector<RequestTurns::Turn> held;
  int begun = 0;
  const auto hold = [&](RequestTurns::Turn turn) { held.push_back(std::move(turn)); };
  const auto count = [&](const RequestTurns::Turn&) { ++begun; };
  {
    RequestTurns turns;
    constexpr std::size_t names = RequestTurns::max_waiting / RequestTurns::max_waiting_of_name;
    for (std::size_t name = 0; name < names; ++name) {
      turns.take(std::to_string(name), hold);
      // One name does not take the room of the others.
      for (std::size_t i = 0; i < RequestTurns::max_waiting_of_name; ++i)
        REQUIRE(turns.take(std::to_string(name), count));
      CHECK_FALSE(turns.take(std::to_string(name), count));
    }
    CHECK(turns.take("another", hold));
    CHECK_FALSE(turns.take("another", count));
  }
  held.clear();
  CHECK(begun == 0);
}
