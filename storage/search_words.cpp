#include "storage/search_words.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <utility>

namespace wharf::storage {

namespace {

constexpr std::size_t shortest_prefix = 3;

/// The tokenizer of table message_index.
class Tokenizer {
 public:
  static Result<Tokenizer> of(Database& db) {
    fts5_api* api = nullptr;
    sqlite3_stmt* select = db.prepared("SELECT fts5(?1)");
    if (select == nullptr) return db.last_error("tokenizer");
    sqlite3_bind_pointer(select, 1, static_cast<void*>(&api), "fts5_api_ptr", nullptr);
    sqlite3_step(select);
    sqlite3_reset(select);
    sqlite3_clear_bindings(select);
    Tokenizer out;
    void* context = nullptr;
    std::array<const char*, 2> options = {WHARF_SEARCH_FOLDING};
    if (api == nullptr || api->xFindTokenizer(api, "unicode61", &context, &out.calls_) != SQLITE_OK ||
        out.calls_.xCreate(context, options.data(), static_cast<int>(options.size()), &out.tokenizer_) != SQLITE_OK)
      return Error(Errc::storage, "this SQLite has no tokenizer unicode61");
    return out;
  }
  Tokenizer(Tokenizer&& other) noexcept : calls_(other.calls_), tokenizer_(std::exchange(other.tokenizer_, nullptr)) {}
  Tokenizer& operator=(Tokenizer&&) = delete;
  ~Tokenizer() {
    if (tokenizer_ != nullptr) calls_.xDelete(tokenizer_);
  }

  /// At most one more than most_search_words.
  std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> out;
    const auto take = [](void* context, int, const char* token, int size, int, int) {
      auto& words = *static_cast<std::vector<std::string>*>(context);
      words.emplace_back(token, static_cast<std::size_t>(size));
      return words.size() > most_search_words ? SQLITE_DONE : SQLITE_OK;
    };
    calls_.xTokenize(tokenizer_, static_cast<void*>(&out), FTS5_TOKENIZE_QUERY, text.data(),
                     static_cast<int>(std::min<std::size_t>(text.size(), most_bytes)), take);
    return out;
  }

 private:
  static constexpr std::size_t most_bytes = 1u << 20;
  Tokenizer() = default;
  fts5_tokenizer calls_{};
  Fts5Tokenizer* tokenizer_ = nullptr;
};

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// A piece of what was typed.
struct Piece {
  std::string_view text;
  bool quoted = false;
};

/// The next piece; `text` moves behind it. A quote that is not closed ends with the text.
Piece take_piece(std::string_view& text) {
  if (text.front() == '"') {
    text.remove_prefix(1);
    const std::size_t end = std::min(text.find('"'), text.size());
    const Piece piece{text.substr(0, end), true};
    text.remove_prefix(std::min(end + 1, text.size()));
    return piece;
  }
  const auto end = static_cast<std::size_t>(
      std::find_if(text.begin(), text.end(), [](char c) { return is_space(c) || c == '"'; }) - text.begin());
  const Piece piece{text.substr(0, end), false};
  text.remove_prefix(end);
  return piece;
}

bool may_go_on(const std::string& word) {
  return letters_of(word) >= shortest_prefix ||
         std::any_of(word.begin(), word.end(), [](char c) { return (static_cast<unsigned char>(c) & 0x80) != 0; });
}

}  // namespace

std::size_t letters_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

Result<std::vector<SearchTerm>> search_terms(Database& db, std::string_view text) {
  Result<Tokenizer> tokenizer = Tokenizer::of(db);
  if (!tokenizer) return tokenizer.error();
  std::vector<SearchTerm> terms;
  std::size_t words = 0;
  bool last_is_quoted = false;
  while (!text.empty()) {
    if (is_space(text.front())) {
      text.remove_prefix(1);
      continue;
    }
    const Piece piece = take_piece(text);
    SearchTerm term{tokenizer->words(piece.text), false};
    if (term.words.empty()) continue;
    words += term.words.size();
    if (words > most_search_words)
      return Error(Errc::too_large, fmt::format("must have at most {} words", most_search_words));
    last_is_quoted = piece.quoted;
    terms.push_back(std::move(term));
  }
  if (terms.empty()) return Error(Errc::malformed, "must have a word: letters or digits");
  if (!last_is_quoted) terms.back().prefix = may_go_on(terms.back().words.back());
  return terms;
}

}  // namespace wharf::storage
