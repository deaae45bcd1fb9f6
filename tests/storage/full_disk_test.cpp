#include <sys/mount.h>

#include <cstring>

#include "storage/events.h"
#include "storage/keys.h"
#include "tests/storage/fixture.h"

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
  insert_message(changes, row, true, std::nullopt);
  changes.emit(NewEvent(session, "message", std::to_string(number), "{}", number));
  return changes;
}

Changes pragma(const char* sql) {
  Changes changes;
  changes.add([sql](Database& db) { return db.execute(sql); });
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

TEST_CASE("a database that became read-only says so, and an idle store finds out by itself that it is writable again") {
  test::TemporaryFolder folder;
  test::HandLoop loop;
  Store::Settings settings;
  settings.path = folder.file("test.sqlite");
  settings.post = [&](std::function<void()> call) { loop.post(std::move(call)); };
  settings.probe_interval = std::chrono::milliseconds(1);
  const auto store = test::open_store(settings);
  std::vector<Errc> outcomes;
  const auto commit = [&](Changes changes) {
    store->commit(std::move(changes), [&](Result<void> result) { outcomes.push_back(result ? Errc::none : result.error().code); });
    const std::size_t expected = outcomes.size() + 1;
    loop.run_until([&] { return outcomes.size() == expected; });
    return outcomes.back();
  };
  CHECK(commit(big_turn(0, 10)) == Errc::none);
  CHECK(commit(pragma("PRAGMA query_only = ON")) == Errc::none);
  CHECK(commit(big_turn(1, 10)) == Errc::storage_full);
  CHECK(!store->healthy());
  CHECK(!store->last_failure().empty());
  std::optional<bool> answer;
  store->ping([&](bool well) { answer = well; });
  loop.run_until([&] { return answer.has_value(); });
  CHECK(answer == false);

  // The writable state comes back outside any turn that writes: only the probe can notice. A refused turn keeps the
  // store unhealthy, although its pragma stands.
  Changes back = pragma("PRAGMA query_only = OFF");
  back.add([](Database&) -> Result<void> { return Error(Errc::storage_full, "still failing"); });
  CHECK(commit(std::move(back)) == Errc::storage_full);
  for (int pings = 0; pings < 1'000'000 && !store->healthy(); ++pings) {
    answer.reset();
    store->ping([&](bool well) { answer = well; });
    loop.run_until([&] { return answer.has_value(); });
    std::this_thread::yield();
  }
  CHECK(store->healthy());
  CHECK(commit(big_turn(2, 10)) == Errc::none);
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
  CHECK(test::count(reopened->reader(), "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'") == 1);
}
