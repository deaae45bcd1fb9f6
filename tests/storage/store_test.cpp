#include "storage/store.h"

#include <latch>

#include "storage/events.h"
#include "storage/keys.h"
#include "storage/peers.h"
#include "storage/statement.h"
#include "tests/storage/fixture.h"
#include "tests/storage/injection.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;

namespace {

struct ThreadedStore {
  explicit ThreadedStore(std::function<void(Store::Settings&)> change = {}) {
    Store::Settings settings;
    settings.path = folder.file("test.sqlite");
    settings.synchronous = Synchronous::off;
    settings.post = [this](std::function<void()> call) { loop.post(std::move(call)); };
    if (change) change(settings);
    store = test::open_store(settings);
  }
  test::TemporaryFolder folder;
  test::HandLoop loop;
  std::unique_ptr<Store> store;
};

Changes one_ratchet(std::uint8_t value) {
  Changes changes;
  changes.add(PutRatchet{SessionId{1}, Jid("1", "lid"), {value}});
  return changes;
}

Changes failing(Errc code) {
  Changes changes = one_ratchet(99);
  changes.emit(NewEvent(SessionId{1}, "never", "", "{}", 1));
  test::inject(changes, [code](Database&) -> Result<void> { return Error(code, "refused"); });
  return changes;
}

/// Keeps the writer busy until released, so that the turns queued meanwhile form one batch.
struct Blocker {
  std::latch started{1};
  std::latch release{1};
  Changes changes() {
    Changes blocking;
    test::inject(blocking, [this](Database&) -> Result<void> {
      started.count_down();
      release.wait();
      return {};
    });
    return blocking;
  }
};

}  // namespace

TEST_CASE("a completion runs on the loop, after which the reader sees the rows") {
  ThreadedStore test;
  bool done = false;
  test.store->commit(one_ratchet(7), [&](Result<void> result) { done = result.has_value(); });
  CHECK(!done);
  test.store->flush();
  CHECK(!done);
  test.loop.run_until([&] { return done; });
  CHECK(find_ratchet(test.store->reader(), SessionId{1}, Jid("1", "lid")) == protocol::Bytes{7});
  CHECK(test.store->healthy());
}

TEST_CASE("completions come in the order of the commits, empty turns included") {
  ThreadedStore test([](Store::Settings& settings) { settings.max_turns_per_commit = 7; });
  std::vector<int> order;
  for (int i = 0; i < 200; ++i) {
    Changes changes = i % 3 == 0   ? Changes()
                      : i % 5 == 0 ? failing(Errc::conflict)
                                   : one_ratchet(static_cast<std::uint8_t>(i));
    test.store->commit(std::move(changes), [&order, i](Result<void> result) {
      order.push_back(i);
      CHECK(result.has_value() == (i % 3 == 0 || i % 5 != 0));
    });
  }
  test.loop.run_until([&] { return order.size() == 200; });
  for (int i = 0; i < 200; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("turns that wait together come back in one call, with a failing one rolled back alone") {
  ThreadedStore test;
  Blocker blocker;
  int completions = 0;
  std::vector<Event> events;
  test.store->on_events([&](const std::vector<Event>& batch) {
    CHECK(completions == 1);  // the blocker's; none of this batch
    events.insert(events.end(), batch.begin(), batch.end());
  });
  test.store->commit(blocker.changes(), [&](Result<void>) { ++completions; });
  blocker.started.wait();
  std::vector<Errc> outcomes(9, Errc::internal);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    Changes changes;
    if (i == 4) {
      changes = failing(Errc::conflict);
    } else {
      changes.add(PutRatchet{SessionId{1}, Jid(std::to_string(i), "lid"), {static_cast<std::uint8_t>(i)}});
      changes.emit(NewEvent(SessionId{1}, "e" + std::to_string(i), "", "{}", 1));
    }
    test.store->commit(std::move(changes), [&, i](Result<void> result) {
      ++completions;
      outcomes[i] = result ? Errc::none : result.error().code;
    });
  }
  blocker.release.count_down();
  test.store->flush();
  CHECK(test.loop.waiting() == 2);
  test.loop.run_one();
  CHECK(completions == 1);
  test.loop.run_one();
  CHECK(completions == 10);
  for (std::size_t i = 0; i < outcomes.size(); ++i) CHECK(outcomes[i] == (i == 4 ? Errc::conflict : Errc::none));

  REQUIRE(events.size() == 8);
  for (std::size_t i = 0; i < events.size(); ++i) {
    CHECK(events[i].id == static_cast<EventId>(i + 1));
    CHECK(events[i].name == "e" + std::to_string(i < 4 ? i : i + 1));
  }
  const std::vector<Event> stored = read_events(test.store->reader(), {});
  REQUIRE(stored.size() == 8);
  for (std::size_t i = 0; i < stored.size(); ++i) {
    CHECK(stored[i].id == events[i].id);
    CHECK(stored[i].name == events[i].name);
  }
  CHECK(find_ratchet(test.store->reader(), SessionId{1}, Jid("1", "lid")) == protocol::Bytes{1});
  CHECK(test.store->healthy());
}

TEST_CASE("a batch ends with the turn that reaches its bytes") {
  ThreadedStore test([](Store::Settings& settings) { settings.max_bytes_per_commit = 100'000; });
  Blocker blocker;
  int completions = 0;
  test.store->commit(blocker.changes(), [&](Result<void>) { ++completions; });
  blocker.started.wait();
  for (int i = 0; i < 6; ++i) {
    Changes changes;
    changes.add(PutRatchet{SessionId{1}, Jid(std::to_string(i), "lid"), protocol::Bytes(60'000)});
    test.store->commit(std::move(changes), [&](Result<void> result) { completions += result ? 1 : 100; });
  }
  blocker.release.count_down();
  test.store->flush();
  CHECK(test.loop.waiting() == 4);  // the blocker's, and two turns in each of the others
  test.loop.run_until([&] { return completions == 7; });
}

TEST_CASE("a turn that throws is rolled back and answered, and the store goes on") {
  test::InlineStore test;
  Changes throwing = one_ratchet(1);
  test::inject(throwing, [](Database&) -> Result<void> { throw std::runtime_error("broken invariant"); });
  CHECK(test.try_commit(std::move(throwing)).error().code == Errc::internal);
  CHECK(!find_ratchet(test.db(), SessionId{1}, Jid("1", "lid")));
  CHECK(test.try_commit(one_ratchet(2)).has_value());
}

TEST_CASE("a turn on a damaged page fails alone: the store takes those of everybody else") {
  test::InlineStore test;
  Changes damaged = one_ratchet(1);
  test::inject(damaged, [](Database&) -> Result<void> { return protocol::Error(Errc::storage, "malformed"); });
  CHECK(test.try_commit(std::move(damaged)).error().code == Errc::storage);
  CHECK(test.store->healthy());
  CHECK(test.try_commit(one_ratchet(2)).has_value());
}

TEST_CASE("an SQL constraint is a conflict of its turn, not a failure of the store") {
  test::InlineStore test;
  test.turn([](Changes& changes) { changes.add(InsertSession{test::session_row(1, "anna")}); });
  Changes changes;
  changes.add(InsertSession{test::session_row(2, "anna")});
  CHECK(test.try_commit(std::move(changes)).error().code == Errc::conflict);
  CHECK(test.store->healthy());
}

TEST_CASE("inline, commits from completions and listeners queue behind instead of nesting") {
  test::InlineStore test;
  std::vector<std::string> trace;
  int depth = 0;
  const std::function<void(int)> again = [&](int left) {
    Changes changes;
    changes.emit(NewEvent(SessionId{1}, std::to_string(left), "", "{}", 1));
    test.store->commit(std::move(changes), [&, left](Result<void> result) {
      CHECK(result.has_value());
      CHECK(++depth == 1);
      trace.push_back("done " + std::to_string(left));
      if (left > 0) again(left - 1);
      --depth;
    });
  };
  test.store->on_events([&](const std::vector<Event>& events) {
    for (const Event& event : events) trace.push_back("event " + event.name);
  });
  again(2);
  CHECK(trace == std::vector<std::string>{"event 2", "done 2", "event 1", "done 1", "event 0", "done 0"});
}

TEST_CASE("an exception in one completion reaches the loop after the others ran") {
  ThreadedStore test;
  Blocker blocker;
  test.store->commit(blocker.changes(), [](Result<void>) {});
  blocker.started.wait();
  int ran = 0;
  test.store->commit(one_ratchet(1), [&](Result<void>) { throw std::logic_error("actor broke"); });
  test.store->commit(one_ratchet(2), [&](Result<void>) { ++ran; });
  blocker.release.count_down();
  test.loop.run_one();
  CHECK_THROWS_AS(test.loop.run_one(), std::logic_error);
  CHECK(ran == 1);
}

TEST_CASE("a full queue refuses with rate_limited and takes turns again when it has drained") {
  ThreadedStore test([](Store::Settings& settings) { settings.max_queued_turns = 3; });
  Blocker blocker;
  std::vector<Errc> outcomes;
  const auto note = [&](Result<void> result) { outcomes.push_back(result ? Errc::none : result.error().code); };
  test.store->commit(blocker.changes(), note);
  blocker.started.wait();
  for (int i = 0; i < 4; ++i) test.store->commit(one_ratchet(1), note);
  blocker.release.count_down();
  test.loop.run_until([&] { return outcomes.size() == 5; });
  CHECK(outcomes == std::vector<Errc>{Errc::rate_limited, Errc::rate_limited, Errc::none, Errc::none, Errc::none});
  test.store->commit(one_ratchet(2), note);
  test.loop.run_until([&] { return outcomes.size() == 6; });
  CHECK(outcomes.back() == Errc::none);
}

TEST_CASE("the writer waits for company when it is told to, but not longer than the batch needs") {
  ThreadedStore test([](Store::Settings& settings) {
    settings.max_wait = std::chrono::hours(1);
    settings.max_turns_per_commit = 4;
  });
  int done = 0;
  for (int i = 0; i < 4; ++i) test.store->commit(one_ratchet(1), [&](Result<void>) { ++done; });
  test.loop.run_one();
  CHECK(done == 4);
  // A lone turn waits, and the closing store does not make it wait for the hour.
  test.store->commit(one_ratchet(5), [&](Result<void> result) { done += result ? 1 : 0; });
  test.store.reset();
  test.loop.run_one();
  CHECK(done == 5);
}

TEST_CASE("closing the store commits what is queued") {
  ThreadedStore test;
  Blocker blocker;
  test.store->commit(blocker.changes(), [](Result<void>) {});
  blocker.started.wait();
  for (int i = 0; i < 50; ++i) {
    Changes changes;
    changes.add(PutRatchet{SessionId{1}, Jid(std::to_string(i), "lid"), {1}});
    test.store->commit(std::move(changes), {});
  }
  blocker.release.count_down();
  test.store.reset();
  auto db = Database::open(test.folder.file("test.sqlite"), Database::Mode::read_only, Synchronous::off);
  REQUIRE(db.has_value());
  CHECK(test::count(**db, "SELECT count(*) FROM ratchet") == 50);
}

TEST_CASE("a ping is answered by the writer while turns wait") {
  ThreadedStore test;
  std::optional<bool> answer;
  test.store->ping([&](bool well) { answer = well; });
  test.loop.run_until([&] { return answer.has_value(); });
  CHECK(answer == true);
}

TEST_CASE("appended changes keep their order") {
  test::InlineStore test;
  test.turn([](Changes& changes) {
    changes = one_ratchet(1);
    Changes more = one_ratchet(2);
    more.emit(NewEvent(SessionId{1}, "second", "", "{}", 1));
    changes.append(std::move(more));
    CHECK(more.empty());
  });
  CHECK(find_ratchet(test.db(), SessionId{1}, Jid("1", "lid")) == protocol::Bytes{2});
  CHECK(read_events(test.db(), {}).at(0).name == "second");
}

TEST_CASE("an in-memory store works inline and is refused with a thread") {
  Store::Settings settings;
  settings.path = ":memory:";
  auto store = test::open_store(settings);
  store->commit(one_ratchet(4), [](Result<void> result) { CHECK(result.has_value()); });
  CHECK(find_ratchet(store->reader(), SessionId{1}, Jid("1", "lid")) == protocol::Bytes{4});
  CHECK(!find_ratchet(store->reader(), SessionId{1}, Jid("2", "lid")));
  CHECK(test::count(store->reader(), "SELECT count(*) FROM jid") == 1);
  CHECK(!store->open_reader().has_value());
  settings.post = [](std::function<void()>) {};
  CHECK(Store::open(settings).error().code == Errc::unsupported);
}

TEST_CASE("what cannot be read is thrown, never taken for absent") {
  test::InlineStore test;
  test.turn([](Changes& changes) {
    changes.add(PutRatchet{SessionId{1}, Jid("1", "lid"), {1}});
    test::inject(changes, [](Database& db) { return db.execute("INSERT INTO pre_key VALUES (4294967297, x'0900')"); });
  });
  // Format 9 is of a later release.
  CHECK_THROWS_AS(find_pre_key(test.db(), SessionId{1}, 1), ReadFailure);
  test.turn(
      [](Changes& changes) { test::inject(changes, [](Database& db) { return db.execute("DROP TABLE ratchet"); }); });
  CHECK_THROWS_AS(find_ratchet(test.db(), SessionId{1}, Jid("1", "lid")), ReadFailure);
}
