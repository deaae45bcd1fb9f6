#include "storage/continuity.h"

#include <sys/stat.h>

#include <fstream>

#include "storage/statement.h"
#include "storage/transaction.h"

namespace wharf::storage {

namespace {

constexpr const char* select_mark = "SELECT complete, copy, boot, inode FROM continuity WHERE id = 1";
constexpr const char* update_mark = "UPDATE continuity SET complete = ?1, copy = 0, boot = ?2, inode = ?3 WHERE id = 1";
constexpr const char* next_epoch = "UPDATE continuity SET ratchet_epoch = ratchet_epoch + 1 WHERE id = 1";
// Half of the 2^23 - 1 ids of uploads away, so that no id of ours means two keys at the server.
constexpr const char* renew_prekeys =
    "UPDATE device SET server_has_prekeys = 0,"
    " next_pre_key_id = (next_pre_key_id + 4194304) % 8388608 + 1,"
    " first_unuploaded = (next_pre_key_id + 4194304) % 8388608 + 1"
    " WHERE server_has_prekeys != 0 OR next_pre_key_id != first_unuploaded";
constexpr const char* set_complete = "UPDATE continuity SET complete = 1 WHERE id = 1";
constexpr const char* set_copy = "UPDATE continuity SET copy = 1 WHERE id = 1";

std::optional<ContinuityMark> read_mark(Database& db) {
  Statement select(db, select_mark);
  if (!select.next()) return std::nullopt;
  ContinuityMark mark;
  mark.complete = select.integer() != 0;
  mark.copy = select.integer() != 0;
  mark.boot = select.text();
  mark.inode = static_cast<std::uint64_t>(select.integer());
  return mark;
}

bool same(const ContinuityMark& a, const ContinuityMark& b) {
  return a.complete == b.complete && a.copy == b.copy && a.boot == b.boot && a.inode == b.inode;
}

Result<void> write_run(Database& db, const ContinuityMark& mark, bool renew) {
  if (renew) {
    if (Result<void> renewed = Statement(db, next_epoch).run(); !renewed) return renewed;
    if (Result<void> renewed = Statement(db, renew_prekeys).run(); !renewed) return renewed;
  }
  return Statement(db, update_mark)
      .number(mark.complete)
      .text(mark.boot)
      .integer(static_cast<std::int64_t>(mark.inode))
      .run();
}

}  // namespace

RunPlace place_of(const std::string& path) {
  RunPlace place;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> place.boot;
  struct stat file {};
  if (path != ":memory:" && ::stat(path.c_str(), &file) == 0) place.inode = file.st_ino;
  return place;
}

std::string break_of_continuity(const ContinuityMark& mark, const RunPlace& now) {
  if (mark.copy) return "the database is a restored backup";
  if (mark.inode != 0 && mark.inode != now.inode) return "the database is a copy of the file that was used before";
  if (!mark.complete && (now.boot.empty() || mark.boot != now.boot)) {
    return "the machine went down while storage.synchronous was not full: the last commits may be missing";
  }
  return "";
}

Result<std::string> begin_run(Database& writer, const RunPlace& place, Synchronous synchronous) {
  const std::optional<ContinuityMark> before = read_mark(writer);
  if (!before) return Error(Errc::storage, "the continuity mark of the database is missing");
  const std::string broken = break_of_continuity(*before, place);
  ContinuityMark now;
  now.complete = synchronous == Synchronous::full;
  if (!now.complete) now.boot = place.boot;
  now.inode = place.inode;
  if (broken.empty() && same(*before, now)) return broken;
  // FULL: later commits lean on this mark, so it must not be lost with them.
  if (Result<void> set = writer.execute("PRAGMA synchronous = FULL"); !set) return set.error();
  Result<void> written = in_transaction(writer, [&] { return write_run(writer, now, !broken.empty()); });
  if (written) written = writer.execute(synchronous_pragma(synchronous));
  if (!written) return written.error();
  return broken;
}

Result<void> end_run(Database& writer) {
  const std::optional<ContinuityMark> mark = read_mark(writer);
  if (!mark || mark->complete) return {};
  // The frames of the log are chained: once this one is on the disk, all before it are.
  if (Result<void> set = writer.execute("PRAGMA synchronous = FULL"); !set) return set;
  return Statement(writer, set_complete).run();
}

Result<void> mark_as_copy(Database& copy) { return Statement(copy, set_copy).run(); }

}  // namespace wharf::storage
