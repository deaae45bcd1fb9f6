#include "storage/search_match.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "storage/chat_bump.h"
#include "storage/search_index.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

// instance: the other forms count a word's messages for each row.
constexpr const char* select_word = "SELECT term FROM temp.search_vocabulary WHERE term >= ?1 LIMIT 1";
constexpr const char* select_reach =  // of the 32nd
    "SELECT rowid FROM message_index WHERE message_index MATCH ?1 AND rowid > ?2 AND rowid <= ?3 ORDER BY rowid"
    " LIMIT 1 OFFSET 31";
constexpr const char* select_merged =
    "SELECT from_id FROM merged_chat WHERE session_id = ?1 AND to_id = ?2 ORDER BY through_row DESC LIMIT ?3";

constexpr std::size_t most_continuations = 64;  // of a prefix, searched as words of their own
constexpr std::size_t most_merged_chats = 100;
constexpr std::size_t letters_of_prefix_index = 3;

/// `("a" OR "b")`; never of none.
std::string any_of(const std::vector<std::string>& words) {
  return words.size() == 1 ? words.front() : fmt::format("({})", fmt::join(words, " OR "));
}

/// What a message must have, as FTS5 spells it.
struct Condition {
  std::string match;
  std::vector<std::string> no_rarer_than;  // which tell how rare it is; none: not worth the look
};

/// So many words beside each other are counted together, and more are not: each is looked up in every segment.
constexpr std::size_t most_counted = 8;

Condition condition_on(const char* columns, const std::vector<std::string>& words) {
  Condition out{fmt::format("{} : {}", columns, any_of(words)), {}};
  if (words.size() <= most_counted) out.no_rarer_than.push_back(out.match);
  return out;
}

std::vector<Condition> conditions_of_scope(const MessageSearch& search, const SearchFilter& filter) {
  std::vector<Condition> all;
  const auto word = [&filter](char kind, const auto& what) {
    return fmt::format("\"{}{}x{}\"", kind, filter.session, what);
  };
  if (filter.chat) {
    std::vector<std::string> chats;
    for (const std::int64_t chat : filter.chats_of_scope) chats.push_back(word('c', chat));
    all.push_back(condition_on("scope", chats));
  }
  if (!filter.from.empty()) {
    std::vector<std::string> people;  // in a chat with one person its word says who it is from
    for (const std::int64_t person : filter.from) {
      people.push_back(word('a', person));
      people.push_back(word('c', person));
    }
    all.push_back(condition_on("scope", people));
  }
  if (search.kinds && std::find(search.kinds->begin(), search.kinds->end(), "text") == search.kinds->end()) {
    std::vector<std::string> kinds;
    for (std::string kind : *search.kinds) {
      kind.erase(std::remove(kind.begin(), kind.end(), '_'), kind.end());
      kinds.push_back(word('k', kind));
    }
    all.push_back(condition_on("scope", kinds));
  }
  if (all.empty()) all.push_back(condition_on("scope", {fmt::format("\"s{}\"", filter.session)}));
  return all;
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

constexpr const char* columns_of_words = "{body more}";

/// A phrase is no more frequent than its rarest word, and only walking through it would tell how frequent it is.
Condition condition_on(const SearchTerm& term) {
  Condition out{fmt::format("{} : {}", columns_of_words, phrase(term, term.words.back())), {}};
  for (const std::string& word : term.words)
    out.no_rarer_than.push_back(fmt::format("{} : \"{}\"", columns_of_words, word));
  return out;
}

/// FTS5 gathers all that a prefix matches before it answers the first, but for the length that it has an index of.
/// A few words beside each other are read as far as a page needs them.
Condition condition_on_prefix(Database& db, const SearchTerm& term) {
  const std::string& last = term.words.back();
  const Condition whole{fmt::format("{} : {} *", columns_of_words, phrase(term, last)), {}};
  if (letters_of(last) == letters_of_prefix_index) return whole;
  const auto words = continuations(db, last);
  if (!words) return whole;
  if (words->empty()) return condition_on(term);
  std::vector<std::string> phrases;
  for (const std::string& word : *words) phrases.push_back(phrase(term, word));
  Condition out = condition_on(columns_of_words, phrases);
  if (term.words.size() > 1) out.no_rarer_than.clear();
  return out;
}

enum class Table { index, rest };

std::vector<Condition> conditions_of(Database& db, const MessageSearch& search, const SearchFilter& filter,
                                     Table table) {
  std::vector<Condition> all = conditions_of_scope(search, filter);
  for (const SearchTerm& term : search.terms) {
    Condition next = condition_on(term);
    if (term.prefix && table == Table::index) next = condition_on_prefix(db, term);
    if (term.prefix && table == Table::rest) next.match += " *";
    const auto same = [&](const Condition& one) { return one.match == next.match; };
    if (std::none_of(all.begin(), all.end(), same)) all.push_back(std::move(next));
  }
  return all;
}

std::string joined(const std::vector<Condition>& conditions) {
  std::vector<std::string_view> matches;
  for (const Condition& one : conditions) matches.push_back(one.match);
  return fmt::format("{}", fmt::join(matches, " AND "));
}

/// How far down the newest messages go that meet it: the rarer it is, the further. 0: there are few.
std::int64_t reach_of(Database& db, const Condition& condition, const SearchRange& range) {
  std::int64_t furthest = std::numeric_limits<std::int64_t>::max();
  for (const std::string& match : condition.no_rarer_than) {
    Statement select(db, select_reach);
    select.text(match).integer(index_rowid(range.before)).integer(index_rowid(range.from));
    furthest = std::min(furthest, select.next() ? index_rowid(select.integer()) : 0);
  }
  return furthest;
}

/// `OR ""`, which is nothing, keeps FTS5 from making one AND of them.
std::string rarest_first(Database& db, std::vector<Condition> conditions, const SearchRange& range) {
  if (conditions.size() < 3) return joined(conditions);
  std::vector<std::pair<std::int64_t, std::string>> by_reach;
  for (Condition& one : conditions) by_reach.emplace_back(reach_of(db, one, range), std::move(one.match));
  std::stable_sort(by_reach.begin(), by_reach.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string out = by_reach.front().second;
  for (std::size_t i = 1; i + 1 < by_reach.size(); ++i)
    out = fmt::format("({} AND {} OR \"\")", out, by_reach[i].second);
  return fmt::format("{} AND {}", out, by_reach.back().second);
}

}  // namespace

SearchFilter filter_of(Database& db, const MessageSearch& search) {
  SearchFilter filter;
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

std::string match_in_index(Database& db, const MessageSearch& search, const SearchFilter& filter,
                           const SearchRange& range) {
  return rarest_first(db, conditions_of(db, search, filter, Table::index), range);
}

std::string match_in_rest(Database& db, const MessageSearch& search, const SearchFilter& filter) {
  return joined(conditions_of(db, search, filter, Table::rest));
}

}  // namespace wharf::storage
