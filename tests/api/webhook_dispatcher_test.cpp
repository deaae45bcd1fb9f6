// Deliveries to a real HTTP server on loopback, from a real event log.
#include "api/webhook_dispatcher.h"

#include <deque>
#include <map>
#include <set>

#include "events/event.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "protocol/crypto/random.h"
#include "storage/statement.h"
#include "tests/api/fakes.h"
#include "tests/storage/injection.h"

using namespace wharf;
using namespace wharf::api;
using namespace std::chrono_literals;
using wharf::test::FakeTime;
using wharf::test::TemporaryStore;

namespace {

struct Received {
  std::string target, body, event_id;
  net::HttpRequest request;
};

// The user's back end: answers by a script per path, then 200.
struct BackEnd {
  explicit BackEnd(net::asio::io_context& loop)
      : server(loop, settings(), [this](net::HttpRequest request, net::Responder responder) {
          received.push_back({request.target, request.body, std::string(request.header("x-wharf-event-id")), request});
          auto& script = answers[request.target];
          if (hold.count(request.target) != 0) {
            held.push_back(responder);
            return;
          }
          net::HttpResponse response(200, "text/plain", "ok");
          if (!script.empty()) {
            response = script.front();
            script.pop_front();
          }
          responder.send(response);
        }) {
    port = test::must(server.start());
  }
  static net::HttpServerSettings settings() {
    net::HttpServerSettings out;
    out.listen = {"127.0.0.1", 0};
    return out;
  }
  std::string url(std::string path) const { return "http://127.0.0.1:" + std::to_string(port) + path; }
  std::vector<std::string> ids(const std::string& path) const {
    std::vector<std::string> out;
    for (const Received& r : received)
      if (r.target == path) out.push_back(r.event_id);
    return out;
  }

  std::vector<Received> received;
  std::map<std::string, std::deque<net::HttpResponse>> answers;
  std::set<std::string> hold;
  std::vector<net::Responder> held;
  net::HttpServer server;
  std::uint16_t port = 0;
};

struct World {
  World() {
    disk.add_session(1, "one");
    disk.add_session(2, "two");
    settings.allow_private = true;
    settings.first_retry = 1ms;
    restart();
  }
  ~World() { disk.store->on_events({}); }

  // A new process on the same files; requests under way are lost with the old one.
  void restart(const std::function<void()>& meanwhile = [] {}) {
    dispatcher.reset();
    http.reset();
    disk.store->on_events({});
    disk.open();
    meanwhile();
    http = std::make_unique<net::HttpClient>(loop, net::TlsTrust());
    texts = std::make_unique<EventTexts>(images);
    dispatcher = std::make_unique<WebhookDispatcher>(WebhookDispatcher::Ports{clock, random, *disk.store, *http},
                                                     *texts, Dialect::openwa, settings);
    dispatcher->start();
    disk.store->on_events([this](const std::vector<storage::Event>& events) { dispatcher->on_events(events); });
  }

  std::string add(std::string path, std::vector<std::string> events = {"*"}, std::optional<std::int64_t> session = 1,
                  storage::OrgId org = storage::default_org) {
    storage::WebhookRow row;
    row.id = "wh_" + path.substr(1);
    row.org = org;
    if (session) row.session = storage::SessionId{*session};
    row.url = back_end.url(path);
    row.events = std::move(events);
    dispatcher->add(row, [](protocol::Result<storage::WebhookRow> added) { REQUIRE(added.has_value()); });
    return row.id;
  }

  // Runs the loop until the condition holds. The deadline is for a broken build, not a measurement.
  template <class Condition>
  void until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    loop.restart();
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) FAIL("the loop never got there");
      loop.run_one_for(50ms);
    }
  }
  void until_received(std::size_t count) {
    until([&] { return back_end.received.size() >= count; });
  }
  storage::WebhookRow stored(const std::string& id) {
    for (auto& row : storage::load_webhooks(disk.store->reader()))
      if (row.id == id) return row;
    FAIL("no such webhook row");
    return {};
  }
  std::vector<storage::DeliveryRow> rows(const std::string& id) {
    return storage::load_deliveries(disk.store->reader(), id, 1000);
  }

  net::asio::io_context loop;
  FakeTime clock{loop};
  protocol::SeededRandom random{3};
  TemporaryStore disk;
  QrImages images;
  WebhookSettings settings;
  BackEnd back_end{loop};
  std::unique_ptr<net::HttpClient> http;
  std::unique_ptr<EventTexts> texts;
  std::unique_ptr<WebhookDispatcher> dispatcher;
};

using Ids = std::vector<std::string>;

}  // namespace

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

TEST_CASE("a webhook of every session gets those of its organisation, fresh, read from the log and redelivered") {
  World w;
  const storage::OrgId other{2};
  w.disk.add_session(3, "theirs", other);
  const auto ours = w.add("/ours", {"*"}, std::nullopt);
  const auto theirs = w.add("/theirs", {"*"}, std::nullopt, other);
  const auto emit = [&] {
    w.disk.emit(1, "x", "M");
    w.disk.emit(3, "x", "M");
    w.disk.emit(2, "x", "M");
  };
  emit();
  w.until_received(3);
  w.until([&] { return w.stored(ours).cursor == 3 && w.stored(theirs).cursor == 3; });
  w.restart(emit);
  w.until_received(6);
  CHECK(w.back_end.ids("/ours") == Ids{"1", "3", "4", "6"});
  CHECK(w.back_end.ids("/theirs") == Ids{"2", "5"});

  protocol::Result<void> queued;
  w.dispatcher->redeliver(ours, 2, [&](protocol::Result<void> result) { queued = result; });
  REQUIRE_FALSE(queued.has_value());
  CHECK(queued.error().code == protocol::Errc::not_found);
  w.dispatcher->redeliver(theirs, 2, [&](protocol::Result<void> result) { queued = result; });
  w.until_received(7);
  CHECK(w.back_end.ids("/theirs").back() == "2");

  REQUIRE(w.dispatcher->list(other).size() == 1);
  CHECK(w.dispatcher->list(other).front()->id == theirs);
  CHECK(w.dispatcher->list(storage::default_org).size() == 1);
  CHECK(w.dispatcher->list(storage::SessionId{2}).empty());  // organisation 2 is not session 2
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

TEST_CASE("a webhook of every session gets the last events of one that was removed, its own webhook does not") {
  World w;
  w.add("/all", {"*"}, std::nullopt);
  w.add("/own");
  for (const char* path : {"/all", "/own"}) w.back_end.answers[path].emplace_back(503, "text/plain", "down");
  w.disk.emit(1, "anna", "A");
  w.until_received(2);
  storage::Changes removal;
  removal.add(storage::RemoveSession{storage::SessionId{1}});
  w.disk.store->commit(std::move(removal), [](protocol::Result<void> removed) { REQUIRE(removed.has_value()); });
  w.dispatcher->session_removed(storage::SessionId{1});
  w.back_end.received.clear();
  w.restart();
  w.clock.now_ms += 3'600'000;
  w.dispatcher->wake();
  w.until([&] { return !w.back_end.ids("/all").empty(); });
  CHECK(w.back_end.ids("/all").front() == "1");
  CHECK(w.back_end.ids("/own").empty());
  CHECK(storage::load_webhooks(w.disk.store->reader()).size() == 1);
}

TEST_CASE("one URL is one webhook of its scope, also when it is registered twice at once") {
  World w;
  std::vector<std::string> ids;
  const auto add = [&](const char* id, std::optional<std::int64_t> session, storage::OrgId org = storage::default_org) {
    storage::WebhookRow row;
    row.id = id;
    row.org = org;
    if (session) row.session = storage::SessionId{*session};
    row.url = w.back_end.url("/same");
    row.events = {"*"};
    w.dispatcher->add(row, [&](protocol::Result<storage::WebhookRow> added) {
      REQUIRE(added.has_value());
      ids.push_back(added->id);
    });
  };
  add("first", 1);
  add("second", 1);
  add("of-another", 2);
  add("of-all", std::nullopt);
  add("of-all-of-another-organisation", std::nullopt, storage::OrgId{2});
  w.until([&] { return ids.size() == 5; });
  CHECK(ids == Ids{"first", "first", "of-another", "of-all", "of-all-of-another-organisation"});
  CHECK(storage::load_webhooks(w.disk.store->reader()).size() == 4);
}

TEST_CASE("a changed webhook delivers as changed, and keeps its place in the log") {
  World w;
  const auto id = w.add("/old", {"message"});
  w.add("/taken");
  w.disk.emit(1, "anna", "A");
  w.until([&] { return w.back_end.ids("/old").size() == 1 && w.stored(id).cursor >= 1; });
  bool changed = false;
  w.dispatcher->update(
      id,
      [&](storage::WebhookRow& row) {
        row.url = w.back_end.url("/new");
        row.secret = "new-secret old-secret";
        row.headers = {{"X-Mine", "yes"}};
      },
      [&](protocol::Result<storage::WebhookRow> row) { changed = row.has_value(); });
  w.until([&] { return changed; });
  w.restart();
  w.disk.emit(1, "anna", "B");
  w.until([&] { return w.back_end.ids("/new").size() == 1; });
  CHECK(w.back_end.ids("/old") == Ids{"1"});
  CHECK(w.back_end.ids("/new") == Ids{"2"});
  for (const Received& r : w.back_end.received) {
    if (r.target != "/new") continue;
    CHECK(r.request.header("x-mine") == "yes");
    const std::int64_t at = std::stoll(std::string(r.request.header("webhook-timestamp")));
    CHECK(r.request.header("webhook-signature") ==
          webhook_signature("new-secret", "2", at, r.body) + " " + webhook_signature("old-secret", "2", at, r.body));
  }
  bool refused = false;
  w.dispatcher->update(
      id, [&](storage::WebhookRow& row) { row.url = w.back_end.url("/taken"); },
      [&](protocol::Result<storage::WebhookRow> row) {
        refused = !row && row.error().code == protocol::Errc::conflict;
      });
  CHECK(refused);
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
  CHECK(views[0].state == WebhookDispatcher::DeliveryState::parked);
  CHECK(views[0].attempts == 2);
  CHECK(views[1].event == 2);
  CHECK(views[1].state == WebhookDispatcher::DeliveryState::delivered);

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

TEST_CASE("a removed webhook gets nothing more, also while a delivery is under way") {
  World w;
  const auto id = w.add("/a");
  w.back_end.hold.insert("/a");
  w.disk.emit(1, "anna", "A1");
  w.until_received(1);
  bool removed = false;
  w.dispatcher->remove(id, [&](protocol::Result<void> result) { removed = result.has_value(); });
  w.back_end.held.front().send(net::HttpResponse(500, "text/plain", "no"));
  w.until([&] { return removed; });
  w.disk.emit(1, "anna", "A2");
  w.loop.restart();
  w.loop.poll();
  CHECK(w.back_end.received.size() == 1);
  CHECK(w.dispatcher->find(id) == nullptr);
  CHECK(w.dispatcher->list(storage::SessionId{1}).empty());
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
