#pragma once
// A store whose messages are searched, and what its index must hold.

#include <catch2/catch.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/search.h"
#include "storage/search_index.h"
#include "storage/search_match.h"
#include "tests/storage/counts.h"
#include "tests/storage/fixture.h"

namespace wharf::test::searching {

using namespace storage;
using protocol::Jid;
using test::count;

inline const SessionId anna{1}, ben{2};
inline const Jid chat("1", "lid"), other("2", "lid"), pn("3", "s.whatsapp.net"), group("9", "g.us");

/// An inline store. `indexed`: each message goes into the index behind its turn; else none ever does.
struct Room {
  explicit Room(bool indexed) {
    settings.path = folder.file("test.sqlite");
    settings.synchronous = Synchronous::off;
    settings.max_indexed_rows_idle = indexed ? 1 : 1'000'000;
    store = test::open_store(settings);
  }
  template <class Fill>
  void turn(Fill fill) {
    Changes changes;
    fill(changes);
    store->commit(std::move(changes), [](Result<void> done) {
      if (!done) FAIL(done.error().detail);
    });
  }
  void put(MessageRow row) {
    turn([&](Changes& changes) { changes.add(InsertMessage{std::move(row), true, std::nullopt}); });
  }
  void say(const std::string& id, const std::string& body, const Jid& in = chat, UnixMs at = 5'000) {
    MessageRow row = test::message_row(anna, in, id, at);
    row.body = body;
    put(std::move(row));
  }
  Database& db() { return store->reader(); }

  test::TemporaryFolder folder;
  Store::Settings settings;
  std::unique_ptr<Store> store;
};

inline MessageSearch search_for(Database& db, const std::string& text) {
  MessageSearch search;
  search.session = anna;
  const auto terms = search_terms(db, text);
  if (!terms) FAIL(text << ": " << terms.error().detail);
  search.terms = *terms;
  return search;
}

inline std::vector<std::string> ids_of(const FoundMessages& found) {
  std::vector<std::string> ids;
  for (const MessageRow& row : found.messages) ids.push_back(row.id);
  return ids;
}

using Ids = std::vector<std::string>;
inline Ids find(Database& db, const std::string& text) { return ids_of(search_messages(db, search_for(db, text))); }

/// The index has exactly the words of the rows that it says it has.
inline void check_index(Database& db) {
  REQUIRE(see_words(db).has_value());
  REQUIRE(
      db.execute("DROP TABLE IF EXISTS temp.anew;"
                 "CREATE VIRTUAL TABLE temp.anew USING fts5 (body, more, scope, content='', columnsize=0,"
                 " tokenize='" WHARF_SEARCH_TOKENIZER "');"
                 "INSERT INTO anew (rowid, body, more, scope) SELECT key, body, more, scope FROM message_words, "
                 "search_progress WHERE row > after_row AND row <= through_row ORDER BY key;"
                 "CREATE VIRTUAL TABLE IF NOT EXISTS temp.words_anew USING fts5vocab(temp, anew, instance);"
                 "CREATE VIRTUAL TABLE IF NOT EXISTS temp.words_there USING fts5vocab(main, message_index, instance)")
          .has_value());
  CHECK(count(db, "SELECT count(*) FROM (SELECT * FROM words_anew EXCEPT SELECT * FROM words_there)") == 0);
  CHECK(count(db, "SELECT count(*) FROM (SELECT * FROM words_there EXCEPT SELECT * FROM words_anew)") == 0);
}

inline std::int64_t words_there(Database& db) {
  check_index(db);
  return count(db, "SELECT count(*) FROM words_there");
}

}  // namespace wharf::test::searching
