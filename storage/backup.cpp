#include "storage/backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "storage/continuity.h"

namespace wharf::storage {

namespace {

constexpr int pages_per_step = 256;

Error system_error(const std::string& path) {
  const int reason = errno;
  const bool full = reason == ENOSPC || reason == EROFS || reason == EDQUOT;
  return Error(full ? Errc::storage_full : Errc::storage, path + ": " + std::strerror(reason));
}

Result<void> make_durable(const std::string& path, int flags) {
  const int file = ::open(path.c_str(), flags | O_CLOEXEC);
  if (file < 0) return system_error(path);
  const int synced = ::fsync(file);
  Result<void> result;
  if (synced != 0) result = system_error(path);
  ::close(file);
  return result;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> copy_pages(Database& source, const std::string& path) {
  sqlite3* copy = nullptr;
  constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  int code = sqlite3_open_v2(path.c_str(), &copy, flags, nullptr);
  // The copy is worthless until it is complete, so it needs no journal of its own and one fsync at the end.
  constexpr const char* pragmas = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF";
  if (code == SQLITE_OK) code = sqlite3_exec(copy, pragmas, nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) {
    if (sqlite3_backup* backup = sqlite3_backup_init(copy, "main", source.handle(), "main")) {
      do {
        code = sqlite3_backup_step(backup, pages_per_step);
      } while (code == SQLITE_OK);
      sqlite3_backup_finish(backup);
    } else {
      code = sqlite3_errcode(copy);
    }
  }
  Result<void> result;
  if (code != SQLITE_DONE) {
    const int kind = code & 0xff;
    const bool full = kind == SQLITE_FULL || kind == SQLITE_IOERR || kind == SQLITE_READONLY;
    result = Error(full ? Errc::storage_full : Errc::storage, "backup: " + std::string(sqlite3_errstr(code)));
  }
  sqlite3_close_v2(copy);
  return result;
}

/// So that a restored copy is known as one: its ratchets lag behind what the original went on to send.
Result<void> mark(const std::string& path) {
  auto copy = Database::open(path, Database::Mode::read_write, Synchronous::off);
  if (!copy) return copy.error();
  if (Result<void> marked = mark_as_copy(**copy); !marked) return marked;
  return (*copy)->execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace

Result<void> copy_database(Database& source, const std::string& target) {
  std::string pattern = target + ".XXXXXX";
  std::vector<char> temporary(pattern.c_str(), pattern.c_str() + pattern.size() + 1);
  const int file = ::mkostemp(temporary.data(), O_CLOEXEC);  // mode 0600: the copy holds keys
  if (file < 0) return system_error(target);
  ::close(file);
  const std::string path(temporary.data());

  // Held open, this read transaction pins one snapshot: without it every foreign commit restarts the copy, and under
  // steady writing it would never end.
  Result<void> result = source.execute("BEGIN; SELECT count(*) FROM sqlite_master;");
  if (result) result = copy_pages(source, path);
  if (source.in_transaction()) (void)source.execute("COMMIT");
  if (result) result = mark(path);
  if (result) result = make_durable(path, O_RDWR);
  if (result && std::rename(path.c_str(), target.c_str()) != 0) result = system_error(target);
  if (!result) {
    ::unlink(path.c_str());
    return result;
  }
  return make_durable(folder_of(target), O_RDONLY | O_DIRECTORY);
}

}  // namespace wharf::storage
