#pragma once
// How the writer keeps the index of words (search_index.h): with each batch the index follows the rows in it, now and
// then new rows go in, a writer with nothing else to do takes in the old ones and sweeps. Nothing of it fails a turn.
//
// An index that cannot be read or written (a damaged page) is given up where that is met: the transaction is rolled
// back, one of its own marks the index, without touching it again, and the rows are written once more. From then on
// nothing counts as indexed. A writer with nothing else to do makes a new one, in a transaction of its own, and
// everything goes into that. When this fails too, searches do without until the next start, which tries once more. For
// storage/*.cpp only.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

#include "storage/database.h"
#include "storage/ids.h"

namespace wharf::storage {

class IndexKeeper {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  /// Both clocks of a step.
  struct Now {
    SteadyTime steady;
    UnixMs unix = 0;
  };
  struct Settings {
    // Whatever the rows, texts of most_slice_bytes are many.
    std::size_t rows_of_batch = 500;   // that go in with a batch, when more wait than
    std::size_t most_waiting = 2'000;  // these
    std::size_t rows_of_step = 250;    // of a writer with nothing else to do; so many that wait are not left waiting
    std::chrono::milliseconds sweep_look{600'000};
    /// On the writer's thread: search_index_damaged, search_index_renewed, search_index_missing, and why.
    std::function<void(std::string_view event, std::string_view detail)> tell;
  };

  IndexKeeper(Database& writer, Settings settings) : db_(writer), settings_(std::move(settings)) {}
  /// Where the last run left it. Throws ReadFailure.
  void open();

  /// The index follows the rows that this transaction changed. Inside it, behind the rows. When it fails, the
  /// transaction must be rolled back: FTS5 cannot be trusted to let a savepoint, or the COMMIT, succeed after it met a
  /// damaged page.
  Result<void> follow();
  /// New rows, when many wait. The same.
  Result<void> take_new_rows();
  /// Behind the COMMIT, or the ROLLBACK, of a transaction that called one of the two. True: it was lost because of the
  /// index, which is marked as damaged now, so the same rows can be written again without it.
  bool transaction_ended(const Result<void>& outcome);

  /// A search could not read index `number`. Any thread.
  void ask_for_new_index(std::int64_t number) { unreadable_ = number; }
  bool asked() const { return unreadable_ != 0; }

  /// Whether there is something to do that should not wait; that can wait for a pause; or when to look again.
  bool wants_now() const;
  bool wants_later() const;
  SteadyTime next_look() const { return next_look_; }
  /// One step, in a transaction of its own. Errors: storage_full, as of any commit.
  Result<void> step(Now now);

 private:
  enum class State {
    whole,
    damaged,  // marked, or to be marked; a new one is to be made
    missing,  // damaged, and no new one could be made
  };
  static constexpr int most_renewals = 3;  // of a run: a disk that damages each new one is not written full with them

  Result<void> take_in(std::size_t rows);
  Result<void> written(Result<void> done);
  void found_damaged(const Error& error);
  Result<void> mark();
  Result<void> look_at_unreadable();
  Result<void> renew();
  Result<void> take_in_alone();
  Result<void> sweep(Now now);
  std::int64_t waiting() const;
  bool much_text_waits() const;
  bool many_wait(std::size_t rows) const;

  Database& db_;
  Settings settings_;
  State state_ = State::whole;
  bool written_ = false, unwritable_ = false;  // in this transaction
  bool more_ = false;                          // was left by the last slice, or by the time before the index
  bool sweeping_ = false;
  int renewals_ = 0;
  SteadyTime next_look_{};
  std::atomic<std::int64_t> unreadable_ = 0;  // the number of an index; 0: none
};

}  // namespace wharf::storage
