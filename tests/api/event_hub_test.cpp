#include "api/event_hub.h"

#include "storage/statement.h"
#include "tests/api/fakes.h"
#include "tests/api/temporary_store.h"
#include "tests/storage/injection.h"

using namespace wharf;
using namespace wharf::api;
using wharf::test::FakeSocket;
using wharf::test::TemporaryStore;

namespace {

struct Hub {
  explicit Hub(EventHubSettings settings = EventHubSettings())
      : texts(images), hub(scheduler, *disk.store, texts, settings) {
    disk.add_session(1, "one");
    disk.add_session(2, "two");
    disk.store->on_events([this](const std::vector<storage::Event>& events) { hub.on_events(events); });
  }
  ~Hub() { disk.store->on_events({}); }
  void emit(int count, std::int64_t session = 1) {
    for (int i = 0; i < count; ++i) disk.emit(session, "chat", "ID" + std::to_string(i));
  }
  void run() {
    loop.restart();
    loop.poll();
  }
  EventSelection of_session(std::int64_t id) {
    EventSelection selection;
    selection.session = storage::SessionId{id};
    return selection;
  }

  net::asio::io_context loop;
  net::LoopScheduler scheduler{loop};
  TemporaryStore disk;
  QrImages images;
  EventTexts texts;
  EventHub hub;
};

void check_complete(const std::vector<std::int64_t>& ids, std::int64_t from, std::int64_t to) {
  REQUIRE(ids.size() == static_cast<std::size_t>(to - from + 1));
  for (std::size_t i = 0; i < ids.size(); ++i) CHECK(ids[i] == from + static_cast<std::int64_t>(i));
}

}  // namespace

TEST_CASE("a subscriber gets the events of its session and those it named, live") {
  Hub h;
  const auto one = std::make_shared<FakeSocket>(), all = std::make_shared<FakeSocket>(),
             acks = std::make_shared<FakeSocket>();
  h.emit(3);
  h.hub.subscribe(one, h.of_session(1), std::nullopt);
  h.hub.subscribe(all, {}, std::nullopt);
  EventSelection only_acks;
  only_acks.names = EventNames({"ack"});
  h.hub.subscribe(acks, only_acks, std::nullopt);
  h.emit(2, 1);
  h.emit(1, 2);
  CHECK(one->ids() == std::vector<std::int64_t>{4, 5});
  CHECK(all->ids() == std::vector<std::int64_t>{4, 5, 6});
  CHECK(acks->ids().empty());
  CHECK(boost::json::parse(one->received[0]).at("sessionId") == "one");
  CHECK(one->received[0] == all->received[0]);
}

TEST_CASE("replay meets live without gap or duplicate") {
  EventHubSettings settings;
  settings.replay_page = 10;
  Hub h(settings);
  h.emit(95);
  const auto socket = std::make_shared<FakeSocket>();
  socket->reading = false;
  h.hub.subscribe(socket, h.of_session(1), 0);
  // The peer takes one page at a time while new events keep coming: half of them of the other session.
  for (int round = 0; round < 40 && socket->ids().size() < 135; ++round) {
    if (round < 20) {
      h.emit(2, 1);
      h.emit(2, 2);
    }
    socket->queued = 0;
    if (auto drained = std::move(socket->drained)) drained();
    h.run();
  }
  h.emit(1);
  const auto ids = socket->ids();
  REQUIRE(ids.size() == 95 + 40 + 1);
  for (std::size_t i = 1; i < ids.size(); ++i) CHECK(ids[i] > ids[i - 1]);
  CHECK(ids.back() == storage::last_event_id(h.disk.store->reader()));
}

TEST_CASE("a subscriber resumes behind its last id") {
  Hub h;
  h.emit(20);
  const auto socket = std::make_shared<FakeSocket>();
  h.hub.subscribe(socket, h.of_session(1), 15);
  h.run();
  h.emit(2);
  check_complete(socket->ids(), 16, 22);

  const auto future = std::make_shared<FakeSocket>();
  h.hub.subscribe(future, h.of_session(1), 1'000'000);  // of another database
  h.emit(1);
  CHECK(future->ids() == std::vector<std::int64_t>{23});
}

TEST_CASE("a live subscriber that does not read is closed with the id to resume from") {
  EventHubSettings settings;
  settings.max_queued_bytes = 2000;
  Hub h(settings);
  const auto slow = std::make_shared<FakeSocket>(), fast = std::make_shared<FakeSocket>();
  h.hub.subscribe(slow, h.of_session(1), std::nullopt);
  h.hub.subscribe(fast, h.of_session(1), std::nullopt);
  slow->reading = false;
  h.emit(50);
  REQUIRE(slow->close_code);
  CHECK(*slow->close_code == 1013);
  CHECK(slow->close_reason == "too slow; resume with since=" + std::to_string(slow->ids().back()));
  CHECK(slow->queued < 4000);
  check_complete(fast->ids(), 1, 50);
  CHECK(h.hub.subscribers() == 1);

  const auto again = std::make_shared<FakeSocket>();
  h.hub.subscribe(again, h.of_session(1), slow->ids().back());
  h.run();
  check_complete(again->ids(), slow->ids().back() + 1, 50);
}

TEST_CASE("a replaying subscriber that does not read holds one page, not the log") {
  EventHubSettings settings;
  settings.replay_page = 10;
  Hub h(settings);
  h.emit(1000);
  const auto socket = std::make_shared<FakeSocket>();
  socket->reading = false;
  h.hub.subscribe(socket, h.of_session(1), 0);
  h.run();
  h.emit(100);
  h.run();
  CHECK(socket->received.size() == 10);
  CHECK_FALSE(socket->close_code);
}

TEST_CASE("a socket that ends leaves the hub, and a removed session closes its own") {
  Hub h;
  const auto gone = std::make_shared<FakeSocket>(), one = std::make_shared<FakeSocket>(),
             all = std::make_shared<FakeSocket>();
  h.hub.subscribe(gone, h.of_session(1), std::nullopt);
  h.hub.subscribe(one, h.of_session(1), std::nullopt);
  h.hub.subscribe(all, {}, std::nullopt);
  gone->callbacks.closed("closed by peer 1000");
  CHECK(h.hub.subscribers() == 2);
  h.hub.session_removed({1});
  CHECK(one->close_code == 1000);
  CHECK_FALSE(all->close_code);
  h.hub.close_all(1001, "bye");
  CHECK(all->close_code == 1001);
  CHECK(h.hub.subscribers() == 0);
}

TEST_CASE("a long-poll answers at once, when an event comes, or when its wait is over") {
  using namespace std::chrono_literals;
  Hub h;
  h.emit(5);
  std::vector<EventHub::Page> pages;
  const auto keep = [&](EventHub::Page page) { pages.push_back(std::move(page)); };

  h.hub.poll(h.of_session(1), 2, 2, 10s, keep);
  REQUIRE(pages.size() == 1);
  CHECK(pages[0].events.size() == 2);
  CHECK(pages[0].cursor == 4);

  h.hub.poll(h.of_session(1), 5, 10, 10s, keep);
  h.emit(1, 2);
  CHECK(pages.size() == 1);  // not its session
  h.emit(1, 1);
  REQUIRE(pages.size() == 2);
  CHECK(pages[1].events.size() == 1);
  CHECK(pages[1].cursor == 7);

  EventSelection acks;
  acks.names = EventNames({"ack"});
  h.hub.poll(acks, 0, 10, 0s, keep);
  REQUIRE(pages.size() == 3);
  CHECK(pages[2].events.empty());
  CHECK(pages[2].cursor == 7);  // skipped what it does not want

  h.hub.poll(acks, 7, 10, 1ms, keep);
  CHECK(pages.size() == 3);
  h.loop.restart();
  h.loop.run();
  REQUIRE(pages.size() == 4);
  CHECK(pages[3].events.empty());

  h.hub.poll(acks, 7, 10, 60s, keep);
  h.hub.close_all(1001, "bye");
  CHECK(pages.size() == 5);
}

TEST_CASE("a long-poll looks through the whole log for its first event, a piece in each entry of the loop") {
  using namespace std::chrono_literals;
  EventHubSettings settings;
  settings.max_scanned = 10;  // one read of the log: 500
  Hub h(settings);
  h.emit(1'100);
  storage::Changes changes;
  changes.emit({{1}, "contact.updated", "chat", "{}", 1});
  h.disk.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  std::vector<EventHub::Page> pages;
  const auto keep = [&](EventHub::Page page) { pages.push_back(std::move(page)); };
  EventSelection contacts, acks;
  contacts.names = EventNames({"contact.updated"});
  h.hub.poll(contacts, 0, 10, 60s, keep);
  CHECK(pages.empty());
  h.run();
  REQUIRE(pages.size() == 1);
  CHECK(pages[0].events.size() == 1);
  CHECK(pages[0].cursor == 1'101);

  acks.names = EventNames({"ack"});
  h.hub.poll(acks, 0, 10, 60s, keep);
  h.run();
  CHECK(pages.size() == 1);  // nothing in the log: it waits
  h.hub.poll(acks, 0, 10, 60s, keep);
  h.hub.close_all(1001, "bye");
  h.run();
  CHECK(pages.size() == 3);  // one that was looking too
}

TEST_CASE(
    "a replay whose reader takes nothing is closed with the id to resume from, and holds no more than a live one") {
  EventHubSettings settings;
  settings.replay_page = 100;
  settings.max_queued_bytes = 2'000;
  settings.replay_patience = std::chrono::milliseconds(1);
  Hub h(settings);
  h.emit(60);
  const auto stalled = std::make_shared<FakeSocket>();
  stalled->reading = false;
  h.hub.subscribe(stalled, h.of_session(1), 0);
  CHECK(stalled->queued > 2'000);
  CHECK(stalled->queued < 3'000);  // one event over the limit at most
  h.loop.restart();
  while (!stalled->close_code && h.loop.run_one() != 0) {
  }
  CHECK(stalled->close_code == 1013);
  CHECK(stalled->close_reason == "too slow; resume with since=" + std::to_string(stalled->ids().back()));
  CHECK(h.hub.subscribers() == 0);
}

TEST_CASE("a replay goes on behind its limit when the reader has taken what was queued") {
  EventHubSettings settings;
  settings.max_queued_bytes = 2'000;
  Hub h(settings);
  h.emit(60);
  const auto slow = std::make_shared<FakeSocket>();
  slow->reading = false;
  h.hub.subscribe(slow, h.of_session(1), 0);
  for (int i = 0; i < 60 && slow->drained; ++i) {
    slow->queued = 0;
    std::exchange(slow->drained, nullptr)();
    h.run();
  }
  check_complete(slow->ids(), 1, 60);
}

TEST_CASE("a log that cannot be read ends the replay and the poll that needed it, not the process") {
  Hub h;
  h.emit(3);
  const auto live = std::make_shared<FakeSocket>(), resuming = std::make_shared<FakeSocket>();
  h.hub.subscribe(live, h.of_session(1), std::nullopt);
  storage::Changes damage;
  test::inject(damage,
               [](storage::Database& db) { return storage::Statement(db, "ALTER TABLE event RENAME TO lost").run(); });
  h.disk.store->commit(std::move(damage), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });

  h.hub.subscribe(resuming, h.of_session(1), 0);
  CHECK(resuming->close_code == 1011);
  CHECK(resuming->close_reason == "the event log cannot be read; resume with since=0");
  std::optional<EventHub::Page> page;
  h.hub.poll({}, 0, 10, std::chrono::milliseconds(1000), [&](EventHub::Page read) { page = std::move(read); });
  REQUIRE(page);
  REQUIRE(page->failure);
  CHECK(page->failure->code == protocol::Errc::storage);
  CHECK_FALSE(live->close_code);
  CHECK(h.hub.subscribers() == 1);
}
