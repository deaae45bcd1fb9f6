#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include "storage/events.h"
#include "storage/messages.h"
#include "tests/storage/fixture.h"
#include "tests/storage/injection.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;

namespace {

const SessionId session{1};
const Jid chat("1", "lid");

Changes big_turn(int number, std::size_t bytes) {
  Changes changes;
  MessageRow row = test::message_row(session, chat, std::to_string(number), number);
  row.content.assign(bytes, 7);
  changes.add(InsertMessage{row, true, std::nullopt});
  changes.emit(NewEvent(session, "message", std::to_string(number), "{}", number));
  return changes;
}

Changes pragma(const char* sql) {
  Changes changes;
  test::inject(changes, [sql](Database& db) { return db.execute(sql); });
  return changes;
}

/// What is stored is exactly what was answered with success.
void check_contents(Store& store, const std::vector<int>& stored, int tried) {
  for (int number = 0; number < tried; ++number) {
    const bool expected = std::find(stored.begin(), stored.end(), number) != stored.end();
    CHECK(has_message(store.reader(), session, chat, std::to_string(number)) == expected);
  }
  CHECK(test::count(store.reader(), "SELECT count(*) FROM event WHERE name = 'message'") ==
        static_cast<std::int64_t>(stored.size()));
}

}  // namespace

TEST_CASE("a file that may not grow answers storage_full and takes turns again when it may") {
  test::InlineStore test;
  std::vector<int> stored;
  int number = 0;
  const auto commit_next = [&] {
    const Result<void> result = test.try_commit(big_turn(number, 20'000));
    if (result) stored.push_back(number);
    ++number;
    return result;
  };
  REQUIRE(commit_next().has_value());
  test.turn([](Changes& changes) { changes = pragma("PRAGMA max_page_count = 120"); });
  Result<void> result;
  while (number < 200 && result) result = commit_next();
  REQUIRE(!result.has_value());
  CHECK(result.error().code == Errc::storage_full);
  CHECK(!test.store->healthy());
  CHECK_THAT(test.store->last_failure(), Catch::Contains("full"));
  check_contents(*test.store, stored, number);

  test.turn([](Changes& changes) { changes = pragma("PRAGMA max_page_count = 100000"); });
  CHECK(commit_next().has_value());
  CHECK(test.store->healthy());
  check_contents(*test.store, stored, number);
  const std::vector<Event> events = read_events(test.db(), {});
  for (std::size_t i = 1; i < events.size(); ++i) CHECK(events[i].id > events[i - 1].id);
}

TEST_CASE("a database that became read-only says so, and a ping finds out that it is writable again") {
  test::InlineStore test;
  REQUIRE(test.try_commit(big_turn(0, 10)).has_value());
  Database* writer = nullptr;
  test.turn([&](Changes& changes) {
    test::inject(changes, [&](Database& db) {
      writer = &db;
      return db.execute("PRAGMA query_only = ON");
    });
  });
  CHECK(test.try_commit(big_turn(1, 10)).error().code == Errc::storage_full);
  CHECK(!test.store->healthy());
  CHECK_THAT(test.store->last_failure(), Catch::Contains("readonly"));
  CHECK(test.try_commit(Changes()).has_value());  // needs no disk, and says nothing about it
  std::optional<bool> answer;
  test.store->ping([&](bool well) { answer = well; });
  CHECK(answer == false);
  REQUIRE(writer->execute("PRAGMA query_only = OFF").has_value());
  test.store->ping([&](bool well) { answer = well; });
  CHECK(answer == true);
  CHECK(test.store->healthy());
  CHECK(test.try_commit(big_turn(2, 10)).has_value());
  check_contents(*test.store, {0, 2}, 3);
}

TEST_CASE("an idle writer finds out by itself that there is space again") {
  test::TemporaryFolder folder;
  test::HandLoop loop;
  Store::Settings settings;
  settings.path = folder.file("test.sqlite");
  settings.post = [&](std::function<void()> call) { loop.post(std::move(call)); };
  settings.probe_interval = std::chrono::milliseconds(50);
  const auto store = test::open_store(settings);
  const auto commit = [&](Changes changes) {
    std::optional<Errc> outcome;
    store->commit(std::move(changes),
                  [&](Result<void> result) { outcome = result ? Errc::none : result.error().code; });
    loop.run_until([&] { return outcome.has_value(); });
    return *outcome;
  };
  const auto ping = [&] {
    std::optional<bool> answer;
    store->ping([&](bool well) { answer = well; });
    loop.run_until([&] { return answer.has_value(); });
    return *answer;
  };
  CHECK(commit(big_turn(0, 10)) == Errc::none);
  CHECK(commit(pragma("PRAGMA max_page_count = 1")) == Errc::none);  // the present size is the least SQLite takes
  CHECK(commit(big_turn(1, 100'000)) == Errc::storage_full);
  CHECK(!store->healthy());
  for (int i = 0; i < 10; ++i) CHECK(!ping());  // the probe needs pages too

  // The limit goes (pragmas are not rolled back) in a turn that fails: only the probe can see the difference.
  Changes back = pragma("PRAGMA max_page_count = 100000");
  test::inject(back, [](Database&) -> Result<void> { return Error(Errc::storage_full, "still failing"); });
  CHECK(commit(std::move(back)) == Errc::storage_full);
  // Pings come faster than probes are due: each must not put the probe off.
  int pings = 0;
  while (!ping()) REQUIRE(++pings < 1'000'000);
  CHECK(store->healthy());
  CHECK(commit(big_turn(2, 100'000)) == Errc::none);
  check_contents(*store, {0, 2}, 3);
}

TEST_CASE("a really full disk loses nothing that was answered, and recovers") {
  test::TemporaryFolder folder;
  if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=2m,mode=0700") != 0) {
    WARN("SKIPPED: this user may not mount a small tmpfs: " << std::strerror(errno));
    return;
  }
  struct Unmount {
    std::string path;
    ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
  } unmount{folder.path()};

  // A ballast file stands for whatever else fills the disk and is then deleted.
  const std::string ballast = folder.file("ballast");
  FILE* file = std::fopen(ballast.c_str(), "w");
  REQUIRE(file);
  const std::vector<char> block(256 * 1024, 'x');
  std::fwrite(block.data(), 1, block.size(), file);
  std::fclose(file);

  test::HandLoop loop;
  Store::Settings settings;
  settings.path = folder.file("test.sqlite");
  settings.post = [&](std::function<void()> call) { loop.post(std::move(call)); };
  settings.max_turns_per_commit = 4;
  std::vector<int> stored;
  int tried = 0;
  {
    const auto store = test::open_store(settings);
    bool full = false;
    while (tried < 1'000 && !full) {
      int open = 0;
      for (int i = 0; i < 8; ++i, ++tried, ++open) {
        store->commit(big_turn(tried, 8'000), [&, number = tried](Result<void> result) {
          --open;
          if (result) {
            stored.push_back(number);
          } else {
            full = true;
            CHECK(result.error().code == Errc::storage_full);
          }
        });
      }
      loop.run_until([&] { return open == 0; });
    }
    REQUIRE(full);
    check_contents(*store, stored, tried);

    std::filesystem::remove(ballast);
    bool done = false;
    store->commit(big_turn(tried, 8'000), [&, number = tried](Result<void> result) {
      done = true;
      if (result) stored.push_back(number);
      CHECK(result.has_value());
    });
    ++tried;
    loop.run_until([&] { return done; });
    CHECK(store->healthy());
    check_contents(*store, stored, tried);
  }
  const auto reopened = test::open_store(settings);
  check_contents(*reopened, stored, tried);
  CHECK(test::count(reopened->reader(), "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'") ==
        1);
}
