#include "sessions/iq_tracker.h"

#include <catch2/catch.hpp>

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;

TEST_CASE("an IQ is answered once, expires once, and fails when the connection ends") {
  IqTracker tracker;
  const net::SteadyTime now{};
  std::vector<std::string> seen;
  const auto note = [&](std::string name) {
    return [&seen, name](const protocol::Node* answer) { seen.push_back(name + (answer ? ":answer" : ":none")); };
  };
  tracker.expect("a", now + 10s, note("a"));
  tracker.expect("b", now + 20s, note("b"));
  tracker.expect("c", now + 30s, note("c"));
  protocol::Node answer("iq");
  answer.set("id", "a").set("type", "result");
  REQUIRE(tracker.answer(answer));
  REQUIRE_FALSE(tracker.answer(answer));  // a second answer with the id finds nobody
  REQUIRE(tracker.earliest() == now + 20s);
  tracker.expire(now + 20s);
  tracker.fail_all();
  REQUIRE(seen == std::vector<std::string>{"a:answer", "b:none", "c:none"});
}

TEST_CASE("a continuation may ask again: what it asks for is a new question, not part of the end of the old ones") {
  IqTracker tracker;
  const net::SteadyTime now{};
  int ended = 0;
  const auto again = [&](const protocol::Node*) {
    tracker.expect("next", now + 60s, [&](const protocol::Node*) { ++ended; });
  };
  tracker.expect("a", now + 10s, again);
  tracker.expire(now + 10s);
  CHECK(ended == 0);
  CHECK(tracker.earliest() == now + 60s);
  tracker.expect("a", now + 10s, again);
  tracker.fail_all();
  CHECK(ended == 1);  // of the first; what was asked for meanwhile waits for its own answer
  CHECK(tracker.earliest() == now + 60s);
  CHECK(tracker.answer(protocol::Node("iq").set("id", "next").set("type", "result")));
  CHECK(ended == 2);
  CHECK_FALSE(tracker.earliest());
}

TEST_CASE("the tracker is full at its limit and has room again when one was answered") {
  IqTracker tracker;
  for (std::size_t i = 0; i < IqTracker::max_pending; ++i) {
    REQUIRE_FALSE(tracker.full());
    tracker.expect(std::to_string(i), {}, [](const protocol::Node*) {});
  }
  CHECK(tracker.full());
  CHECK(tracker.answer(protocol::Node("iq").set("id", "7")));
  CHECK_FALSE(tracker.full());
}
