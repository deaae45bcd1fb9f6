#include "tests/storage/sliced_store.h"

#include <chrono>
#include <string>

#include "storage/removal.h"
#include "tests/storage/injection.h"

namespace wharf::test {

SlicedStore::SlicedStore(std::size_t rows) {
  settings.path = folder.file("test.sqlite");
  settings.synchronous = storage::Synchronous::off;
  settings.max_purged_rows = rows;
  settings.purge_pause = settings.index_pause = std::chrono::hours(1);
  settings.post = [this](std::function<void()> call) { loop.post(std::move(call)); };
  store = open_store(settings);
}

SlicedStore::~SlicedStore() = default;

void SlicedStore::reopen() {
  store.reset();
  store = open_store(settings);
}

std::int64_t SlicedStore::turn(const std::function<void(storage::Changes&)>& fill_turn) {
  std::int64_t before = 0, after = 0;
  const auto note = [](std::int64_t& changed) {
    return [&changed](storage::Database& writer) -> protocol::Result<void> {
      changed = count(writer, "SELECT total_changes()");
      return {};
    };
  };
  storage::Changes changes;
  inject(changes, note(before));
  fill_turn(changes);
  inject(changes, note(after));
  bool done = false;
  std::optional<protocol::Error> failure;
  store->commit(std::move(changes), [&](protocol::Result<void> result) {
    done = true;
    if (!result) failure = result.error();
  });
  loop.run_until([&] { return done; });
  if (failure) FAIL(failure->detail);
  if (noted) in_slice = before - *noted;
  noted = after;
  return after - before;
}

std::int64_t SlicedStore::slice() {
  turn([](storage::Changes&) {});
  return in_slice;
}

bool SlicedStore::purged() { return !storage::has_removed(db()); }

std::int64_t messages_of(storage::Database& db, storage::SessionId session) {
  return count(db, "SELECT count(*) FROM message WHERE session_id = " + std::to_string(session.value));
}

}  // namespace wharf::test
