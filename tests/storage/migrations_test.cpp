#include "storage/migrations.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <array>

#include "storage/contacts.h"
#include "storage/events.h"
#include "storage/organisations.h"
#include "storage/sessions.h"
#include "storage/webhooks.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;
using test::count;

namespace {

void run_sql(const std::string& path, const char* sql) {
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
  REQUIRE(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(handle);
}

}  // namespace

TEST_CASE("an empty file is brought to the newest schema, readable by its owner alone") {
  test::TemporaryFolder folder;
  const std::string path = folder.file("new.sqlite");
  auto db = Database::open(path, Database::Mode::read_write, Synchronous::full);
  REQUIRE(db.has_value());
  CHECK(count(**db, "PRAGMA user_version") == static_cast<std::int64_t>(migrations().size()));
  CHECK(count(**db, "PRAGMA synchronous") == 2);
  CHECK(count(**db, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'") == 1);
  CHECK(load_sessions(**db).empty());
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  REQUIRE(::stat((path + "-wal").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("a file of a newer Wharf is refused, with both versions in the message") {
  test::TemporaryFolder folder;
  const std::string path = folder.file("newer.sqlite");
  REQUIRE(Database::open(path, Database::Mode::read_write, Synchronous::off).has_value());
  run_sql(path, "PRAGMA user_version = 4711");
  for (const auto mode : {Database::Mode::read_write, Database::Mode::read_only}) {
    const auto db = Database::open(path, mode, Synchronous::off);
    REQUIRE(!db.has_value());
    CHECK(db.error().code == Errc::unsupported);
    CHECK_THAT(db.error().detail, Catch::Contains("4711"));
    CHECK_THAT(db.error().detail, Catch::Contains(std::to_string(migrations().size())));
    CHECK_THAT(db.error().detail, Catch::Contains(path));
  }
  Store::Settings settings;
  settings.path = path;
  CHECK(Store::open(settings).error().code == Errc::unsupported);
}

TEST_CASE("a database of another program is refused and left as it was") {
  test::TemporaryFolder folder;
  const std::string path = folder.file("other.sqlite");
  run_sql(path, "CREATE TABLE precious (x)");
  const auto db = Database::open(path, Database::Mode::read_write, Synchronous::off);
  REQUIRE(!db.has_value());
  CHECK(db.error().code == Errc::unsupported);
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
  CHECK(sqlite3_exec(handle, "SELECT x FROM precious", nullptr, nullptr, nullptr) == SQLITE_OK);
  CHECK(sqlite3_exec(handle, "SELECT * FROM session", nullptr, nullptr, nullptr) != SQLITE_OK);
  sqlite3_close(handle);
}

TEST_CASE("every table has a primary key, whatever release made it") {
  test::TemporaryFolder folder;
  auto db = Database::open(folder.file("new.sqlite"), Database::Mode::read_write, Synchronous::off);
  REQUIRE(db.has_value());
  CHECK(count(**db, "SELECT count(*) FROM sqlite_master WHERE type = 'table'") > 20);
  CHECK(count(**db,
              "SELECT count(*) FROM sqlite_master m WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL TABLE%'"
              " AND NOT EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE pk > 0)") == 0);
}

TEST_CASE("a file of the release before keeps its counters, keys, answers and deliveries") {
  test::TemporaryFolder folder;
  const std::string path = folder.file("before.sqlite");
  {
    // As that release left it: its six steps, with a row in each table that the seventh makes anew.
    std::string sql;
    for (const char* step : migrations().first(6)) sql += step;
    sql +=
        "INSERT INTO retry VALUES (1, 2, 'M', 3, 4);"
        "INSERT INTO app_state_key VALUES (1, x'01', x'02', 5);"
        "INSERT INTO idempotency VALUES (1, 'K', 'H', 'M', 6);"
        "INSERT INTO webhook_delivery VALUES (1, 7, 0, 2, 8, 9, 'lane', 'why');"
        "PRAGMA application_id = 1464357446; PRAGMA user_version = 6;";
    run_sql(path, sql.c_str());
  }
  auto db = Database::open(path, Database::Mode::read_write, Synchronous::off);
  REQUIRE(db.has_value());
  CHECK(count(**db, "SELECT count FROM retry WHERE message_id = 'M' AND author_id = 2 AND at = 4") == 3);
  CHECK(count(**db, "SELECT timestamp FROM app_state_key WHERE key_id = x'01' AND secret = x'02'") == 5);
  CHECK(count(**db, "SELECT at FROM idempotency WHERE key = 'K' AND request_hash = 'H' AND message_id = 'M'") == 6);
  CHECK(count(**db,
              "SELECT event_id FROM webhook_delivery WHERE lane = 'lane' AND last_error = 'why'"
              " AND attempts = 2 AND next_try = 8 AND first_try = 9 AND parked = 0") == 7);
}

namespace {

/// As the release with seven steps left it: with what the eighth gives to an organisation.
std::string file_of_version_7(const test::TemporaryFolder& folder) {
  std::string sql;
  for (const char* step : migrations().first(7)) sql += step;
  sql +=
      "INSERT INTO session VALUES (4, 'anna', 'ready', '{\"a\":1}', '{\"b\":2}', '{\"code\":\"network\"}', 1, 5, 6);"
      "INSERT INTO session VALUES (9, 'ben', 'failed', '{}', '', '', 0, 7, 8);"
      "INSERT INTO webhook VALUES (2, 'wh_all', NULL, 'http://a/', x'', x'', x'01', 9, 10, 0);"
      "INSERT INTO webhook VALUES (3, 'wh_ben', 9, 'http://b/', x'', x'', x'01', 11, 12, 0);"
      "INSERT INTO webhook VALUES (5, 'wh_gone', 9, 'http://c/', x'', x'', x'01', 11, 12, 1);"
      "INSERT INTO event VALUES (100, 9, 13, 'ben', 'x', 'lane', '{}');"
      "INSERT INTO event VALUES (101, 3, 14, 'removed', 'y', '', '{}');"
      "PRAGMA application_id = 1464357446; PRAGMA user_version = 7;";
  const std::string path = folder.file("version7.sqlite");
  run_sql(path, sql.c_str());
  return path;
}

}  // namespace

TEST_CASE("a file of version 7 keeps its rows, and all of them are the default organisation's") {
  test::TemporaryFolder folder;
  auto db = Database::open(file_of_version_7(folder), Database::Mode::read_write, Synchronous::off);
  REQUIRE(db.has_value());
  REQUIRE(load_organisations(**db).size() == 1);
  CHECK(load_organisations(**db)[0].id == default_org);

  const auto sessions = load_sessions(**db);
  REQUIRE(sessions.size() == 2);
  SessionRow anna;
  anna.id = SessionId{4};
  anna.name = "anna";
  anna.status = "ready";
  anna.config = R"({"a":1})";
  anna.metadata = R"({"b":2})";
  anna.reason = R"({"code":"network"})";
  anna.stopped = true;
  anna.created_at = 5;
  anna.last_activity = 6;
  CHECK(sessions[0] == anna);
  CHECK(sessions[1].name == "ben");
  CHECK(sessions[1].org == default_org);

  const auto webhooks = load_webhooks(**db);
  REQUIRE(webhooks.size() == 2);
  CHECK(webhooks[0].id == "wh_all");
  CHECK(webhooks[0].cursor == 10);
  CHECK(webhooks[1].session == SessionId{9});
  for (const WebhookRow& webhook : webhooks) CHECK(webhook.org == default_org);
  CHECK(count(**db, "SELECT count(*) FROM webhook WHERE removed = 1 AND org = 1") == 1);

  const auto events = read_events(**db, {});
  REQUIRE(events.size() == 2);
  CHECK(events[0].session == SessionId{9});
  CHECK(events[0].lane == "lane");
  for (const Event& event : events) CHECK(event.org == default_org);
}

TEST_CASE("organisations that do not get in leave a file of version 7 as it was") {
  test::TemporaryFolder folder;
  const std::string path = file_of_version_7(folder);
  run_sql(path, "CREATE TABLE new_session (x)");  // the step's own table is in its way
  const auto db = Database::open(path, Database::Mode::read_write, Synchronous::off);
  REQUIRE(!db.has_value());
  CHECK_THAT(db.error().detail, Catch::Contains("migration 8"));
  run_sql(path, "DROP TABLE new_session");
  const auto again = Database::open(path, Database::Mode::read_write, Synchronous::off);
  REQUIRE(again.has_value());
  CHECK(load_sessions(**again).size() == 2);
  CHECK(load_organisations(**again).size() == 1);
}

TEST_CASE("messages of the release before know the album that their details name") {
  test::TemporaryFolder folder;
  const std::string path = folder.file("before.sqlite");
  {
    std::string sql;
    for (const char* step : migrations().first(20)) sql += step;
    const char* details[] = {R"({"media":{"size":1},"albumId":"3EB0HEAD"})",
                             R"({"media":{"filename":"\"albumId\":\"X"}})", R"({"albumId":"broken)",
                             R"({"albumId":7,"poll":{"albumId":"Y"}})", ""};
    int row = 0;
    for (const char* one : details)
      sql +=
          "INSERT INTO message (session_id, chat_id, id, from_me, author_id, ack, timestamp, created_at, push_name,"
          " kind, error, quoted_id, quoted_author_id, mentions, secret, body, content, details)"
          " VALUES (1, 1, 'M" +
          std::to_string(++row) + "', 0, 1, 2, 5, 5, '', 'image', '', '', 0, x'', x'', '', x'', '" + one + "');";
    sql += "PRAGMA application_id = 1464357446; PRAGMA user_version = 20;";
    run_sql(path, sql.c_str());
  }
  auto db = Database::open(path, Database::Mode::read_write, Synchronous::off);
  if (!db) FAIL(db.error().detail);
  CHECK(count(**db, "SELECT count(*) FROM message") == 5);
  CHECK(count(**db, "SELECT count(*) FROM message WHERE album_id <> ''") == 1);
  CHECK(count(**db, "SELECT count(*) FROM message WHERE id = 'M1' AND album_id = '3EB0HEAD'") == 1);
}

TEST_CASE("a chat of version 29 is of the first device of its session") {
  test::TemporaryFolder folder;
  const std::string path = folder.file("29.sqlite");
  {
    std::string sql;
    for (const char* step : migrations().first(29)) sql += step;
    sql +=
        "INSERT INTO chat (session_id, chat_id, alternate_id, last_at, last_row, unread, name_rank, name)"
        " VALUES (1, 9, 0, 5, 6, 0, 0, ''), (2, 9, 0, 5, 7, 0, 0, '');"
        "INSERT INTO device_number VALUES (2, -1);"
        "PRAGMA application_id = 1464357446; PRAGMA user_version = 29;";
    run_sql(path, sql.c_str());
  }
  auto db = Database::open(path, Database::Mode::read_write, Synchronous::off);
  REQUIRE(db.has_value());
  // The second session was logged out: nobody knows which of its accounts a chat is of.
  CHECK(count(**db, "SELECT count(*) FROM chat WHERE number = session_id") == 2);
}

TEST_CASE("later steps are applied to an older file and keep its rows") {
  test::TemporaryFolder folder;
  auto db = Database::open(folder.file("old.sqlite"), Database::Mode::read_write, Synchronous::off);
  REQUIRE(db.has_value());
  REQUIRE((*db)
              ->execute("INSERT INTO session (id, name, status, config, metadata, reason, stopped, created_at,"
                        " last_activity) VALUES (1, 'anna', '', '', '', '', 0, 0, 0)")
              .has_value());
  std::vector<const char*> steps(migrations().begin(), migrations().end());
  const auto released = static_cast<std::int64_t>(steps.size());
  steps.push_back("CREATE TABLE later (x); INSERT INTO later VALUES (1)");
  steps.push_back("INSERT INTO later VALUES (2)");
  REQUIRE(migrate(**db, steps).has_value());
  CHECK(count(**db, "PRAGMA user_version") == released + 2);
  CHECK(count(**db, "SELECT sum(x) FROM later") == 3);
  CHECK(load_sessions(**db).size() == 1);
  REQUIRE(migrate(**db, steps).has_value());
  CHECK(count(**db, "SELECT sum(x) FROM later") == 3);
}

TEST_CASE("groups of a file of version 25 stay, and all of them are to be asked for once more") {
  test::TemporaryFolder folder;
  const std::string path = folder.file("25.sqlite");
  {
    std::string sql;
    for (const char* step : migrations().first(25)) sql += step;
    sql +=
        "INSERT INTO chat_group VALUES (7, 9, 'crew', 1, 1, 5, x'01');"
        "PRAGMA application_id = 1464357446; PRAGMA user_version = 25;";
    run_sql(path, sql.c_str());
  }
  auto db = Database::open(path, Database::Mode::read_write, Synchronous::off);
  REQUIRE(db.has_value());
  CHECK(count(**db,
              "SELECT group_id FROM chat_group INDEXED BY stale_chat_group WHERE number = 7 AND stale = 1"
              " AND subject = 'crew' AND member = 1 AND heard = x''") == 9);
  CHECK(count(**db,
              "SELECT count(*) FROM pragma_table_info('device') WHERE name = 'groups_listed'"
              " AND dflt_value = '0'") == 1);
}

TEST_CASE("who gave a chat of version 26 its name is a contact, and nobody else") {
  test::TemporaryFolder folder;
  const std::string path = folder.file("26.sqlite");
  {
    std::string sql;
    for (const char* step : migrations().first(26)) sql += step;
    sql +=
        "INSERT INTO jid VALUES (5, '200000000000002', 'lid', 0, 0), (6, '120363000000000001', 'g.us', 0, 0),"
        " (7, '15550000003', 's.whatsapp.net', 0, 0);"
        "INSERT INTO device_number (session_id, number) VALUES (2, -4);"
        "INSERT INTO chat (session_id, chat_id, alternate_id, last_at, last_row, unread, name_rank, name) VALUES"
        " (1, 5, 0, 0, 0, 0, 1, 'Ben'), (1, 6, 0, 0, 0, 0, 2, 'crew'), (1, 7, 0, 0, 0, 0, 0, ''), (2, 5, 0, 0, 0, 0, "
        "1, 'B');"
        "PRAGMA application_id = 1464357446; PRAGMA user_version = 26;";
    run_sql(path, sql.c_str());
  }
  auto db = Database::open(path, Database::Mode::read_write, Synchronous::off);
  REQUIRE(db.has_value());
  CHECK(count(**db, "SELECT count(*) FROM contact") == 2);
  CHECK(find_contact(**db, SessionId{1}, protocol::Jid("200000000000002", "lid"))->push_name == "Ben");
  CHECK(find_contact(**db, SessionId{2}, protocol::Jid("200000000000002", "lid"))->push_name == "B");
}

TEST_CASE("a migration that fails half way leaves the old version") {
  test::TemporaryFolder folder;
  auto db = Database::open(folder.file("half.sqlite"), Database::Mode::read_write, Synchronous::off);
  REQUIRE(db.has_value());
  std::vector<const char*> steps(migrations().begin(), migrations().end());
  steps.push_back("CREATE TABLE later (x)");
  steps.push_back("INSERT INTO later VALUES (1); INSERT INTO no_such_table VALUES (1)");
  const Result<void> migrated = migrate(**db, steps);
  REQUIRE(!migrated.has_value());
  CHECK_THAT(migrated.error().detail, Catch::Contains("migration " + std::to_string(steps.size())));
  CHECK(count(**db, "PRAGMA user_version") == static_cast<std::int64_t>(migrations().size()));
  CHECK(count(**db, "SELECT count(*) FROM sqlite_master WHERE name = 'later'") == 0);
}

TEST_CASE("what is not a database at all, or is not there, is an error") {
  test::TemporaryFolder folder;
  CHECK(!Database::open(folder.file("missing.sqlite"), Database::Mode::read_only, Synchronous::off).has_value());
  CHECK(
      !Database::open(folder.file("no/such/folder.sqlite"), Database::Mode::read_write, Synchronous::off).has_value());
  const std::string path = folder.file("text.sqlite");
  FILE* file = std::fopen(path.c_str(), "w");
  for (int i = 0; i < 1000; ++i) std::fputs("this is not a database\n", file);
  std::fclose(file);
  const auto db = Database::open(path, Database::Mode::read_write, Synchronous::off);
  REQUIRE(!db.has_value());
  CHECK(db.error().code == Errc::storage);
}
