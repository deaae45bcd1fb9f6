#include <set>

#include "storage/chat_list.h"
#include "storage/chats.h"
#include "storage/messages.h"
#include "storage/outbox.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;

namespace {

const SessionId session{1}, other{2};
const Jid pn("15550000001", "s.whatsapp.net"), lid("100000000000001", "lid"), group("1-2", "g.us");

MessageRow named(const Jid& chat, const std::string& id, UnixMs time, const std::string& push_name) {
  MessageRow row = test::message_row(session, chat, id, time);
  row.push_name = push_name;
  return row;
}

void put(test::InlineStore& store, MessageRow row, bool unread = false, std::optional<Jid> alternate = std::nullopt) {
  store.turn([&](Changes& changes) { changes.add(InsertMessage{std::move(row), unread, alternate}); });
}

}  // namespace

TEST_CASE("a chat follows its messages: last one, unread, name, alternate identity") {
  test::InlineStore store;
  CHECK(!find_chat(store.db(), session, lid));
  MessageRow own = named(lid, "A", 1'000, "Me");
  own.from_me = true;
  put(store, own);
  auto chat = find_chat(store.db(), session, lid);
  REQUIRE(chat);
  CHECK(chat->name.empty());
  CHECK(chat->unread == 0);
  CHECK(!chat->alternate);

  put(store, named(lid, "B", 3'000, "Anna"), true, pn);
  put(store, named(lid, "C", 2'000, "Anna of old"), true);  // late
  put(store, named(lid, "D", 2'500, ""), false);
  chat = find_chat(store.db(), session, lid);
  CHECK(chat->name == "Anna");
  CHECK(chat->unread == 2);
  CHECK(chat->alternate == pn);
  CHECK(chat->last_at == 3'000);
  REQUIRE(chat->last_message);
  CHECK(chat->last_message->id == "B");
  CHECK(chat->last_message->body == "body of B");
  put(store, named(lid, "E", 4'000, "Anna B."), true);
  CHECK(find_chat(store.db(), session, lid)->name == "Anna B.");
  store.turn([](Changes& changes) {
    changes.add(LowerUnread{session, lid, 7});
    changes.add(LowerUnread{session, pn, 5});  // no such chat
  });
  CHECK(find_chat(store.db(), session, lid)->unread == 0);
  CHECK(!find_chat(store.db(), session, pn));
  CHECK(!find_chat(store.db(), other, lid));

  // In a group the speaker does not name the chat.
  put(store, named(group, "G", 1, "Anna"), true);
  CHECK(find_chat(store.db(), session, group)->name.empty());
}

TEST_CASE("pages of chats are stable while chats get messages") {
  test::InlineStore store;
  for (int i = 0; i < 57; ++i) {
    put(store, test::message_row(session, Jid(std::to_string(i), "lid"), "A", i % 4));
    put(store, test::message_row(other, Jid(std::to_string(i), "lid"), "A", i % 4));
  }
  std::vector<std::string> seen;
  std::optional<std::string> cursor;
  int pages = 0;
  do {
    const ChatPage page = page_chats(store.db(), session, 10, cursor);
    for (const ChatRow& chat : page.chats) {
      CHECK(chat.last_message.has_value());
      seen.push_back(chat.chat.user);
    }
    cursor = page.next;
    if (cursor) CHECK(valid_chat_cursor(*cursor));
    // A chat that was read already and a new one come to the front.
    put(store, test::message_row(session, Jid(seen.front(), "lid"), "new" + std::to_string(pages), 1'000 + pages));
    put(store, test::message_row(session, Jid("new" + std::to_string(pages), "lid"), "A", 2'000 + pages));
    ++pages;
  } while (cursor);
  CHECK(pages == 6);
  CHECK(seen.size() == 57);
  CHECK(std::set<std::string>(seen.begin(), seen.end()).size() == 57);
  CHECK(page_chats(store.db(), session, 1, std::nullopt).chats.at(0).chat.user == "new5");
}

TEST_CASE("a cursor that is not ours gives nothing and can be told from a good one") {
  test::InlineStore store;
  put(store, test::message_row(session, lid, "A", 1));
  for (const std::string cursor :
       {"", ".", "1", "1.", ".1", "1.2.3", "x.1", "1.x", "99999999999999999999999.1", "1 .1"}) {
    INFO(cursor);
    CHECK(!valid_chat_cursor(cursor));
    CHECK(page_chats(store.db(), session, 10, cursor).chats.empty());
  }
  CHECK(valid_chat_cursor("-5.7"));
}

TEST_CASE("removing a chat takes its messages and nothing else") {
  test::InlineStore store;
  put(store, test::message_row(session, lid, "A", 1));
  put(store, test::message_row(session, group, "B", 1));
  put(store, test::message_row(other, lid, "A", 1));
  store.turn([](Changes& changes) {
    changes.add(RemoveChat{session, lid});
    changes.add(RemoveChat{session, Jid("nobody", "lid")});
  });
  CHECK(!find_chat(store.db(), session, lid));
  CHECK(!has_message(store.db(), session, lid, "A"));
  CHECK(find_chat(store.db(), session, group));
  CHECK(has_message(store.db(), other, lid, "A"));
}

TEST_CASE("merging moves a phone number's chat to the LID, once or twice") {
  test::InlineStore store;
  put(store, named(pn, "A", 1'000, "Anna of old"), true);
  put(store, named(pn, "B", 5'000, ""), true);
  put(store, named(pn, "both", 6'000, ""), true);
  put(store, named(lid, "both", 3'000, "Anna"), true);
  put(store, test::message_row(session, group, "G", 1));
  OutboxRow queued;
  queued.session = session;
  queued.row = 1;
  queued.chat = pn;
  store.turn([&](Changes& changes) { changes.add(InsertOutbox{queued}); });
  for (int time = 0; time < 2; ++time) {
    store.turn([](Changes& changes) { changes.add(MergeChats{session, pn, lid}); });
    CHECK(!find_chat(store.db(), session, pn));
    const auto chat = find_chat(store.db(), session, lid);
    REQUIRE(chat);
    CHECK(chat->alternate == pn);
    CHECK(chat->name == "Anna");
    CHECK(chat->unread == 4);
    CHECK(chat->last_message->id == "B");
    CHECK(chat->last_at == 5'000);
    CHECK(page_messages(store.db(), session, lid, 10, std::nullopt).messages.size() == 3);
    CHECK(page_messages(store.db(), session, pn, 10, std::nullopt).messages.empty());
    CHECK(load_outbox(store.db(), session).at(0).chat == lid);
  }
  CHECK(has_message(store.db(), session, group, "G"));
}

TEST_CASE("merging into a chat that does not exist yet renames it, and merging nothing creates nothing") {
  test::InlineStore store;
  put(store, named(pn, "A", 1'000, "Anna"), true);
  store.turn([](Changes& changes) { changes.add(MergeChats{session, pn, lid}); });
  const auto chat = find_chat(store.db(), session, lid);
  REQUIRE(chat);
  CHECK(chat->name == "Anna");
  CHECK(chat->unread == 1);
  CHECK(chat->last_message->id == "A");
  CHECK(chat->last_message->chat == lid);
  store.turn([](Changes& changes) { changes.add(MergeChats{other, pn, lid}); });
  CHECK(!find_chat(store.db(), other, lid));
}

TEST_CASE("the whole list holds a bounded number of chats, the newest first, and says when there are more") {
  test::InlineStore store;
  for (int i = 0; i < 3; ++i)
    put(store, test::message_row(session, Jid("list" + std::to_string(i), "lid"), "A", 10 + i));
  put(store, test::message_row(other, lid, "A", 1));
  const auto listed = list_chats(store.db(), session, 3);
  REQUIRE(listed);
  const auto rows = read_chats(store.db(), session, *listed);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].chat.user == "list2");
  CHECK(rows[2].chat.user == "list0");
  CHECK(!list_chats(store.db(), session, 2));
}

TEST_CASE("a chat has its timer before its first message and after its copy was deleted") {
  test::InlineStore store;
  CHECK(!has_chat_timers(store.db(), session));
  store.turn([](Changes& changes) { changes.add(PutChatTimer{session, lid, {86'400, 5}}); });
  CHECK(has_chat_timers(store.db(), session));
  CHECK(!has_chat_timers(store.db(), other));
  CHECK(find_chat_timer(store.db(), session, lid) == ChatTimer{86'400, 5});
  CHECK(find_chat_timer(store.db(), session, pn) == ChatTimer());
  CHECK(!find_chat(store.db(), session, lid));
  put(store, named(lid, "A", 1'000, "Anna"));
  CHECK(find_chat(store.db(), session, lid)->expires_after_s == 86'400);
  store.turn([](Changes& changes) { changes.add(RemoveChat{session, lid}); });
  put(store, named(lid, "B", 2'000, "Anna"));
  CHECK(find_chat(store.db(), session, lid)->expires_after_s == 86'400);
  store.turn([](Changes& changes) { changes.add(PutChatTimer{session, lid, {0, 6}}); });
  CHECK(find_chat(store.db(), session, lid)->expires_after_s == 0);
  // With its session it goes.
  store.turn([](Changes& changes) { changes.add(InsertSession{test::session_row(session.value, "s")}); });
  store.turn([](Changes& changes) { changes.add(RemoveSession{session}); });
  for (int i = 0; i < 20; ++i) store.turn([](Changes& changes) { changes.add(TouchSession{other, 1}); });
  CHECK(test::count(store.db(), "SELECT count(*) FROM chat_timer") == 0);
}

TEST_CASE("of two chats that merge the timer that was set later counts") {
  test::InlineStore store;
  const bool later = GENERATE(true, false);
  store.turn([&](Changes& changes) {
    changes.add(PutChatTimer{session, pn, {604'800, later ? 9 : 3}});
    changes.add(PutChatTimer{session, lid, {86'400, 5}});
    changes.add(MergeChats{session, pn, lid});
  });
  CHECK(find_chat_timer(store.db(), session, lid).seconds == (later ? 604'800u : 86'400u));
  CHECK(find_chat_timer(store.db(), session, pn) == ChatTimer());
  const Jid alone("15550000009", "s.whatsapp.net"), its_lid("100000000000009", "lid");
  store.turn([&](Changes& changes) {
    changes.add(PutChatTimer{session, alone, {86'400, 1}});
    changes.add(MergeChats{session, alone, its_lid});
  });
  CHECK(find_chat_timer(store.db(), session, its_lid) == ChatTimer{86'400, 1});
}
