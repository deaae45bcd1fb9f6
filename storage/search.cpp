#include "storage/search.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <limits>

#include "storage/chat_bump.h"
#include "storage/removal.h"
#include "storage/search_index.h"
#include "storage/search_match.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

// Tables of the connection: the messages that are not indexed yet, filled for each search, and the index's words.
constexpr const char* own_tables =
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.search_rest USING fts5 (body, more, scope, content='', columnsize=0,"
    " tokenize='" WHARF_SEARCH_TOKENIZER
    "');"
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.search_vocabulary USING fts5vocab(main, message_index, instance);";
constexpr const char* fill_rest =
    "INSERT INTO temp.search_rest (rowid, body, more, scope)"
    " SELECT key, body, more, scope FROM message_words WHERE row > ?1 AND +session_id = ?2 ORDER BY key";
constexpr const char* select_unindexed =
    "SELECT row, CASE WHEN session_id = ?2 THEN length(body) + length(details) ELSE 0 END FROM message"
    " WHERE row > ?1 ORDER BY row DESC";
constexpr const char* select_newest_row = "SELECT ifnull(max(row), 0) FROM message";
constexpr const char* select_indexed =
    "SELECT rowid FROM message_index WHERE message_index MATCH ?1 AND rowid > ?2 AND rowid <= ?3 ORDER BY rowid";
constexpr const char* select_rest =
    "SELECT rowid FROM temp.search_rest WHERE search_rest MATCH ?1 AND rowid > ?2 AND rowid <= ?3 ORDER BY rowid";
constexpr const char* select_facts =
    "SELECT session_id, " WHARF_CHAT_OF(message) ", from_me, author_id, kind, timestamp FROM message WHERE row = ?1";
constexpr std::size_t most_page = 1'000;
constexpr std::int64_t row_mask = (std::int64_t{1} << search_row_bits) - 1;

/// One state of the rows for all reads of a search. What the search wrote into tables of its own is gone behind it.
class Snapshot {
 public:
  explicit Snapshot(Database& db) : db_(db) {
    if (Result<void> begun = db.execute("BEGIN"); !begun) throw ReadFailure(begun.error());
  }
  ~Snapshot() { (void)db_.execute("ROLLBACK"); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  Database& db_;
};

/// The index is damaged: SQLite met a page of it, or FTS5 a record, that cannot be.
struct IndexUnreadable {
  std::int64_t number = 0;
};

/// Reads of the index alone: so a failure says nothing about the messages.
template <class Read>
auto of_index(Database& db, const SearchProgress& index, Read read) {
  try {
    return read();
  } catch (const ReadFailure&) {
    const int code = sqlite3_extended_errcode(db.handle()) & 0xff;
    if (code == SQLITE_CORRUPT || code == SQLITE_IOERR) throw IndexUnreadable{index.number};
    throw;
  }
}

/// Keys of one table that match, the newest first.
class Matches {
 public:
  Matches(Database& db, const char* sql, std::string match, const SearchRange& range)
      : match_(std::move(match)), select_(db, sql) {
    select_.text(match_).integer(index_rowid(range.before)).integer(index_rowid(range.from));
    advance();
  }
  const std::optional<std::int64_t>& key() const { return key_; }
  void advance() { key_ = select_.next() ? std::optional(index_rowid(select_.integer())) : std::nullopt; }

 private:
  std::string match_;  // bound by the statement
  Statement select_;
  std::optional<std::int64_t> key_;
};

bool wanted(Database& db, const MessageSearch& search, const SearchFilter& filter, std::int64_t row) {
  Statement select(db, select_facts);
  if (!select.integer(row).next() || select.integer() != filter.session) return false;
  const bool lives = !select.is_null();
  const std::int64_t chat = select.integer();
  if (!lives || (filter.chat && chat != *filter.chat)) return false;
  const bool from_me = select.integer() != 0;
  if (search.from_me && from_me != *search.from_me) return false;
  const std::int64_t author = select.integer();
  if (!filter.from.empty() &&
      (from_me || std::find(filter.from.begin(), filter.from.end(), author) == filter.from.end()))
    return false;
  const std::string kind = select.text();
  if (search.kinds && std::find(search.kinds->begin(), search.kinds->end(), kind) == search.kinds->end()) return false;
  const UnixMs at = select.integer();
  return (!search.since || at >= *search.since) && (!search.until || at < *search.until);
}

void must(Result<void> done) {
  if (!done) throw ReadFailure(done.error());
}

/// The row behind which a search reads the messages itself: through_row, or as far down as it may.
std::int64_t begin_of_rest(Database& db, const SearchFilter& filter, std::int64_t through_row, std::int64_t newest) {
  const std::int64_t after = std::max(through_row, newest - most_unindexed_read);
  std::int64_t bytes = 0;
  Statement select(db, select_unindexed);
  select.integer(after).integer(filter.session);
  while (select.next()) {
    const std::int64_t row = select.integer();
    if (bytes >= most_unindexed_bytes_read) return row;
    bytes += select.integer();
  }
  return after;
}

/// One walk through what matches. Throws IndexUnreadable, when it reads that.
FoundMessages walk(Database& db, const MessageSearch& search, const SearchFilter& filter, bool read_index) {
  FoundMessages found;
  const Snapshot snapshot(db);
  SearchProgress progress = search_progress(db);
  read_index = read_index && !progress.damaged;
  if (!read_index) progress.after_row = progress.through_row = 0;
  std::int64_t newest = 0;
  {
    Statement select(db, select_newest_row);
    if (select.next()) newest = select.integer();
  }
  const std::int64_t after = begin_of_rest(db, filter, progress.through_row, newest);
  found.complete = progress.after_row == 0 && after == progress.through_row;
  if (filter.nothing || (search.kinds && search.kinds->empty())) return found;

  must(Statement(db, fill_rest).integer(after).integer(filter.session).run());
  SearchRange range{search.since ? search_key_of(*search.since) : 0,
                    std::max<std::int64_t>(search.before.value_or(std::numeric_limits<std::int64_t>::max()), 0)};
  if (search.until) range.before = std::min(range.before, search_key_of(*search.until + 999));
  std::optional<Matches> indexed;
  if (read_index)
    of_index(db, progress,
             [&] { indexed.emplace(db, select_indexed, match_in_index(db, search, filter, range), range); });
  Matches rest(db, select_rest, match_in_rest(db, search, filter), range);

  const std::size_t limit = std::clamp<std::size_t>(search.limit, 1, most_page);
  std::int64_t last = 0;
  for (std::size_t looked = 0; (indexed && indexed->key()) || rest.key(); ++looked) {
    const bool is_indexed = indexed && indexed->key() && (!rest.key() || *indexed->key() > *rest.key());
    const std::int64_t key = is_indexed ? *indexed->key() : *rest.key();
    if (found.messages.size() == limit || looked == most_looked_at) {
      found.next = last;
      break;
    }
    last = key;
    if (is_indexed) of_index(db, progress, [&] { indexed->advance(); });
    else rest.advance();
    const std::int64_t row = key & row_mask;
    if (!wanted(db, search, filter, row)) continue;
    if (auto message = find_message_row(db, row)) found.messages.push_back(std::move(*message));
  }
  return found;
}

}  // namespace

std::int64_t search_position(const MessageRow& message) { return search_key(message.row, message.timestamp); }

FoundMessages search_messages(Database& db, const MessageSearch& search) {
  must(see_words(db));
  must(db.execute(own_tables));
  const SearchFilter filter = filter_of(db, search);  // before the snapshot: JIDs are looked up outside of transactions
  try {
    return walk(db, search, filter, true);
  } catch (const IndexUnreadable& unreadable) {
    FoundMessages found = walk(db, search, filter, false);
    found.unreadable_index = unreadable.number;
    return found;
  }
}

}  // namespace wharf::storage
