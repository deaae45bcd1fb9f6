#pragma once
// A search as FTS5 spells it: what a message must have, the rarest of it first.
//
// FTS5 leads all parts of an AND forward at once, each to where the furthest of them is: it reads five lists where two
// would have shown that there is nothing. So the two rarest stand in an AND of their own, that one in another with the
// third, and so on. How rare each is, the index is asked: how far down its newest messages go.
//
// For storage/search.cpp only, which makes table temp.search_vocabulary.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/search.h"

namespace wharf::storage {

/// A search in the integers of the rows.
struct SearchFilter {
  std::int64_t session = 0;
  std::optional<std::int64_t> chat;
  std::vector<std::int64_t> from;
  std::vector<std::int64_t> chats_of_scope;
  bool nothing = false;  // a name that no row knows
};

/// JIDs are looked up outside of transactions. Throws ReadFailure.
SearchFilter filter_of(Database& db, const MessageSearch& search);

/// The keys of a walk: from <= key < before.
struct SearchRange {
  std::int64_t from = 0, before = 0;
};

/// Of table message_index; reads it. Throws ReadFailure.
std::string match_in_index(Database& db, const MessageSearch& search, const SearchFilter& filter,
                           const SearchRange& range);
/// Of table temp.search_rest.
std::string match_in_rest(Database& db, const MessageSearch& search, const SearchFilter& filter);

}  // namespace wharf::storage
