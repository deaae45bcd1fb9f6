// Messages found by their words: in the index and before they are in it.
#include "storage/search.h"

#include <algorithm>
#include <chrono>

#include "storage/chats.h"
#include "storage/removal.h"
#include "storage/sessions.h"
#include "tests/storage/injection.h"
#include "tests/storage/search_room.h"
#include "tests/storage/sliced_store.h"

using namespace wharf;
using namespace wharf::test::searching;

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

TEST_CASE("times that no clock can show stand at the ends of the order, and pages go through them") {
  Room room(GENERATE(false, true));
  room.say("epoch", "word", chat, 0);
  room.say("before", "word", chat, -5'000);
  room.say("now", "word", chat, 1'700'000'000'000);
  room.say("last", "word", chat, 4'294'967'295'000);
  room.say("beyond", "word", chat, 9'000'000'000'000'000);
  const Ids newest_first = {"beyond", "last", "now", "before", "epoch"};
  CHECK(find(room.db(), "word") == newest_first);
  MessageSearch search = search_for(room.db(), "word");
  search.limit = 1;
  Ids paged;
  do {
    const FoundMessages found = search_messages(room.db(), search);
    for (const std::string& id : ids_of(found)) paged.push_back(id);
    search.before = found.next;
  } while (search.before && paged.size() < 10);
  CHECK(paged == newest_first);
  search.limit = 50;
  search.since = 1'000;
  search.until = 4'294'967'295'000;
  CHECK(ids_of(search_messages(room.db(), search)) == Ids{"now"});
  search.since.reset();
  search.until = 1;
  CHECK(ids_of(search_messages(room.db(), search)) == Ids{"before", "epoch"});
  for (const std::int64_t none : {std::int64_t{0}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::min()}) {
    search.until.reset();
    search.before = none;
    CHECK(search_messages(room.db(), search).messages.empty());
  }
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
