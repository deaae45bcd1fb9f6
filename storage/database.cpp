#include "storage/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <unordered_map>

#include "storage/migrations.h"
#include "storage/recall.h"
#include "storage/search_index.h"

namespace wharf::storage {

namespace {

constexpr std::size_t jids_kept_by_writer = 20'000;  // about 5 MB
constexpr std::size_t jids_kept_by_reader = 5'000;
constexpr int writer_busy_ms = 5'000;  // another process (backup, key create) holds the write lock for moments only
constexpr int reader_busy_ms = 1'000;

// secure_delete FAST: freed bytes inside pages that are written anyway are zeroed (Debian's default zeroes all).
// A checkpoint every 4,000 pages (16 MB of WAL): the hot pages of many sessions are then copied back once for many
// commits; at SQLite's 1,000 a message costs a tenth more CPU. It runs on the writer thread, never on the loop.
constexpr const char* writer_pragmas =
    "PRAGMA journal_mode = WAL; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = FAST;"
    "PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864; PRAGMA mmap_size = 0;";
constexpr const char* reader_pragmas = "PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0;";

Errc errc_of(int extended) {
  switch (extended & 0xff) {
    case SQLITE_FULL:
    case SQLITE_READONLY:
    case SQLITE_IOERR: return Errc::storage_full;
    case SQLITE_CONSTRAINT: return Errc::conflict;
    case SQLITE_TOOBIG: return Errc::too_large;
    default: return Errc::storage;
  }
}

/// The file holds keys: it is created for its owner alone, and SQLite gives the WAL the same mode.
Result<void> create_private(const std::string& path) {
  if (path == ":memory:") return {};
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    const int reason = errno;
    const bool full = reason == ENOSPC || reason == EROFS || reason == EDQUOT;
    return Error(full ? Errc::storage_full : Errc::storage, path + ": " + std::strerror(reason));
  }
  ::close(file);
  return {};
}

}  // namespace

const char* synchronous_pragma(Synchronous synchronous) {
  switch (synchronous) {
    case Synchronous::off: return "PRAGMA synchronous = OFF";
    case Synchronous::normal: return "PRAGMA synchronous = NORMAL";
    case Synchronous::full: break;
  }
  return "PRAGMA synchronous = FULL";
}

struct Database::Statements {
  explicit Statements(std::size_t jids_kept) : recall(jids_kept) {}
  std::unordered_map<const char*, sqlite3_stmt*> prepared;
  Recall recall;
};

Database::Database(sqlite3* handle)
    : handle_(handle),
      statements_(std::make_unique<Statements>(sqlite3_db_readonly(handle, "main") ? jids_kept_by_reader
                                                                                   : jids_kept_by_writer)) {}

Database::~Database() {
  for (const auto& [sql, statement] : statements_->prepared) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

namespace {

/// SQLite counts its memory under one lock of the process, which loop and writer would take for every allocation.
void configure_library() {
  static const int once = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(once);
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Mode mode, Synchronous synchronous) {
  const bool writing = mode == Mode::read_write;
  if (writing) {
    if (Result<void> created = create_private(path); !created) return created.error();
  }
  configure_library();
  sqlite3* handle = nullptr;
  const int flags = (writing ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  if (code != SQLITE_OK) {
    Error error(errc_of(code), path + ": " + (handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code)));
    sqlite3_close_v2(handle);
    return error;
  }
  std::unique_ptr<Database> db(new Database(handle));
  sqlite3_busy_timeout(handle, writing ? writer_busy_ms : reader_busy_ms);
  // A crafted file must not run code through its schema.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);

  Result<void> ready = db->execute(writing ? writer_pragmas : reader_pragmas);
  if (ready && writing) ready = db->execute(synchronous_pragma(synchronous));
  try {
    if (ready) ready = writing ? migrate(*db, migrations()) : check_version(*db, migrations());
    if (ready && writing) ready = follow_messages(*db);
  } catch (const ReadFailure& failure) {
    ready = failure.error;
  }
  if (!ready) return Error(ready.error().code, path + ": " + ready.error().detail);
  return db;
}

sqlite3_stmt* Database::prepared(const char* sql) {
  sqlite3_stmt*& statement = statements_->prepared[sql];
  if (!statement) sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  return statement;
}

Error Database::last_error(const char* what) const {
  return Error(errc_of(sqlite3_extended_errcode(handle_)), std::string(what) + ": " + sqlite3_errmsg(handle_));
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

Recall& Database::recall() { return statements_->recall; }

Result<void> Database::execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return last_error("execute");
  return {};
}

}  // namespace wharf::storage
