#pragma once
// One SQLite connection with its prepared statements. No SQL and no sqlite3* leaves storage/.
// Used from one thread at a time: the writer thread, the loop (reading) or a worker (reading).

#include <memory>
#include <stdexcept>
#include <string>

#include "protocol/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace wharf::storage {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

enum class Synchronous { off, normal, full };

/// The statement that sets it on a connection.
const char* synchronous_pragma(Synchronous synchronous);

class Recall;

/// A look-up that SQLite could not answer (I/O error, corrupt page). Thrown by the find_/load_/page_ functions,
/// because "not there" would be a dangerous lie: a missing ratchet, for example, makes the actor start a new session.
class ReadFailure : public std::runtime_error {
 public:
  explicit ReadFailure(Error e) : std::runtime_error(e.detail), error(std::move(e)) {}
  Error error;
};

class Database {
 public:
  enum class Mode { read_write, read_only };
  /// read_write creates the file (mode 0600) and applies migrations.
  /// Errors: storage, storage_full (disk full or read-only), unsupported (file written by a newer Wharf).
  static Result<std::unique_ptr<Database>> open(const std::string& path, Mode mode, Synchronous synchronous);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  sqlite3* handle() { return handle_; }  // storage/*.cpp only
  /// Cached by pointer: pass string constants only. nullptr when SQLite refuses it: see last_error().
  sqlite3_stmt* prepared(const char* sql);
  Error last_error(const char* what) const;  // SQLITE_FULL, READONLY, IOERR -> storage_full

  bool in_transaction() const;
  /// What this connection remembers of rows (storage/recall.h).
  Recall& recall();
  /// Several statements without results, for pragmas and migrations.
  Result<void> execute(const char* sql);

 private:
  explicit Database(sqlite3* handle);
  struct Statements;
  sqlite3* handle_;
  std::unique_ptr<Statements> statements_;
};

}  // namespace wharf::storage
