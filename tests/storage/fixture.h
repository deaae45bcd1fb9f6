#pragma once
// A folder that disappears, a loop that is run by hand, and turns that must succeed.

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "storage/messages.h"
#include "storage/sessions.h"
#include "storage/store.h"
#include "tests/storage/injection.h"

namespace wharf::test {

class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  std::string file(const std::string& name) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The loop of a test: what the writer posts runs in run_one(), on the test's thread.
class HandLoop {
 public:
  HandLoop();
  HandLoop(const HandLoop&) = delete;
  HandLoop& operator=(const HandLoop&) = delete;
  ~HandLoop();
  void post(std::function<void()> call);
  void run_one();
  template <class Condition>
  void run_until(Condition condition) {
    while (!condition()) run_one();
  }
  std::size_t waiting();

 private:
  struct Calls;
  std::unique_ptr<Calls> calls_;
};

/// Fails the test when it does not open; runs what is injected (injection.h).
std::unique_ptr<storage::Store> open_store(storage::Store::Settings settings);

/// A store whose turns run on the caller.
struct InlineStore {
  explicit InlineStore(std::int64_t max_events = 1'000'000);
  ~InlineStore();
  storage::Database& db() { return store->reader(); }

  storage::Result<void> try_commit(storage::Changes changes);
  /// Fails the test when the turn fails.
  void commit(storage::Changes changes);
  template <class Fill>
  void turn(Fill fill) {
    storage::Changes changes;
    fill(changes);
    commit(std::move(changes));
  }

  TemporaryFolder folder;
  std::unique_ptr<storage::Store> store;
};

storage::SessionRow session_row(std::int64_t id, const std::string& name);
storage::MessageRow message_row(storage::SessionId session, const protocol::Jid& chat, const std::string& id,
                                storage::UnixMs timestamp);

/// Rows of a table, or of any query that counts: for what the repositories do not show.
std::int64_t count(storage::Database& db, const std::string& query);
/// SQLite's own words for how it answers the query.
std::string plan_of(storage::Database& db, const std::string& query);
/// How many instructions of SQLite's machine the call runs on this connection: what it costs, whatever the clock says.
std::int64_t steps_of(storage::Database& db, const std::function<void()>& call);

}  // namespace wharf::test
