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
