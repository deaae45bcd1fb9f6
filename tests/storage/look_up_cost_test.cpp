// What a look-up of the loop costs does not grow with the session, and neither does what the writer does for one
// change. Nothing in the product runs ANALYZE, and without statistics SQLite may prefer an index by which it walks
// through all messages of a session.

#include "storage/apply.h"
#include "storage/chat_bump.h"
#include "storage/chat_list.h"
#include "storage/chats.h"
#include "storage/outbox.h"
#include "storage/recall.h"
#include "storage/removal.h"
#include "storage/resends.h"
#include "storage/transaction.h"
#include "storage/uploads.h"
#include "tests/storage/counts.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;

namespace {

const SessionId session{1}, other{2};
const Jid ben("200000000000002", "lid");
const Jid news("120363000000000009", "newsletter");
const UploadKey file{{7}, protocol::MediaKind::image};

struct LookUp {
  const char* name;
  std::function<void(Database&)> ask;
};

/// Every look-up of messages and of what goes with them, each with something to find.
const std::vector<LookUp>& look_ups() {
  static const std::vector<LookUp> all = {
      {"find_message", [](Database& db) { REQUIRE(find_message(db, session, ben, "head")); }},
      {"find_message_by_id, own", [](Database& db) { REQUIRE(find_message_by_id(db, session, "head", true)); }},
      {"find_message_by_id, received", [](Database& db) { REQUIRE(find_message_by_id(db, session, "M0", false)); }},
      {"find_message_of_either, of nobody",
       [](Database& db) { REQUIRE_FALSE(find_message_of_either(db, session, "none")); }},
      {"has_message", [](Database& db) { REQUIRE(has_message(db, session, ben, "head")); }},
      {"find_gist", [](Database& db) { REQUIRE(find_gist(db, session, "head")); }},
      {"add_ons", [](Database& db) { REQUIRE(add_ons(db, session, ben, "head", true, most_add_ons).size() == 2); }},
      {"has_add_ons, of nobody", [](Database& db) { REQUIRE_FALSE(has_add_ons(db, session, "none")); }},
      {"album_members", [](Database& db) { REQUIRE(album_members(db, session, ben, "head", true).size() == 2); }},
      {"page_messages",
       [](Database& db) { REQUIRE(page_messages(db, session, ben, 10, std::nullopt).messages.size() == 10); }},
      {"page_messages, further back",
       [](Database& db) {
         const auto row = find_message(db, session, ben, "head")->row;
         REQUIRE(page_messages(db, session, ben, 10, row).messages.size() == 10);
       }},
      {"page_messages, starred",
       [](Database& db) {
         REQUIRE(page_messages(db, session, ben, 10, std::nullopt, Listed::starred).messages.size() == 1);
       }},
      {"unread_messages", [](Database& db) { REQUIRE(unread_messages(db, session, ben, 5, 20).size() == 5); }},
      {"find_chat", [](Database& db) { REQUIRE(find_chat(db, session, ben)->last_message); }},
      {"page_chats", [](Database& db) { REQUIRE(page_chats(db, session, 5, std::nullopt).chats.size() == 5); }},
      {"has_copy",
       [](Database& db) {
         const auto row = find_message(db, session, ben, "head")->row;
         REQUIRE(has_copy(db, row, CopyHolder::recipient, 4));
       }},
      {"find_resends", [](Database& db) { REQUIRE(find_resends(db, session, ben, "head")); }},
      {"find_retry", [](Database& db) { REQUIRE(find_retry(db, session, ben, "M0") != RetryRow()); }},
      {"awaited_authors",
       [](Database& db) { REQUIRE(awaited_authors(db, session, "M0", news, 8) == std::vector<Jid>{ben}); }},
      {"has_retries", [](Database& db) { REQUIRE_FALSE(has_retries(db, SessionId{3})); }},
      {"find_upload", [](Database& db) { REQUIRE(find_upload(db, session, file) == "head"); }},
      {"find_idempotency", [](Database& db) { REQUIRE(find_idempotency(db, session, "K0", 0)); }},
      {"last_outbox_row", [](Database& db) { REQUIRE(last_outbox_row(db, session) > 0); }},
      {"find_contact", [](Database& db) { REQUIRE(find_contact(db, session, ben)); }},
      {"find_trusted_token", [](Database& db) { REQUIRE(find_trusted_token(db, session, ben)); }},
      {"find_app_state", [](Database& db) { REQUIRE(find_app_state(db, session, "regular")); }},
      {"find_app_state_record",
       [](Database& db) { REQUIRE(find_app_state_record(db, session, "regular", protocol::Digest32{7})); }},
      {"app_state_records_of",
       [](Database& db) { REQUIRE(app_state_records_of(db, session, "regular", "A7").size() == 1); }},
      {"app_state_records_after",
       [](Database& db) {
         const protocol::Digest32 after{7};
         REQUIRE(app_state_records_after(db, session, "regular", after, 5).size() == 5);
       }},
      {"app_state_records_under",
       [](Database& db) { REQUIRE(app_state_records_under(db, session, "regular", "A7", 2).size() == 2); }},
      {"app_state_wishes", [](Database& db) { REQUIRE(app_state_wishes(db, session, "regular", 5).size() == 5); }},
      {"app_state_key_ids", [](Database& db) { REQUIRE(app_state_key_ids(db, session).size() == 1); }},
      {"find_status_audience", [](Database& db) { REQUIRE(find_status_audience(db, session, "O0")); }},
      {"chat_partners", [](Database& db) { REQUIRE(chat_partners(db, session, 5).size() == 5); }},
      {"page_contacts", [](Database& db) { REQUIRE(page_contacts(db, session, 5, 0).contacts.size() == 5); }},
      {"find_channel", [](Database& db) { REQUIRE(find_channel(db, session, news)); }},
      {"load_channels", [](Database& db) { REQUIRE(load_channels(db, session, 5).size() == 5); }},
      {"watched_contacts", [](Database& db) { REQUIRE(watched_contacts(db, session, 9).size() == 1); }},
      {"stale_groups", [](Database& db) { REQUIRE(stale_groups(db, session, 9).size() == 1); }},
      {"page_queue", [](Database& db) { REQUIRE(page_queue(db, session, {}, 5, 0).rows.size() == 5); }},
  };
  return all;
}

MessageRow own(const Jid& chat, const std::string& id, UnixMs at) {
  MessageRow row = test::message_row(session, chat, id, at);
  row.from_me = true;
  return row;
}

/// Two sessions with as many messages each, in twenty chats, and in the middle of one of them a message about which
/// everything is asked: the head of an album, with a star and reactions.
struct Filled : test::InlineStore {
  explicit Filled(int messages)
      : writer(*Database::open(folder.file("test.sqlite"), Database::Mode::read_write, Synchronous::off)) {
    for (int i = 0; i < messages; i += 100) {
      if (i == messages / 200 * 100) turn(head);
      turn([i](Changes& changes) {
        for (int n = i; n < i + 100; ++n) {
          const Jid chat = n % 20 == 0 ? ben : Jid(std::to_string(300'000 + n % 20), "lid");
          const std::string name = std::to_string(n);
          for (const SessionId of : {session, other})
            changes.add(InsertMessage{test::message_row(of, chat, "M" + name, 1'000 + n), true, std::nullopt});
          changes.add(InsertMessage{own(chat, "O" + name, 1'000 + n), false, std::nullopt});
          changes.add(PutIdempotency{IdempotencyRow{session, "K" + name, "H", "O" + name, 1'000 + n}});
          changes.add(PutRetry{other, chat, "M" + name, RetryRow{1, false, 1}, 1'000 + n});
          changes.add(PutResends{session, chat, "O" + name, ResendRow{1, {}}, 1'000 + n, 1'000'000});
          const auto low = static_cast<std::uint8_t>(n), high = static_cast<std::uint8_t>(n >> 8);
          changes.add(PutUpload{session, UploadKey{{low, high}, protocol::MediaKind::video}, "O" + name, 1'000 + n});
          OutboxRow queued;
          queued.session = session;
          queued.row = n + 1;
          queued.chat = chat;
          queued.message_id = "O" + name;
          changes.add(InsertOutbox{std::move(queued)});
          for (const SessionId of : {session, other}) {
            ContactRow contact;
            contact.user = Jid(std::to_string(400'000 + n), "lid");
            changes.add(PutContact{of, std::move(contact)});
            changes.add(PutTrustedToken{of, {Jid(std::to_string(400'000 + n), "lid"), {1}, 1, 1}});
            changes.add(PutAppState{of, {"C" + name, 1, {}, 1, false}});
            changes.add(PutAppStateRecord{of, "regular", {{low, high}, {1}, {1}, "A" + name}});
            changes.add(PutAppStateWish{of, {"regular", "A" + name, false, {1}, 1, 1}});
            changes.add(PutStatusAudience{of, {"O" + name, StatusSetting::contacts, true, {chat}}});
            changes.add(PutChannel{of, {Jid(std::to_string(800'000 + n), "newsletter"), "{}", 1}});
            GroupRow group;
            group.group = Jid(std::to_string(700'000 + n), "g.us");
            changes.add(PutGroup{of, std::move(group)});
          }
        }
      });
    }
    // Merges of other chats that wait for their slices.
    REQUIRE(writer
                ->execute(("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
                           std::to_string(messages / 4) +
                           ") INSERT INTO merged_chat (session_id, from_id, to_id, after_row, through_row)"
                           " SELECT 1, 500000 + i, 600000 + i, 0, 1 FROM n")
                              .c_str())
                .has_value());
    turn([&](Changes& changes) {
      changes.add(NoteCopy{find_message(db(), session, ben, "head")->row, CopyHolder::recipient, 4});
      changes.add(PutStar{session, ben, "head", true, 1});
      ContactRow watched;
      watched.user = ben;
      watched.watched = true;
      changes.add(PutContact{session, watched});
      changes.add(PutTrustedToken{session, {ben, {1}, 1, 1}});
      changes.add(PutAppState{session, {"regular", 1, {}, 1, false}});
      changes.add(PutAppStateKey{session, {1}, {2}, 3});
      changes.add(PutChannel{session, {news, "{}", 1}});
      GroupRow stale;
      stale.group = Jid("700000", "g.us");
      stale.stale = true;
      changes.add(PutGroup{session, stale});
      changes.add(PutRetry{session, ben, "M0", RetryRow{1, false, 1, news}, 1'000});
      changes.add(PutResends{session, ben, "head", ResendRow{1, {}}, 1'000, 1'000'000});
      changes.add(PutUpload{session, file, "head", 1'000});
    });
  }
  static void head(Changes& changes) {
    changes.add(InsertMessage{own(ben, "head", 1'100), false, std::nullopt});
    for (const char* id : {"first", "second"}) {
      MessageRow member = own(ben, id, 1'100);
      member.album_id = "head";
      changes.add(InsertMessage{std::move(member), false, std::nullopt});
    }
    for (const char* id : {"one", "two"}) {
      MessageRow reaction = test::message_row(session, ben, id, 1'100);
      reaction.kind = "reaction";
      reaction.target_id = "head";
      reaction.target_from_me = true;
      changes.add(InsertMessage{std::move(reaction), false, std::nullopt});
    }
  }
  std::unique_ptr<Database> writer;
};

struct Deed {
  const char* name;
  std::function<Result<void>(Database&)> run;
};

Result<void> purge(Database& db) {
  const auto more = purge_removed(db, 20, 100'000);
  if (!more) return more.error();
  return {};
}

/// Changes that build on other rows, or end old ones.
const std::vector<Deed>& deeds() {
  const auto change = [](auto row) { return [row](Database& db) { return apply(db, row); }; };
  constexpr UnixMs much_later = UnixMs{365} * 86'400'000;
  static const std::vector<Deed> all = {
      {"a new message", change(InsertMessage{test::message_row(session, ben, "new", 9'000), true, std::nullopt})},
      {"a message that is known",
       change(InsertMessage{test::message_row(session, ben, "M0", 9'000), true, std::nullopt})},
      {"an ack", change(RaiseAckById{session, "head", AckLevel::server, "", 1'200})},
      {"a message is read", change(ReadReceived{session, ben, "M0"})},
      {"a revoke", change(RevokeMessage{session, ben, "head", true, 9'000})},
      {"a deletion", change(RemoveMessage{session, ben, "head", true})},
      {"a resend, and a hundred old ones go",
       change(PutResends{session, ben, "new", ResendRow{1, {}}, much_later, 1'000})},
      {"a request, and a hundred old ones go",
       change(PutRetry{session, ben, "new", RetryRow{1, false, 1}, much_later})},
      {"an answer, and a hundred old ones go",
       change(PutIdempotency{IdempotencyRow{session, "new", "H", "M", much_later}})},
      {"an upload, and a hundred old ones go", change(PutUpload{session, UploadKey{}, "new", much_later})},
      {"a chat goes", change(RemoveChat{session, ben})},
      {"a slice of what was removed", purge},
      {"a log-out, and its first slice",
       [](Database& db) -> Result<void> {
         const Result<void> gone = apply(db, WipeDevice{session});
         return gone ? purge(db) : gone;
       }},
  };
  return all;
}

}  // namespace

TEST_CASE("a look-up costs as much in a long session as in a short one") {
  Filled few(400), many(4'000);
  for (const LookUp& look_up : look_ups()) {
    INFO(look_up.name);
    const auto steps = [&](Filled& store) {
      look_up.ask(store.db());  // prepared
      return test::steps_of(store.db(), [&] { look_up.ask(store.db()); });
    };
    const std::int64_t in_few = steps(few), in_many = steps(many);
    CHECK(in_few > 0);
    CHECK(in_many <= in_few + in_few / 4);
    CHECK(in_many < 3'000);
  }
}

TEST_CASE("a change costs the writer as much in a long session as in a short one") {
  Filled few(400), many(4'000);
  for (const Deed& deed : deeds()) {
    INFO(deed.name);
    const auto steps = [&](Filled& store) {
      Database& db = *store.writer;
      std::int64_t counted = 0;
      for (int prepared = 0; prepared < 2; ++prepared) {
        const auto undone = in_transaction(db, [&]() -> Result<void> {
          counted = test::steps_of(db, [&] {
            const Result<void> done = deed.run(db);
            if (!done) FAIL(done.error().detail);
          });
          return Error(Errc::internal, "undone");
        });
        REQUIRE(undone.error().detail == "undone");
        db.recall().forget();
      }
      return counted;
    };
    const std::int64_t in_few = steps(few), in_many = steps(many);
    CHECK(in_few > 0);
    CHECK(in_many <= in_few + in_few / 4);
    CHECK(in_many < 20'000);
  }
}
