// Status posts as rows: of no chat, with an audience that goes with them.
#include <catch2/catch.hpp>

#include "storage/chat_list.h"
#include "storage/chats.h"
#include "storage/contacts.h"
#include "storage/sessions.h"
#include "storage/status_audiences.h"
#include "tests/storage/counts.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;

namespace {

const SessionId session{1}, other{2};
const Jid status = protocol::status_jid(), ben("100000000000002", "lid"), carl("15550000003", "s.whatsapp.net"),
          dora("100000000000004", "lid");
const Jid crew("120363000000000001", "g.us");

MessageRow post(const std::string& id) {
  MessageRow row = test::message_row(session, status, id, 5);
  row.from_me = true;
  return row;
}

}  // namespace

TEST_CASE("an audience comes back as it was put last, of its own session and post") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    changes.add(PutStatusAudience{session, {"P", StatusSetting::contacts, false, {}}});
    changes.add(PutStatusAudience{other, {"P", StatusSetting::allowlist, true, {carl}}});
  });
  CHECK(find_status_audience(store.db(), session, "P") == StatusAudienceRow{"P", StatusSetting::contacts, false, {}});
  store.turn([](Changes& changes) {
    changes.add(PutStatusAudience{session, {"P", StatusSetting::denylist, true, {ben, carl}, {dora}}});
  });
  CHECK(find_status_audience(store.db(), session, "P") ==
        StatusAudienceRow{"P", StatusSetting::denylist, true, {ben, carl}, {dora}});
  const StatusAudienceRow by_setting{"P", StatusSetting::allowlist, true, {ben}, {}, true};
  store.turn([&](Changes& changes) { changes.add(PutStatusAudience{session, by_setting}); });
  CHECK(find_status_audience(store.db(), session, "P") == by_setting);
  CHECK(find_status_audience(store.db(), other, "P")->users == std::vector{carl});
  CHECK_FALSE(find_status_audience(store.db(), other, "P")->by_setting);
  CHECK_FALSE(find_status_audience(store.db(), session, "Q"));
}

TEST_CASE("a status post is of no chat, also when it was scheduled or another one is newer") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    changes.add(InsertMessage{post("P"), true, std::nullopt});
    MessageRow later = post("Q");
    later.ack = AckLevel::scheduled;
    changes.add(InsertMessage{later, false, std::nullopt});
    changes.add(ReleaseMessage{session, status, "Q", 9, std::nullopt});
    changes.add(RaiseAckById{session, "P", AckLevel::server, "", 7});
  });
  CHECK_FALSE(find_chat(store.db(), session, status));
  CHECK(list_chats(store.db(), session)->empty());
  const auto page = page_messages(store.db(), session, status, 10, std::nullopt).messages;
  REQUIRE(page.size() == 2);
  CHECK(page[0].id == "Q");
  CHECK(page[1].timestamp == 7);
}

TEST_CASE("a post that is deleted here takes its audience along, and no message of a chat with its id") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    for (const char* id : {"P", "Q"}) {
      changes.add(InsertMessage{post(id), false, std::nullopt});
      changes.add(PutStatusAudience{session, {id, StatusSetting::allowlist, true, {ben}}});
    }
    changes.add(RemoveMessage{session, status, "P", true});
    changes.add(RemoveMessage{session, ben, "Q", true});
  });
  CHECK_FALSE(find_status_audience(store.db(), session, "P"));
  CHECK(find_status_audience(store.db(), session, "Q"));
}

TEST_CASE("a post that is deleted here takes the audience of its deletion along, unless that waits for the server") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    changes.add(InsertMessage{post("P"), false, std::nullopt});
    for (const auto& [id, ack] : {std::pair("D", AckLevel::server), std::pair("E", AckLevel::pending)}) {
      MessageRow deletion = post(id);
      deletion.target_id = "P";
      deletion.target_from_me = true;
      deletion.ack = ack;
      changes.add(InsertMessage{deletion, false, std::nullopt});
      changes.add(PutStatusAudience{session, {id, StatusSetting::allowlist, true, {ben}}});
    }
    changes.add(RemoveMessage{session, status, "P", true});
  });
  CHECK_FALSE(find_status_audience(store.db(), session, "D"));
  CHECK(find_status_audience(store.db(), session, "E"));
}

TEST_CASE("after a log-out the people are those of chats that a message has come to since") {
  test::InlineStore store;
  UnixMs at = 0;
  const auto write_to = [&](const Jid& chat, const std::string& id) {
    store.turn([&](Changes& changes) {
      changes.add(InsertMessage{test::message_row(session, chat, id, ++at), true, std::nullopt});
    });
  };
  write_to(carl, "A");
  write_to(ben, "A");
  write_to(dora, "A");
  REQUIRE(chat_partners(store.db(), session, 9).size() == 3);
  for (int times = 0; times < 2; ++times) {
    store.turn([](Changes& changes) { changes.add(WipeDevice{session}); });
    CHECK(chat_partners(store.db(), session, 9).empty());
    write_to(ben, "B" + std::to_string(times));
    CHECK(chat_partners(store.db(), session, 9) == std::vector{ben});
  }
  // Two chats that are one: of today when either is.
  store.turn([](Changes& changes) { changes.add(MergeChats{session, carl, dora}); });
  CHECK(chat_partners(store.db(), session, 9) == std::vector{ben});
  store.turn([](Changes& changes) { changes.add(WipeDevice{session}); });
  write_to(carl, "D");
  store.turn([](Changes& changes) { changes.add(MergeChats{session, carl, dora}); });
  CHECK(chat_partners(store.db(), session, 9) == std::vector{dora});
}

TEST_CASE("the people of chats are those of chats with one person, the newest first") {
  test::InlineStore store;
  UnixMs at = 0;
  for (const Jid& chat : {ben, crew, carl, status}) {
    store.turn([&](Changes& changes) {
      changes.add(InsertMessage{test::message_row(session, chat, "M", ++at), true, std::nullopt});
    });
  }
  CHECK(chat_partners(store.db(), session, 9) == std::vector{carl, ben});
  CHECK(chat_partners(store.db(), session, 1) == std::vector{carl});
  CHECK(chat_partners(store.db(), other, 9).empty());
}
