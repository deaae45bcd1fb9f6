#pragma once
// A store whose purge goes one bounded slice at a time, with each turn and none between them.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "storage/removal.h"
#include "tests/storage/counts.h"
#include "tests/storage/fixture.h"

namespace wharf::test {

/// A store that purges one slice of at most `rows` rows with each turn and none between them.
struct SlicedStore {
  explicit SlicedStore(std::size_t rows) {
    settings.path = folder.file("test.sqlite");
    settings.synchronous = storage::Synchronous::off;
    settings.max_purged_rows = rows;
    settings.purge_pause = settings.index_pause = std::chrono::hours(1);
    settings.post = [this](std::function<void()> call) { loop.post(std::move(call)); };
    store = open_store(settings);
  }
  void reopen() {
    store.reset();
    store = open_store(settings);
  }
  storage::Database& db() { return store->reader(); }
  /// Answers how many rows the turn itself changed, without the slice behind it.
  template <class Fill>
  std::int64_t turn(Fill fill_turn) {
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
  /// One slice; answers how many rows the one before it changed, its marks included.
  std::int64_t slice() {
    turn([](storage::Changes&) {});
    return in_slice;
  }
  bool purged() { return !storage::has_removed(db()); }

  TemporaryFolder folder;
  HandLoop loop;
  storage::Store::Settings settings;
  std::unique_ptr<storage::Store> store;
  std::optional<std::int64_t> noted;
  std::int64_t in_slice = 0;
};

// Tombstones and the counter of message rows: what a slice changes beside its rows.
inline constexpr std::int64_t marks = 4;

/// Message rows of a session, those that wait to be purged too.
inline std::int64_t messages_of(storage::Database& db, storage::SessionId session) {
  return count(db, "SELECT count(*) FROM message WHERE session_id = " + std::to_string(session.value));
}

}  // namespace wharf::test
