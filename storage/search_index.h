#pragma once
// The index of the words of messages (FTS5), and how it follows the rows.
//
// A turn that sends or receives a message pays nothing for it: the writer indexes rows later, some hundred at once,
// when it has nothing else to do or when many wait. `search_progress` says which rows are in the index: those behind
// after_row up to through_row. Above it are the newest, which a search reads itself (search.h); below it are those of
// the time before the index, which go in from the newest down, a slice at a time. Progress and index change in one
// transaction, so a kill at any point leaves them true of each other.
//
// What happens to a row in that range (an edit, a revoke, a deletion, a new place or time) happens to the index in the
// same transaction: triggers of the writing connection note it, whoever changes the row, and index_changes carries it
// out before the commit. The index keeps no text: view `message_words` says what is indexed of a row, and FTS5 takes
// out what it is told was in. So the view is never changed without an empty index: together with a migration that says
// 'delete-all' to the index and puts both marks on the last row.
//
// The place of a message is seconds << 31 | row, and its rowid in the index is that counted down from the largest: the
// newest is the first, so that a page of the newest costs no sort and a range of time is a range of rowids. FTS5 reads
// its lists forward in two thirds of the time that it takes backward. What narrows a search are words too, in the
// column `scope`: FTS5 then intersects where a filter behind it would read through all messages of all sessions.
//
// FTS5 of SQLite 3.40 takes a word out by a note that it is gone; the word itself stays in an older segment until the
// two are merged. A sweep merges all of the index in slices, at most once in sweep_interval_ms and only when something
// was taken out since the last one. What slices and sweeps free is overwritten.
//
// For storage/*.cpp only; what does not say otherwise is for the writing connection.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "storage/database.h"
#include "storage/ids.h"

namespace wharf::storage {

/// Makes the view on a connection; follow_messages the triggers too, on one that writes.
Result<void> see_words(Database& db);
Result<void> follow_messages(Database& db);
/// Whether this transaction changed rows that are indexed; index_changes lets the index follow. Before index_messages,
/// and before each commit. Throws ReadFailure.
bool index_change_waits(Database& db);
Result<void> index_changes(Database& db);
/// When it failed, the index is damaged: marks it, so that nothing counts as indexed and nobody reads or writes it.
/// Does not touch it. Inside the transaction.
Result<void> give_up_index(Database& db);
/// What becomes of the old one: a table with a damaged page cannot be dropped. `set_aside` only renames it, to
/// message_index_damaged_<number>.
enum class OldIndex { dropped, set_aside };
/// An empty one in its place, into which everything goes again. Inside a transaction of its own: dropping takes time by
/// the size of the old one.
Result<void> renew_index(Database& db, OldIndex old);

/// Rows with after_row < row <= through_row are in the index.
struct SearchProgress {
  std::int64_t after_row = 0, through_row = 0;
  std::int64_t number = 1;  // a renewed index has the next one
  bool damaged = false;     // given up: it must not be read or written
};
/// Any connection. Throws ReadFailure.
SearchProgress search_progress(Database& db);
/// Rows above through_row, by their numbers. Throws ReadFailure.
std::int64_t unindexed_messages(Database& db);
/// Whether their texts reach most_slice_bytes. Reads each row once (storage/recall.h). Throws ReadFailure.
bool much_text_unindexed(Database& db);
/// What it has read so far.
struct UnindexedText {
  std::int64_t after_row = 0, read_row = 0;
  std::size_t bytes = 0;  // of the rows behind after_row up to read_row
};

/// Where a message stands in the order of the index.
inline constexpr int search_row_bits = 31;
std::int64_t search_key(std::int64_t row, UnixMs timestamp);
/// The smallest key of a time; rows of one second have no order by time among them but by row.
std::int64_t search_key_of(UnixMs timestamp);
/// The rowid of a key, and the key of a rowid; neither is negative.
constexpr std::int64_t index_rowid(std::int64_t key) { return std::numeric_limits<std::int64_t>::max() - key; }

/// Indexes at most `rows` rows, or those whose text reaches most_slice_bytes: the newest first. True: more is left.
/// Inside a transaction. Throws ReadFailure.
Result<bool> index_messages(Database& db, std::size_t rows);
inline constexpr std::size_t most_slice_bytes = 256u << 10;

inline constexpr UnixMs sweep_interval_ms = 6 * 60 * 60 * 1000;
/// Whether a sweep goes on, or one is due at `now`. Throws ReadFailure.
bool sweep_waits(Database& db, UnixMs now);
/// A slice of it. True: it is not over. Inside a transaction. Throws ReadFailure.
Result<bool> sweep_index(Database& db, UnixMs now);

/// While it lives, what the connection frees is overwritten, whole pages too.
class Overwriting {
 public:
  explicit Overwriting(Database& db);
  ~Overwriting();
  Overwriting(const Overwriting&) = delete;
  Overwriting& operator=(const Overwriting&) = delete;

 private:
  Database& db_;
};

}  // namespace wharf::storage
