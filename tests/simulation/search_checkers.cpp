#include "tests/simulation/search_checkers.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "storage/search.h"

namespace wharf::simulation {

namespace {

using Ids = std::set<std::string>;

class Search {
 public:
  Search(World& world, Ledger& ledger, const Gateway& gateway, storage::SessionId session)
      : db_(world.daemon.store().reader()), ledger_(ledger), gateway_(gateway), session_(session) {}

  void check() {
    std::map<std::string, Ids> by_word;
    Ids shown;
    for (const Text& text : ledger_.texts) {
      const auto row = shown_row(text);
      if (!row) continue;
      const std::string& words = row->body.empty() ? text.body : row->body;  // a place has a name and no text
      by_word[words.substr(0, words.find('>'))].insert(text.id);
      shown.insert(text.id);
      if (words != text.body) check_edited(text, words);
    }
    Ids found;
    for (const auto& [word, ids] : by_word) {
      const Ids of_word = find(word);
      for (const std::string& id : ids) {
        if (!of_word.contains(id)) violate(id, fmt::format("is shown and not found by '{}'", word));
      }
      found.insert(of_word.begin(), of_word.end());
    }
    for (const std::string& id : found) {
      if (!shown.contains(id) && !is_unanswered(id)) violate(id, "is found and not shown");
    }
  }

 private:
  void violate(const std::string& id, const std::string& what) {
    ledger_.violate(fmt::format("{} in {}: {}", id, gateway_.session, what));
  }

  std::optional<storage::MessageRow> shown_row(const Text& text) {
    const bool own = text.from == gateway_.person;
    if (!is_message(text.kind) || text.id.empty() || (!own && text.to != gateway_.person)) return std::nullopt;
    auto row = storage::find_message_by_id(db_, session_, text.id, own);
    // What could not be read yet has no words.
    if (!row || row->revoked_at != 0 || !events::in_conversation(row->ack) || row->content.empty()) return std::nullopt;
    return row;
  }

  /// Its program gave it up before it was told an id; it may have been sent all the same, and is shown then.
  bool is_unanswered(const std::string& id) {
    const auto row = storage::find_message_by_id(db_, session_, id, true);
    if (!row || row->revoked_at != 0 || !events::in_conversation(row->ack)) return false;
    return std::any_of(ledger_.texts.begin(), ledger_.texts.end(), [&](const Text& text) {
      return text.given_up && text.id.empty() && text.from == gateway_.person &&
             (row->body.empty() || text.body == row->body) && find('"' + text.body + '"').contains(id);
    });
  }

  void check_edited(const Text& text, const std::string& now) {
    if (!find('"' + now + '"').contains(text.id)) violate(text.id, fmt::format("is not found as '{}'", now));
    if (find('"' + text.body + '"').contains(text.id)) violate(text.id, fmt::format("is still '{}'", text.body));
  }

  Ids find(const std::string& words) {
    Ids found;
    const auto terms = storage::search_terms(db_, words);
    storage::MessageSearch search;
    search.session = session_;
    if (!terms) {
      violate(words, terms.error().detail);
      return found;
    }
    search.terms = *terms;
    search.limit = 1'000;
    do {
      const auto page = storage::search_messages(db_, search);
      if (!page.complete || page.unreadable_index) violate(words, "the search is not complete");
      for (const storage::MessageRow& row : page.messages) found.insert(row.id);
      search.before = page.next;
    } while (search.before);
    return found;
  }

  storage::Database& db_;
  Ledger& ledger_;
  const Gateway& gateway_;
  storage::SessionId session_;
};

}  // namespace

void check_search(World& world, Ledger& ledger) {
  for (const Gateway& gateway : ledger.gateways) {
    const auto view = world.daemon.supervisor().find(gateway.session);
    if (view && !gateway.retired) Search(world, ledger, gateway, view->id).check();
  }
}

}  // namespace wharf::simulation
