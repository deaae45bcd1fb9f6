#pragma once
// The file behind the simulated network's rows: one SQLite table. It holds private keys, so it is readable by its owner
// alone. SQLite is used directly: storage/ is the gateway's schema and migrations, which do not belong in this file.
// One thread at a time.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "protocol/result.h"
#include "sandbox/rows.h"

struct sqlite3;
struct sqlite3_stmt;

namespace wharf::sandbox {

class StateFile {
 public:
  /// Creates the file with mode 0600 (an existing one gets that mode). Errors: storage (a message for the operator: not
  /// a state file, in use by another process, no permission), unsupported (written by a newer version).
  static protocol::Result<std::unique_ptr<StateFile>> open(const std::string& path);
  ~StateFile();
  StateFile(const StateFile&) = delete;
  StateFile& operator=(const StateFile&) = delete;

  /// Every row in the order of RowKey; `row` gives false to stop. Errors: storage.
  protocol::Result<void> read(const std::function<bool(const RowKey&, protocol::ByteView)>& row);
  /// All or none; durable when it returns (synced, not only handed to the system). Errors: storage.
  protocol::Result<void> write(const std::vector<RowChange>& changes);

 private:
  struct Close {
    void operator()(sqlite3* db) const;
    void operator()(sqlite3_stmt* statement) const;
  };
  StateFile(std::string path, sqlite3* db) : path_(std::move(path)), db_(db) {}
  protocol::Error failure(const char* what) const;
  protocol::Result<void> execute(const char* sql);
  protocol::Result<std::unique_ptr<sqlite3_stmt, Close>> prepare(const char* sql);
  protocol::Result<void> write_rows(const std::vector<RowChange>& changes);

  std::string path_;
  std::unique_ptr<sqlite3, Close> db_;
  std::unique_ptr<sqlite3_stmt, Close> put_, erase_;  // destroyed before db_
};

}  // namespace wharf::sandbox
