#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "storage/keys.h"
#include "storage/messages.h"
#include "storage/peers.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;

namespace {

const SessionId session{1};
const Jid chat("1", "lid");

Changes pair_turn(int number) {
  Changes changes;
  MessageRow row = test::message_row(session, chat, std::to_string(number), number);
  row.content.assign(2'000, 1);
  changes.add(InsertMessage{row, false, std::nullopt});
  changes.add(PutRatchet{session, Jid(std::to_string(number), "lid"), protocol::Bytes(1'000, 1)});
  return changes;
}

}  // namespace

TEST_CASE("a backup taken while turns commit is whole, and holds what was committed before it began") {
  test::TemporaryFolder folder;
  test::HandLoop loop;
  Store::Settings settings;
  settings.path = folder.file("live.sqlite");
  settings.synchronous = Synchronous::off;
  settings.post = [&](std::function<void()> call) { loop.post(std::move(call)); };
  const auto store = test::open_store(settings);
  int committed = 0, queued = 0;
  const auto commit_next = [&] {
    store->commit(pair_turn(queued++), [&](Result<void> result) { committed += result.has_value() ? 1 : 0; });
  };
  // Several steps of 256 pages.
  while (queued < 1'500) commit_next();
  loop.run_until([&] { return committed == queued; });
  const int before = committed;

  std::atomic<bool> finished = false;
  Result<void> result;
  std::thread worker([&] {
    result = store->backup(folder.file("copy.sqlite"));
    finished = true;
  });
  while (!finished) {
    commit_next();
    loop.run_until([&] { return committed == queued; });
  }
  worker.join();
  if (!result) FAIL(result.error().detail);

  Store::Settings copy;
  copy.path = folder.file("copy.sqlite");
  const auto restored = test::open_store(copy);
  Database& db = restored->reader();
  const std::int64_t messages = test::count(db, "SELECT count(*) FROM message");
  CHECK(messages >= before);
  CHECK(messages <= queued);
  CHECK(test::count(db, "SELECT count(*) FROM ratchet") == messages);
  CHECK(test::count(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'") == 1);
  CHECK(has_message(db, session, chat, std::to_string(messages - 1)));
  // The copy lives on by itself.
  restored->commit(pair_turn(1'000'000), [](Result<void> done) { CHECK(done.has_value()); });
}

TEST_CASE("a backup never takes the place of the database itself, nor of a file that is no backup") {
  test::InlineStore store;
  const std::string live = store.folder.file("test.sqlite");
  REQUIRE(std::filesystem::exists(live));
  std::filesystem::create_symlink(live, store.folder.file("link"));
  std::filesystem::create_hard_link(live, store.folder.file("hard"));
  std::ofstream(store.folder.file("notes.txt"))
      << "not a database, though long enough to be mistaken for the header of one: "
         "SQLite format 3";
  std::ofstream(store.folder.file("empty"));
  {
    auto other = Database::open(store.folder.file("other.sqlite"), Database::Mode::read_write, Synchronous::off);
    REQUIRE(other.has_value());
    for (const char* name : {"test.sqlite", "./test.sqlite", "test.sqlite-wal", "test.sqlite-shm", "link", "hard",
                             "notes.txt", "empty", "other.sqlite"}) {
      INFO(name);
      const auto before = std::filesystem::file_size(store.folder.file(name));
      const Result<void> refused = store.store->backup(store.folder.file(name));
      REQUIRE_FALSE(refused.has_value());
      CHECK(refused.error().code == Errc::conflict);
      CHECK(std::filesystem::file_size(store.folder.file(name)) == before);
    }
  }
  std::ofstream(store.folder.file("gone.sqlite-wal")) << "left behind";
  CHECK_FALSE(store.store->backup(store.folder.file("gone.sqlite")).has_value());
  CHECK_FALSE(std::filesystem::exists(store.folder.file("gone.sqlite")));
  store.turn([](Changes& changes) { changes.add(InsertSession{test::session_row(1, "anna")}); });
  auto db = Database::open(live, Database::Mode::read_only, Synchronous::off);
  REQUIRE(db.has_value());
  CHECK(load_sessions(**db).size() == 1);
}

TEST_CASE("a backup replaces an older one, and a failing one leaves nothing behind") {
  test::InlineStore store;
  const std::string target = store.folder.file("copy.sqlite");
  REQUIRE(store.store->backup(target).has_value());
  store.turn([](Changes& changes) { changes.add(InsertSession{test::session_row(1, "anna")}); });
  REQUIRE(store.store->backup(target).has_value());
  {
    auto db = Database::open(target, Database::Mode::read_only, Synchronous::off);
    REQUIRE(db.has_value());
    CHECK(load_sessions(**db).size() == 1);
  }
  CHECK(!store.store->backup(store.folder.file("missing/copy.sqlite")).has_value());
  std::filesystem::create_directory(store.folder.file("taken"));
  std::filesystem::create_directory(store.folder.file("taken/inside"));
  CHECK(!store.store->backup(store.folder.file("taken")).has_value());
  for (const auto& entry : std::filesystem::directory_iterator(store.folder.path())) {
    CHECK_THAT(entry.path().filename().string(), !Catch::StartsWith("taken."));
  }
}
