// Deliveries that fail or are interrupted: retries, restarts, cursors, parking.
#include "tests/api/webhook_world.h"

using namespace wharf;
using namespace wharf::api;
using namespace std::chrono_literals;
using World = test::WebhookWorld;
using Ids = std::vector<std::string>;

TEST_CASE("retries survive a restart and nothing is lost or reordered") {
  World w;
  const auto id = w.add("/a");
  for (int i = 0; i < 50; ++i) w.back_end.answers["/a"].emplace_back(503, "text/plain", "down");
  for (int i = 0; i < 5; ++i) w.disk.emit(1, "anna", "A");
  w.until_received(1);
  w.until([&] { return w.rows(id).size() == 5; });
  const auto failed = w.rows(id).front();
  CHECK(failed.event == 1);
  CHECK(failed.attempts >= 1);
  CHECK(failed.last_error == "answered 503");

  w.restart();
  w.disk.emit(1, "anna", "A");
  w.back_end.answers["/a"].clear();
  w.back_end.received.clear();
  w.clock.now_ms += 3'600'000;
  w.dispatcher->wake();
  w.until([&] { return !w.back_end.received.empty() && w.back_end.ids("/a").back() == "6"; });
  Ids ids = w.back_end.ids("/a");  // the old process may have had a retry of the first on the wire
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  CHECK(ids == Ids{"1", "2", "3", "4", "5", "6"});
  w.until([&] { return w.rows(id).empty(); });
}

TEST_CASE("a crash before the cursor was written delivers again, one after it does not") {
  World w;
  const auto id = w.add("/a");
  w.disk.emit(1, "anna", "A1");
  w.until_received(1);
  REQUIRE(w.stored(id).cursor == 0);
  w.restart();  // the answer is not here yet
  w.until_received(2);
  CHECK(w.back_end.ids("/a") == Ids{"1", "1"});
  bool drained = false;
  w.until([&] { return w.dispatcher->deliveries(id, 10).size() == 1; });
  w.dispatcher->drain([&] { drained = true; });
  w.until([&] { return drained; });
  CHECK(w.stored(id).cursor == 1);
  w.restart();
  w.disk.emit(1, "anna", "A2");
  w.until_received(3);
  CHECK(w.back_end.ids("/a") == Ids{"1", "1", "2"});
}

TEST_CASE("the cursor follows each delivery, so a kill repeats none that was answered") {
  World w;
  w.settings.cursor_interval = 1h;  // no tick helps
  w.restart();
  const auto id = w.add("/a");
  for (int kill = 0; kill < 4; ++kill) {
    w.disk.emit(1, "anna", "A");
    w.disk.emit(1, "ben", "B");
    const storage::EventId sent = 2 * (kill + 1);
    w.until([&] { return w.stored(id).cursor == sent; });
    w.restart();  // as SIGKILL: nothing is written on the way out
  }
  Ids ids = w.back_end.ids("/a");
  CHECK(ids.size() == 8);
  std::sort(ids.begin(), ids.end());
  CHECK(std::adjacent_find(ids.begin(), ids.end()) == ids.end());
}

TEST_CASE("a lane that hangs does not make a kill repeat what other lanes delivered") {
  World w;
  w.settings.cursor_interval = 5ms;
  w.restart();
  const auto id = w.add("/a");
  w.back_end.hold.insert("/a");
  w.disk.emit(1, "slow", "S");
  w.until_received(1);
  w.back_end.hold.clear();
  for (int i = 0; i < 5; ++i) w.disk.emit(1, "fast", "F");
  w.until_received(6);
  w.until([&] { return w.stored(id).cursor >= 6; });  // the slow one became a row
  REQUIRE(w.rows(id).size() == 1);
  CHECK(w.rows(id).front().event == 1);
  w.restart();
  w.dispatcher->wake();
  w.until_received(7);
  CHECK(w.back_end.ids("/a") == Ids{"1", "2", "3", "4", "5", "6", "1"});
}

TEST_CASE("Retry-After is honoured") {
  World w;
  const auto id = w.add("/a");
  net::HttpResponse busy(503, "text/plain", "later");
  busy.headers.emplace_back("Retry-After", "120");
  w.back_end.answers["/a"].push_back(busy);
  w.disk.emit(1, "anna", "A1");
  w.until_received(1);
  w.until([&] { return w.rows(id).size() == 1; });
  CHECK(w.rows(id).front().next_try == w.clock.now_ms + 120'000);
  w.clock.now_ms += 119'000;
  w.dispatcher->wake();
  w.loop.restart();
  w.loop.poll();
  CHECK(w.back_end.received.size() == 1);
  w.clock.now_ms += 1'000;
  w.dispatcher->wake();
  w.until_received(2);
  w.until([&] { return w.rows(id).empty(); });
}

TEST_CASE("after seven days a delivery is parked and its lane goes on; redeliver brings it back") {
  World w;
  const auto id = w.add("/a");
  w.back_end.answers["/a"].emplace_back(500, "text/plain", "no");
  w.disk.emit(1, "anna", "A1");
  w.until_received(1);
  w.until([&] { return w.rows(id).size() == 1; });
  w.disk.emit(1, "anna", "A2");
  w.clock.now_ms += 7LL * 24 * 3'600'000;
  w.back_end.answers["/a"].emplace_back(500, "text/plain", "still no");
  w.dispatcher->wake();
  w.until([&] { return !w.rows(id).empty() && w.rows(id).front().parked; });
  w.until([&] { return w.back_end.ids("/a").back() == "2" && w.rows(id).size() == 1; });
  const auto views = w.dispatcher->deliveries(id, 10);
  REQUIRE(views.size() == 2);
  CHECK(views[0].event == 1);
  CHECK(views[0].state == DeliveryState::parked);
  CHECK(views[0].attempts == 2);
  CHECK(views[1].event == 2);
  CHECK(views[1].state == DeliveryState::delivered);

  const std::size_t before = w.back_end.received.size();
  protocol::Result<void> queued;
  w.dispatcher->redeliver(id, 1, [&](protocol::Result<void> result) { queued = result; });
  w.until_received(before + 1);
  CHECK(queued.has_value());
  CHECK(w.back_end.ids("/a").back() == "1");
  w.until([&] { return w.rows(id).empty(); });

  w.dispatcher->redeliver(id, 99, [&](protocol::Result<void> result) { queued = result; });
  REQUIRE_FALSE(queued.has_value());
  CHECK(queued.error().code == protocol::Errc::not_found);
}

TEST_CASE("410 Gone parks at once") {
  World w;
  const auto id = w.add("/a");
  w.back_end.answers["/a"].emplace_back(410, "text/plain", "gone");
  w.disk.emit(1, "anna", "A1");
  w.disk.emit(1, "anna", "A2");
  w.until_received(2);
  w.until([&] { return w.rows(id).size() == 1; });
  CHECK(w.rows(id).front().parked);
  CHECK(w.rows(id).front().event == 1);
}

TEST_CASE("a webhook that is down for long stops reading the log and catches up later, complete and in order") {
  World w;
  w.settings.max_deferred = 10;
  w.settings.read_ahead = 5;
  w.restart();
  const auto id = w.add("/a");
  for (int i = 0; i < 3; ++i) w.back_end.answers["/a"].emplace_back(500, "text/plain", "down");
  w.disk.emit(1, "anna", "A");
  w.until_received(1);
  w.until([&] { return w.rows(id).size() == 1; });
  for (int i = 0; i < 200; ++i) {
    w.disk.emit(1, "anna", "A");
    if (i % 10 == 0) {
      w.loop.restart();
      w.loop.poll();
    }
  }
  CHECK(w.rows(id).size() <= 16);
  w.back_end.answers["/a"].clear();
  w.until([&] {
    w.clock.now_ms += 1000;
    w.dispatcher->wake();
    const Ids ids = w.back_end.ids("/a");
    return !ids.empty() && ids.back() == "201";
  });
  Ids ids = w.back_end.ids("/a");
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  REQUIRE(ids.size() == 201);
  for (std::size_t i = 0; i < ids.size(); ++i) CHECK(ids[i] == std::to_string(i + 1));
  w.until([&] { return w.rows(id).empty(); });
}
