// The queue as it is shown.
#include "storage/outbox.h"

#include "storage/chats.h"
#include "storage/messages.h"
#include "storage/statement.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;

namespace {

const SessionId session{1}, other{2};
const Jid anna("100000000000001", "lid"), ben("100000000000002", "lid");

OutboxRow queued(std::int64_t row, const Jid& chat, OutboxState state, SessionId whose = session) {
  OutboxRow out;
  out.row = row;
  out.session = whose;
  out.chat = chat;
  out.message_id = "m" + std::to_string(row);
  out.state = state;
  out.accepted_at = 1'000 + row;
  return out;
}

std::vector<std::int64_t> rows(const QueuePage& page) {
  std::vector<std::int64_t> found;
  for (const OutboxRow& row : page.rows) found.push_back(row.row);
  return found;
}

struct Queue : test::InlineStore {
  Queue() {
    turn([&](Changes& changes) {
      changes.add(InsertOutbox{queued(1, anna, OutboxState::waiting)});
      changes.add(InsertOutbox{queued(2, ben, OutboxState::scheduled)});
      changes.add(InsertOutbox{queued(3, anna, OutboxState::sealed)});
      changes.add(InsertOutbox{queued(4, anna, OutboxState::incomplete)});
      changes.add(InsertOutbox{queued(5, anna, OutboxState::completing)});
      changes.add(InsertOutbox{queued(6, ben, OutboxState::uploading)});
      changes.add(InsertOutbox{queued(7, anna, OutboxState::waiting, other)});
    });
  }
};

}  // namespace

TEST_CASE("a row of the queue comes back with its times and its priority") {
  test::InlineStore store;
  OutboxRow row = queued(1, anna, OutboxState::scheduled);
  row.priority = Priority::low;
  row.send_at = 5'000;
  row.expires_at = 6'000;
  row.upload = {1, 2, 3};
  store.turn([&](Changes& changes) { changes.add(InsertOutbox{row}); });
  REQUIRE(load_outbox(store.db(), session).size() == 1);
  CHECK(load_outbox(store.db(), session)[0] == row);
  row.upload.clear();  // a page reads no contents
  REQUIRE(page_queue(store.db(), session, {}, 10, 0).rows.size() == 1);
  CHECK(page_queue(store.db(), session, {}, 10, 0).rows[0] == row);
}

TEST_CASE("the queue shows what the server does not have, of one session, and what is asked for") {
  Queue store;
  CHECK(rows(page_queue(store.db(), session, {}, 10, 0)) == std::vector<std::int64_t>{1, 2, 3, 6});
  CHECK(rows(page_queue(store.db(), session, {anna, {}}, 10, 0)) == std::vector<std::int64_t>{1, 3});
  CHECK(rows(page_queue(store.db(), session, {{}, {OutboxState::scheduled, OutboxState::uploading}}, 10, 0)) ==
        std::vector<std::int64_t>{2, 6});
  CHECK(rows(page_queue(store.db(), session, {{}, {OutboxState::completing}}, 10, 0)).empty());
  CHECK(rows(page_queue(store.db(), session, {Jid("9", "lid"), {}}, 10, 0)).empty());
}

TEST_CASE("pages of the queue follow each other without gap or repetition") {
  Queue store;
  const auto first = page_queue(store.db(), session, {}, 3, 0);
  CHECK(rows(first) == std::vector<std::int64_t>{1, 2, 3});
  REQUIRE(first.next);
  const auto second = page_queue(store.db(), session, {}, 3, *first.next);
  CHECK(rows(second) == std::vector<std::int64_t>{6});
  CHECK_FALSE(second.next);
  CHECK(rows(page_queue(store.db(), session, {}, 3, (std::int64_t{1} << 40))).empty());
  CHECK(rows(page_queue(store.db(), session, {}, 3, std::numeric_limits<std::int64_t>::max())).empty());
}

TEST_CASE("a message that is scheduled stands beside its chat until it is released") {
  test::InlineStore store;
  MessageRow row;
  row.session = session;
  row.chat = anna;
  row.id = "m";
  row.from_me = true;
  row.kind = "text";
  row.ack = AckLevel::scheduled;
  row.timestamp = 9'000;
  row.created_at = 2'000;
  store.turn([&](Changes& changes) { changes.add(InsertMessage{row, false, std::nullopt}); });
  CHECK_FALSE(find_chat(store.db(), session, anna));
  CHECK(page_messages(store.db(), session, anna, 10, std::nullopt).messages.empty());
  REQUIRE(find_message_by_id(store.db(), session, "m", true));
  CHECK(find_message_by_id(store.db(), session, "m", true)->timestamp == 9'000);
  // In the order of the chat it does not stand in the way of every look for the newest.
  {
    Statement stands(store.db(), "SELECT timestamp FROM message");
    REQUIRE(stands.next());
    CHECK(stands.integer() == row.created_at);
  }
  store.turn([&](Changes& changes) { changes.add(ReleaseMessage{session, anna, "m", 4'000, ben}); });
  REQUIRE(find_chat(store.db(), session, anna));
  CHECK(find_chat(store.db(), session, anna)->last_at == 4'000);
  CHECK(find_chat(store.db(), session, anna)->alternate == ben);
  const auto shown = page_messages(store.db(), session, anna, 10, std::nullopt).messages;
  REQUIRE(shown.size() == 1);
  CHECK(shown[0].ack == AckLevel::pending);
  CHECK(shown[0].timestamp == 4'000);
  // Neither happens to one that is not scheduled.
  store.turn([&](Changes& changes) { changes.add(WithdrawMessage{session, anna, "m", "why"}); });
  CHECK(find_message_by_id(store.db(), session, "m", true)->ack == AckLevel::pending);
}

TEST_CASE("a message that was withdrawn stays out of its chat, with the reason") {
  test::InlineStore store;
  MessageRow row;
  row.session = session;
  row.chat = anna;
  row.id = "m";
  row.from_me = true;
  row.kind = "text";
  row.ack = AckLevel::scheduled;
  store.turn([&](Changes& changes) { changes.add(InsertMessage{row, false, std::nullopt}); });
  store.turn([&](Changes& changes) { changes.add(WithdrawMessage{session, anna, "m", "cancelled"}); });
  CHECK(find_message_by_id(store.db(), session, "m", true)->ack == AckLevel::withdrawn);
  CHECK(find_message_by_id(store.db(), session, "m", true)->error == "cancelled");
  store.turn([&](Changes& changes) { changes.add(ReleaseMessage{session, anna, "m", 4'000, std::nullopt}); });
  CHECK(page_messages(store.db(), session, anna, 10, std::nullopt).messages.empty());
}
