#include "storage/messages.h"
#include "storage/chats.h"
#include "storage/outbox.h"

#include <array>
#include <set>

#include "tests/storage/counts.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Bytes;
using protocol::Jid;

namespace {

const SessionId session{1}, other{2};
const Jid anna("100000000000001", "lid"), ben("100000000000002", "lid"), me("15550000001", "s.whatsapp.net");

void put(test::InlineStore& store, MessageRow row, bool unread = false) {
  store.turn([&](Changes& changes) { changes.add(InsertMessage{std::move(row), unread, std::nullopt}); });
}

std::vector<std::string> ids(const std::vector<MessageRow>& rows) {
  std::vector<std::string> found;
  for (const MessageRow& row : rows) found.push_back(row.id);
  return found;
}

}  // namespace

TEST_CASE("a message comes back as it was put") {
  test::InlineStore store;
  MessageRow row;
  row.session = session;
  row.chat = anna;
  row.id = "3EB0AA";
  row.from_me = true;
  row.author = me;
  row.push_name = "Me";
  row.kind = "text";
  row.body = "hello";
  row.quoted_id = "3EB0BB";
  row.quoted_author = ben;
  row.mentions = {anna, Jid("x", "lid", 65'535), Jid()};
  row.mentions[1].integrator = 3;
  row.content = {0, 1, 2, 255};
  row.secret = Bytes(32, 5);
  row.ack = AckLevel::pending;
  row.timestamp = 1'700'000'000'123;
  row.created_at = 1'700'000'000'456;
  put(store, row);
  const auto back = find_message(store.db(), session, anna, "3EB0AA");
  REQUIRE(back);
  CHECK(back->row > 0);
  CHECK(back->session == session);
  CHECK(back->chat == anna);
  CHECK(back->id == row.id);
  CHECK(back->from_me);
  CHECK(back->author == me);
  CHECK(back->push_name == row.push_name);
  CHECK(back->kind == row.kind);
  CHECK(back->body == row.body);
  CHECK(back->quoted_id == row.quoted_id);
  CHECK(back->quoted_author == ben);
  CHECK(back->mentions == row.mentions);
  CHECK(back->content == row.content);
  CHECK(back->secret == row.secret);
  CHECK(back->ack == AckLevel::pending);
  CHECK(back->error.empty());
  CHECK(back->timestamp == row.timestamp);
  CHECK(back->created_at == row.created_at);
  CHECK(has_message(store.db(), session, anna, "3EB0AA"));
  CHECK(!has_message(store.db(), session, ben, "3EB0AA"));
  CHECK(!has_message(store.db(), other, anna, "3EB0AA"));
}

TEST_CASE("hostile text is only text") {
  test::InlineStore store;
  const std::string nul("a\0b'; DROP TABLE message; --\"\0", 29);
  std::string all_bytes;
  for (int value = 0; value < 256; ++value) all_bytes.push_back(static_cast<char>(value));
  const std::string large(1 << 20, '\'');
  int number = 0;
  for (const std::string& text : {nul, all_bytes, large, std::string()}) {
    MessageRow row = test::message_row(session, Jid(text.substr(0, 100), "lid"), text + std::to_string(number), number);
    ++number;
    row.body = row.push_name = row.kind = row.quoted_id = row.error = text;
    row.mentions = {Jid(text, text)};
    row.content = protocol::to_bytes(text);
    put(store, row, true);
    const auto back = find_message(store.db(), session, row.chat, row.id);
    REQUIRE(back);
    CHECK(back->chat == row.chat);
    CHECK((back->body == text && back->push_name == text && back->kind == text && back->quoted_id == text));
    CHECK(back->mentions == row.mentions);
    CHECK(back->content == row.content);
    CHECK(find_chat(store.db(), session, row.chat)->name == text);
  }
  store.turn([&](Changes& changes) {
    changes.add(PutIdempotency{IdempotencyRow{session, nul, all_bytes, nul, 1}});
    changes.add(InsertSession{test::session_row(1, nul)});
  });
  CHECK(find_idempotency(store.db(), session, nul, 0)->request_hash == all_bytes);
  CHECK(!find_idempotency(store.db(), session, "a", 0));
  CHECK(load_sessions(store.db()).at(0).name == nul);
}

TEST_CASE("a message that is there already changes nothing, not even the unread count") {
  test::InlineStore store;
  put(store, test::message_row(session, anna, "A", 1'000), true);
  MessageRow again = test::message_row(session, anna, "A", 9'000);
  again.body = "forged";
  put(store, again, true);
  CHECK(find_message(store.db(), session, anna, "A")->body == "body of A");
  CHECK(find_chat(store.db(), session, anna)->unread == 1);
  CHECK(find_chat(store.db(), session, anna)->last_at == 1'000);
  // The same id from the other side, in another chat or in another session is another message.
  again.from_me = true;
  put(store, again);
  put(store, test::message_row(session, ben, "A", 1), true);
  put(store, test::message_row(other, anna, "A", 1), true);
  CHECK(test::count(store.db(), "SELECT count(*) FROM message") == 4);
}

TEST_CASE("a message id names own and received messages apart") {
  test::InlineStore store;
  MessageRow own = test::message_row(session, anna, "A", 1);
  own.from_me = true;
  put(store, own);
  put(store, test::message_row(session, ben, "A", 2));
  put(store, test::message_row(session, ben, "B", 3));
  CHECK(find_message_by_id(store.db(), session, "A", true)->chat == anna);
  CHECK(find_message_by_id(store.db(), session, "A", false)->chat == ben);
  CHECK(!find_message_by_id(store.db(), session, "B", true));
  // A receipt for id A means the own message, whatever a peer named his.
  store.turn([](Changes& changes) {
    changes.add(RaiseAckById{session, "A", AckLevel::read, "", std::nullopt});
    changes.add(RaiseAckById{session, "B", AckLevel::delivered, "", std::nullopt});
    changes.add(RaiseAckById{session, "nobody", AckLevel::delivered, "", std::nullopt});
  });
  CHECK(find_message(store.db(), session, anna, "A")->ack == AckLevel::read);
  CHECK(find_message(store.db(), session, ben, "A")->ack == AckLevel::pending);
  CHECK(find_message(store.db(), session, ben, "B")->ack == AckLevel::pending);
}

TEST_CASE("a received message that is read is so in its chat alone, and counts there once") {
  test::InlineStore store;
  for (const Jid& chat : {anna, ben}) put(store, test::message_row(session, chat, "A", 1), true);
  put(store, test::message_row(session, anna, "B", 2), true);
  MessageRow own = test::message_row(session, anna, "A", 3);
  own.from_me = true;
  put(store, own);
  store.turn([](Changes& changes) {
    changes.add(ReadReceived{session, anna, "A"});
    changes.add(ReadReceived{session, anna, "A"});
    changes.add(ReadReceived{session, anna, "nobody"});
  });
  CHECK(find_message_by_id(store.db(), session, "A", true)->ack == AckLevel::pending);
  CHECK(find_message(store.db(), session, ben, "A")->ack == AckLevel::pending);
  CHECK(find_chat(store.db(), session, anna)->unread == 1);
  CHECK(find_chat(store.db(), session, ben)->unread == 1);
  CHECK(page_messages(store.db(), session, anna, 9, std::nullopt).messages.at(2).ack == AckLevel::read);
}

TEST_CASE("ack levels only rise, except to error, which a later ack heals") {
  test::InlineStore store;
  put(store, test::message_row(session, anna, "A", 1'000));
  const std::int64_t row = find_message(store.db(), session, anna, "A")->row;
  const auto raise = [&](AckLevel level, std::string error, std::optional<UnixMs> time, SessionId whose) {
    store.turn([&](Changes& changes) { changes.add(RaiseAck{whose, row, level, error, time}); });
    return *find_message(store.db(), session, anna, "A");
  };
  CHECK(raise(AckLevel::delivered, "ignored", std::nullopt, session).ack == AckLevel::delivered);
  CHECK(raise(AckLevel::server, "", std::nullopt, session).ack == AckLevel::delivered);
  CHECK(raise(AckLevel::read, "", std::nullopt, other).ack == AckLevel::delivered);
  const MessageRow failed = raise(AckLevel::error, "463", std::nullopt, session);
  CHECK(failed.ack == AckLevel::error);
  CHECK(failed.error == "463");
  // A late server ack still brings the server's time.
  const MessageRow healed = raise(AckLevel::server, "", 2'000, session);
  CHECK(healed.ack == AckLevel::server);
  CHECK(healed.error.empty());
  CHECK(healed.timestamp == 2'000);
  CHECK(find_chat(store.db(), session, anna)->last_at == 2'000);
}

TEST_CASE("a level keeps the time that was said of it, and a lower one that comes late does not") {
  test::InlineStore store;
  put(store, test::message_row(session, anna, "A", 1'000));
  const std::int64_t row = find_message(store.db(), session, anna, "A")->row;
  const auto raise = [&](AckLevel level, UnixMs at) {
    store.turn([&](Changes& changes) { changes.add(RaiseAck{session, row, level, "", std::nullopt, at}); });
    const auto now = *find_message(store.db(), session, anna, "A");
    return std::array{now.delivered_at, now.read_at, now.played_at};
  };
  CHECK(raise(AckLevel::read, 5'000) == std::array<UnixMs, 3>{0, 5'000, 0});
  CHECK(raise(AckLevel::delivered, 6'000) == std::array<UnixMs, 3>{0, 5'000, 0});
  CHECK(raise(AckLevel::played, 7'000) == std::array<UnixMs, 3>{0, 5'000, 7'000});
  CHECK(find_message(store.db(), session, anna, "A")->ack == AckLevel::played);
  CHECK(find_message(store.db(), session, anna, "A")->timestamp == 1'000);
}

TEST_CASE("what came sealed stands as if it had come in clear, but for what was taken away meanwhile") {
  test::InlineStore store;
  MessageRow sealed = test::message_row(session, anna, "S", 2'000);
  sealed.kind = "sealed";
  sealed.body.clear();
  sealed.target_id = "A";
  sealed.content = {9};
  put(store, test::message_row(session, anna, "A", 1'000));
  put(store, sealed);
  CHECK(page_messages(store.db(), session, anna, 9, std::nullopt).messages.size() == 1);
  const bool revoked = GENERATE(false, true);
  const bool own = sealed.target_from_me;
  if (revoked) store.turn([&](Changes& changes) { changes.add(RevokeMessage{session, anna, "A", own, 3'000}); });
  const bool from_me = sealed.from_me;
  store.turn([&](Changes& changes) {
    changes.add(PutOpened{session, anna, "S", from_me, "edit", "clear", "{}", {1, 2}, 1'500});
  });
  const auto row = find_message(store.db(), session, anna, "S");
  REQUIRE(row);
  CHECK(row->kind == (revoked ? "sealed" : "edit"));
  CHECK(row->body == (revoked ? "" : "clear"));
  CHECK(row->content == (revoked ? Bytes{} : Bytes{1, 2}));
  CHECK(row->said_at == (revoked ? 0 : 1'500));
  CHECK(page_messages(store.db(), session, anna, 9, std::nullopt).messages.size() == 1);
}

TEST_CASE("a server time that reorders messages reorders the chat's last one") {
  test::InlineStore store;
  MessageRow own = test::message_row(session, anna, "A", 1'000);
  own.from_me = true;
  put(store, own);
  put(store, test::message_row(session, anna, "B", 2'000));
  CHECK(find_chat(store.db(), session, anna)->last_message->id == "B");
  store.turn([](Changes& changes) { changes.add(RaiseAckById{session, "A", AckLevel::server, "", 3'000}); });
  CHECK(find_chat(store.db(), session, anna)->last_message->id == "A");
  store.turn([](Changes& changes) { changes.add(RaiseAckById{session, "A", AckLevel::server, "", 1'500}); });
  CHECK(find_chat(store.db(), session, anna)->last_message->id == "B");
  CHECK(find_chat(store.db(), session, anna)->last_at == 2'000);
}

TEST_CASE("pages of messages run from the newest to the oldest without gap or repetition") {
  test::InlineStore store;
  // Times collide and do not follow the order of insertion.
  for (int i = 0; i < 95; ++i) put(store, test::message_row(session, anna, std::to_string(i), (i * 37) % 10));
  put(store, test::message_row(session, ben, "elsewhere", 5));
  put(store, test::message_row(other, anna, "elsewhere", 5));
  std::vector<MessageRow> all;
  std::optional<std::int64_t> before;
  int pages = 0;
  do {
    const MessagePage page = page_messages(store.db(), session, anna, 10, before);
    all.insert(all.end(), page.messages.begin(), page.messages.end());
    before = page.next;
    // New messages arrive in front of the reader.
    ++pages;
    put(store, test::message_row(session, anna, "new" + std::to_string(pages), 100 + pages));
  } while (before);
  CHECK(pages == 10);
  REQUIRE(all.size() == 95);
  for (std::size_t i = 1; i < all.size(); ++i) {
    CHECK(std::pair(all[i].timestamp, all[i].row) < std::pair(all[i - 1].timestamp, all[i - 1].row));
  }
  const auto seen = ids(all);
  CHECK(std::set<std::string>(seen.begin(), seen.end()).size() == 95);
  CHECK(!page_messages(store.db(), session, anna, 105, std::nullopt).next);
  CHECK(page_messages(store.db(), session, anna, 0, std::nullopt).messages.size() == 1);
  CHECK(page_messages(store.db(), session, anna, 10, 1'000'000).messages.empty());
  CHECK(page_messages(store.db(), session, Jid("nobody", "lid"), 10, std::nullopt).messages.empty());
}

TEST_CASE("message rows are never given out twice") {
  test::InlineStore store;
  put(store, test::message_row(session, anna, "A", 1));
  put(store, test::message_row(session, ben, "B", 1));
  const std::int64_t last = find_message(store.db(), session, ben, "B")->row;
  store.turn([](Changes& changes) { changes.add(RemoveChat{session, ben}); });
  put(store, test::message_row(session, anna, "C", 1));
  CHECK(find_message(store.db(), session, anna, "C")->row > last);

  const std::int64_t newest = find_message(store.db(), session, anna, "C")->row;
  store.turn([](Changes& changes) { changes.add(RemoveSession{session}); });
  Store::Settings settings;
  settings.path = store.folder.file("test.sqlite");
  store.store.reset();
  store.store = test::open_store(settings);
  put(store, test::message_row(other, anna, "D", 1));
  CHECK(find_message(store.db(), other, anna, "D")->row > newest);
}

TEST_CASE("the look-ups of the hot path use an index and no sorting") {
  test::InlineStore store;
  for (const char* query :
       {"SELECT * FROM message WHERE session_id = 1 AND chat_id = 1 AND (timestamp, row) < (1, 1) ORDER BY timestamp "
        "DESC, row DESC LIMIT 1",
        "SELECT * FROM message WHERE session_id = 1 AND id = 'x' AND chat_id = 1 ORDER BY from_me DESC LIMIT 1",
        "SELECT * FROM chat WHERE session_id = 1 AND (last_at, chat_id) < (1, 1) ORDER BY last_at DESC, chat_id DESC "
        "LIMIT 1",
        "SELECT * FROM event WHERE session_id = 1 AND id > 5 ORDER BY id LIMIT 1",
        "SELECT * FROM webhook_delivery WHERE webhook_row = 1 ORDER BY parked, event_id LIMIT 1",
        "SELECT 1 FROM jid CROSS JOIN ratchet ON ratchet.key = 5 + jid.id WHERE jid.user = 'a' AND jid.server = 'b' "
        "LIMIT 1"}) {
    const std::string plan = test::plan_of(store.db(), query);
    INFO(query);
    CHECK_THAT(plan, Catch::Contains("SEARCH"));
    CHECK_THAT(plan, !Catch::Contains("SCAN"));
    CHECK_THAT(plan, !Catch::Contains("TEMP B-TREE"));
  }
}

TEST_CASE("the send queue keeps the order of acceptance of its session") {
  test::InlineStore store;
  CHECK(last_outbox_row(store.db(), session) == 0);
  for (const std::int64_t row : {3, 1, 2}) {
    OutboxRow queued;
    queued.session = session;
    queued.row = row;
    queued.chat = anna;
    queued.message_id = "M" + std::to_string(row);
    queued.accepted_at = row * 10;
    store.turn([&](Changes& changes) { changes.add(InsertOutbox{queued}); });
    queued.session = other;
    queued.row = row + 100;
    store.turn([&](Changes& changes) { changes.add(InsertOutbox{queued}); });
  }
  store.turn([](Changes& changes) {
    changes.add(SealOutbox{session, 2, {1, 2, 3}, OutboxState::completing});
    changes.add(CountOutboxAttempt{session, 2});
    changes.add(RemoveOutbox{session, 1});
    changes.add(RemoveOutbox{session, 101});
  });
  const auto rows = load_outbox(store.db(), session);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].row == 2);
  CHECK(rows[0].session == session);
  CHECK(rows[0].chat == anna);
  CHECK(rows[0].message_id == "M2");
  CHECK(rows[0].state == OutboxState::completing);
  CHECK(rows[0].stanza == Bytes{1, 2, 3});
  CHECK(rows[0].accepted_at == 20);
  CHECK(rows[0].attempts == 1);
  CHECK(rows[1].row == 3);
  CHECK(rows[1].state == OutboxState::waiting);
  CHECK(last_outbox_row(store.db(), session) == 3);
  CHECK(last_outbox_row(store.db(), other) == 103);
  CHECK(count_outbox(store.db(), session) == 2);
  Changes twice;
  OutboxRow taken;
  taken.session = session;
  taken.row = 3;
  taken.chat = anna;
  twice.add(InsertOutbox{taken});
  CHECK(store.try_commit(std::move(twice)).error().code == Errc::conflict);
}

TEST_CASE("an idempotency key answers for a day") {
  test::InlineStore store;
  const UnixMs day = 24 * 60 * 60 * 1000;
  store.turn([&](Changes& changes) {
    changes.add(PutIdempotency{IdempotencyRow{session, "k", "hash", "M1", 1'000}});
    changes.add(PutIdempotency{IdempotencyRow{other, "k", "hash2", "M2", 5'000}});
  });
  const auto found = find_idempotency(store.db(), session, "k", 1'000);
  REQUIRE(found);
  CHECK(found->request_hash == "hash");
  CHECK(found->message_id == "M1");
  CHECK(found->at == 1'000);
  CHECK(!find_idempotency(store.db(), session, "k", 1'001));
  store.turn([&](Changes& changes) {
    changes.add(PutIdempotency{IdempotencyRow{session, "later", "h", "M3", day + 1'001}});
  });
  CHECK(!find_idempotency(store.db(), session, "k", 0));
  CHECK(find_idempotency(store.db(), other, "k", 0)->message_id == "M2");
}

TEST_CASE("stars are listed by themselves, in pages, over merges and behind a chat that came back") {
  test::InlineStore store;
  const Jid anna_pn("15550000009", "s.whatsapp.net");
  const auto star = [&](const Jid& chat, const std::string& id, UnixMs at) {
    store.turn([&](Changes& changes) { changes.add(PutStar{session, chat, id, false, at}); });
  };
  const auto starred = [&](std::size_t limit, std::optional<std::int64_t> before = std::nullopt) {
    return page_messages(store.db(), session, anna, limit, before, Listed::starred);
  };
  for (int i = 0; i < 20; ++i) put(store, test::message_row(session, anna, std::to_string(i), i));
  put(store, test::message_row(session, anna_pn, "of the number", 7));
  for (const char* id : {"3", "9", "15"}) star(anna, id, 100);
  star(anna_pn, "of the number", 100);
  star(anna, "9", 0);
  CHECK(find_message(store.db(), session, anna, "3")->starred_at == 100);
  CHECK(ids(starred(10).messages) == std::vector<std::string>{"15", "3"});
  const MessagePage first = starred(1);
  REQUIRE(first.next);
  CHECK(ids(starred(1, first.next).messages) == std::vector<std::string>{"3"});
  store.turn([&](Changes& changes) { changes.add(MergeChats{session, anna_pn, anna}); });
  CHECK(ids(starred(10).messages) == std::vector<std::string>{"15", "of the number", "3"});
  store.turn([&](Changes& changes) { changes.add(RevokeMessage{session, anna, "15", false, 5}); });
  star(anna, "15", 100);  // nothing of it is left
  CHECK(ids(starred(10).messages) == std::vector<std::string>{"of the number", "3"});
  store.turn([&](Changes& changes) {
    changes.add(RemoveChat{session, anna});
    changes.add(InsertMessage{test::message_row(session, anna, "new", 50), true, std::nullopt});
    changes.add(PutStar{session, anna, "new", false, 1});
  });
  CHECK(ids(starred(10).messages) == std::vector<std::string>{"new"});
}

TEST_CASE("of pins and their ends the later one counts") {
  test::InlineStore store;
  put(store, test::message_row(session, anna, "A", 1));
  const auto pin = [&](UnixMs until, UnixMs at, const Jid& by = anna) {
    store.turn([&](Changes& changes) { changes.add(PutPin{session, anna, "A", false, by, until, at}); });
    return find_message(store.db(), session, anna, "A")->pinned_until;
  };
  CHECK(pin(9'000, 10) == 9'000);
  CHECK(find_message(store.db(), session, anna, "A")->pinned_by == anna);
  CHECK(pin(0, 5) == 9'000);  // late
  CHECK(pin(7'000, 20, me) == 7'000);
  CHECK(find_message(store.db(), session, anna, "A")->pinned_by == me);
  CHECK(pin(0, 20) == 0);
  CHECK(pin(8'000, 30) == 8'000);
  store.turn([&](Changes& changes) { changes.add(RevokeMessage{session, anna, "A", false, 5}); });
  CHECK(find_message(store.db(), session, anna, "A")->pinned_until == 0);
  CHECK(pin(9'000, 40) == 0);
}

TEST_CASE("of a message that ended before it was sealed it is kept that it never left, whatever is raised later") {
  test::InlineStore store;
  for (const char* id : {"A", "B"}) {
    MessageRow row = test::message_row(session, anna, id, 1);
    row.from_me = true;
    put(store, std::move(row));
  }
  store.turn([](Changes& changes) {
    changes.add(RaiseAckById{session, "A", AckLevel::error, "why", std::nullopt, true});
    changes.add(RaiseAckById{session, "B", AckLevel::error, "why", std::nullopt});
  });
  CHECK(find_message(store.db(), session, anna, "A")->never_left);
  CHECK(find_message(store.db(), session, anna, "A")->error == "why");
  CHECK_FALSE(find_message(store.db(), session, anna, "B")->never_left);
  store.turn([](Changes& changes) { changes.add(RaiseAckById{session, "A", AckLevel::read, "", std::nullopt}); });
  CHECK(find_message(store.db(), session, anna, "A")->never_left);
}

TEST_CASE("the members of an album are found wherever they stand, those alone, in their order") {
  test::InlineStore store;
  const auto member = [&](const std::string& id, const std::string& album, const Jid& chat = anna,
                          SessionId of = session) {
    MessageRow row = test::message_row(of, chat, id, 1'000);
    row.album_id = album;
    put(store, std::move(row));
  };
  const auto members = [&](const Jid& chat, const std::string& head, bool from_me = false) {
    std::vector<std::string> found;
    for (const AlbumMember& one : album_members(store.db(), session, chat, head, from_me)) found.push_back(one.id);
    return found;
  };
  member("Z", "head");  // it came before its head
  put(store, test::message_row(session, anna, "head", 1'000));
  member("elsewhere", "head", ben);
  member("of another", "head", anna, other);
  member("alone", "");
  member("of one more", "head2");
  MessageRow own = test::message_row(session, anna, "own", 1'000);
  own.from_me = true;
  own.album_id = "head";
  put(store, own);
  store.turn([](Changes& changes) {  // others write meanwhile
    for (int i = 0; i < 300; ++i)
      changes.add(InsertMessage{test::message_row(other, ben, std::to_string(i), i), false, std::nullopt});
  });
  member("A", "head");
  CHECK(members(anna, "head") == std::vector<std::string>{"Z", "A"});
  CHECK(members(anna, "head", true) == std::vector<std::string>{"own"});
  CHECK(members(anna, "").empty());
  CHECK(members(anna, "nobody").empty());
  CHECK(find_message(store.db(), session, anna, "A")->album_id == "head");

  // Deleted for everyone it still belongs to its album, deleted here it does not.
  store.turn([](Changes& changes) {
    changes.add(RevokeMessage{session, anna, "A", false, 5});
    changes.add(RemoveMessage{session, anna, "Z", false});
  });
  CHECK(members(anna, "head") == std::vector<std::string>{"A"});
  store.turn([](Changes& changes) { changes.add(RemoveChat{session, anna}); });
  CHECK(members(anna, "head").empty());
}

TEST_CASE("whoever names an album in thousands of messages has the first of them taken for its members") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    for (int i = 0; i < 1'000; ++i) {
      MessageRow row = test::message_row(session, anna, std::to_string(i), i);
      row.album_id = "head";
      changes.add(InsertMessage{std::move(row), true, std::nullopt});
    }
  });
  const auto found = album_members(store.db(), session, anna, "head", false);
  REQUIRE(found.size() == most_album_members);
  CHECK(found.back().id == std::to_string(most_album_members - 1));
}

TEST_CASE("a message that is deleted leaves its chat with the one before it, and the right number of unread ones") {
  test::InlineStore store;
  put(store, test::message_row(session, anna, "A", 1'000), true);
  put(store, test::message_row(session, anna, "B", 2'000), true);
  MessageRow own = test::message_row(session, anna, "C", 3'000);
  own.from_me = true;
  put(store, own);
  const auto remove = [&](const std::string& id, bool from_me) {
    store.turn([&](Changes& changes) { changes.add(RemoveMessage{session, anna, id, from_me}); });
    const auto chat = find_chat(store.db(), session, anna);
    REQUIRE(chat);
    return (chat->last_message ? chat->last_message->id : "-") + " " + std::to_string(chat->unread);
  };
  CHECK(remove("nobody", false) == "C 2");
  CHECK(remove("C", false) == "C 2");  // of the other side
  CHECK(remove("C", true) == "B 2");
  CHECK(!has_message(store.db(), session, anna, "C"));
  store.turn([](Changes& changes) { changes.add(ReadReceived{session, anna, "A"}); });
  CHECK(remove("A", false) == "B 1");
  CHECK(remove("B", false) == "- 0");
  const auto last_at = find_chat(store.db(), session, anna)->last_at;
  CHECK(last_at == 2'000);  // where it was among the chats
  // What comes then is the last one, though it is older.
  put(store, test::message_row(session, anna, "D", 500), true);
  REQUIRE(find_chat(store.db(), session, anna)->last_message);
  CHECK(find_chat(store.db(), session, anna)->last_message->id == "D");
}

TEST_CASE("a page behind a message that was deleted goes on where that was, and its row is not given out again") {
  test::InlineStore store;
  for (int i = 0; i < 10; ++i) put(store, test::message_row(session, anna, std::to_string(i), i * 10 + 5));
  const MessagePage first = page_messages(store.db(), session, anna, 3, std::nullopt);
  REQUIRE(first.next);
  const MessageRow last = first.messages.back();
  CHECK(last.id == "7");
  for (const MessageRow& row : first.messages)
    store.turn([&](Changes& changes) { changes.add(RemoveMessage{session, anna, row.id, false}); });
  CHECK(page_messages(store.db(), session, anna, 3, first.next).messages.empty());  // nobody knows where it was
  const auto next = page_messages(store.db(), session, anna, 3, first.next, Listed::all, last.timestamp);
  CHECK(ids(next.messages) == std::vector<std::string>{"6", "5", "4"});
  put(store, test::message_row(session, anna, "later", 500));
  CHECK(find_message(store.db(), session, anna, "later")->row == 11);
}
