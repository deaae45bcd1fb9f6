#include "sandbox/state_file.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

constexpr int application_id = 0x57486e65;  // "WHne": this file is ours and no other database
constexpr int format = 2;                   // 1 was one JSON text

/// EXCLUSIVE: two networks on one file would hand out the same ratchet steps. FULL: a commit is on the disk when it
/// returns, because frames leave on its word.
constexpr const char* pragmas =
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -8192;"
    "PRAGMA temp_store = MEMORY; PRAGMA secure_delete = FAST; PRAGMA wal_autocheckpoint = 4000;"
    "PRAGMA journal_size_limit = 67108864;";

Result<void> make_private(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return Error(Errc::storage, path + ": " + std::strerror(errno));
  const bool ok = ::fchmod(file, 0600) == 0;
  const int reason = errno;
  ::close(file);
  if (!ok) return Error(Errc::storage, path + ": " + std::strerror(reason));
  return {};
}

}  // namespace

void StateFile::Close::operator()(sqlite3* db) const { sqlite3_close_v2(db); }
void StateFile::Close::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

StateFile::~StateFile() = default;

Error StateFile::failure(const char* what) const {
  return Error(Errc::storage, path_ + ": " + what + ": " + sqlite3_errmsg(db_.get()));
}

Result<void> StateFile::execute(const char* sql) {
  if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure(sql);
  return {};
}

Result<std::unique_ptr<sqlite3_stmt, StateFile::Close>> StateFile::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(db_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
    return failure(sql);
  return std::unique_ptr<sqlite3_stmt, Close>(statement);
}

Result<std::unique_ptr<StateFile>> StateFile::open(const std::string& path) {
  if (auto made = make_private(path); !made) return made.error();
  sqlite3* db = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<StateFile> file(new StateFile(path, db));
  if (opened != SQLITE_OK) return file->failure("cannot be opened");
  int tables = 0, id = 0, version = 0;
  const auto look = [&](const char* sql, int& value) -> Result<void> {
    auto statement = file->prepare(sql);
    if (!statement) return statement.error();
    if (sqlite3_step(statement->get()) != SQLITE_ROW) return file->failure(sql);
    value = sqlite3_column_int(statement->get(), 0);
    return {};
  };
  for (const auto& [sql, value] :
       {std::pair{"SELECT count(*) FROM sqlite_schema", &tables}, std::pair{"PRAGMA application_id", &id},
        std::pair{"PRAGMA user_version", &version}}) {
    if (auto seen = look(sql, *value); !seen) {
      const bool foreign = sqlite3_errcode(file->db_.get()) == SQLITE_NOTADB;
      if (!foreign) return seen.error();
      return Error(Errc::storage,
                   path +
                       ": not a sandbox state file (one of version 0.1 before rows is not read any more: "
                       "move it away and link the sessions again)");
    }
  }
  if (tables != 0 && id != application_id) return Error(Errc::storage, path + ": another program's database");
  if (version > format) return Error(Errc::unsupported, path + ": written by a newer version");
  if (auto set = file->execute(pragmas); !set) return set.error();
  if (tables == 0) {
    const std::string schema =
        "BEGIN IMMEDIATE; PRAGMA application_id = " + std::to_string(application_id) +
        "; PRAGMA user_version = " + std::to_string(format) +
        "; CREATE TABLE row (kind INTEGER NOT NULL, owner TEXT NOT NULL, name BLOB NOT NULL, value BLOB NOT NULL,"
        " PRIMARY KEY (kind, owner, name)) WITHOUT ROWID; COMMIT";
    if (auto made = file->execute(schema.c_str()); !made) return made.error();
  } else if (auto held = file->execute("BEGIN IMMEDIATE; COMMIT");
             !held) {  // takes the lock now, not at the first write
    return held.error();
  }
  auto put = file->prepare(
      "INSERT INTO row (kind, owner, name, value) VALUES (?1, ?2, ?3, ?4)"
      " ON CONFLICT (kind, owner, name) DO UPDATE SET value = excluded.value");
  auto erase = file->prepare("DELETE FROM row WHERE kind = ?1 AND owner = ?2 AND name = ?3");
  if (!put) return put.error();
  if (!erase) return erase.error();
  file->put_ = std::move(*put);
  file->erase_ = std::move(*erase);
  return file;
}

Result<void> StateFile::read(const std::function<bool(const RowKey&, protocol::ByteView)>& row) {
  auto statement = prepare("SELECT kind, owner, name, value FROM row ORDER BY kind, owner, name");
  if (!statement) return statement.error();
  sqlite3_stmt* s = statement->get();
  const auto view = [&](int column) {
    const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(s, column));
    return protocol::ByteView(bytes, static_cast<std::size_t>(sqlite3_column_bytes(s, column)));
  };
  for (;;) {
    const int step = sqlite3_step(s);
    if (step == SQLITE_DONE) return {};
    if (step != SQLITE_ROW) return failure("cannot be read");
    const RowKey key{static_cast<RowKind>(sqlite3_column_int(s, 0)), std::string(protocol::as_text(view(1))),
                     std::string(protocol::as_text(view(2)))};
    if (!row(key, view(3))) return {};
  }
}

Result<void> StateFile::write(const std::vector<RowChange>& changes) {
  if (auto begun = execute("BEGIN IMMEDIATE"); !begun) return begun;
  auto written = write_rows(changes);
  if (written) written = execute("COMMIT");
  if (!written && sqlite3_get_autocommit(db_.get()) == 0) (void)execute("ROLLBACK");
  return written;
}

Result<void> StateFile::write_rows(const std::vector<RowChange>& changes) {
  for (const auto& [key, value] : changes) {
    sqlite3_stmt* s = value ? put_.get() : erase_.get();
    const auto size = [](std::size_t bytes) { return static_cast<sqlite3_uint64>(bytes); };
    sqlite3_bind_int(s, 1, static_cast<int>(key.kind));
    sqlite3_bind_text64(s, 2, key.owner.data(), size(key.owner.size()), SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_blob64(s, 3, key.name.data(), size(key.name.size()), SQLITE_STATIC);
    if (value) {
      // A null pointer would be NULL; an empty row is a row.
      sqlite3_bind_blob64(s, 4, value->empty() ? "" : reinterpret_cast<const char*>(value->data()), size(value->size()),
                          SQLITE_STATIC);
    }
    const int step = sqlite3_step(s);
    Result<void> result;
    if (step != SQLITE_DONE) result = failure("cannot be written");
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    if (!result) return result;
  }
  return {};
}

}  // namespace wharf::sandbox
