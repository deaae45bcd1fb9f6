// Chats that merge, and messages that still move between them.
#include "storage/removal.h"

#include "storage/chats.h"
#include "storage/messages.h"
#include "tests/storage/counts.h"
#include "tests/storage/fixture.h"
#include "tests/storage/injection.h"
#include "tests/storage/sliced_store.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;
using test::count;
using test::marks;
using test::messages_of;
using test::SlicedStore;

namespace {

const SessionId anna{1};
const Jid chat("1", "lid"), other_chat("2", "lid"), pn("3", "s.whatsapp.net");

std::vector<std::string> read_all(Database& db, const Jid& of, std::size_t page_size) {
  std::vector<std::string> ids;
  std::optional<std::int64_t> before;
  do {
    const MessagePage page = page_messages(db, anna, of, page_size, before);
    for (const MessageRow& row : page.messages) {
      CHECK(row.chat == of);
      ids.push_back(row.id);
    }
    before = page.next;
  } while (before);
  return ids;
}

/// Messages P0.. of the number and L0.. of the LID, alternating in time; both have "both".
void fill_both(Changes& changes, int each) {
  for (int i = 0; i < each; ++i) {
    changes.add(InsertMessage{test::message_row(anna, pn, "P" + std::to_string(i), i * 10), true, std::nullopt});
    changes.add(InsertMessage{test::message_row(anna, chat, "L" + std::to_string(i), i * 10 + 5), true, std::nullopt});
  }
  changes.add(InsertMessage{test::message_row(anna, pn, "both", 99'000), true, std::nullopt});
  changes.add(InsertMessage{test::message_row(anna, chat, "both", 1), true, std::nullopt});
}

}  // namespace

TEST_CASE("merging does not bring removed messages back, nor bury living ones") {
  test::TemporaryFolder folder;
  Store::Settings settings;
  settings.path = folder.file("test.sqlite");
  settings.max_purged_rows = 1;
  settings.purge_pause = std::chrono::hours(1);
  test::HandLoop loop;
  settings.post = [&loop](std::function<void()> call) { loop.post(std::move(call)); };
  const auto store = test::open_store(settings);
  const auto turn = [&](auto fill_turn) {
    Changes changes;
    fill_turn(changes);
    bool done = false;
    store->commit(std::move(changes), [&](Result<void> result) { done = result.has_value(); });
    loop.run_until([&] { return done; });
  };
  const bool from_removed = GENERATE(true, false);
  turn([&](Changes& changes) {
    for (int i = 0; i < 20; ++i) {
      changes.add(InsertMessage{test::message_row(anna, pn, "P" + std::to_string(i), i), true, std::nullopt});
      changes.add(InsertMessage{test::message_row(anna, chat, "L" + std::to_string(i), i), true, std::nullopt});
    }
    changes.add(RemoveChat{anna, from_removed ? pn : chat});
    if (from_removed) changes.add(InsertMessage{test::message_row(anna, pn, "late", 90), true, std::nullopt});
    changes.add(MergeChats{anna, pn, chat});
  });
  const auto page = page_messages(store->reader(), anna, chat, 100, std::nullopt).messages;
  CHECK(page.size() == (from_removed ? 21u : 20u));
  for (const MessageRow& row : page) CHECK((row.id == "late" || row.id.starts_with(from_removed ? "L" : "P")));
  for (int i = 0; i < 30; ++i) turn([&](Changes& changes) { changes.add(TouchSession{anna, i}); });
  CHECK(messages_of(store->reader(), anna) == (from_removed ? 21 : 20));
}

TEST_CASE("merged chats read as one from the first moment, while slices move the messages") {
  SlicedStore s(25);
  constexpr int each = 100;
  s.turn([](Changes& changes) { fill_both(changes, each); });
  std::vector<std::string> expected;
  for (int i = each - 1; i >= 0; --i) {
    expected.push_back("L" + std::to_string(i));
    if (i == 0) expected.push_back("both");  // the copy of the LID counts
    expected.push_back("P" + std::to_string(i));
  }
  CHECK(s.turn([](Changes& changes) { changes.add(MergeChats{anna, pn, chat}); }) <= 8);
  int slices = 0;
  for (bool last = false; !last; ++slices) {
    REQUIRE(slices < 20);
    last = s.purged();
    CHECK(read_all(s.db(), chat, 7) == expected);
    CHECK(page_messages(s.db(), anna, pn, 10, std::nullopt).messages.empty());
    CHECK(!find_chat(s.db(), anna, pn));
    const auto found = find_chat(s.db(), anna, chat);
    REQUIRE(found);
    CHECK(found->unread == 2 * each + 2);
    CHECK(found->alternate == pn);
    REQUIRE(found->last_message);
    CHECK(found->last_message->id == "L99");
    for (const char* id : {"P0", "P50", "P99", "L3", "both"}) {
      INFO(id);
      CHECK(has_message(s.db(), anna, chat, id));
      CHECK(!has_message(s.db(), anna, pn, id));
      CHECK(!find_message(s.db(), anna, pn, id));
      const auto by_id = find_message_by_id(s.db(), anna, id, false);
      REQUIRE(by_id);
      CHECK(by_id->chat == chat);
    }
    // One that is known comes once more.
    s.turn([&](Changes& changes) {
      changes.add(InsertMessage{test::message_row(anna, chat, "P70", 700), true, std::nullopt});
    });
    CHECK(s.in_slice <= 25 + marks);
    if (slices == 1) {
      s.reopen();
      s.noted.reset();
    }
  }
  CHECK(slices >= 4);
  CHECK(messages_of(s.db(), anna) == 2 * each + 1);
  CHECK(count(s.db(), "SELECT count(DISTINCT chat_id) FROM message") == 1);
}

TEST_CASE("a known message is known while the slices that move it fail") {
  SlicedStore s(25);
  s.turn([](Changes& changes) { fill_both(changes, 10); });
  s.turn([](Changes& changes) {
    test::inject(changes, [](Database& db) {
      return db.execute(
          "CREATE TRIGGER stop BEFORE UPDATE OF chat_id ON message BEGIN SELECT RAISE(ABORT, 'stop'); END");
    });
    changes.add(MergeChats{anna, pn, chat});
  });
  for (int i = 0; i < 3; ++i) {
    s.turn([](Changes& changes) {
      changes.add(InsertMessage{test::message_row(anna, chat, "P7", 7), true, std::nullopt});
    });
  }
  CHECK(messages_of(s.db(), anna) == 22);
  CHECK(read_all(s.db(), chat, 7).size() == 21);
}

TEST_CASE("a message that waits to be moved can still become the last one of its chat") {
  SlicedStore s(1);
  s.turn([](Changes& changes) {
    fill_both(changes, 10);
    changes.add(MergeChats{anna, pn, chat});
  });
  const std::int64_t row = find_message(s.db(), anna, chat, "P9")->row;
  s.turn([&](Changes& changes) { changes.add(RaiseAck{anna, row, AckLevel::server, "", 50'000}); });
  REQUIRE(count(s.db(),
                "SELECT count(*) FROM message WHERE id = 'P9' AND chat_id = (SELECT from_id FROM merged_chat)") == 1);
  const auto found = find_chat(s.db(), anna, chat);
  REQUIRE(found);
  CHECK(found->last_at == 50'000);
  CHECK(found->last_message->id == "P9");
  CHECK(found->last_message->chat == chat);
}

TEST_CASE("a chat removed while messages still move into it is gone, and its number's new life is not") {
  SlicedStore s(15);
  s.turn([](Changes& changes) {
    fill_both(changes, 50);
    changes.add(MergeChats{anna, pn, chat});
  });
  s.slice();
  s.turn([](Changes& changes) {
    changes.add(InsertMessage{test::message_row(anna, pn, "again", 1), true, std::nullopt});
    changes.add(RemoveChat{anna, chat});
  });
  for (int slices = 0; !s.purged(); ++slices) {
    REQUIRE(slices < 30);
    CHECK(!find_chat(s.db(), anna, chat));
    CHECK(read_all(s.db(), chat, 50).empty());
    CHECK(!find_message_by_id(s.db(), anna, "P45", false));
    CHECK(read_all(s.db(), pn, 50) == std::vector<std::string>{"again"});
    CHECK(s.slice() <= 15 + marks);
  }
  CHECK(messages_of(s.db(), anna) == 1);
  CHECK(read_all(s.db(), pn, 50) == std::vector<std::string>{"again"});
}

TEST_CASE("a number that gets another LID before the slices came leaves each message with its own") {
  SlicedStore s(10);
  s.turn([](Changes& changes) {
    for (int i = 0; i < 30; ++i)
      changes.add(InsertMessage{test::message_row(anna, pn, "old" + std::to_string(i), i), true, std::nullopt});
    changes.add(MergeChats{anna, pn, chat});
    changes.add(InsertMessage{test::message_row(anna, pn, "gone", 1), true, std::nullopt});
    changes.add(RemoveChat{anna, pn});
    changes.add(InsertMessage{test::message_row(anna, pn, "new", 1), true, std::nullopt});
    changes.add(MergeChats{anna, pn, other_chat});
  });
  for (int slices = 0;; ++slices) {
    REQUIRE(slices < 20);
    CHECK(read_all(s.db(), chat, 50).size() == 30);
    CHECK(read_all(s.db(), other_chat, 50) == std::vector<std::string>{"new"});
    CHECK(read_all(s.db(), pn, 50).empty());
    CHECK(!find_message_by_id(s.db(), anna, "gone", false));
    if (s.purged()) break;
    s.slice();
  }
  CHECK(messages_of(s.db(), anna) == 31);
}

TEST_CASE("only a number merges into a LID") {
  test::InlineStore store;
  Changes changes;
  changes.add(MergeChats{anna, chat, pn});
  CHECK(store.try_commit(std::move(changes)).has_error());
}
