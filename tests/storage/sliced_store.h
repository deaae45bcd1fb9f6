#pragma once
// A store whose purge goes one bounded slice at a time, with each turn and none between them.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "tests/storage/fixture.h"

namespace wharf::test {

/// A store that purges one slice of at most `rows` rows with each turn and none between them.
struct SlicedStore {
  explicit SlicedStore(std::size_t rows);
  ~SlicedStore();
  void reopen();
  storage::Database& db() { return store->reader(); }
  /// Answers how many rows the turn itself changed, without the slice behind it.
  std::int64_t turn(const std::function<void(storage::Changes&)>& fill_turn);
  /// One slice; answers how many rows the one before it changed, its marks included.
  std::int64_t slice();
  bool purged();

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
std::int64_t messages_of(storage::Database& db, storage::SessionId session);

}  // namespace wharf::test
