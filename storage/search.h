#pragma once
// Search in the messages of a session: words, and what narrows them. What is searched of a message: its text or
// caption, names of files, names and addresses of places, names on contact cards, questions and options of polls, name
// and description of calendar events, names of groups invited to; as they are now, so an edit is found by its new text
// and a revoked message by nothing. Case and diacritics are folded.
//
// The newest messages are not in the index yet (search_index.h): each search reads those itself, by the same rules, so
// it finds what was committed before it.

#include <optional>
#include <string>
#include <vector>

#include "storage/messages.h"
#include "storage/search_words.h"

namespace wharf::storage {

struct MessageSearch {
  SessionId session;
  std::vector<SearchTerm> terms;      // never empty
  std::optional<protocol::Jid> chat;  // canonical
  std::vector<protocol::Jid> from;    // received from this person: all names of one; empty: from anybody
  std::optional<bool> from_me;
  std::optional<std::vector<std::string>> kinds;  // one of them
  std::optional<UnixMs> since, until;             // since <= timestamp < until
  std::optional<std::int64_t> before;             // search_position: only what lies behind it
  std::size_t limit = 50;                         // 1..1000
};

struct FoundMessages {
  std::vector<MessageRow> messages;              // the newest second first, in it the last stored first
  std::optional<std::int64_t> next;              // where to go on. A page may be short, or empty, and have one
  bool complete = true;                          // false: older messages are not indexed yet, or too many new ones
  std::optional<std::int64_t> unreadable_index;  // its number, when it was met damaged: for Store::renew_search_index
};

/// Looks at no more than most_looked_at messages that have the words: then the page ends and says where to go on. On a
/// worker: two words that are frequent and never together cost a walk through both lists, 20 ms for a million
/// messages. Not in a transaction. Without an index, or with one that is damaged, it searches the newest messages
/// alone, as if none were indexed. Throws ReadFailure.
FoundMessages search_messages(Database& db, const MessageSearch& search);
inline constexpr std::size_t most_looked_at = 2'000;
/// Of the newest that are not indexed yet: a writer that is never idle indexes when half of them wait (store.h).
inline constexpr std::int64_t most_unindexed_read = 4'000;
/// And of their texts in the session: no further than the message that reaches it.
inline constexpr std::int64_t most_unindexed_bytes_read = 1 << 20;

/// Where a message stands in the order of a search.
std::int64_t search_position(const MessageRow& message);

}  // namespace wharf::storage
