#pragma once
// A folder that disappears, a loop that is run by hand, and turns that must succeed.

#include <unistd.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>

#include "storage/messages.h"
#include "storage/sessions.h"
#include "storage/store.h"
#include "tests/storage/injection.h"

namespace wharf::test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "wharf-storage-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The loop of a test: what the writer posts runs in run_one(), on the test's thread.
class HandLoop {
 public:
  void post(std::function<void()> call) {
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back(std::move(call));
    }
    arrived_.notify_one();
  }
  void run_one() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return !calls_.empty(); });
    std::function<void()> call = std::move(calls_.front());
    calls_.pop_front();
    lock.unlock();
    call();
  }
  template <class Condition>
  void run_until(Condition condition) {
    while (!condition()) run_one();
  }
  std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return calls_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::function<void()>> calls_;
};

inline std::unique_ptr<storage::Store> open_store(storage::Store::Settings settings) {
  settings.before_change = run_injected;
  auto store = storage::Store::open(std::move(settings));
  if (!store) FAIL(store.error().detail);
  return std::move(*store);
}

/// A store whose turns run on the caller.
struct InlineStore {
  explicit InlineStore(std::int64_t max_events = 1'000'000) {
    storage::Store::Settings settings;
    settings.path = folder.file("test.sqlite");
    settings.synchronous = storage::Synchronous::off;
    settings.max_events = max_events;
    store = open_store(settings);
  }
  storage::Database& db() { return store->reader(); }

  storage::Result<void> try_commit(storage::Changes changes) {
    storage::Result<void> outcome = storage::Error(storage::Errc::internal, "not completed");
    store->commit(std::move(changes), [&outcome](storage::Result<void> result) { outcome = std::move(result); });
    return outcome;
  }
  template <class Fill>
  void turn(Fill fill) {
    storage::Changes changes;
    fill(changes);
    const storage::Result<void> outcome = try_commit(std::move(changes));
    if (!outcome) FAIL(outcome.error().detail);
  }

  TemporaryFolder folder;
  std::unique_ptr<storage::Store> store;
};

inline storage::SessionRow session_row(std::int64_t id, const std::string& name) {
  storage::SessionRow row;
  row.id = storage::SessionId{id};
  row.name = name;
  row.status = "READY";
  row.config = "{}";
  row.metadata = "{}";
  return row;
}

inline storage::MessageRow message_row(storage::SessionId session, const protocol::Jid& chat, const std::string& id,
                                       storage::UnixMs timestamp) {
  storage::MessageRow row;
  row.session = session;
  row.chat = chat;
  row.id = id;
  row.author = chat;
  row.kind = "text";
  row.body = "body of " + id;
  row.timestamp = timestamp;
  row.created_at = timestamp;
  return row;
}

/// Rows of a table, or of any query that counts: for what the repositories do not show.
std::int64_t count(storage::Database& db, const std::string& query);
/// SQLite's own words for how it answers the query.
std::string plan_of(storage::Database& db, const std::string& query);
/// How many instructions of SQLite's machine the call runs on this connection: what it costs, whatever the clock says.
std::int64_t steps_of(storage::Database& db, const std::function<void()>& call);

}  // namespace wharf::test
