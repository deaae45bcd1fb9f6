// What a delivery carries, its order, and what holds up nothing else.
#include "api/webhook_dispatcher.h"

#include <boost/json/parse.hpp>

#include "events/event.h"
#include "storage/statement.h"
#include "tests/api/must.h"
#include "tests/api/webhook_world.h"
#include "tests/storage/injection.h"

using namespace wharf;
using namespace wharf::api;
using namespace std::chrono_literals;
using World = test::WebhookWorld;
using test::Received;
using Ids = std::vector<std::string>;

TEST_CASE("a webhook gets the events it asked for, as the WebSocket shows them") {
  World w;
  w.add("/a", {"message"});
  w.add("/acks", {"ack"});
  w.add("/all", {"*"}, std::nullopt);
  w.disk.emit(1, "x", "M1");
  w.disk.emit(2, "x", "M2");
  w.until_received(3);
  CHECK(w.back_end.ids("/a") == Ids{"1"});
  CHECK(w.back_end.ids("/acks").empty());
  CHECK(w.back_end.ids("/all") == Ids{"1", "2"});
  const auto event = storage::find_event(w.disk.store->reader(), 1);
  REQUIRE(event);
  for (const Received& r : w.back_end.received)
    if (r.event_id == "1") CHECK(r.body == w.texts->text(*event, Dialect::openwa)->json);
  CHECK(w.back_end.received[0].request.header("content-type") == "application/json");
}

TEST_CASE("a delivery carries the request that caused its event, at once and after a restart; another carries none") {
  World w;
  w.add("/a");
  w.back_end.hold = {"/a"};
  storage::Changes changes;
  events::Event told = events::Ready{protocol::Jid("1", "s.whatsapp.net"), {}, {}};
  told.request_id = "req-1";
  changes.emit(storage::NewEvent({1}, std::move(told), 5));
  w.disk.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  w.until_received(1);
  w.restart([&] { w.back_end.hold.clear(); });
  w.disk.emit(1, "x", "M");
  w.until_received(3);
  for (const Received& r : w.back_end.received) {
    INFO(r.event_id);
    const auto body = boost::json::parse(r.body).as_object();
    CHECK(r.request.header("x-wharf-request-id") == (r.event_id == "1" ? "req-1" : ""));
    CHECK(body.contains("requestId") == (r.event_id == "1"));
  }
}

TEST_CASE("a lane keeps its order through failures and holds up no other lane") {
  World w;
  const auto id = w.add("/a");
  for (int i = 0; i < 3; ++i) w.back_end.answers["/a"].emplace_back(500, "text/plain", "no");
  w.disk.emit(1, "anna", "A1");  // fails first
  w.until_received(1);
  w.until([&] { return w.rows(id).size() == 1; });
  w.back_end.answers["/a"].clear();
  w.back_end.answers["/a"].emplace_back(500, "text/plain", "no");
  w.disk.emit(1, "anna", "A2");
  w.disk.emit(1, "ben", "B1");
  // The fake clock stands still: a retry with zero jitter may run, any other waits for wake().
  w.until([&] { return w.back_end.received.size() >= 2; });
  w.until([&] {
    w.clock.now_ms += 100;  // the retries are milliseconds apart, and nothing may be given up for its age
    w.dispatcher->wake();
    return w.rows(id).empty() && !w.back_end.ids("/a").empty() && w.back_end.received.size() >= 5;
  });
  const Ids all = w.back_end.ids("/a");
  const auto last_of = [&](const std::string& event) {
    return std::find(all.rbegin(), all.rend(), event).base() - all.begin();
  };
  const auto first_of = [&](const std::string& event) {
    return std::find(all.begin(), all.end(), event) - all.begin() + 1;
  };
  REQUIRE(std::count(all.begin(), all.end(), "1") >= 2);
  CHECK(first_of("2") > last_of("1"));  // A2 was tried only after A1 went through
  CHECK(std::count(all.begin(), all.end(), "3") >= 1);
  w.until([&] { return w.rows(id).empty(); });
}

TEST_CASE("an event that cannot be read costs its own delivery alone, and only as long as it cannot be read") {
  World w;
  const auto id = w.add("/a");
  for (int i = 0; i < 1'000; ++i) w.back_end.answers["/a"].emplace_back(500, "text/plain", "no");
  w.disk.emit(1, "anna", "A1");
  w.disk.emit(1, "ben", "B1");
  w.until([&] { return w.rows(id).size() == 2; });
  // As a damaged page: whoever reads the columns of this one event gets an error. Its id can still be found.
  const auto run = [&](const char* sql) {
    storage::Changes changes;
    test::inject(changes, [sql](storage::Database& db) { return storage::Statement(db, sql).run(); });
    w.disk.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  };
  w.restart([&] {
    run("ALTER TABLE event RENAME TO event_pages");
    run("CREATE VIEW event AS SELECT id, org, session_id, at, session_name, lane, data,"
        " CASE WHEN id = 1 THEN abs(-9223372036854775807 - 1) ELSE name END AS name FROM event_pages");
    CHECK_THROWS_AS(storage::find_event(w.disk.store->reader(), 1), storage::ReadFailure);
    w.back_end.answers.clear();
  });
  const auto later = [&](auto condition) {
    w.until([&] {
      w.clock.now_ms += 100;
      w.dispatcher->wake();
      return condition();
    });
  };
  later([&] { return w.rows(id).size() == 1; });
  REQUIRE(w.rows(id)[0].event == 1);
  later([&] { return w.rows(id)[0].last_error.find("cannot be read") != std::string::npos; });
  run("DROP VIEW event");
  run("ALTER TABLE event_pages RENAME TO event");
  later([&] { return w.rows(id).empty(); });
  w.disk.emit(1, "anna", "A2");
  w.until([&] { return w.back_end.ids("/a").back() == "3"; });
  bool drained = false;
  w.dispatcher->drain([&] { drained = true; });  // nothing is counted as under way for ever
  w.until([&] { return drained; });
}

TEST_CASE("events that cannot be read when a webhook catches up are delivered once they can, and none is skipped") {
  World w;
  w.settings.cursor_interval = 1ms;
  w.restart();
  w.add("/a");
  w.back_end.hold.insert("/a");
  w.disk.emit(1, "anna", "A1");
  w.until_received(1);  // under way when the process dies: in no row, behind the cursor
  const auto run = [&](const char* sql) {
    storage::Changes changes;
    test::inject(changes, [sql](storage::Database& db) { return storage::Statement(db, sql).run(); });
    w.disk.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  };
  w.restart([&] {
    run("ALTER TABLE event RENAME TO event_pages");
    run("CREATE VIEW event AS SELECT id, org, session_id, at, session_name, lane, data,"
        " CASE WHEN id = 1 THEN abs(-9223372036854775807 - 1) ELSE name END AS name FROM event_pages");
    w.back_end.hold.clear();
    w.back_end.received.clear();
  });
  run("DROP VIEW event");
  run("ALTER TABLE event_pages RENAME TO event");
  w.until_received(1);
  CHECK(w.back_end.ids("/a") == Ids{"1"});
}

TEST_CASE("a webhook that hangs blocks no other") {
  World w;
  w.settings.concurrency = 4;
  w.settings.concurrency_per_webhook = 2;
  w.restart();
  w.add("/hang");
  w.add("/good");
  w.back_end.hold.insert("/hang");
  for (int i = 0; i < 20; ++i) w.disk.emit(1, "lane" + std::to_string(i), "M");
  w.until([&] { return w.back_end.ids("/good").size() == 20; });
  CHECK(w.back_end.ids("/hang").size() == 2);  // its share, not more
}

TEST_CASE("private addresses are refused at delivery unless allowed") {
  World w;
  w.settings.allow_private = false;
  w.restart();
  const auto id = w.add("/a");
  w.disk.emit(1, "anna", "A1");
  w.until([&] { return w.rows(id).size() == 1; });
  CHECK(w.back_end.received.empty());
  CHECK_FALSE(w.rows(id).front().last_error.empty());
}

TEST_CASE("a test event is signed and tells its outcome") {
  World w;
  storage::WebhookRow row;
  row.id = "wh_t";
  row.url = w.back_end.url("/t");
  row.events = {"*"};
  row.secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  w.dispatcher->add(row, [](protocol::Result<storage::WebhookRow> added) { REQUIRE(added.has_value()); });
  std::optional<DeliveryOutcome> outcome;
  w.dispatcher->test("wh_t", "req-9", [&](protocol::Result<DeliveryOutcome> result) { outcome = test::must(result); });
  w.until([&] { return outcome.has_value(); });
  CHECK(outcome->delivered);
  const net::HttpRequest& request = w.back_end.received.front().request;
  CHECK(request.header("webhook-signature") ==
        webhook_signature(row.secret, request.header("webhook-id"),
                          std::stoll(std::string(request.header("webhook-timestamp"))), request.body));
  CHECK(boost::json::parse(request.body).at("event") == "test");
  CHECK(boost::json::parse(request.body).at("requestId") == "req-9");
  CHECK(request.header("x-wharf-request-id") == "req-9");
}
