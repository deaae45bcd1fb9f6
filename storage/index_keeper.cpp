#include "storage/index_keeper.h"

#include <utility>

#include "storage/recall.h"
#include "storage/search_index.h"
#include "storage/transaction.h"

namespace wharf::storage {

void IndexKeeper::open() {
  const SearchProgress progress = search_progress(db_);
  state_ = progress.damaged ? State::damaged : State::whole;
  more_ = progress.after_row > 0;
}

Result<void> IndexKeeper::follow() {
  if (state_ != State::whole || !index_change_waits(db_)) return {};
  return written(in_savepoint(db_, [this] { return index_changes(db_); }));
}

Result<void> IndexKeeper::take_new_rows() {
  Result<void> done;
  if (many_wait(settings_.most_waiting + 1)) done = take_in(settings_.rows_of_batch);
  // A batch can bring as much text as two slices take in.
  if (done && much_text_waits()) done = take_in(settings_.rows_of_batch);
  // On a full disk the rows wait for the next batch, and so do the changes.
  return done || (done.error().code == Errc::storage_full && db_.in_transaction()) ? Result<void>() : done;
}

/// One slice, inside the transaction.
Result<void> IndexKeeper::take_in(std::size_t rows) {
  more_ = false;
  return written(in_savepoint(db_, [&]() -> Result<void> {
    const Result<bool> left = index_messages(db_, rows);
    if (!left) return left.error();
    more_ = *left;
    return {};
  }));
}

Result<void> IndexKeeper::written(Result<void> done) {
  written_ = true;
  if (done) return done;
  db_.recall().forget();
  more_ = false;
  if (done.error().code != Errc::storage_full) unwritable_ = true;
  return done;
}

bool IndexKeeper::transaction_ended(const Result<void>& outcome) {
  const bool failed = std::exchange(unwritable_, false);
  // What FTS5 keeps in memory meets a damaged page as late as in the COMMIT.
  const bool perhaps = std::exchange(written_, false) && !outcome && outcome.error().code == Errc::storage;
  if (outcome || !(failed || perhaps)) return false;
  found_damaged(outcome.error());
  return mark().has_value();
}

void IndexKeeper::found_damaged(const Error& error) {
  more_ = sweeping_ = false;
  if (state_ != State::whole) return;
  state_ = renewals_ < most_renewals ? State::damaged : State::missing;
  settings_.tell("search_index_damaged", error.detail);
  if (state_ == State::missing) settings_.tell("search_index_missing", "damaged again and again");
}

Result<void> IndexKeeper::mark() {
  Result<void> marked = in_transaction(db_, [this] { return give_up_index(db_); });
  db_.recall().forget();
  return marked;
}

std::int64_t IndexKeeper::waiting() const {
  if (state_ != State::whole) return 0;
  try {
    return unindexed_messages(db_);
  } catch (const ReadFailure&) {
    return 0;
  }
}

bool IndexKeeper::much_text_waits() const {
  if (waiting() == 0) return false;
  try {
    return much_text_unindexed(db_);
  } catch (const ReadFailure&) {
    return false;
  }
}

bool IndexKeeper::many_wait(std::size_t rows) const {
  return waiting() >= static_cast<std::int64_t>(rows) || much_text_waits();
}

bool IndexKeeper::wants_now() const {
  return unreadable_ != 0 || state_ == State::damaged || more_ || sweeping_ || many_wait(settings_.rows_of_step);
}

bool IndexKeeper::wants_later() const { return waiting() > 0; }

Result<void> IndexKeeper::step(Now now) {
  if (unreadable_ != 0) return look_at_unreadable();
  if (state_ == State::damaged) return renew();
  if (more_ || waiting() > 0) return take_in_alone();
  return sweep(now);
}

Result<void> IndexKeeper::look_at_unreadable() {
  const std::int64_t number = unreadable_.exchange(0);
  try {
    if (state_ != State::whole || search_progress(db_).number != number) return {};
  } catch (const ReadFailure&) {
    return {};
  }
  found_damaged(Error(Errc::storage, "a search could not read it"));
  return mark();
}

Result<void> IndexKeeper::renew() {
  ++renewals_;
  Result<void> done;
  for (const OldIndex old : {OldIndex::dropped, OldIndex::set_aside}) {
    done = in_transaction(db_, [&] { return renew_index(db_, old); });
    db_.recall().forget();
    if (done) break;
  }
  if (done) {
    state_ = State::whole;
    more_ = true;
    settings_.tell("search_index_renewed", "messages go into a new one, from the newest down");
    return {};
  }
  const bool full = done.error().code == Errc::storage_full;
  if (full && renewals_ < most_renewals) return done;
  state_ = State::missing;
  settings_.tell("search_index_missing", done.error().detail);
  return full ? done : Result<void>();
}

Result<void> IndexKeeper::take_in_alone() {
  const Overwriting overwriting(db_);
  Result<void> done = in_transaction(db_, [this] { return take_in(settings_.rows_of_step); });
  if (!done) db_.recall().forget();
  if (transaction_ended(done)) return {};
  return done;
}

/// A slice of a sweep, or the look whether one is due.
Result<void> IndexKeeper::sweep(Now now) {
  next_look_ = now.steady + settings_.sweep_look;
  sweeping_ = false;
  if (state_ != State::whole) return {};
  try {
    if (!sweep_waits(db_, now.unix)) return {};
  } catch (const ReadFailure&) {
    return {};
  }
  const Overwriting overwriting(db_);
  bool more = false;
  Result<void> done = in_transaction(db_, [&]() -> Result<void> {
    const Result<bool> left = sweep_index(db_, now.unix);
    if (!left) return left.error();
    more = *left;
    return {};
  });
  sweeping_ = done && more;
  if (done) return {};
  db_.recall().forget();
  if (done.error().code == Errc::storage_full) return done;
  found_damaged(done.error());
  return mark();
}

}  // namespace wharf::storage
