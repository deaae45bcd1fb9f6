// The index that searches read: made of what was there before it, kept with the rows, and made anew when it is damaged.
#include "storage/search_index.h"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <mutex>

#include "storage/chats.h"
#include "storage/migrations.h"
#include "storage/recall.h"
#include "storage/removal.h"
#include "storage/sessions.h"
#include "storage/statement.h"
#include "storage/transaction.h"
#include "tests/storage/injection.h"
#include "tests/storage/search_room.h"

using namespace wharf;
using namespace wharf::test::searching;

namespace {

/// A file of the release before the index, with messages M0.. of a session.
std::string file_without_index(const test::TemporaryFolder& folder, int messages) {
  const std::string path = folder.file("before.sqlite");
  std::string sql;
  for (const char* step : migrations().first(12)) sql += step;
  sql += "INSERT INTO jid VALUES (1, '1', 'lid', 0, 0); BEGIN;";
  for (int i = 0; i < messages; ++i) {
    const std::string n = std::to_string(i);
    sql +=
        "INSERT INTO message (session_id, chat_id, id, from_me, author_id, ack, timestamp, created_at, push_name, kind,"
        " error, quoted_id, quoted_author_id, mentions, secret, body, content) VALUES (1, 1, 'M" +
        n + "', 0, 1, 1, " + std::to_string(i * 1'000) + ", 0, '', 'text', '', '', 0, x'', x'', 'word " + n +
        "', x'');";
  }
  sql += "COMMIT; PRAGMA application_id = 1464357446; PRAGMA user_version = 12;";
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
  REQUIRE(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(handle);
  return path;
}

}  // namespace

TEST_CASE("messages of the time before the index go in from the newest down, through kills, and a search says so") {
  test::TemporaryFolder folder;
  const std::string path = file_without_index(folder, 95);
  Ids newest_first;
  for (int i = 94; i >= 0; --i) newest_first.push_back("M" + std::to_string(i));
  std::size_t there = 0;
  for (int slice = 0; slice < 20; ++slice) {
    auto db = Database::open(path, Database::Mode::read_write, Synchronous::off);
    REQUIRE(db.has_value());
    MessageSearch search = search_for(**db, "word");
    search.limit = 1'000;
    const FoundMessages found = search_messages(**db, search);
    CHECK(ids_of(found) == Ids(newest_first.begin(), newest_first.begin() + static_cast<std::ptrdiff_t>(there)));
    CHECK(found.complete == (there == 95));
    check_index(**db);
    // Every other one is killed before its commit.
    REQUIRE((*db)->execute("BEGIN IMMEDIATE").has_value());
    const Result<bool> more = index_messages(**db, 10);
    REQUIRE(more.has_value());
    if (slice % 2 == 0) continue;
    REQUIRE((*db)->execute("COMMIT").has_value());
    there = std::min<std::size_t>(there + 10, 95);
    CHECK(*more == (there < 95));
  }
  CHECK(there == 95);
}

TEST_CASE("an index of the release that had the oldest first is given up unread, and made anew in slices") {
  test::TemporaryFolder folder;
  const std::string path = folder.file("35.sqlite");
  std::string sql;
  for (const char* step : migrations().first(35)) sql += step;
  sql += "INSERT INTO jid (id, user, server, device, integrator) VALUES (1, '1', 'lid', 0, 0); BEGIN;";
  Ids newest_first;
  for (int i = 1; i <= 40; ++i) {
    const std::string n = std::to_string(i), at = std::to_string(i * 1'000);
    sql +=
        "INSERT INTO message (session_id, chat_id, id, from_me, author_id, ack, timestamp, created_at, push_name, kind,"
        " error, quoted_id, quoted_author_id, mentions, secret, body, content) VALUES (1, 1, 'M" +
        n + "', 0, 1, 1, " + at + ", 0, '', 'text', '', '', 0, x'', x'', 'word " + n + "', x'');";
    if (i <= 30)
      sql += "INSERT INTO message_index (rowid, body, more, scope) VALUES (" + n + " << 31 | " + n + ", 'word " + n +
             "', '', 's1 c1x1');";
    newest_first.insert(newest_first.begin(), "M" + n);
  }
  sql +=
      "UPDATE search_progress SET through_row = 30, taken_out = 1, sweeping = 1; COMMIT;"
      "PRAGMA application_id = 1464357446; PRAGMA user_version = 35;";
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
  REQUIRE(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(handle);

  auto db = Database::open(path, Database::Mode::read_write, Synchronous::off);
  REQUIRE(db.has_value());
  const SearchProgress given_up = search_progress(**db);
  CHECK(given_up.damaged);
  CHECK(given_up.after_row == 40);
  CHECK(given_up.through_row == 40);
  CHECK(find(**db, "word") == newest_first);  // by reading the rows
  REQUIRE(in_transaction(**db, [&] { return renew_index(**db, OldIndex::dropped); }).has_value());
  CHECK(!search_progress(**db).damaged);
  for (int slice = 1; slice <= 4; ++slice) {
    bool more = false;
    REQUIRE(in_transaction(**db, [&]() -> Result<void> {
              const Result<bool> left = index_messages(**db, 10);
              if (!left) return left.error();
              more = *left;
              return {};
            }).has_value());
    CHECK(more == (slice < 4));
    CHECK(find(**db, "word") == Ids(newest_first.begin(), newest_first.begin() + 10 * slice));
    check_index(**db);
  }
  // A file of today with nothing in its index keeps it.
  auto today = Database::open(folder.file("today.sqlite"), Database::Mode::read_write, Synchronous::off);
  REQUIRE(today.has_value());
  CHECK(!search_progress(**today).damaged);
}

TEST_CASE("a slice reads its rows alone") {
  Room room(true);
  REQUIRE(see_words(room.db()).has_value());
  // Two bounds, and both are those of the slice: a search by the view's own bound would read to the end of the table.
  sqlite3_stmt* select = room.db().prepared("SELECT key, body FROM message_words WHERE row > ?1 AND row <= ?2");
  REQUIRE(select != nullptr);
  room.turn([](Changes& changes) {
    for (int i = 0; i < 2'000; ++i)
      changes.add(InsertMessage{test::message_row(anna, chat, std::to_string(i), i * 1'000), false, std::nullopt});
  });
  sqlite3_bind_int64(select, 1, 10);
  sqlite3_bind_int64(select, 2, 20);
  int rows = 0;
  while (sqlite3_step(select) == SQLITE_ROW) ++rows;
  CHECK(rows == 10);
  CHECK(sqlite3_stmt_status(select, SQLITE_STMTSTATUS_VM_STEP, 1) < 2'000);
  sqlite3_reset(select);
}

TEST_CASE("a writer indexes what is old and what is new when it has nothing else to do") {
  test::TemporaryFolder folder;
  Store::Settings settings;
  settings.path = file_without_index(folder, 500);
  settings.synchronous = Synchronous::off;
  settings.purge_pause = settings.index_pause = std::chrono::milliseconds(1);
  test::HandLoop loop;
  settings.post = [&loop](std::function<void()> call) { loop.post(std::move(call)); };
  const auto store = test::open_store(settings);
  Changes changes;
  changes.add(InsertMessage{test::message_row(anna, chat, "new", 900'000), true, std::nullopt});
  store->commit(std::move(changes), [](Result<void>) {});
  store->flush();
  const auto progress = [&] { return search_progress(store->reader()); };
  while (progress().after_row != 0 || progress().through_row != 501) {
    bool told = false;  // waits for the writer, not for the clock
    store->ping([&](bool) { told = true; });
    loop.run_until([&] { return told; });
  }
  check_index(store->reader());
  MessageSearch search = search_for(store->reader(), "word 3");
  CHECK(ids_of(search_messages(store->reader(), search)) == Ids{"M3"});
  CHECK(find(store->reader(), "body new") == Ids{"new"});
}

TEST_CASE("a sweep leaves no word of a deleted message in the file") {
  test::TemporaryFolder folder;
  const std::string path = folder.file("test.sqlite");
  const auto file_has = [&](const std::string& word) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    return bytes.find(word) != std::string::npos;
  };
  constexpr UnixMs now = 1'764'000'000'000;
  {
    Store::Settings settings;
    settings.path = path;
    settings.synchronous = Synchronous::off;
    settings.max_indexed_rows_idle = 1;
    const auto store = test::open_store(settings);
    for (int i = 0; i < 300; ++i) {
      Changes changes;
      MessageRow row = test::message_row(anna, chat, std::to_string(i), i * 1'000);
      row.body = i == 150 ? "zzhush" : "word" + std::to_string(i);
      changes.add(InsertMessage{std::move(row), true, std::nullopt});
      store->commit(std::move(changes), [](Result<void>) {});
    }
    CHECK(!sweep_waits(store->reader(), now));
    Changes changes;
    changes.add(RevokeMessage{anna, chat, "150", false, 9'000'000});
    store->commit(std::move(changes), [](Result<void>) {});
    CHECK(find(store->reader(), "zzhush").empty());
  }
  auto opened = Database::open(path, Database::Mode::read_write, Synchronous::off);
  REQUIRE(opened.has_value());
  Database& db = **opened;
  REQUIRE(db.execute("PRAGMA wal_checkpoint(TRUNCATE)").has_value());
  CHECK(file_has("hush"));
  CHECK(sweep_waits(db, now));
  int slices = 0;
  for (bool more = true; more; ++slices) {
    REQUIRE(slices < 1'000);
    const Overwriting overwriting(db);
    REQUIRE(in_transaction(db, [&]() -> Result<void> {
              const Result<bool> left = sweep_index(db, now);
              if (!left) return left.error();
              more = *left;
              return {};
            }).has_value());
  }
  REQUIRE(db.execute("PRAGMA wal_checkpoint(TRUNCATE)").has_value());
  CHECK(!file_has("hush"));
  CHECK(!sweep_waits(db, now + 2 * sweep_interval_ms));
  check_index(db);
  CHECK(find(db, "word149") == Ids{"149"});
}

TEST_CASE("a damaged record of the index costs no turn, and it is made anew") {
  Room room(true);
  for (int i = 0; i < 50; ++i) room.say("M" + std::to_string(i), "word" + std::to_string(i));
  room.store.reset();
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(room.settings.path.c_str(), &handle) == SQLITE_OK);
  REQUIRE(sqlite3_exec(handle, "UPDATE message_index_data SET block = x'00' WHERE id = 10", nullptr, nullptr,
                       nullptr) == SQLITE_OK);
  sqlite3_close(handle);
  room.store = test::open_store(room.settings);
  const auto edit = [&] {
    bool stored = false;
    Changes changes;
    changes.add(EditMessage{anna, chat, "M7", false, "changed", {}, 6'000});
    room.store->commit(std::move(changes), [&](Result<void> done) { stored = done.has_value(); });
    return stored;
  };
  CHECK((edit() || edit()));
  CHECK(room.store->healthy());
  CHECK(find_message(room.db(), anna, chat, "M7")->body == "changed");
  CHECK(find(room.db(), "changed") == Ids{"M7"});
  CHECK(find(room.db(), "word8") == Ids{"M8"});
  CHECK(find(room.db(), "word7").empty());
  check_index(room.db());
}

namespace {

/// A store with its thread's work done by hand of the test: the writer's own, told what becomes of the index.
struct ThreadedRoom {
  ThreadedRoom() {
    settings.path = folder.file("test.sqlite");
    settings.synchronous = Synchronous::off;
    settings.max_indexed_rows_idle = 100;
    settings.purge_pause = settings.index_pause = std::chrono::milliseconds(0);
    settings.post = [this](std::function<void()> call) { loop.post(std::move(call)); };
    settings.tell_of_index = [this](std::string_view event, std::string_view) {
      const std::lock_guard lock(mutex);
      told.emplace_back(event);
    };
    store = test::open_store(settings);
  }
  Errc commit(Changes changes) {
    std::optional<Errc> code;
    store->commit(std::move(changes), [&](Result<void> done) {
      if (!done) UNSCOPED_INFO(done.error().detail);
      code = done ? Errc::none : done.error().code;
    });
    loop.run_until([&] { return code.has_value(); });
    return *code;
  }
  /// Waits for the writer, not for the clock.
  template <class Condition>
  void writer_until(Condition condition) {
    while (!condition()) {
      bool answered = false;
      store->ping([&](bool) { answered = true; });
      loop.run_until([&] { return answered; });
    }
  }
  void reopen() {
    store.reset();
    store = test::open_store(settings);
  }
  bool is_indexed() {
    const SearchProgress progress = search_progress(store->reader());
    return !progress.damaged && progress.after_row == 0 &&
           progress.through_row >= count(store->reader(), "SELECT max(row) FROM message");
  }
  std::size_t times_told(const std::string& event) {
    const std::lock_guard lock(mutex);
    return static_cast<std::size_t>(std::count(told.begin(), told.end(), event));
  }

  test::TemporaryFolder folder;
  test::HandLoop loop;
  std::mutex mutex;
  std::vector<std::string> told;
  Store::Settings settings;
  std::unique_ptr<Store> store;
};

/// Overwrites pages of a table in the file of a closed store: every leaf, or the first one alone.
std::size_t damage(const std::string& path, const std::string& table, bool all) {
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
  REQUIRE(sqlite3_exec(handle, "PRAGMA wal_checkpoint(TRUNCATE)", nullptr, nullptr, nullptr) == SQLITE_OK);
  std::int64_t page_size = 0, root = 0;
  for (const auto& [sql, value] : {std::pair{std::string("PRAGMA page_size"), &page_size},
                                   {"SELECT rootpage FROM sqlite_master WHERE name = '" + table + "'", &root}}) {
    sqlite3_stmt* select = nullptr;
    REQUIRE(sqlite3_prepare_v2(handle, sql.c_str(), -1, &select, nullptr) == SQLITE_OK);
    REQUIRE(sqlite3_step(select) == SQLITE_ROW);
    *value = sqlite3_column_int64(select, 0);
    sqlite3_finalize(select);
  }
  sqlite3_close(handle);
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  const auto read = [&](std::int64_t at, int bytes) {
    std::int64_t value = 0;
    file.seekg(at);
    for (int i = 0; i < bytes; ++i) value = value << 8 | file.get();
    return value;
  };
  const std::int64_t start = (root - 1) * page_size;
  REQUIRE(read(start, 1) == 5);  // an interior page of a table: its cells begin with the number of a child
  const std::int64_t cells = read(start + 3, 2);
  REQUIRE(cells > 1);
  const std::string garbage(static_cast<std::size_t>(page_size), '\xee');
  std::size_t damaged = 0;
  for (std::int64_t cell = 0; cell < cells && (all || damaged == 0); ++cell) {
    // Not the first, where FTS5 keeps what it needs to open the index at all.
    const std::int64_t child = read(start + read(start + 12 + 2 * cell, 2), 4);
    if (cell == 0) continue;
    file.seekp((child - 1) * page_size);
    file << garbage;
    ++damaged;
  }
  return damaged;
}

Changes talk(int from, int to) {
  Changes changes;
  for (int i = from; i < to; ++i)
    for (const Jid& in : {chat, other}) {
      MessageRow row = test::message_row(anna, in, in.user + "-" + std::to_string(i), i * 1'000);
      row.body =
          "word" + std::to_string(i) + " said " + std::to_string(i * 7919) + " and " + std::to_string(i * 104729);
      changes.add(InsertMessage{std::move(row), true, std::nullopt});
    }
  return changes;
}

}  // namespace

TEST_CASE("a damaged page of the index fails no turn and no search, and the index is made anew") {
  const bool all = GENERATE(false, true);
  ThreadedRoom room;
  REQUIRE(room.commit(talk(0, 1'000)) == Errc::none);
  room.writer_until([&] { return room.is_indexed(); });
  room.store.reset();
  REQUIRE(damage(room.settings.path, "message_index_data", all) > 0);
  // A writer that is never idle meets it with its turns.
  const auto pause = room.settings.purge_pause;
  room.settings.purge_pause = room.settings.index_pause = std::chrono::hours(1);
  room.settings.max_purged_rows = 5;
  room.store = test::open_store(room.settings);
  std::vector<std::string> events;
  room.store->on_events([&](const std::vector<Event>& told) {
    for (const Event& event : told)
      if (event.name.starts_with('e')) events.push_back(event.name);
  });
  for (int i = 0; i < 1'000; i += 3) {
    Changes changes;
    changes.add(EditMessage{anna, chat, "1-" + std::to_string(i), false, "changed", {}, 2'000'000});
    changes.add(PutRatchet{anna, Jid(std::to_string(i), "lid"), {7}});
    changes.emit(NewEvent(anna, "e" + std::to_string(i), "", "{}", 1));
    REQUIRE(room.commit(std::move(changes)) == Errc::none);
    REQUIRE(room.store->healthy());
    // Where the batch was written twice, too.
    CHECK(find_ratchet(room.store->reader(), anna, Jid(std::to_string(i), "lid")) == protocol::Bytes{7});
    REQUIRE(!events.empty());
    CHECK(events.back() == "e" + std::to_string(i));
    if (i == 300) {
      Changes removal;
      removal.add(RemoveChat{anna, other});
      removal.add(MergeChats{anna, pn, chat});
      REQUIRE(room.commit(std::move(removal)) == Errc::none);
    }
  }
  CHECK(events.size() == 334);
  CHECK(read_events(room.store->reader(), {}).size() >= 334);
  CHECK(room.times_told("search_index_damaged") == 1);
  CHECK(search_progress(room.store->reader()).damaged);
  const auto check_search = [&](bool complete) {
    MessageSearch search = search_for(room.store->reader(), "changed");
    search.limit = 1'000;
    const FoundMessages found = search_messages(room.store->reader(), search);
    CHECK(found.messages.size() == 334);
    CHECK(found.complete == complete);
    CHECK(!found.unreadable_index);
  };
  check_search(true);  // it reads all of so few itself
  room.reopen();
  CHECK(search_progress(room.store->reader()).damaged);
  check_search(true);
  room.settings.purge_pause = room.settings.index_pause = pause;
  room.reopen();
  room.writer_until([&] { return room.is_indexed() && !has_removed(room.store->reader()); });
  CHECK(room.times_told("search_index_renewed") == 1);
  CHECK(room.times_told("search_index_missing") == 0);
  CHECK(count(room.store->reader(), "SELECT count(*) FROM sqlite_master WHERE name = 'message_index_damaged_1'") == 1);
  check_search(true);
  check_index(room.store->reader());
  CHECK(find(room.store->reader(), "\"word7\"") == Ids{"1-7"});
  // And follows again, in this run and the next.
  for (int run = 0; run < 2; ++run) {
    Changes changes;
    changes.add(EditMessage{anna, chat, "1-7", false, "again" + std::to_string(run), {}, 3'000'000 + run});
    REQUIRE(room.commit(std::move(changes)) == Errc::none);
    CHECK(find(room.store->reader(), "again" + std::to_string(run)) == Ids{"1-7"});
    check_index(room.store->reader());
    room.reopen();
  }
  CHECK(room.times_told("search_index_damaged") == 1);
}

TEST_CASE("a search that meets a damaged index answers from the newest messages and asks for a new one") {
  ThreadedRoom room;
  REQUIRE(room.commit(talk(0, 2'500)) == Errc::none);
  room.writer_until([&] { return room.is_indexed(); });
  room.store.reset();
  REQUIRE(damage(room.settings.path, "message_index_data", true) > 0);
  room.store = test::open_store(room.settings);
  Database& reader = room.store->reader();
  const FoundMessages found = search_messages(reader, search_for(reader, "word2400"));
  CHECK(ids_of(found) == Ids{"2-2400", "1-2400"});
  CHECK(!found.complete);
  REQUIRE(found.unreadable_index == 1);
  CHECK(find(reader, "word3").empty());  // not among the newest 4,000
  room.store->renew_search_index(*found.unreadable_index);
  room.writer_until([&] { return room.is_indexed() && search_progress(reader).number == 2; });
  const FoundMessages anew = search_messages(reader, search_for(reader, "word3"));
  CHECK(anew.complete);
  CHECK(ids_of(anew).size() == 50);
  check_index(reader);
  // A search that began before it says so late.
  room.store->renew_search_index(1);
  room.writer_until([&] { return room.is_indexed(); });
  REQUIRE(room.commit(talk(2'500, 2'501)) == Errc::none);
  CHECK(search_progress(reader).number == 2);
  CHECK(room.times_told("search_index_damaged") == 1);
}

TEST_CASE("an index that cannot be made anew is done without, and the next start tries once more") {
  ThreadedRoom room;
  REQUIRE(room.commit(talk(0, 100)) == Errc::none);
  room.writer_until([&] { return room.is_indexed(); });
  room.store.reset();
  // Neither dropped nor renamed: SQLite cannot open it.
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(room.settings.path.c_str(), &handle) == SQLITE_OK);
  REQUIRE(sqlite3_exec(handle, "UPDATE message_index_config SET v = 99 WHERE k = 'version'", nullptr, nullptr,
                       nullptr) == SQLITE_OK);
  sqlite3_close(handle);
  for (std::size_t run = 1; run <= 2; ++run) {
    room.store = test::open_store(room.settings);
    Changes changes;
    changes.add(EditMessage{anna, chat, "1-7", false, "changed", {}, 3'000'000});
    REQUIRE(room.commit(std::move(changes)) == Errc::none);
    room.writer_until([&] { return room.times_told("search_index_missing") == run; });
    REQUIRE(room.commit(talk(100, 101)) == Errc::none);
    CHECK(room.store->healthy());
    CHECK(find(room.store->reader(), "changed") == Ids{"1-7"});
    room.store.reset();
  }
  CHECK(room.times_told("search_index_damaged") == 1);
  CHECK(room.times_told("search_index_renewed") == 0);
}

TEST_CASE("long texts are indexed sooner than many rows, and a search reads so much of them itself") {
  ThreadedRoom room;
  room.settings.purge_pause = room.settings.index_pause = std::chrono::hours(1);
  room.settings.max_unindexed = 1'000'000;
  room.reopen();
  const auto say_long = [&](int i) {
    Changes changes;
    MessageRow row = test::message_row(anna, chat, "M" + std::to_string(i), i * 1'000);
    for (int word = 0; word < 6'000; ++word) row.body += "longish" + std::to_string(word % 100) + " ";
    row.body += "last" + std::to_string(i);
    changes.add(InsertMessage{std::move(row), true, std::nullopt});
    REQUIRE(room.commit(std::move(changes)) == Errc::none);
  };
  for (int i = 0; i < 30; ++i) {
    say_long(i);
    CHECK(unindexed_messages(room.store->reader()) < 5);  // 60 KB each
    room.store->reader().recall().forget();
  }
  CHECK(search_messages(room.store->reader(), search_for(room.store->reader(), "last3")).complete);
  check_index(room.store->reader());
  // Where none were indexed it reads the newest of them.
  room.commit([] {
    Changes changes;
    test::inject(changes, [](Database& db) { return give_up_index(db); });
    return changes;
  }());
  const FoundMessages found = search_messages(room.store->reader(), search_for(room.store->reader(), "longish7"));
  CHECK(!found.complete);
  CHECK(found.messages.size() == 18);  // 1 MB
  CHECK(found.messages.front().id == "M29");
}

TEST_CASE("an index that is made anew is what the migration made, with the tokenizer of searches") {
  Room room(true);
  const auto made = [&] {
    Statement select(room.db(), "SELECT sql FROM sqlite_master WHERE name = 'message_index'");
    std::string sql = select.next() ? select.text() : std::string();
    sql.erase(std::remove_if(sql.begin(), sql.end(), [](char c) { return c == ' ' || c == '\n'; }), sql.end());
    return sql;
  };
  const std::string first = made();
  std::string folding;
  for (const char* option : {"unicode61", WHARF_SEARCH_FOLDING}) folding += option;
  CHECK_THAT(first, Catch::Contains("tokenize='" + folding + "'"));
  room.turn([](Changes& changes) {
    test::inject(changes, [](Database& db) { return renew_index(db, OldIndex::set_aside); });
  });
  CHECK(made() == first);
  CHECK(count(room.db(), "SELECT v FROM message_index_config WHERE k = 'automerge'") == 0);
  CHECK(count(room.db(), "SELECT v FROM message_index_damaged_1_config WHERE k = 'automerge'") == 0);
}
