// What a turn has written of messages and chats is seen by its later inputs.
#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/sessions/records_fixture.h"

using namespace wharf;
using namespace wharf::test::records;

namespace {

const std::vector<Kind>& kinds() {
  static const auto nothing = [](Rows&) {};
  static const auto one_message = [](Rows& r) { r.records.add(r.message(ben_pn, "old")); };
  static const auto scheduled = [](Rows& r) {
    auto insert = r.message(ben_pn, "old");
    insert.row.ack = AckLevel::scheduled;
    r.records.add(std::move(insert));
  };
  static const auto unread = [](Rows& r) { r.records.add(r.message(ben_pn, "old", false)); };
  static const std::vector<Kind> all = {
      {"InsertMessage, has_message", nothing, [](Rows& r) { r.records.add(r.message(ben, "m")); },
       [](Rows& r) { return r.records.has_message(ben, "m") && !r.records.has_message(ben_pn, "m"); }},
      {"InsertMessage, find_message", nothing, [](Rows& r) { r.records.add(r.message(ben, "m")); },
       [](Rows& r) {
         const auto row = r.records.find_message(ben, "m");
         return row && row->body == "of m" && !r.records.find_message(ben_pn, "m");
       }},
      {"InsertMessage, find_message of one side", one_message,
       [](Rows& r) { r.records.add(r.message(ben_pn, "old", false)); },
       [](Rows& r) {
         const auto own = r.records.find_message(ben_pn, "old", true),
                    theirs = r.records.find_message(ben_pn, "old", false);
         return own && own->from_me && theirs && !theirs->from_me && r.records.find_message(ben_pn, "old")->from_me;
       }},
      {"InsertMessage, find_message_by_id", nothing, [](Rows& r) { r.records.add(r.message(ben, "m")); },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("m", true);
         return row && row->chat == ben && row->content.size() == 3 && !r.records.find_message_by_id("m", false);
       }},
      {"InsertMessage, has_chat", nothing, [](Rows& r) { r.records.add(r.message(ben, "m")); },
       [](Rows& r) { return r.records.has_chat(ben) && !r.records.has_chat(ben_pn); }},
      {"RaiseAck", one_message,
       [](Rows& r) {
         r.records.add(storage::RaiseAck{r.id, r.row_of("old"), AckLevel::delivered, "", std::nullopt, 3});
         r.records.add(storage::RaiseAck{r.id, r.row_of("old"), AckLevel::read, "", now_ms + 5});
       },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("old", true);
         return row->ack == AckLevel::read && row->timestamp == now_ms + 5 && row->delivered_at == 3 &&
                row->read_at == 0;
       }},
      {"ReleaseMessage", scheduled,
       [](Rows& r) {
         r.records.add(storage::ReleaseMessage{r.id, ben_pn, "old", now_ms + 5, std::nullopt});
       },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("old", true);
         return row->ack == AckLevel::pending && row->timestamp == now_ms + 5 && row->created_at == now_ms + 5;
       }},
      {"WithdrawMessage", scheduled,
       [](Rows& r) {
         r.records.add(storage::WithdrawMessage{r.id, ben_pn, "old", "why"});
       },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("old", true);
         return row->ack == AckLevel::withdrawn && row->error == "why";
       }},
      {"RaiseAckById", one_message,
       [](Rows& r) {
         r.records.add(storage::RaiseAckById{r.id, "old", AckLevel::error, "why", std::nullopt, true});
       },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("old", true);
         return row->ack == AckLevel::error && row->error == "why" && row->never_left;
       }},
      {"NoteCopy", one_message,
       [](Rows& r) {
         r.records.add(storage::NoteCopy{r.row_of("old"), storage::CopyHolder::recipient, 4});
       },
       [](Rows& r) {
         const auto row = r.row_of("old");
         return r.records.has_copy(row, storage::CopyHolder::recipient, 4) &&
                !r.records.has_copy(row, storage::CopyHolder::own_account, 4) &&
                !r.records.has_copy(row, storage::CopyHolder::recipient, 5);
       }},
      {"ReadReceived", unread,
       [](Rows& r) {
         r.records.add(storage::ReadReceived{r.id, ben_pn, "old"});
       },
       [](Rows& r) {
         return r.records.find_message_by_id("old", false)->ack == AckLevel::read &&
                r.records.find_chat(ben_pn)->unread == 0;
       }},
      {"LowerUnread", unread,
       [](Rows& r) {
         r.records.add(storage::LowerUnread{r.id, ben_pn, 5});
       },
       [](Rows& r) { return r.records.find_chat(ben_pn)->unread == 0; }},
      {"RemoveChat", one_message,
       [](Rows& r) {
         r.records.add(storage::RemoveChat{r.id, ben_pn});
       },
       [](Rows& r) {
         return !r.records.has_chat(ben_pn) && !r.records.has_message(ben_pn, "old") &&
                !r.records.find_message_by_id("old", true) && r.records.newest_messages(ben_pn, 9).empty();
       }},
      {"MergeChats", one_message,
       [](Rows& r) {
         r.records.add(storage::MergeChats{r.id, ben_pn, ben});
       },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("old", true);
         return row->chat == ben && r.records.has_message(ben, "old") && !r.records.has_message(ben_pn, "old") &&
                r.records.has_chat(ben) && !r.records.has_chat(ben_pn) && r.records.find_message(ben, "old") &&
                r.records.newest_messages(ben, 9).size() == 1;
       }},
      {"PutOpened", one_message,
       [](Rows& r) {
         r.records.add(storage::PutContent{r.id, ben_pn, "old", true, protocol::Bytes{1}});
         r.records.add(storage::PutOpened{r.id, ben_pn, "old", true, "edit", "clear", "{}", protocol::Bytes{2}, 7});
       },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("old", true);
         return row->kind == "edit" && row->body == "clear" && row->details == "{}" &&
                row->content == protocol::Bytes{2} && row->said_at == 7;
       }},
      {"EditMessage, with its content", one_message,
       [](Rows& r) {
         r.records.add(storage::EditMessage{r.id, ben_pn, "old", true, "new", {}, 9, "{}", protocol::Bytes{2}});
         r.records.add(storage::EditMessage{r.id, ben_pn, "old", true, "late", {}, 8, "{1}", protocol::Bytes{3}});
       },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("old", true);
         return row->body == "new" && row->details == "{}" && row->content == protocol::Bytes{2};
       }},
      {"EditMessage, with what it shows beside its words", one_message,
       [](Rows& r) {
         r.records.add(storage::EditMessage{r.id, ben_pn, "old", true, "new", {}, 9, "{}"});
       },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("old", true);
         return row->body == "new" && row->details == "{}" && !row->content.empty();
       }},
      {"PutStar", one_message,
       [](Rows& r) {
         r.records.add(storage::PutStar{r.id, ben_pn, "old", true, 7});
       },
       [](Rows& r) { return r.records.find_message_by_id("old", true)->starred_at == 7; }},
      {"PutPin", one_message,
       [](Rows& r) {
         r.records.add(storage::PutPin{r.id, ben_pn, "old", true, ben, 9, 2});
         r.records.add(storage::PutPin{r.id, ben_pn, "old", true, ben_pn, 5, 1});  // late
       },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("old", true);
         return row->pinned_until == 9 && row->pinned_by == ben && row->pinned_at == 2;
       }},
      {"RemoveMessage", unread,
       [](Rows& r) {
         r.records.add(storage::RemoveMessage{r.id, ben_pn, "old", false});
       },
       [](Rows& r) {
         const auto chat = r.records.find_chat(ben_pn);
         return !r.records.has_message(ben_pn, "old") && !r.records.find_message(ben_pn, "old") &&
                !r.records.find_message_by_id("old", false) && r.records.newest_messages(ben_pn, 9).empty() &&
                r.records.unread_messages(ben_pn, 9, 9).empty() && chat && chat->unread == 0;
       }},
      {"RemoveMessage, of the same turn", nothing,
       [](Rows& r) {
         r.records.add(r.message(ben, "m", false));
         r.records.add(storage::RemoveMessage{r.id, ben, "m", false});
       },
       [](Rows& r) {
         return !r.records.has_message(ben, "m") && !r.records.find_message_by_id("m", false) &&
                r.records.new_messages(ben).empty() && r.records.has_chat(ben);
       }},
      {"PutChatTimer", nothing,
       [](Rows& r) {
         r.records.add(storage::PutChatTimer{r.id, ben, {86'400, 5}});
       },
       [](Rows& r) {
         return r.records.chat_timer(ben) == storage::ChatTimer{86'400, 5} &&
                r.records.chat_timer(ben_pn) == storage::ChatTimer();
       }},
  };
  return all;
}

}  // namespace

TEST_CASE(
    "what one input of a turn writes of messages the next one sees; without a commit nobody does, with it everybody") {
  check_seen(kinds());
}

TEST_CASE("levels of a message of this turn rise as they will in its row, an error overrides and is overridden") {
  Rows r;
  const auto raise = [&](AckLevel level) {
    r.records.add(storage::RaiseAckById{r.id, "m", level, "why", std::nullopt});
    return r.records.find_message_by_id("m", true)->ack;
  };
  r.records.add(r.message(ben, "m"));
  CHECK(r.row_of("m") == 0);
  CHECK(raise(AckLevel::delivered) == AckLevel::delivered);
  CHECK(raise(AckLevel::server) == AckLevel::delivered);
  CHECK(raise(AckLevel::error) == AckLevel::error);
  CHECK(r.records.find_message_by_id("m", true)->error == "why");
  CHECK(raise(AckLevel::server) == AckLevel::server);
  CHECK(r.records.find_message_by_id("m", true)->error.empty());
}

TEST_CASE("a message that arrives in a turn is not among those that its later inputs mark as read") {
  Rows r;
  r.records.add(r.message(ben, "old", false));
  r.commit();
  r.records.add(r.message(ben, "new", false));
  r.records.add(r.message(ben_pn, "first", false));
  CHECK(r.records.find_chat(ben)->unread == 1);
  CHECK(r.records.newest_messages(ben, 9).size() == 1);
  CHECK(r.records.new_messages(ben).size() == 1);
  CHECK(r.records.new_messages(ben).front().id == "new");
  CHECK_FALSE(r.records.find_chat(ben_pn));
  CHECK(r.records.has_chat(ben_pn));
  r.records.add(storage::LowerUnread{r.id, ben, 1});
  CHECK(r.records.find_chat(ben)->unread == 0);
  r.commit();
  CHECK(r.records.find_chat(ben)->unread == 1);
}

TEST_CASE("a merge adds what was unread, and pages of both chats are one, the newest first") {
  Rows r;
  auto at = [&](const Jid& chat, const char* id, storage::UnixMs time) {
    auto insert = r.message(chat, id, false);
    insert.row.timestamp = time;
    r.records.add(std::move(insert));
  };
  at(ben, "1", now_ms + 1);
  at(ben_pn, "2", now_ms + 2);
  at(ben, "3", now_ms + 3);
  at(ben_pn, "4", now_ms + 4);
  r.commit();
  r.records.add(storage::MergeChats{r.id, ben_pn, ben});
  for (int committed = 0; committed < 2; ++committed) {
    CHECK(r.records.find_chat(ben)->unread == 4);
    CHECK_FALSE(r.records.find_chat(ben_pn));
    std::string ids;
    for (const auto& row : r.records.newest_messages(ben, 3)) ids += row.id;
    CHECK(ids == "432");
    CHECK(r.records.unread_messages(ben, 9, 9).size() == 4);
    CHECK(r.records.unread_messages(ben, 2, 9).at(1).id == "3");
    r.commit();
  }
}

TEST_CASE("the members of an album come in the order in which they were accepted, those of this turn too") {
  Rows r;
  const auto head = r.message(ben, "head").row;
  const auto member = [&](const char* id, const char* album) {
    auto insert = r.message(ben, id);
    insert.row.album_id = album;
    r.records.add(std::move(insert));
  };
  member("z", "head");
  r.commit();
  member("y", "head");
  member("b", "another");
  member("c", "head");
  member("a", "head");
  for (int committed = 0; committed < 2; ++committed) {
    CHECK(r.records.album_members(head) == std::vector<std::string>{"z", "y", "c", "a"});
    r.commit();
  }
}

TEST_CASE("the members of an album are found when this turn has merged its chat, without those that it has deleted") {
  Rows r;
  const auto member = [&](const Jid& chat, const char* id) {
    auto insert = r.message(chat, id);
    insert.row.album_id = "head";
    r.records.add(std::move(insert));
  };
  r.records.add(r.message(ben_pn, "head"));
  for (const char* id : {"c", "a", "both", "gone"}) member(ben_pn, id);
  member(ben, "b");
  member(ben, "both");
  r.commit();
  r.records.add(storage::MergeChats{r.id, ben_pn, ben});
  r.records.add(storage::RemoveMessage{r.id, ben, "gone", true});
  for (int committed = 0; committed < 2; ++committed) {
    const auto head = r.records.find_message_by_id("head", true);
    REQUIRE(head->chat == ben);
    auto members = r.records.album_members(*head);
    std::sort(members.begin(), members.end());  // of what both had, the commit keeps the row of the other chat
    CHECK(members == std::vector<std::string>{"a", "b", "both", "c"});
    r.commit();
  }
}

TEST_CASE("what this turn has marked as read is not unread any more") {
  Rows r;
  for (const char* id : {"1", "2", "3"}) r.records.add(r.message(ben, id, false));
  r.commit();
  const auto rows = r.records.unread_messages(ben, 9, 9);
  REQUIRE(rows.size() == 3);
  r.records.add(storage::RaiseAck{r.id, rows[0].row, AckLevel::read, "", std::nullopt});
  r.records.add(storage::ReadReceived{r.id, ben, rows[1].id});
  for (int committed = 0; committed < 2; ++committed) {
    const auto left = r.records.unread_messages(ben, 9, 9);
    REQUIRE(left.size() == 1);
    CHECK(left[0].row == rows[2].row);
    r.commit();
  }
}
