#include "api/webhook_lanes.h"

#include <catch2/catch.hpp>

#include "protocol/crypto/random.h"

using namespace wharf;
using namespace wharf::api;
using namespace std::chrono_literals;
using storage::EventId;

namespace {

constexpr storage::UnixMs start = 1'000'000;

DeliveryOutcome delivered() {
  DeliveryOutcome out;
  out.delivered = true;
  out.status = 200;
  return out;
}
DeliveryOutcome refused(std::string why = "answered 500") {
  DeliveryOutcome out;
  out.error = std::move(why);
  return out;
}

// Lanes with a clock that stands until it is moved; rows print as text.
struct Bench {
  WebhookSettings settings;
  protocol::SeededRandom random{7};
  storage::UnixMs now = start;
  WebhookLanes lanes{"wh", 0, settings};

  std::string accept(EventId event, const std::string& lane = "anna") {
    return to_text(lanes.accept(event, lane, now).rows);
  }
  /// The events that may go now, all begun.
  std::vector<EventId> begin_all() {
    std::vector<EventId> out;
    while (auto attempt = lanes.begin()) {
      out.push_back(attempt->event);
      under_way.push_back(std::move(*attempt));
    }
    return out;
  }
  WebhookLanes::Settlement settle(EventId event, const DeliveryOutcome& outcome) {
    const auto at = std::find_if(under_way.begin(), under_way.end(),
                                 [&](const WebhookLanes::Attempt& attempt) { return attempt.event == event; });
    REQUIRE(at != under_way.end());
    const WebhookLanes::Attempt attempt = *at;
    under_way.erase(at);
    return lanes.settle(attempt, outcome, now, random);
  }
  void commit(const WebhookLanes::Writes& writes) {
    for (const EventId event : writes.settled) lanes.on_committed(event);
  }

  std::vector<WebhookLanes::Attempt> under_way;
};

using Events = std::vector<EventId>;

storage::PutDelivery put(EventId event, const std::string& lane, std::uint32_t attempts, storage::UnixMs next_try,
                         std::string error = "") {
  return {{"wh", event, lane, attempts, next_try, start, false, std::move(error)}};
}
template <class... Rows>
storage::Changes rows(Rows... row) {
  storage::Changes out;
  (out.add(std::move(row)), ...);
  return out;
}

}  // namespace

TEST_CASE("the head of each lane goes, and the next of a lane only when its head was delivered") {
  Bench b;
  CHECK(b.accept(1, "anna").empty());
  CHECK(b.accept(2, "anna").empty());
  CHECK(b.accept(3, "ben").empty());
  CHECK(b.begin_all() == Events{1, 3});
  CHECK_FALSE(b.lanes.sendable());
  const auto settled = b.settle(1, delivered());
  CHECK(settled.fate == WebhookLanes::Fate::delivered);
  CHECK(settled.attempts == 1);
  CHECK(settled.first_try == start);
  CHECK(settled.writes.rows.empty());
  CHECK(b.begin_all() == Events{2});
}

TEST_CASE("no more attempts are under way than the webhook may have, and one while it fails") {
  Bench b;
  b.settings.concurrency_per_webhook = 3;
  for (EventId event = 1; event <= 6; ++event) b.accept(event, "lane" + std::to_string(event));
  CHECK(b.begin_all() == Events{1, 2, 3});
  b.settle(1, refused());
  CHECK(b.lanes.failing());
  CHECK(b.begin_all().empty());  // two are under way still
  b.settle(2, refused());
  b.settle(3, refused());
  CHECK(b.begin_all() == Events{4});
  b.settle(4, delivered());
  CHECK_FALSE(b.lanes.failing());
  CHECK(b.begin_all() == Events{5, 6});
}

TEST_CASE("a failed event and all behind it in its lane become rows, and the cursor may pass once they are durable") {
  Bench b;
  for (const EventId event : {1, 2, 3}) b.accept(event, event == 3 ? "ben" : "anna");
  b.begin_all();
  const auto settled = b.settle(1, refused());
  CHECK(settled.fate == WebhookLanes::Fate::retried);
  CHECK(settled.writes.rows ==
        rows(put(1, "anna", 1, start + settled.wait.count(), "answered 500"), put(2, "anna", 0, 0)));
  CHECK(settled.writes.settled == Events{1, 2});
  CHECK(b.lanes.cursor(3) == 0);
  b.commit(settled.writes);
  CHECK(b.lanes.cursor(3) == 2);
  b.settle(3, delivered());
  CHECK(b.lanes.cursor(3) == 3);
  // What comes behind the waiting retry is a row at once.
  const auto behind = b.lanes.accept(4, "anna", b.now);
  CHECK(behind.rows == rows(put(4, "anna", 0, 0)));
  CHECK(b.lanes.cursor(4) == 3);
  b.commit(behind);
  CHECK(b.lanes.cursor(4) == 4);
}

TEST_CASE("a failed lane waits out its retry, and then goes on in order") {
  Bench b;
  b.accept(1);
  b.accept(2);
  b.begin_all();
  DeliveryOutcome busy = refused("answered 503");
  busy.retry_after = 120s;
  CHECK(b.settle(1, busy).wait == 120s);
  REQUIRE(b.lanes.next_due() == start + 120'000);
  b.now += 119'999;
  b.lanes.wake(b.now);
  CHECK_FALSE(b.lanes.sendable());
  b.now += 1;
  b.lanes.wake(b.now);
  CHECK_FALSE(b.lanes.next_due());
  CHECK(b.begin_all() == Events{1});
  const auto settled = b.settle(1, delivered());
  CHECK(settled.attempts == 2);
  CHECK(settled.writes.rows == rows(storage::RemoveDelivery{"wh", 1}));
  CHECK(b.begin_all() == Events{2});
}

TEST_CASE("the wait before the next attempt") {
  struct Row {
    const char* what;
    int failures;  // in a row, the last is looked at
    std::optional<std::chrono::milliseconds> retry_after;
    std::chrono::milliseconds least, most;
    std::chrono::milliseconds reached;  // by the longest of 20 seeds
  };
  const std::vector<Row> table = {
      {"jitter below the first retry", 1, {}, 0ms, 1s, 800ms},
      {"doubled with each attempt", 4, {}, 0ms, 8s, 6s},
      {"up to the longest", 30, {}, 0ms, 60s, 45s},
      {"what the receiver asks is the least", 1, 50s, 50s, 50s, 50s},
      {"but not without bounds", 1, 10'000s, 100s, 100s, 100s},
  };
  for (const Row& row : table) {
    INFO(row.what);
    std::chrono::milliseconds longest{0};
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      Bench b;
      b.random = protocol::SeededRandom(seed);
      b.settings.max_retry = 60s;
      b.settings.max_retry_after = 100s;
      b.accept(1);
      std::chrono::milliseconds wait{0};
      for (int i = 0; i < row.failures; ++i) {
        b.lanes.wake(b.now);
        REQUIRE(b.begin_all() == Events{1});
        DeliveryOutcome outcome = refused();
        outcome.retry_after = row.retry_after;
        wait = b.settle(1, outcome).wait;
        b.now += wait.count();
      }
      CHECK(wait >= row.least);
      CHECK(wait <= row.most);
      longest = std::max(longest, wait);
    }
    CHECK(longest >= row.reached);
  }
}

TEST_CASE("what is given up is parked, and its lane goes on") {
  struct Row {
    const char* what;
    std::chrono::milliseconds age;
    bool gone;
    WebhookLanes::Fate fate;
  };
  const std::vector<Row> table = {
      {"young", 1s, false, WebhookLanes::Fate::retried},
      {"almost too old", 99'999ms, false, WebhookLanes::Fate::retried},
      {"too old", 100s, false, WebhookLanes::Fate::parked},
      {"410 Gone", 0s, true, WebhookLanes::Fate::parked},
  };
  for (const Row& row : table) {
    INFO(row.what);
    Bench b;
    b.settings.give_up = 100s;
    b.accept(1);
    b.accept(2);
    b.begin_all();
    b.now += row.age.count();
    DeliveryOutcome outcome = refused("no");
    outcome.gone = row.gone;
    const auto settled = b.settle(1, outcome);
    CHECK(settled.fate == row.fate);
    if (row.fate == WebhookLanes::Fate::parked) {
      CHECK(settled.writes.rows == rows(storage::PutDelivery{{"wh", 1, "anna", 1, 0, start, true, "no"}}));
      CHECK(settled.writes.settled == Events{1});
      CHECK(b.begin_all() == Events{2});
    }
  }
}

TEST_CASE("the cursor stays below the oldest event that is neither delivered nor in a durable row") {
  Bench b;
  CHECK_FALSE(b.lanes.advance(0));
  for (const EventId event : {2, 4, 6}) b.accept(event, "lane" + std::to_string(event));
  CHECK(b.lanes.cursor(9) == 1);
  b.begin_all();
  b.settle(4, delivered());
  CHECK(b.lanes.cursor(9) == 1);
  CHECK(b.lanes.advance(9) == EventId{1});
  CHECK_FALSE(b.lanes.advance(9));
  b.settle(2, delivered());
  CHECK(b.lanes.advance(9) == EventId{5});
  CHECK(b.lanes.has_outstanding());
  b.settle(6, delivered());
  CHECK(b.lanes.advance(9) == EventId{9});
  CHECK(b.lanes.durable() == 9);
  CHECK_FALSE(b.lanes.has_outstanding());
}

TEST_CASE("an event that holds the cursor back for a tick, while later ones are delivered, becomes a row") {
  Bench b;
  for (const EventId event : {1, 2, 3, 4}) b.accept(event, event < 3 ? "slow" : "lane" + std::to_string(event));
  CHECK(b.begin_all() == Events{1, 3, 4});
  SECTION("of which nothing is delivered behind it") {
    CHECK(b.lanes.unblock().rows.empty());
    CHECK(b.lanes.unblock().rows.empty());
    b.settle(3, delivered());
  }
  SECTION("counted from the first tick that finds it") {
    b.settle(3, delivered());
    CHECK(b.lanes.unblock().rows.empty());
  }
  const auto written = b.lanes.unblock();
  CHECK(written.rows == rows(put(1, "slow", 1, 0), put(2, "slow", 0, 0)));
  CHECK(b.lanes.cursor(4) == 0);
  b.commit(written);
  CHECK(b.lanes.cursor(4) == 3);
}

TEST_CASE("rows whose commit failed are written again: of one that was given up, and of one that waits") {
  Bench b;
  b.settings.read_ahead = 2;
  b.accept(1, "gone");
  b.accept(2, "slow");
  b.begin_all();
  DeliveryOutcome gone = refused("answered 410");
  gone.gone = true;
  const auto parked = b.settle(1, gone).writes;
  const auto waits = b.settle(2, refused()).writes;
  CHECK(b.lanes.full());
  for (const auto* writes : {&parked, &waits}) {
    for (const EventId event : writes->settled) b.lanes.on_lost(event);
  }
  const auto again = b.lanes.unblock();
  storage::Changes expected;
  for (const auto* writes : {&parked, &waits}) {
    for (const auto& row : writes->rows.rows()) expected.add(std::get<storage::PutDelivery>(row));
  }
  CHECK(again.rows == expected);
  CHECK(again.settled == Events{1, 2});
  CHECK(b.lanes.unblock().rows.empty());  // on their way
  CHECK(b.lanes.cursor(2) == 0);
  b.commit(again);
  CHECK(b.lanes.cursor(2) == 2);
  CHECK_FALSE(b.lanes.full());
}

TEST_CASE("a row that was lost is not written again when its event was delivered meanwhile") {
  Bench b;
  b.accept(1);
  b.begin_all();
  const auto waits = b.settle(1, refused()).writes;
  for (const EventId event : waits.settled) b.lanes.on_lost(event);
  b.now += 3'600'000;
  b.lanes.wake(b.now);
  CHECK(b.begin_all() == Events{1});
  b.settle(1, delivered());
  CHECK(b.lanes.unblock().rows.empty());
  CHECK(b.lanes.cursor(1) == 1);
}

TEST_CASE("a webhook is full by what waits in memory and by its rows") {
  Bench b;
  b.settings.read_ahead = 2;
  b.settings.max_deferred = 3;
  b.accept(1, "anna");
  CHECK_FALSE(b.lanes.full());
  b.accept(2, "anna");
  CHECK(b.lanes.full());
  b.begin_all();
  b.commit(b.settle(1, refused()).writes);
  CHECK_FALSE(b.lanes.full());  // two rows, nothing outstanding
  b.commit(b.lanes.accept(3, "anna", b.now));
  CHECK(b.lanes.full());
}

TEST_CASE("rows of the process before go on where they stood, and the log does not bring their events again") {
  Bench b;
  const auto row = [](EventId event, storage::UnixMs next_try, bool parked) {
    return storage::DeliveryRow{"wh", event, "anna", 3, next_try, start - 5, parked, "old"};
  };
  b.lanes.resume(row(1, start + 10, false), b.now);
  b.lanes.resume(row(2, 0, false), b.now);
  b.lanes.resume(row(3, 0, true), b.now);
  CHECK_FALSE(b.lanes.sendable());
  CHECK(b.lanes.next_due() == start + 10);
  CHECK(b.lanes.cursor(0) == 0);
  for (const EventId event : {1, 2, 3}) CHECK(b.accept(event).empty());
  CHECK(b.lanes.cursor(3) == 3);
  b.now += 10;
  b.lanes.wake(b.now);
  CHECK(b.begin_all() == Events{1});
  CHECK(b.settle(1, delivered()).attempts == 4);
  CHECK(b.begin_all() == Events{2});
  CHECK(b.settle(2, delivered()).first_try == start - 5);
  CHECK(b.begin_all().empty());  // the parked one only when it is asked for
}

TEST_CASE("redeliver puts an event at its place in its lane, never before the one under way") {
  Bench b;
  b.accept(5);
  b.accept(7);
  SECTION("before what waits") {
    const auto written = b.lanes.redeliver(3, "anna", b.now);
    CHECK(written.rows == rows(put(3, "anna", 0, 0)));
    CHECK(b.begin_all() == Events{3});
    b.settle(3, delivered());
    CHECK(b.begin_all() == Events{5});
  }
  SECTION("behind what is under way") {
    CHECK(b.begin_all() == Events{5});
    b.lanes.redeliver(3, "anna", b.now);
    CHECK(b.begin_all().empty());
    b.settle(5, delivered());
    CHECK(b.begin_all() == Events{3});
    b.settle(3, delivered());
    CHECK(b.begin_all() == Events{7});
  }
  SECTION("behind what is under way, also when that fails") {
    CHECK(b.begin_all() == Events{5});
    b.lanes.redeliver(3, "anna", b.now);
    DeliveryOutcome busy = refused();
    busy.retry_after = 1h;
    b.settle(5, busy);
    CHECK(b.begin_all().empty());
    b.now += 3'600'000;
    b.lanes.wake(b.now);
    CHECK(b.begin_all() == Events{5});
  }
  SECTION("a waiting retry goes at once, once") {
    b.begin_all();
    DeliveryOutcome busy = refused();
    busy.retry_after = 1h;
    b.settle(5, busy);
    CHECK(b.lanes.redeliver(5, "anna", b.now).rows.empty());
    CHECK(b.begin_all() == Events{5});
    b.settle(5, delivered());
    CHECK(b.begin_all() == Events{7});
  }
  SECTION("the one that is under way is not sent twice") {
    b.begin_all();
    CHECK(b.lanes.redeliver(5, "anna", b.now).rows.empty());
    b.settle(5, delivered());
    CHECK(b.begin_all() == Events{7});
  }
}
