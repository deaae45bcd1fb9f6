#pragma once
// What somebody typed into a search, as the words that the index knows: cut and folded by the tokenizer of the index
// itself, so that nothing of the text is read as the query language of FTS5.

#include <string>
#include <string_view>
#include <vector>

#include "storage/database.h"

namespace wharf::storage {

/// How the index cuts and folds text; the second as FTS5 spells it. The migration that made the first index has it as a
/// literal.
#define WHARF_SEARCH_FOLDING "remove_diacritics", "2"
#define WHARF_SEARCH_TOKENIZER "unicode61 remove_diacritics 2"

/// Words that stand one after another: "in quotes", or bound by what is no letter, as in `foo-bar`.
struct SearchTerm {
  std::vector<std::string> words;
  bool prefix = false;  // the last word may go on
  friend bool operator==(const SearchTerm&, const SearchTerm&) = default;
};

inline constexpr std::size_t most_search_words = 32;

/// All of them are wanted. The last word outside of quotes matches as a prefix when it has three letters, or one beyond
/// ASCII: a single one can be a word there. Errors: malformed (no word in it), too_large (more than
/// most_search_words), storage.
Result<std::vector<SearchTerm>> search_terms(Database& db, std::string_view text);

/// Letters of a word; `text` is UTF-8.
std::size_t letters_of(std::string_view text);

}  // namespace wharf::storage
