#include "tests/storage/fixture.h"

#include <sqlite3.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <mutex>

namespace wharf::test {

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "wharf-storage-XXXXXX").string();
  path_ = ::mkdtemp(pattern.data());
}

TemporaryFolder::~TemporaryFolder() { std::filesystem::remove_all(path_); }

std::string TemporaryFolder::file(const std::string& name) const { return path_ + "/" + name; }

struct HandLoop::Calls {
  std::mutex mutex;
  std::condition_variable arrived;
  std::deque<std::function<void()>> waiting;
};

HandLoop::HandLoop() : calls_(std::make_unique<Calls>()) {}
HandLoop::~HandLoop() = default;

void HandLoop::post(std::function<void()> call) {
  {
    const std::lock_guard lock(calls_->mutex);
    calls_->waiting.push_back(std::move(call));
  }
  calls_->arrived.notify_one();
}

void HandLoop::run_one() {
  std::unique_lock lock(calls_->mutex);
  calls_->arrived.wait(lock, [this] { return !calls_->waiting.empty(); });
  std::function<void()> call = std::move(calls_->waiting.front());
  calls_->waiting.pop_front();
  lock.unlock();
  call();
}

std::size_t HandLoop::waiting() {
  const std::lock_guard lock(calls_->mutex);
  return calls_->waiting.size();
}

std::unique_ptr<storage::Store> open_store(storage::Store::Settings settings) {
  settings.before_change = run_injected;
  auto store = storage::Store::open(std::move(settings));
  if (!store) FAIL(store.error().detail);
  return std::move(*store);
}

InlineStore::InlineStore(std::int64_t max_events) {
  storage::Store::Settings settings;
  settings.path = folder.file("test.sqlite");
  settings.synchronous = storage::Synchronous::off;
  settings.max_events = max_events;
  store = open_store(settings);
}

InlineStore::~InlineStore() = default;

storage::Result<void> InlineStore::try_commit(storage::Changes changes) {
  storage::Result<void> outcome = storage::Error(storage::Errc::internal, "not completed");
  store->commit(std::move(changes), [&outcome](storage::Result<void> result) { outcome = std::move(result); });
  return outcome;
}

void InlineStore::commit(storage::Changes changes) {
  const storage::Result<void> outcome = try_commit(std::move(changes));
  if (!outcome) FAIL(outcome.error().detail);
}

storage::SessionRow session_row(std::int64_t id, const std::string& name) {
  storage::SessionRow row;
  row.id = storage::SessionId{id};
  row.name = name;
  row.status = "READY";
  row.config = "{}";
  row.metadata = "{}";
  return row;
}

storage::MessageRow message_row(storage::SessionId session, const protocol::Jid& chat, const std::string& id,
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

std::int64_t count(storage::Database& db, const std::string& query) {
  sqlite3_stmt* statement = nullptr;
  INFO(query);
  REQUIRE(sqlite3_prepare_v2(db.handle(), query.c_str(), -1, &statement, nullptr) == SQLITE_OK);
  const std::int64_t value = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
  sqlite3_finalize(statement);
  return value;
}

std::string plan_of(storage::Database& db, const std::string& query) {
  sqlite3_stmt* statement = nullptr;
  INFO(query);
  REQUIRE(sqlite3_prepare_v2(db.handle(), ("EXPLAIN QUERY PLAN " + query).c_str(), -1, &statement, nullptr) ==
          SQLITE_OK);
  std::string plan;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    plan += reinterpret_cast<const char*>(sqlite3_column_text(statement, 3));
    plan += "\n";
  }
  sqlite3_finalize(statement);
  return plan;
}

std::int64_t steps_of(storage::Database& db, const std::function<void()>& call) {
  std::int64_t steps = 0;
  const auto count_step = [](void* counted) {
    ++*static_cast<std::int64_t*>(counted);
    return 0;
  };
  sqlite3_progress_handler(db.handle(), 1, count_step, &steps);
  call();
  sqlite3_progress_handler(db.handle(), 0, nullptr, nullptr);
  return steps;
}

}  // namespace wharf::test
