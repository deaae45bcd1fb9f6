#include "storage/backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <vector>

#include "storage/continuity.h"
#include "storage/migrations.h"

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

struct File {
  dev_t device = 0;
  ino_t number = 0;
  bool operator==(const File&) const = default;
};
std::optional<File> file_at(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return File{status.st_dev, status.st_ino};
}

/// Whether it begins as a file of ours does (the header of SQLite: its name, at 68 the application id).
bool is_wharf_database(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 72> header{};
  if (!file.read(header.data(), header.size())) return false;
  if (std::memcmp(header.data(), "SQLite format 3", 16) != 0) return false;
  std::uint32_t id = 0;
  for (std::size_t i = 68; i < 72; ++i) id = id << 8 | static_cast<unsigned char>(header[i]);
  return id == static_cast<std::uint32_t>(application_id);
}

/// The database itself may be named by another path, a link, or through one of its companions.
Result<void> check_target(Database& source, const std::string& target) {
  const auto there = file_at(target);
  const std::string name = sqlite3_db_filename(source.handle(), "main");
  for (const char* companion : {"", "-wal", "-shm"}) {
    if (there && file_at(name + companion) == there)
      return Error(Errc::conflict, target + ": is the database that is to be copied");
  }
  // SQLite would read it as a part of the copy.
  if (file_at(target + "-wal")) return Error(Errc::conflict, target + ": a -wal file of this name is there: in use?");
  if (there && !is_wharf_database(target)) return Error(Errc::conflict, target + ": exists and is no backup of Wharf");
  return {};
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
  if (Result<void> checked = check_target(source, target); !checked) return checked;
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
