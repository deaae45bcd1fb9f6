#include "storage/search_index.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

#include "storage/chat_bump.h"
#include "storage/recall.h"
#include "storage/removal.h"
#include "storage/search_words.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

// `more`: names of files, places and cards, questions and options. Every other text of the details is the machine's.
#define WHARF_WORDS_OF_DETAILS                                                                    \
  "(CASE WHEN details = '' THEN '' ELSE ifnull((SELECT group_concat(atom, ' ')"                   \
  " FROM json_tree(CASE WHEN json_valid(details) THEN details ELSE '{}' END) WHERE type = 'text'" \
  " AND (key IN ('name', 'address', 'filename', 'description', 'groupName') OR path LIKE '%.options')), '') END)"
// `key` is the rowid in the index, index_rowid. +row: else SQLite takes this for the end of a range of rows, and reads
// past the one that is asked for.
constexpr const char* words_view =
    "CREATE TEMP VIEW IF NOT EXISTS message_words AS SELECT row, session_id,"
    " 9223372036854775807 - (max(0, min(timestamp / 1000, 4294967295)) << 31 | row) AS key, "
    "body, " WHARF_WORDS_OF_DETAILS
    " AS more,"
    " 's' || session_id || ' c' || session_id || 'x' || chat_id"
    " || CASE WHEN from_me = 0 AND author_id <> chat_id THEN ' a' || session_id || 'x' || author_id ELSE '' END"
    " || CASE WHEN kind <> 'text' THEN ' k' || session_id || 'x' || replace(kind, '_', '') ELSE '' END AS scope"
    " FROM main.message WHERE +row < 2147483648 AND" WHARF_MESSAGE_SHOWN(
        message) " AND revoked_at = 0 AND (body <> '' OR " WHARF_WORDS_OF_DETAILS " <> '')";

// A row that is in the index is noted with what is indexed of it before it changes the first time. FTS5 cannot be
// written by the trigger itself: SQLite does not let triggers write virtual tables where schemas are not trusted.
#define WHARF_NOTE                                                                       \
  " ON main.message WHEN old.row > (SELECT after_row FROM search_progress WHERE id = 1)" \
  " AND old.row <= (SELECT through_row FROM search_progress WHERE id = 1)"               \
  " BEGIN INSERT OR IGNORE INTO index_change (row, key, body, more, scope)"              \
  " SELECT old.row, w.key, w.body, w.more, w.scope FROM (SELECT 1) LEFT JOIN message_words w ON w.row = old.row; END;"
// Of the connection, not of the file, and so is the view: in the schema of a file SQLite trusts no JSON function.
constexpr const char* notes =
    "CREATE TEMP TABLE index_change (row INTEGER PRIMARY KEY, key INTEGER, body TEXT, more TEXT, scope TEXT);"
    "CREATE TEMP TRIGGER message_leaves_index BEFORE DELETE" WHARF_NOTE
    "CREATE TEMP TRIGGER message_changes_in_index BEFORE UPDATE OF session_id, chat_id, author_id, from_me, kind,"
    " timestamp, revoked_at, body, details" WHARF_NOTE;
constexpr const char* select_noted = "SELECT 1 FROM temp.index_change LIMIT 1";
constexpr const char* take_out =
    "INSERT INTO message_index (message_index, rowid, body, more, scope)"
    " SELECT 'delete', key, body, more, scope FROM temp.index_change WHERE key IS NOT NULL ORDER BY key";
constexpr const char* put_back =
    "INSERT INTO message_index (rowid, body, more, scope) SELECT w.key, w.body, w.more, w.scope"
    " FROM temp.index_change c CROSS JOIN message_words w ON w.row = c.row ORDER BY w.key";
constexpr const char* forget_notes = "DELETE FROM temp.index_change WHERE row IS NOT NULL";
constexpr const char* note_taken_out = "UPDATE search_progress SET taken_out = 1 WHERE id = 1 AND taken_out = 0";

constexpr const char* select_progress =
    "SELECT after_row, through_row, number, damaged FROM search_progress WHERE id = 1";
constexpr const char* put_progress = "UPDATE search_progress SET after_row = ?1, through_row = ?2 WHERE id = 1";
constexpr const char* select_above =
    "SELECT row, length(body) + length(details) FROM message WHERE row > ?1 ORDER BY row LIMIT ?2";
constexpr const char* select_new =
    "SELECT row, length(body) + length(details) FROM message WHERE row > ?1 ORDER BY row";
constexpr const char* select_below =
    "SELECT row, length(body) + length(details) FROM message WHERE row <= ?1 ORDER BY row DESC LIMIT ?2";
// In the order of the index: a rowid below the one before it begins a segment of its own.
constexpr const char* index_rows =
    "INSERT INTO message_index (rowid, body, more, scope)"
    " SELECT key, body, more, scope FROM message_words WHERE row > ?1 AND row <= ?2 ORDER BY key";

constexpr const char* mark_damaged =
    "UPDATE search_progress SET after_row = ?1, through_row = ?1, taken_out = 0, sweeping = 0, damaged = 1"
    " WHERE id = 1";
constexpr const char* mark_renewed =
    "UPDATE search_progress SET after_row = ?1, through_row = ?1, taken_out = 0, sweeping = 0, damaged = 0,"
    " number = number + 1 WHERE id = 1";
constexpr const char* drop_index = "DROP TABLE message_index";
// As the migration made it.
constexpr const char* create_index =
    "CREATE VIRTUAL TABLE message_index USING fts5 (body, more, scope, content='', columnsize=0, prefix='3',"
    " tokenize='" WHARF_SEARCH_TOKENIZER
    "');"
    "INSERT INTO message_index (message_index, rank) VALUES ('automerge', 0);";

constexpr const char* select_sweep = "SELECT taken_out, sweeping, swept_at FROM search_progress WHERE id = 1";
constexpr const char* begin_sweep = "UPDATE search_progress SET taken_out = 0, sweeping = 1 WHERE id = 1";
constexpr const char* end_sweep = "UPDATE search_progress SET sweeping = 0, swept_at = ?1 WHERE id = 1";
// A negative number puts all segments into one merge, which the positive ones go on with.
constexpr const char* merge_pages = "INSERT INTO message_index (message_index, rank) VALUES ('merge', ?1)";
constexpr std::int64_t pages_of_slice = 64;
// With each write, in place of FTS5's own merges, which come seldom and then take three times as long.
constexpr std::int64_t pages_of_write = 48;

constexpr UnixMs last_second = 0xffffffff;

struct Slice {
  std::int64_t last = 0;  // row
  bool ends = true;       // nothing lies behind it
};

Slice slice_of(Database& db, const char* sql, std::int64_t from, std::size_t rows) {
  Slice slice;
  std::size_t count = 0, bytes = 0;
  Statement select(db, sql);
  select.integer(from).number(rows);
  while (bytes < most_slice_bytes && select.next()) {
    slice.last = select.integer();
    bytes += select.number<std::size_t>();
    ++count;
  }
  slice.ends = bytes < most_slice_bytes && count < rows;
  return slice;
}

Result<void> put(Database& db, const SearchProgress& progress) {
  const Result<void> done = Statement(db, put_progress).integer(progress.after_row).integer(progress.through_row).run();
  if (done) db.recall().search_progress = progress;
  return done;
}

Result<void> index_range(Database& db, std::int64_t after, std::int64_t through) {
  if (Result<void> done = Statement(db, index_rows).integer(after).integer(through).run(); !done) return done;
  return Statement(db, merge_pages).integer(pages_of_write).run();
}

}  // namespace

Result<void> see_words(Database& db) { return db.execute(words_view); }

Result<void> follow_messages(Database& db) {
  if (Result<void> seen = see_words(db); !seen) return seen;
  return db.execute(notes);
}

bool index_change_waits(Database& db) { return Statement(db, select_noted).next(); }

Result<void> index_changes(Database& db) {
  for (const char* sql : {take_out, put_back, forget_notes, note_taken_out})
    if (Result<void> done = Statement(db, sql).run(); !done) return done;
  return Statement(db, merge_pages).integer(pages_of_write).run();
}

Result<void> give_up_index(Database& db) {
  if (Result<void> done = Statement(db, forget_notes).run(); !done) return done;
  db.recall().search_progress.reset();
  return Statement(db, mark_damaged).integer(last_message_row(db)).run();
}

Result<void> renew_index(Database& db, OldIndex old) {
  const std::string set_aside =
      fmt::format("ALTER TABLE message_index RENAME TO message_index_damaged_{}", search_progress(db).number);
  if (Result<void> gone = db.execute(old == OldIndex::dropped ? drop_index : set_aside.c_str()); !gone) return gone;
  if (Result<void> made = db.execute(create_index); !made) return made;
  db.recall().search_progress.reset();
  return Statement(db, mark_renewed).integer(last_message_row(db)).run();
}

SearchProgress search_progress(Database& db) {
  Statement select(db, select_progress);
  if (!select.next()) throw ReadFailure(Error(Errc::storage, "search_progress has no row"));
  SearchProgress progress;
  for (std::int64_t* field : {&progress.after_row, &progress.through_row, &progress.number}) *field = select.integer();
  progress.damaged = select.integer() != 0;
  return progress;
}

namespace {

SearchProgress& remembered(Database& db) {
  std::optional<SearchProgress>& progress = db.recall().search_progress;
  if (!progress) progress = search_progress(db);
  return *progress;
}

}  // namespace

std::int64_t unindexed_messages(Database& db) { return last_message_row(db) - remembered(db).through_row; }

bool much_text_unindexed(Database& db) {
  const std::int64_t through = remembered(db).through_row, last = last_message_row(db);
  UnindexedText& text = db.recall().unindexed;
  if (text.after_row != through) text = {through, through, 0};
  if (text.read_row < last && text.bytes < most_slice_bytes) {
    Statement select(db, select_new);
    select.integer(text.read_row);
    while (text.bytes < most_slice_bytes && select.next()) {
      text.read_row = select.integer();
      text.bytes += select.number<std::size_t>();
    }
  }
  return text.bytes >= most_slice_bytes;
}

std::int64_t search_key_of(UnixMs timestamp) {
  return std::clamp<UnixMs>(timestamp / 1000, 0, last_second) * (std::int64_t{1} << search_row_bits);
}

std::int64_t search_key(std::int64_t row, UnixMs timestamp) { return search_key_of(timestamp) | row; }

Result<bool> index_messages(Database& db, std::size_t rows) {
  SearchProgress progress = remembered(db);
  const std::int64_t last = last_message_row(db);
  if (progress.through_row < last) {
    const Slice slice = slice_of(db, select_above, progress.through_row, rows);
    const std::int64_t through = slice.ends ? last : slice.last;
    if (Result<void> done = index_range(db, progress.through_row, through); !done) return done.error();
    progress.through_row = through;
  } else if (progress.after_row > 0) {
    const Slice slice = slice_of(db, select_below, progress.after_row, rows);
    const std::int64_t after = slice.ends ? 0 : slice.last - 1;
    if (Result<void> done = index_range(db, after, progress.after_row); !done) return done.error();
    progress.after_row = after;
  } else {
    return false;
  }
  if (Result<void> done = put(db, progress); !done) return done.error();
  return progress.through_row < last || progress.after_row > 0;
}

bool sweep_waits(Database& db, UnixMs now) {
  Statement select(db, select_sweep);
  if (!select.next()) return false;
  const bool any = select.integer() != 0, sweeping = select.integer() != 0;
  const UnixMs swept_at = select.integer();
  // A clock that was set back since does not put it off.
  return sweeping || (any && (now - swept_at >= sweep_interval_ms || now < swept_at));
}

Result<bool> sweep_index(Database& db, UnixMs now) {
  bool sweeping = false;
  {
    Statement select(db, select_sweep);
    if (select.next()) {
      select.integer();
      sweeping = select.integer() != 0;
    }
  }
  if (!sweeping) {
    if (Result<void> begun = Statement(db, begin_sweep).run(); !begun) return begun.error();
  }
  const std::int64_t before = sqlite3_total_changes64(db.handle());
  if (Result<void> merged = Statement(db, merge_pages).integer(sweeping ? pages_of_slice : -pages_of_slice).run();
      !merged)
    return merged.error();
  // FTS5 says that nothing was left to merge by changing no more than one row.
  if (sqlite3_total_changes64(db.handle()) - before >= 2) return true;
  if (Result<void> ended = Statement(db, end_sweep).integer(now).run(); !ended) return ended.error();
  return false;
}

Overwriting::Overwriting(Database& db) : db_(db) { (void)db_.execute("PRAGMA secure_delete = ON"); }

Overwriting::~Overwriting() { (void)db_.execute("PRAGMA secure_delete = FAST"); }

}  // namespace wharf::storage
