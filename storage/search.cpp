#include "storage/search.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <limits>

#include "storage/chat_bump.h"
#include "storage/removal.h"
#include "storage/search_index.h"
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
// instance: the other forms count a word's messages for each row.
constexpr const char* select_word = "SELECT term FROM temp.search_vocabulary WHERE term >= ?1 LIMIT 1";
constexpr const char* select_indexed =
    "SELECT rowid FROM message_index WHERE message_index MATCH ?1 AND rowid >= ?2 AND rowid < ?3 ORDER BY rowid DESC";
constexpr const char* select_rest =
    "SELECT rowid FROM temp.search_rest WHERE search_rest MATCH ?1 AND rowid >= ?2 AND rowid < ?3 ORDER BY rowid DESC";
constexpr const char* select_facts =
    "SELECT session_id, " WHARF_CHAT_OF(message) ", from_me, author_id, kind, timestamp FROM message WHERE row = ?1";
constexpr const char* select_merged =
    "SELECT from_id FROM merged_chat WHERE session_id = ?1 AND to_id = ?2 ORDER BY through_row DESC LIMIT ?3";

constexpr std::size_t most_page = 1'000;
constexpr std::size_t most_continuations = 64;  // of a prefix, searched as words of their own
constexpr std::size_t most_merged_chats = 100;
constexpr std::size_t letters_of_prefix_index = 3;
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

/// A search in the integers of the rows.
struct Filter {
  std::int64_t session = 0;
  std::optional<std::int64_t> chat;
  std::vector<std::int64_t> from;
  std::vector<std::int64_t> chats_of_scope;
  bool nothing = false;  // a name that no row knows
};

Filter filter_of(Database& db, const MessageSearch& search) {
  Filter filter;
  filter.session = search.session.value;
  if (search.chat) {
    filter.chat = find_jid_id(db, *search.chat);
    filter.nothing = !filter.chat;
    if (filter.chat) {
      filter.chats_of_scope.push_back(*filter.chat);
      Statement select(db, select_merged);
      select.session(search.session).integer(*filter.chat).number(most_merged_chats);
      while (select.next()) filter.chats_of_scope.push_back(select.integer());
    }
  }
  for (const protocol::Jid& name : search.from)
    if (const auto id = find_jid_id(db, name)) filter.from.push_back(*id);
  filter.nothing = filter.nothing || (!search.from.empty() && filter.from.empty());
  return filter;
}

/// `("a" OR "b")`; never of none.
std::string any_of(const std::vector<std::string>& words) {
  return words.size() == 1 ? words.front() : fmt::format("({})", fmt::join(words, " OR "));
}

std::string scope_of(const MessageSearch& search, const Filter& filter) {
  std::vector<std::string> all;
  const auto word = [&filter](char kind, const auto& what) {
    return fmt::format("\"{}{}x{}\"", kind, filter.session, what);
  };
  if (filter.chat) {
    std::vector<std::string> chats;
    for (const std::int64_t chat : filter.chats_of_scope) chats.push_back(word('c', chat));
    all.push_back(any_of(chats));
  }
  if (!filter.from.empty()) {
    std::vector<std::string> people;  // in a chat with one person its word says who it is from
    for (const std::int64_t person : filter.from) {
      people.push_back(word('a', person));
      people.push_back(word('c', person));
    }
    all.push_back(any_of(people));
  }
  if (search.kinds && std::find(search.kinds->begin(), search.kinds->end(), "text") == search.kinds->end()) {
    std::vector<std::string> kinds;
    for (std::string kind : *search.kinds) {
      kind.erase(std::remove(kind.begin(), kind.end(), '_'), kind.end());
      kinds.push_back(word('k', kind));
    }
    all.push_back(any_of(kinds));
  }
  if (all.empty()) all.push_back(fmt::format("\"s{}\"", filter.session));
  return fmt::format("scope : ({})", fmt::join(all, " AND "));
}

std::string phrase(const SearchTerm& term, std::string_view last) {
  std::string text = "\"";
  for (std::size_t i = 0; i + 1 < term.words.size(); ++i) text += term.words[i] + " ";
  return text.append(last) + "\"";
}

/// The words of the index that begin so; nullopt: more than most_continuations.
std::optional<std::vector<std::string>> continuations(Database& db, const std::string& prefix) {
  std::vector<std::string> words;
  std::string from = prefix;
  for (;;) {
    Statement select(db, select_word);
    if (!select.text(from).next()) return words;
    std::string word = select.text();
    if (!word.starts_with(prefix)) return words;
    if (words.size() == most_continuations) return std::nullopt;
    from = word + '\x01';  // no word has it: the first that can follow
    words.push_back(std::move(word));
  }
}

/// FTS5 gathers all that a prefix matches before it answers the first, but for the length that it has an index of.
/// A few words beside each other are read as far as a page needs them.
std::string prefix_in_index(Database& db, const SearchTerm& term) {
  const std::string& last = term.words.back();
  const std::string whole = phrase(term, last) + " *";
  if (letters_of(last) == letters_of_prefix_index) return whole;
  const auto words = continuations(db, last);
  if (!words) return whole;
  if (words->empty()) return phrase(term, last);
  std::vector<std::string> phrases;
  for (const std::string& word : *words) phrases.push_back(phrase(term, word));
  return any_of(phrases);
}

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

enum class Table { index, rest };

std::string expression(Database& db, const MessageSearch& search, const std::string& scope, Table table) {
  std::vector<std::string> terms;
  for (const SearchTerm& term : search.terms) {
    const std::string whole = phrase(term, term.words.back());
    if (!term.prefix) terms.push_back(whole);
    else terms.push_back(table == Table::index ? prefix_in_index(db, term) : whole + " *");
  }
  return fmt::format("{} AND {{body more}} : ({})", scope, fmt::join(terms, " AND "));
}

/// Keys of one table that match, the newest first.
class Matches {
 public:
  Matches(Database& db, const char* sql, std::string match, std::int64_t from, std::int64_t before)
      : match_(std::move(match)), select_(db, sql) {
    select_.text(match_).integer(from).integer(before);
    advance();
  }
  const std::optional<std::int64_t>& key() const { return key_; }
  void advance() { key_ = select_.next() ? std::optional(select_.integer()) : std::nullopt; }

 private:
  std::string match_;  // bound by the statement
  Statement select_;
  std::optional<std::int64_t> key_;
};

bool wanted(Database& db, const MessageSearch& search, const Filter& filter, std::int64_t row) {
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
std::int64_t begin_of_rest(Database& db, const Filter& filter, std::int64_t through_row, std::int64_t newest) {
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
FoundMessages walk(Database& db, const MessageSearch& search, const Filter& filter, bool read_index) {
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
  const std::int64_t from = search.since ? search_key_of(*search.since) : 0;
  std::int64_t before = search.before.value_or(std::numeric_limits<std::int64_t>::max());
  if (search.until) before = std::min(before, search_key_of(*search.until + 999));
  const std::string scope = scope_of(search, filter);
  std::optional<Matches> indexed;
  if (read_index)
    of_index(db, progress,
             [&] { indexed.emplace(db, select_indexed, expression(db, search, scope, Table::index), from, before); });
  Matches rest(db, select_rest, expression(db, search, scope, Table::rest), from, before);

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
  const Filter filter = filter_of(db, search);  // before the snapshot: JIDs are looked up outside of transactions
  try {
    return walk(db, search, filter, true);
  } catch (const IndexUnreadable& unreadable) {
    FoundMessages found = walk(db, search, filter, false);
    found.unreadable_index = unreadable.number;
    return found;
  }
}

}  // namespace wharf::storage
