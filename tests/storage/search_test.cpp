// Messages found by their words: in the index and before they are in it.
#include "storage/search.h"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <mutex>

#include "storage/chats.h"
#include "storage/events.h"
#include "storage/migrations.h"
#include "storage/peers.h"
#include "storage/recall.h"
#include "storage/removal.h"
#include "storage/search_index.h"
#include "storage/search_match.h"
#include "storage/sessions.h"
#include "storage/statement.h"
#include "storage/transaction.h"
#include "tests/storage/counts.h"
#include "tests/storage/fixture.h"
#include "tests/storage/injection.h"
#include "tests/storage/sliced_store.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;
using test::count;

namespace {

const SessionId anna{1}, ben{2};
const Jid chat("1", "lid"), other("2", "lid"), pn("3", "s.whatsapp.net"), group("9", "g.us");

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

MessageSearch search_for(Database& db, const std::string& text) {
  MessageSearch search;
  search.session = anna;
  const auto terms = search_terms(db, text);
  if (!terms) FAIL(text << ": " << terms.error().detail);
  search.terms = *terms;
  return search;
}

std::vector<std::string> ids_of(const FoundMessages& found) {
  std::vector<std::string> ids;
  for (const MessageRow& row : found.messages) ids.push_back(row.id);
  return ids;
}

using Ids = std::vector<std::string>;
Ids find(Database& db, const std::string& text) { return ids_of(search_messages(db, search_for(db, text))); }

/// The index has exactly the words of the rows that it says it has.
void check_index(Database& db) {
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

std::int64_t words_there(Database& db) {
  check_index(db);
  return count(db, "SELECT count(*) FROM words_there");
}

}  // namespace

TEST_CASE("messages are found by words, phrases and the beginning of the last word, folded") {
  Room room(GENERATE(false, true));
  room.say("street", "Die Straße nach MÜNCHEN ist gesperrt");
  room.say("cafe", "Un café crème, s'il vous plaît");
  room.say("greek", "Καλημέρα κόσμε");
  room.say("plan", "the quick brown fox plans");
  room.say("planet", "a brown quick planet");
  room.say("chinese", "你好世界");
  room.say("code", "foo-bar and foo bar 12345");
  room.say("scope", "nothing");
  struct Row {
    const char* text;
    Ids ids;
  };
  const std::vector<Row> rows = {
      {"munchen", {"street"}},
      {"MÜNCHEN", {"street"}},
      {"straße", {"street"}},
      {"cafe creme", {"cafe"}},
      {"CAFÉ", {"cafe"}},
      {"ΚΑΛΗΜΈΡΑ ΚΌΣ", {"greek"}},
      {"brown quick", {"planet", "plan"}},  // all of them, in any order
      {"\"brown quick\"", {"planet"}},
      {"\"quick brown\"", {"plan"}},
      {"\"quick brown", {"plan"}},  // not closed
      {"quick \"brown fox\"", {"plan"}},
      {"plan", {"planet", "plan"}},
      {"plane", {"planet"}},
      {"\"plan\"", {}},    // in quotes nothing goes on
      {"plan quick", {}},  // only the last word goes on
      {"brown pla", {"planet", "plan"}},
      {"pl", {}},           // two letters are a word
      {"你", {"chinese"}},  // but not beyond ASCII
      {"foo-bar", {"code"}},
      {"foo-ba", {}},
      {"bar-foo", {}},
      {"12345", {"code"}},
      {"123", {"code"}},
      {"absent", {}},
      {"brown absent", {}},
      {"s1", {}},  // words of the scope are nobody's
      {"c1x1", {}},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(find(room.db(), row.text) == row.ids);
  }
}

TEST_CASE("what is rarest is looked at first, of words as of what narrows a search") {
  Room room(true);
  for (int i = 0; i < 200; ++i) {
    const std::string n = std::to_string(i);
    room.say(n,
             std::string("often") + (i % 2 == 0 ? " half" : "") + (i % 4 == 0 ? " fourth fourths" : "") +
                 (i < 3 ? " seldom" : ""),
             i == 7 ? other : chat, 1'000 * i);
  }
  const auto match = [&](const std::string& text, const auto& narrow) {
    MessageSearch search = search_for(room.db(), text);
    narrow(search);
    REQUIRE(search_messages(room.db(), search).complete);  // makes the tables that this reads
    SearchRange range{0, std::numeric_limits<std::int64_t>::max()};
    if (search.until) range.before = search_key_of(*search.until);
    return match_in_index(room.db(), search, filter_of(room.db(), search), range);
  };
  const auto nothing = [](MessageSearch&) {};
  const auto places = [](const std::string& in, const std::vector<std::string>& wanted) {
    std::vector<std::size_t> at;
    for (const std::string& word : wanted) at.push_back(in.find("\"" + word));
    INFO(in);
    CHECK(std::find(at.begin(), at.end(), std::string::npos) == at.end());
    CHECK(std::is_sorted(at.begin(), at.end()));
  };
  places(match("\"often\" \"half\" \"seldom\" \"fourth\"", nothing), {"seldom", "fourth", "half", "often"});
  places(match("\"often half\" \"fourth\"", nothing), {"fourth", "often half", "s1"});  // as rare as its rarest word
  places(match("often half fourth", nothing), {"fourth", "half"});                      // fourth OR fourths
  places(match("\"often\" \"half\"", [](MessageSearch& s) { s.chat = other; }), {"c1x", "half", "often"});
  // In the beginning nothing is seldom.
  places(match("\"half\" \"seldom\"", [](MessageSearch& s) { s.until = 3'000; }), {"s1", "half", "seldom"});
  places(match("\"half\"", nothing), {"s1", "half"});  // of two nobody is asked: they are led forward together
}

TEST_CASE("however many words are asked for, what is found has all of them") {
  const bool indexed = GENERATE(true, false);
  Room room(indexed);
  protocol::SeededRandom random(11);
  const auto pick = [&](std::size_t below) { return std::size_t{random.below(static_cast<std::uint32_t>(below))}; };
  const Ids words = {"an", "anna", "ann", "ben", "bendable", "carl", "dora", "s1", "c1x1", "emil"};
  struct Said {
    std::string id;
    Ids body;
    bool elsewhere = false;
  };
  std::vector<Said> said;
  room.turn([&](Changes& changes) {
    for (int i = 0; i < 400; ++i) {
      Said& one = said.emplace_back(Said{std::to_string(i), {}, pick(8) == 0});
      for (std::size_t k = 1 + pick(9); k > 0; --k) one.body.push_back(words[pick(1 + pick(words.size()))]);
      MessageRow row = test::message_row(anna, one.elsewhere ? other : chat, one.id, 1'000 * i);
      row.body.clear();
      for (const std::string& word : one.body) row.body += word + " ";
      changes.add(InsertMessage{std::move(row), true, std::nullopt});
    }
  });
  room.turn([](Changes&) {});  // behind which they are indexed
  struct Term {
    Ids words;
    bool prefix = false;
  };
  const auto has = [](const Ids& body, const Term& term) {
    for (std::size_t at = 0; at + term.words.size() <= body.size(); ++at) {
      bool all = true;
      for (std::size_t k = 0; k < term.words.size(); ++k) {
        const bool may_go_on = term.prefix && k + 1 == term.words.size();
        all = all && (may_go_on ? body[at + k].starts_with(term.words[k]) : body[at + k] == term.words[k]);
      }
      if (all) return true;
    }
    return false;
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<Term> terms(1 + pick(6));
    if (round == 0) terms.resize(32);
    MessageSearch search;
    search.session = anna;
    search.limit = 1'000;
    for (Term& term : terms) {
      term.words.push_back(words[pick(round == 0 ? 3 : words.size())]);
      if (round != 0 && pick(5) == 0) term.words.push_back(words[pick(words.size())]);
      search.terms.push_back({term.words, false});
    }
    terms.back().prefix = search.terms.back().prefix = pick(2) == 0 && terms.back().words.back().size() >= 3;
    if (pick(4) == 0) search.chat = pick(2) == 0 ? other : chat;
    Ids wanted;
    for (auto one = said.rbegin(); one != said.rend(); ++one)
      if (std::all_of(terms.begin(), terms.end(), [&](const Term& term) { return has(one->body, term); }) &&
          (!search.chat || *search.chat == (one->elsewhere ? other : chat)))
        wanted.push_back(one->id);
    INFO("round " << round);
    CHECK(ids_of(search_messages(room.db(), search)) == wanted);
  }
}

TEST_CASE("what stands beside the text is searched: names of files and places, questions, options, cards") {
  Room room(GENERATE(false, true));
  const auto put = [&](const char* id, const char* kind, const char* body, const char* details) {
    MessageRow row = test::message_row(anna, chat, id, 5'000);
    row.kind = kind;
    row.body = body;
    row.details = details;
    room.put(std::move(row));
  };
  put("file", "document", "", R"({"media":{"mimetype":"application/pdf","size":5,"filename":"Rechnung März.pdf"}})");
  put("place", "location", "",
      R"({"location":{"latitude":1.5,"longitude":2,"name":"Café Central","address":"Herrengasse 14"}})");
  put("poll", "poll", "", R"({"poll":{"name":"Lunch?","options":["Pizza","Sushi"],"selectableCount":1}})");
  put("cards", "contacts", "",
      R"({"contacts":[{"name":"Zoë Müller","vcard":"BEGIN:VCARD"},{"name":"Otto","vcard":"x"}]})");
  put("event", "event", "",
      R"({"calendarEvent":{"name":"Sprint review","description":"demo","location":{"name":"Attic"}}})");
  put("invite", "group_invite", "join",
      R"({"groupInvite":{"groupId":"7@g.us","code":"SECRETCODE","groupName":"Choir"}})");
  put("damaged", "image", "seaside", "{no json");
  for (const auto& [text, id] : std::vector<std::pair<const char*, const char*>>{{"rechnung marz", "file"},
                                                                                 {"herrengasse", "place"},
                                                                                 {"cafe central", "place"},
                                                                                 {"lunch", "poll"},
                                                                                 {"sushi", "poll"},
                                                                                 {"zoe", "cards"},
                                                                                 {"otto", "cards"},
                                                                                 {"review demo attic", "event"},
                                                                                 {"join choir", "invite"},
                                                                                 {"seaside", "damaged"}}) {
    INFO(text);
    CHECK(find(room.db(), text) == Ids{id});
  }
  for (const char* text : {"vcard", "SECRETCODE", "application", "mimetype"}) {
    INFO(text);
    CHECK(find(room.db(), text).empty());
  }
  // A reaction is no message that a page shows.
  MessageRow reaction = test::message_row(anna, chat, "reaction", 5'000);
  reaction.kind = "reaction";
  reaction.body = "seaside";
  reaction.target_id = "file";
  room.put(reaction);
  CHECK(find(room.db(), "seaside") == Ids{"damaged"});
}

TEST_CASE("a search is narrowed by session, chat, sender, side, kind and time") {
  Room room(GENERATE(false, true));
  const auto put = [&](const char* id, const Jid& in, const Jid& author, bool from_me, const char* kind, UnixMs at,
                       SessionId session = anna) {
    MessageRow row = test::message_row(session, in, id, at);
    row.author = author;
    row.from_me = from_me;
    row.kind = kind;
    row.body = "word";
    room.put(std::move(row));
  };
  put("a", chat, chat, false, "text", 1'000);
  put("b", chat, other, true, "text", 2'000);
  put("c", group, chat, false, "text", 3'000);
  put("d", group, pn, false, "image", 4'500);
  put("e", other, other, false, "video_note", 5'000);
  put("f", chat, chat, false, "text", 6'000, ben);
  const auto found = [&](auto narrow) {
    MessageSearch search = search_for(room.db(), "word");
    narrow(search);
    return ids_of(search_messages(room.db(), search));
  };
  CHECK(found([](MessageSearch&) {}) == Ids{"e", "d", "c", "b", "a"});
  CHECK(found([](MessageSearch& s) { s.session = ben; }) == Ids{"f"});
  CHECK(found([](MessageSearch& s) { s.chat = group; }) == Ids{"d", "c"});
  CHECK(found([](MessageSearch& s) { s.chat = Jid("77", "lid"); }).empty());
  CHECK(found([](MessageSearch& s) { s.from = {chat}; }) == Ids{"c", "a"});
  CHECK(found([](MessageSearch& s) { s.from = {pn, Jid("77", "lid")}; }) == Ids{"d"});
  CHECK(found([](MessageSearch& s) { s.from = {Jid("77", "lid")}; }).empty());
  CHECK(found([](MessageSearch& s) { s.from_me = true; }) == Ids{"b"});
  CHECK(found([](MessageSearch& s) { s.from_me = false; }) == Ids{"e", "d", "c", "a"});
  CHECK(found([](MessageSearch& s) { s.kinds = {{"image", "video_note"}}; }) == Ids{"e", "d"});
  CHECK(found([](MessageSearch& s) { s.kinds = {{"text"}}; }) == Ids{"c", "b", "a"});
  CHECK(found([](MessageSearch& s) { s.kinds = {{"text", "image"}}; }) == Ids{"d", "c", "b", "a"});
  CHECK(found([](MessageSearch& s) { s.kinds.emplace(); }).empty());
  CHECK(found([](MessageSearch& s) { s.since = 3'000; }) == Ids{"e", "d", "c"});
  CHECK(found([](MessageSearch& s) { s.until = 3'000; }) == Ids{"b", "a"});
  CHECK(found([](MessageSearch& s) { s.since = 4'501, s.until = 9'000; }) == Ids{"e"});  // within the second
  CHECK(found([](MessageSearch& s) { s.since = 4'000, s.until = 4'501; }) == Ids{"d"});
  CHECK(found([](MessageSearch& s) { s.chat = group, s.from = {chat}, s.kinds = {{"image"}}; }).empty());
}

TEST_CASE("pages give every message once, through ties and through what is not indexed yet") {
  Room room(false);
  Ids all;
  for (int i = 0; i < 60; ++i) {
    room.say("M" + std::to_string(i), "word", i % 3 == 0 ? other : chat, 10'000 + i / 7 * 1'000);
    all.insert(all.begin(), "M" + std::to_string(i));
  }
  // An older one that came late stands in its time, whichever way it is found.
  room.say("late", "word", chat, 10'000);
  all.insert(all.end() - 7, "late");
  const auto read_all = [&](std::size_t limit) {
    Ids ids;
    MessageSearch search = search_for(room.db(), "word");
    search.limit = limit;
    do {
      const FoundMessages found = search_messages(room.db(), search);
      CHECK(found.messages.size() <= limit);
      CHECK(found.complete);
      for (const std::string& id : ids_of(found)) ids.push_back(id);
      search.before = found.next;
    } while (search.before);
    return ids;
  };
  for (const std::size_t limit : {1u, 7u, 61u, 1'000u}) CHECK(read_all(limit) == all);
  room.store.reset();
  room.settings.max_unindexed = 30;
  room.settings.max_indexed_rows = 20;
  room.settings.purge_pause = room.settings.index_pause = std::chrono::hours(1);
  test::HandLoop loop;
  room.settings.post = [&loop](std::function<void()> call) { loop.post(std::move(call)); };
  room.store = test::open_store(room.settings);
  room.turn([](Changes& changes) { changes.add(TouchSession{anna, 1}); });
  room.store->flush();
  CHECK(search_progress(room.db()).through_row == 20);  // with the batch, as so many waited
  for (const std::size_t limit : {1u, 7u, 61u}) CHECK(read_all(limit) == all);
  MessageSearch behind = search_for(room.db(), "word");
  behind.before = search_position(*find_message(room.db(), anna, chat, "M1"));
  CHECK(ids_of(search_messages(room.db(), behind)) == Ids{"M0"});
}

TEST_CASE("a page looks at so many messages and says where to go on") {
  Room room(true);
  room.turn([](Changes& changes) {
    for (std::size_t i = 0; i < most_looked_at + 10; ++i) {
      MessageRow row = test::message_row(anna, chat, std::to_string(i), 10'000);
      row.from_me = i == 0;
      row.body = "word";
      changes.add(InsertMessage{std::move(row), false, std::nullopt});
    }
  });
  MessageSearch search = search_for(room.db(), "word");
  search.from_me = true;
  const FoundMessages first = search_messages(room.db(), search);
  CHECK(first.messages.empty());
  REQUIRE(first.next);
  search.before = first.next;
  const FoundMessages second = search_messages(room.db(), search);
  CHECK(ids_of(second) == Ids{"0"});
  CHECK(!second.next);
}

TEST_CASE("an edit is found by its new text, a revoked message by nothing") {
  Room room(GENERATE(false, true));
  room.say("A", "first words");
  room.say("B", "");
  room.say("C", "other words");
  room.turn([](Changes& changes) { changes.add(EditMessage{anna, chat, "A", false, "second words", {}, 6'000}); });
  room.turn([](Changes& changes) { changes.add(EditMessage{anna, chat, "B", false, "caption", {}, 6'000}); });
  CHECK(find(room.db(), "first").empty());
  CHECK(find(room.db(), "second") == Ids{"A"});
  CHECK(find(room.db(), "caption") == Ids{"B"});
  check_index(room.db());
  // Twice in one turn, then a turn that fails.
  room.turn([](Changes& changes) {
    changes.add(EditMessage{anna, chat, "A", false, "third words", {}, 7'000});
    changes.add(EditMessage{anna, chat, "A", false, "fourth words", {}, 8'000});
  });
  Changes lost;
  lost.add(EditMessage{anna, chat, "A", false, "fifth words", {}, 9'000});
  test::inject(lost, [](Database&) -> Result<void> { return Error(Errc::storage, "lost"); });
  room.store->commit(std::move(lost), [](Result<void> done) { CHECK(!done); });
  for (const char* gone : {"second", "third", "fifth"}) CHECK(find(room.db(), gone).empty());
  CHECK(find(room.db(), "fourth") == Ids{"A"});
  check_index(room.db());
  // The server's time is another.
  const std::int64_t row = find_message(room.db(), anna, chat, "A")->row;
  room.turn([&](Changes& changes) { changes.add(RaiseAck{anna, row, AckLevel::server, "", 4'000'000}); });
  CHECK(find(room.db(), "words") == Ids{"A", "C"});
  check_index(room.db());
  room.turn([](Changes& changes) { changes.add(RevokeMessage{anna, chat, "A", false, 9'000}); });
  CHECK(find(room.db(), "words") == Ids{"C"});
  CHECK(find(room.db(), "fourth").empty());
  check_index(room.db());
}

TEST_CASE("what was removed is found by nobody, and its words leave the index with its rows") {
  test::SlicedStore store(10);
  const auto fill = [&](Changes& changes) {
    for (int i = 0; i < 40; ++i) {
      for (const auto& [session, in, id] : {std::tuple{anna, chat, "A"}, {anna, other, "O"}, {ben, chat, "B"}}) {
        MessageRow row = test::message_row(session, in, id + std::to_string(i), i * 1'000);
        row.body = std::string("word of ") + id;
        changes.add(InsertMessage{std::move(row), true, std::nullopt});
      }
    }
    test::inject(changes, [](Database& db) -> Result<void> {
      const Result<bool> more = index_messages(db, 1'000);
      return more ? Result<void>() : more.error();
    });
  };
  store.turn([&](Changes& changes) {
    changes.add(InsertSession{test::session_row(1, "anna")});
    changes.add(InsertSession{test::session_row(2, "ben")});
    fill(changes);
  });
  MessageSearch search = search_for(store.db(), "word");
  search.limit = 1'000;
  const auto found = [&](SessionId session) {
    search.session = session;
    return search_messages(store.db(), search).messages.size();
  };
  CHECK(found(anna) == 80);
  const std::int64_t words = words_there(store.db());
  store.turn([](Changes& changes) { changes.add(RemoveChat{anna, chat}); });
  CHECK(!store.purged());
  CHECK(found(anna) == 40);
  store.turn([](Changes& changes) {  // it comes back, with one that it had
    MessageRow row = test::message_row(anna, chat, "A7", 50'000);
    row.body = "word again";
    changes.add(InsertMessage{std::move(row), true, std::nullopt});
  });
  CHECK(found(anna) == 41);
  while (!store.purged()) {
    store.slice();
    check_index(store.db());
    CHECK(found(anna) == 41);
  }
  CHECK(words_there(store.db()) < words);
  store.turn([](Changes& changes) { changes.add(RemoveSession{ben}); });
  while (!store.purged()) store.slice();
  CHECK(found(ben) == 0);
  CHECK(found(anna) == 41);
  CHECK(words_there(store.db()) == 40 * 5);  // three words of the text, two of the scope
}

TEST_CASE("messages of a merged chat are found in their new one, while they still move") {
  test::SlicedStore store(5);
  store.turn([](Changes& changes) {
    for (int i = 0; i < 20; ++i)
      for (const Jid& in : {pn, chat}) {
        MessageRow row = test::message_row(anna, in, in.user + "-" + std::to_string(i), i * 1'000);
        row.body = "word";
        changes.add(InsertMessage{std::move(row), true, std::nullopt});
      }
    for (const Jid& in : {pn, chat}) {
      MessageRow row = test::message_row(anna, in, "both", 90'000);
      row.body = "word";
      changes.add(InsertMessage{std::move(row), true, std::nullopt});
    }
    test::inject(changes, [](Database& db) -> Result<void> {
      const Result<bool> more = index_messages(db, 1'000);
      return more ? Result<void>() : more.error();
    });
  });
  MessageSearch search = search_for(store.db(), "word");
  search.limit = 100;
  search.chat = pn;
  CHECK(search_messages(store.db(), search).messages.size() == 21);
  store.turn([](Changes& changes) { changes.add(MergeChats{anna, pn, chat}); });
  const auto all_in_one = [&] {
    search.chat = chat;
    const FoundMessages found = search_messages(store.db(), search);
    CHECK(found.messages.size() == 41);
    for (const MessageRow& row : found.messages) CHECK(row.chat == chat);
    search.chat = pn;
    CHECK(search_messages(store.db(), search).messages.empty());
    search.chat.reset();
    CHECK(search_messages(store.db(), search).messages.size() == 41);
    search.from = {pn, chat};
    CHECK(search_messages(store.db(), search).messages.size() == 41);
    search.from.clear();
    check_index(store.db());
  };
  CHECK(!store.purged());
  all_in_one();
  while (!store.purged()) {
    store.slice();
    all_in_one();
  }
}

namespace {

/// A file of the release before the index, with messages M0.. of a session.
std::string file_without_index(const test::TemporaryFolder& folder, int messages) {
  const std::string path = folder.file("before.sqlite");
  std::string sql;
  for (const char* step : migrations().first(12)) sql += step;
  sql += "INSERT INTO jid VALUES (1, '1', 'lid', 0, 0); BEGIN;";
  for (int i = 0; i < messages; ++i) {
    const std::string n = std::to_string(i);
    sql +=
        "INSERT INTO message (session_id, chat_id, id, from_me, author_id, ack, timestamp, created_at, push_name, kind,"
        " error, quoted_id, quoted_author_id, mentions, secret, body, content) VALUES (1, 1, 'M" +
        n + "', 0, 1, 1, " + std::to_string(i * 1'000) + ", 0, '', 'text', '', '', 0, x'', x'', 'word " + n +
        "', x'');";
  }
  sql += "COMMIT; PRAGMA application_id = 1464357446; PRAGMA user_version = 12;";
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
  REQUIRE(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(handle);
  return path;
}

}  // namespace

TEST_CASE("messages of the time before the index go in from the newest down, through kills, and a search says so") {
  test::TemporaryFolder folder;
  const std::string path = file_without_index(folder, 95);
  Ids newest_first;
  for (int i = 94; i >= 0; --i) newest_first.push_back("M" + std::to_string(i));
  std::size_t there = 0;
  for (int slice = 0; slice < 20; ++slice) {
    auto db = Database::open(path, Database::Mode::read_write, Synchronous::off);
    REQUIRE(db.has_value());
    MessageSearch search = search_for(**db, "word");
    search.limit = 1'000;
    const FoundMessages found = search_messages(**db, search);
    CHECK(ids_of(found) == Ids(newest_first.begin(), newest_first.begin() + static_cast<std::ptrdiff_t>(there)));
    CHECK(found.complete == (there == 95));
    check_index(**db);
    // Every other one is killed before its commit.
    REQUIRE((*db)->execute("BEGIN IMMEDIATE").has_value());
    const Result<bool> more = index_messages(**db, 10);
    REQUIRE(more.has_value());
    if (slice % 2 == 0) continue;
    REQUIRE((*db)->execute("COMMIT").has_value());
    there = std::min<std::size_t>(there + 10, 95);
    CHECK(*more == (there < 95));
  }
  CHECK(there == 95);
}

TEST_CASE("a slice reads its rows alone") {
  Room room(true);
  REQUIRE(see_words(room.db()).has_value());
  // Two bounds, and both are those of the slice: a search by the view's own bound would read to the end of the table.
  sqlite3_stmt* select = room.db().prepared("SELECT key, body FROM message_words WHERE row > ?1 AND row <= ?2");
  REQUIRE(select != nullptr);
  room.turn([](Changes& changes) {
    for (int i = 0; i < 2'000; ++i)
      changes.add(InsertMessage{test::message_row(anna, chat, std::to_string(i), i * 1'000), false, std::nullopt});
  });
  sqlite3_bind_int64(select, 1, 10);
  sqlite3_bind_int64(select, 2, 20);
  int rows = 0;
  while (sqlite3_step(select) == SQLITE_ROW) ++rows;
  CHECK(rows == 10);
  CHECK(sqlite3_stmt_status(select, SQLITE_STMTSTATUS_VM_STEP, 1) < 2'000);
  sqlite3_reset(select);
}

TEST_CASE("a writer indexes what is old and what is new when it has nothing else to do") {
  test::TemporaryFolder folder;
  Store::Settings settings;
  settings.path = file_without_index(folder, 500);
  settings.synchronous = Synchronous::off;
  settings.purge_pause = settings.index_pause = std::chrono::milliseconds(1);
  test::HandLoop loop;
  settings.post = [&loop](std::function<void()> call) { loop.post(std::move(call)); };
  const auto store = test::open_store(settings);
  Changes changes;
  changes.add(InsertMessage{test::message_row(anna, chat, "new", 900'000), true, std::nullopt});
  store->commit(std::move(changes), [](Result<void>) {});
  store->flush();
  const auto progress = [&] { return search_progress(store->reader()); };
  while (progress().after_row != 0 || progress().through_row != 501) {
    bool told = false;  // waits for the writer, not for the clock
    store->ping([&](bool) { told = true; });
    loop.run_until([&] { return told; });
  }
  check_index(store->reader());
  MessageSearch search = search_for(store->reader(), "word 3");
  CHECK(ids_of(search_messages(store->reader(), search)) == Ids{"M3"});
  CHECK(find(store->reader(), "body new") == Ids{"new"});
}

TEST_CASE("no text of a search is read as a query language") {
  Room room(GENERATE(false, true));
  room.say("A", "near or not and body scope 100 word");
  struct Row {
    std::string text;
    Ids ids;
  };
  const std::vector<Row> rows = {
      {"NEAR(word body)", {}},
      {"near or(not", {"A"}},
      {"body : word", {"A"}},
      {"word OR absent", {}},
      {"NOT word", {"A"}},
      {"word*", {"A"}},
      {"wor* absent", {}},
      {"^near", {"A"}},
      {"{body scope} : word", {"A"}},
      {"\"\"\"word", {"A"}},
      {"wo\"rd", {}},
      {"' OR 1=1 --", {}},
      {std::string("word\0absent", 11), {}},
      {std::string("word\0", 5), {"A"}},
      {"word \xff\xfe", {"A"}},

      {"100%", {"A"}},
      {"-word", {"A"}},
      {"+word", {"A"}},
      {"(word", {"A"}},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(find(room.db(), row.text) == row.ids);
  }
  for (const std::string& none : {std::string(), std::string("*"), std::string("\"\""), std::string(" \t"),
                                  std::string("!?-"), std::string("\0", 1), std::string("\xff")}) {
    INFO(none);
    const auto terms = search_terms(room.db(), none);
    REQUIRE(!terms);
    CHECK(terms.error().code == Errc::malformed);
  }
  for (const char* broken : {"\xc3word", "w\xe2\x82", "\xf0\x9f"}) {
    const auto terms = search_terms(room.db(), broken);
    if (terms) CHECK_NOTHROW(find(room.db(), broken));
  }
  std::string many, one;
  for (int i = 0; i < 10'000; ++i) many += "w" + std::to_string(i) + " ", one += "w-";
  for (const std::string& text : {many, one, "\"" + many + "\""})
    CHECK(search_terms(room.db(), text).error().code == Errc::too_large);
  const auto most = search_terms(room.db(), many.substr(0, 30 * 3 + 5));
  REQUIRE(most.has_value());
  MessageSearch search = search_for(room.db(), "word");
  search.terms = *most;
  CHECK(search_messages(room.db(), search).messages.empty());
}

TEST_CASE("a prefix with more words than are listed finds them all") {
  Room room(true);
  Ids all;
  for (int i = 0; i < 150; ++i) {
    room.say("M" + std::to_string(i), "call 4915" + std::to_string(1'000 + i));
    all.insert(all.begin(), "M" + std::to_string(i));
  }
  MessageSearch search = search_for(room.db(), "4915");
  search.limit = 1'000;
  CHECK(ids_of(search_messages(room.db(), search)) == all);
  CHECK(find(room.db(), "49151149") == Ids{"M149"});
  CHECK(find(room.db(), "\"call\" 4915103") ==
        Ids{"M39", "M38", "M37", "M36", "M35", "M34", "M33", "M32", "M31", "M30"});
}

TEST_CASE("a sweep leaves no word of a deleted message in the file") {
  test::TemporaryFolder folder;
  const std::string path = folder.file("test.sqlite");
  const auto file_has = [&](const std::string& word) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    return bytes.find(word) != std::string::npos;
  };
  constexpr UnixMs now = 1'764'000'000'000;
  {
    Store::Settings settings;
    settings.path = path;
    settings.synchronous = Synchronous::off;
    settings.max_indexed_rows_idle = 1;
    const auto store = test::open_store(settings);
    for (int i = 0; i < 300; ++i) {
      Changes changes;
      MessageRow row = test::message_row(anna, chat, std::to_string(i), i * 1'000);
      row.body = i == 150 ? "zzhush" : "word" + std::to_string(i);
      changes.add(InsertMessage{std::move(row), true, std::nullopt});
      store->commit(std::move(changes), [](Result<void>) {});
    }
    CHECK(!sweep_waits(store->reader(), now));
    Changes changes;
    changes.add(RevokeMessage{anna, chat, "150", false, 9'000'000});
    store->commit(std::move(changes), [](Result<void>) {});
    CHECK(find(store->reader(), "zzhush").empty());
  }
  auto opened = Database::open(path, Database::Mode::read_write, Synchronous::off);
  REQUIRE(opened.has_value());
  Database& db = **opened;
  REQUIRE(db.execute("PRAGMA wal_checkpoint(TRUNCATE)").has_value());
  CHECK(file_has("hush"));
  CHECK(sweep_waits(db, now));
  int slices = 0;
  for (bool more = true; more; ++slices) {
    REQUIRE(slices < 1'000);
    const Overwriting overwriting(db);
    REQUIRE(in_transaction(db, [&]() -> Result<void> {
              const Result<bool> left = sweep_index(db, now);
              if (!left) return left.error();
              more = *left;
              return {};
            }).has_value());
  }
  REQUIRE(db.execute("PRAGMA wal_checkpoint(TRUNCATE)").has_value());
  CHECK(!file_has("hush"));
  CHECK(!sweep_waits(db, now + 2 * sweep_interval_ms));
  check_index(db);
  CHECK(find(db, "word149") == Ids{"149"});
}

TEST_CASE("a damaged record of the index costs no turn, and it is made anew") {
  Room room(true);
  for (int i = 0; i < 50; ++i) room.say("M" + std::to_string(i), "word" + std::to_string(i));
  room.store.reset();
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(room.settings.path.c_str(), &handle) == SQLITE_OK);
  REQUIRE(sqlite3_exec(handle, "UPDATE message_index_data SET block = x'00' WHERE id = 10", nullptr, nullptr,
                       nullptr) == SQLITE_OK);
  sqlite3_close(handle);
  room.store = test::open_store(room.settings);
  const auto edit = [&] {
    bool stored = false;
    Changes changes;
    changes.add(EditMessage{anna, chat, "M7", false, "changed", {}, 6'000});
    room.store->commit(std::move(changes), [&](Result<void> done) { stored = done.has_value(); });
    return stored;
  };
  CHECK((edit() || edit()));
  CHECK(room.store->healthy());
  CHECK(find_message(room.db(), anna, chat, "M7")->body == "changed");
  CHECK(find(room.db(), "changed") == Ids{"M7"});
  CHECK(find(room.db(), "word8") == Ids{"M8"});
  CHECK(find(room.db(), "word7").empty());
  check_index(room.db());
}

namespace {

/// A store with its thread's work done by hand of the test: the writer's own, told what becomes of the index.
struct ThreadedRoom {
  ThreadedRoom() {
    settings.path = folder.file("test.sqlite");
    settings.synchronous = Synchronous::off;
    settings.max_indexed_rows_idle = 100;
    settings.purge_pause = settings.index_pause = std::chrono::milliseconds(0);
    settings.post = [this](std::function<void()> call) { loop.post(std::move(call)); };
    settings.tell_of_index = [this](std::string_view event, std::string_view) {
      const std::lock_guard lock(mutex);
      told.emplace_back(event);
    };
    store = test::open_store(settings);
  }
  Errc commit(Changes changes) {
    std::optional<Errc> code;
    store->commit(std::move(changes), [&](Result<void> done) {
      if (!done) UNSCOPED_INFO(done.error().detail);
      code = done ? Errc::none : done.error().code;
    });
    loop.run_until([&] { return code.has_value(); });
    return *code;
  }
  /// Waits for the writer, not for the clock.
  template <class Condition>
  void writer_until(Condition condition) {
    while (!condition()) {
      bool answered = false;
      store->ping([&](bool) { answered = true; });
      loop.run_until([&] { return answered; });
    }
  }
  void reopen() {
    store.reset();
    store = test::open_store(settings);
  }
  bool is_indexed() {
    const SearchProgress progress = search_progress(store->reader());
    return !progress.damaged && progress.after_row == 0 &&
           progress.through_row >= count(store->reader(), "SELECT max(row) FROM message");
  }
  std::size_t times_told(const std::string& event) {
    const std::lock_guard lock(mutex);
    return static_cast<std::size_t>(std::count(told.begin(), told.end(), event));
  }

  test::TemporaryFolder folder;
  test::HandLoop loop;
  std::mutex mutex;
  std::vector<std::string> told;
  Store::Settings settings;
  std::unique_ptr<Store> store;
};

/// Overwrites pages of a table in the file of a closed store: every leaf, or the first one alone.
std::size_t damage(const std::string& path, const std::string& table, bool all) {
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
  REQUIRE(sqlite3_exec(handle, "PRAGMA wal_checkpoint(TRUNCATE)", nullptr, nullptr, nullptr) == SQLITE_OK);
  std::int64_t page_size = 0, root = 0;
  for (const auto& [sql, value] : {std::pair{std::string("PRAGMA page_size"), &page_size},
                                   {"SELECT rootpage FROM sqlite_master WHERE name = '" + table + "'", &root}}) {
    sqlite3_stmt* select = nullptr;
    REQUIRE(sqlite3_prepare_v2(handle, sql.c_str(), -1, &select, nullptr) == SQLITE_OK);
    REQUIRE(sqlite3_step(select) == SQLITE_ROW);
    *value = sqlite3_column_int64(select, 0);
    sqlite3_finalize(select);
  }
  sqlite3_close(handle);
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  const auto read = [&](std::int64_t at, int bytes) {
    std::int64_t value = 0;
    file.seekg(at);
    for (int i = 0; i < bytes; ++i) value = value << 8 | file.get();
    return value;
  };
  const std::int64_t start = (root - 1) * page_size;
  REQUIRE(read(start, 1) == 5);  // an interior page of a table: its cells begin with the number of a child
  const std::int64_t cells = read(start + 3, 2);
  REQUIRE(cells > 1);
  const std::string garbage(static_cast<std::size_t>(page_size), '\xee');
  std::size_t damaged = 0;
  for (std::int64_t cell = 0; cell < cells && (all || damaged == 0); ++cell) {
    // Not the first, where FTS5 keeps what it needs to open the index at all.
    const std::int64_t child = read(start + read(start + 12 + 2 * cell, 2), 4);
    if (cell == 0) continue;
    file.seekp((child - 1) * page_size);
    file << garbage;
    ++damaged;
  }
  return damaged;
}

Changes talk(int from, int to) {
  Changes changes;
  for (int i = from; i < to; ++i)
    for (const Jid& in : {chat, other}) {
      MessageRow row = test::message_row(anna, in, in.user + "-" + std::to_string(i), i * 1'000);
      row.body =
          "word" + std::to_string(i) + " said " + std::to_string(i * 7919) + " and " + std::to_string(i * 104729);
      changes.add(InsertMessage{std::move(row), true, std::nullopt});
    }
  return changes;
}

}  // namespace

TEST_CASE("a damaged page of the index fails no turn and no search, and the index is made anew") {
  const bool all = GENERATE(false, true);
  ThreadedRoom room;
  REQUIRE(room.commit(talk(0, 1'000)) == Errc::none);
  room.writer_until([&] { return room.is_indexed(); });
  room.store.reset();
  REQUIRE(damage(room.settings.path, "message_index_data", all) > 0);
  // A writer that is never idle meets it with its turns.
  const auto pause = room.settings.purge_pause;
  room.settings.purge_pause = room.settings.index_pause = std::chrono::hours(1);
  room.settings.max_purged_rows = 5;
  room.store = test::open_store(room.settings);
  std::vector<std::string> events;
  room.store->on_events([&](const std::vector<Event>& told) {
    for (const Event& event : told)
      if (event.name.starts_with('e')) events.push_back(event.name);
  });
  for (int i = 0; i < 1'000; i += 3) {
    Changes changes;
    changes.add(EditMessage{anna, chat, "1-" + std::to_string(i), false, "changed", {}, 2'000'000});
    changes.add(PutRatchet{anna, Jid(std::to_string(i), "lid"), {7}});
    changes.emit(NewEvent(anna, "e" + std::to_string(i), "", "{}", 1));
    REQUIRE(room.commit(std::move(changes)) == Errc::none);
    REQUIRE(room.store->healthy());
    // Where the batch was written twice, too.
    CHECK(find_ratchet(room.store->reader(), anna, Jid(std::to_string(i), "lid")) == protocol::Bytes{7});
    REQUIRE(!events.empty());
    CHECK(events.back() == "e" + std::to_string(i));
    if (i == 300) {
      Changes removal;
      removal.add(RemoveChat{anna, other});
      removal.add(MergeChats{anna, pn, chat});
      REQUIRE(room.commit(std::move(removal)) == Errc::none);
    }
  }
  CHECK(events.size() == 334);
  CHECK(read_events(room.store->reader(), {}).size() >= 334);
  CHECK(room.times_told("search_index_damaged") == 1);
  CHECK(search_progress(room.store->reader()).damaged);
  const auto check_search = [&](bool complete) {
    MessageSearch search = search_for(room.store->reader(), "changed");
    search.limit = 1'000;
    const FoundMessages found = search_messages(room.store->reader(), search);
    CHECK(found.messages.size() == 334);
    CHECK(found.complete == complete);
    CHECK(!found.unreadable_index);
  };
  check_search(true);  // it reads all of so few itself
  room.reopen();
  CHECK(search_progress(room.store->reader()).damaged);
  check_search(true);
  room.settings.purge_pause = room.settings.index_pause = pause;
  room.reopen();
  room.writer_until([&] { return room.is_indexed() && !has_removed(room.store->reader()); });
  CHECK(room.times_told("search_index_renewed") == 1);
  CHECK(room.times_told("search_index_missing") == 0);
  CHECK(count(room.store->reader(), "SELECT count(*) FROM sqlite_master WHERE name = 'message_index_damaged_1'") == 1);
  check_search(true);
  check_index(room.store->reader());
  CHECK(find(room.store->reader(), "\"word7\"") == Ids{"1-7"});
  // And follows again, in this run and the next.
  for (int run = 0; run < 2; ++run) {
    Changes changes;
    changes.add(EditMessage{anna, chat, "1-7", false, "again" + std::to_string(run), {}, 3'000'000 + run});
    REQUIRE(room.commit(std::move(changes)) == Errc::none);
    CHECK(find(room.store->reader(), "again" + std::to_string(run)) == Ids{"1-7"});
    check_index(room.store->reader());
    room.reopen();
  }
  CHECK(room.times_told("search_index_damaged") == 1);
}

TEST_CASE("a search that meets a damaged index answers from the newest messages and asks for a new one") {
  ThreadedRoom room;
  REQUIRE(room.commit(talk(0, 2'500)) == Errc::none);
  room.writer_until([&] { return room.is_indexed(); });
  room.store.reset();
  REQUIRE(damage(room.settings.path, "message_index_data", true) > 0);
  room.store = test::open_store(room.settings);
  Database& reader = room.store->reader();
  const FoundMessages found = search_messages(reader, search_for(reader, "word2400"));
  CHECK(ids_of(found) == Ids{"2-2400", "1-2400"});
  CHECK(!found.complete);
  REQUIRE(found.unreadable_index == 1);
  CHECK(find(reader, "word3").empty());  // not among the newest 4,000
  room.store->renew_search_index(*found.unreadable_index);
  room.writer_until([&] { return room.is_indexed() && search_progress(reader).number == 2; });
  const FoundMessages anew = search_messages(reader, search_for(reader, "word3"));
  CHECK(anew.complete);
  CHECK(ids_of(anew).size() == 50);
  check_index(reader);
  // A search that began before it says so late.
  room.store->renew_search_index(1);
  room.writer_until([&] { return room.is_indexed(); });
  REQUIRE(room.commit(talk(2'500, 2'501)) == Errc::none);
  CHECK(search_progress(reader).number == 2);
  CHECK(room.times_told("search_index_damaged") == 1);
}

TEST_CASE("an index that cannot be made anew is done without, and the next start tries once more") {
  ThreadedRoom room;
  REQUIRE(room.commit(talk(0, 100)) == Errc::none);
  room.writer_until([&] { return room.is_indexed(); });
  room.store.reset();
  // Neither dropped nor renamed: SQLite cannot open it.
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(room.settings.path.c_str(), &handle) == SQLITE_OK);
  REQUIRE(sqlite3_exec(handle, "UPDATE message_index_config SET v = 99 WHERE k = 'version'", nullptr, nullptr,
                       nullptr) == SQLITE_OK);
  sqlite3_close(handle);
  for (std::size_t run = 1; run <= 2; ++run) {
    room.store = test::open_store(room.settings);
    Changes changes;
    changes.add(EditMessage{anna, chat, "1-7", false, "changed", {}, 3'000'000});
    REQUIRE(room.commit(std::move(changes)) == Errc::none);
    room.writer_until([&] { return room.times_told("search_index_missing") == run; });
    REQUIRE(room.commit(talk(100, 101)) == Errc::none);
    CHECK(room.store->healthy());
    CHECK(find(room.store->reader(), "changed") == Ids{"1-7"});
    room.store.reset();
  }
  CHECK(room.times_told("search_index_damaged") == 1);
  CHECK(room.times_told("search_index_renewed") == 0);
}

TEST_CASE("long texts are indexed sooner than many rows, and a search reads so much of them itself") {
  ThreadedRoom room;
  room.settings.purge_pause = room.settings.index_pause = std::chrono::hours(1);
  room.settings.max_unindexed = 1'000'000;
  room.reopen();
  const auto say_long = [&](int i) {
    Changes changes;
    MessageRow row = test::message_row(anna, chat, "M" + std::to_string(i), i * 1'000);
    for (int word = 0; word < 6'000; ++word) row.body += "longish" + std::to_string(word % 100) + " ";
    row.body += "last" + std::to_string(i);
    changes.add(InsertMessage{std::move(row), true, std::nullopt});
    REQUIRE(room.commit(std::move(changes)) == Errc::none);
  };
  for (int i = 0; i < 30; ++i) {
    say_long(i);
    CHECK(unindexed_messages(room.store->reader()) < 5);  // 60 KB each
    room.store->reader().recall().forget();
  }
  CHECK(search_messages(room.store->reader(), search_for(room.store->reader(), "last3")).complete);
  check_index(room.store->reader());
  // Where none were indexed it reads the newest of them.
  room.commit([] {
    Changes changes;
    test::inject(changes, [](Database& db) { return give_up_index(db); });
    return changes;
  }());
  const FoundMessages found = search_messages(room.store->reader(), search_for(room.store->reader(), "longish7"));
  CHECK(!found.complete);
  CHECK(found.messages.size() == 18);  // 1 MB
  CHECK(found.messages.front().id == "M29");
}

TEST_CASE("an index that is made anew is what the migration made, with the tokenizer of searches") {
  Room room(true);
  const auto made = [&] {
    Statement select(room.db(), "SELECT sql FROM sqlite_master WHERE name = 'message_index'");
    std::string sql = select.next() ? select.text() : std::string();
    sql.erase(std::remove_if(sql.begin(), sql.end(), [](char c) { return c == ' ' || c == '\n'; }), sql.end());
    return sql;
  };
  const std::string first = made();
  std::string folding;
  for (const char* option : {"unicode61", WHARF_SEARCH_FOLDING}) folding += option;
  CHECK_THAT(first, Catch::Contains("tokenize='" + folding + "'"));
  room.turn([](Changes& changes) {
    test::inject(changes, [](Database& db) { return renew_index(db, OldIndex::set_aside); });
  });
  CHECK(made() == first);
  CHECK(count(room.db(), "SELECT v FROM message_index_config WHERE k = 'automerge'") == 0);
  CHECK(count(room.db(), "SELECT v FROM message_index_damaged_1_config WHERE k = 'automerge'") == 0);
}
