#include "storage/removal.h"

#include <thread>

#include "storage/chats.h"
#include "storage/events.h"
#include "storage/messages.h"
#include "storage/webhooks.h"
#include "tests/storage/counts.h"
#include "tests/storage/fixture.h"
#include "tests/storage/sliced_store.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;
using test::count;
using test::messages_of;

namespace {

const SessionId anna{1}, ben{2};
const Jid chat("1", "lid");

/// A file with a session and `messages` of it, closed again.
void fill(const std::string& path, int messages) {
  Store::Settings settings;
  settings.path = path;
  settings.synchronous = Synchronous::off;
  const auto store = test::open_store(settings);
  Changes changes;
  changes.add(InsertSession{test::session_row(1, "anna")});
  changes.add(InsertSession{test::session_row(2, "ben")});
  for (int i = 0; i < messages; ++i)
    changes.add(InsertMessage{test::message_row(anna, chat, "A" + std::to_string(i), i), true, std::nullopt});
  changes.add(InsertMessage{test::message_row(ben, chat, "B", 1), true, std::nullopt});
  WebhookRow hook;
  hook.id = "of-anna";
  hook.session = anna;
  changes.add(PutWebhook{hook});
  hook.id = "of-all";
  hook.session.reset();
  changes.add(PutWebhook{hook});
  changes.emit(NewEvent(anna, "message", "", "{}", 1));
  for (const char* id : {"of-anna", "of-all"}) {
    DeliveryRow delivery;
    delivery.webhook = id;
    delivery.event = 1;
    changes.add(PutDelivery{delivery});
  }
  store->commit(std::move(changes), [](Result<void> done) { REQUIRE(done.has_value()); });
}

/// The writing connection alone: marks are set and nothing is purged.
struct Writer {
  explicit Writer(const std::string& path) {
    auto opened = Database::open(path, Database::Mode::read_write, Synchronous::off);
    REQUIRE(opened.has_value());
    db = std::move(*opened);
  }
  template <class Work>
  auto turn(Work work) {
    REQUIRE(db->execute("BEGIN IMMEDIATE").has_value());
    auto result = work(*db);
    REQUIRE(result.has_value());
    REQUIRE(db->execute("COMMIT").has_value());
    return result;
  }
  std::unique_ptr<Database> db;
};

}  // namespace

TEST_CASE("a removed session is gone at once and its rows go in bounded slices") {
  test::TemporaryFolder folder;
  const std::string path = folder.file("test.sqlite");
  fill(path, 500);
  Writer writer(path);
  writer.turn([](Database& db) { return bury_session(db, anna); });
  CHECK(load_sessions(*writer.db).size() == 1);
  CHECK(!load_device(*writer.db, anna));
  CHECK(messages_of(*writer.db, anna) == 500);  // the turn itself touched none of them
  // Its webhook reads no more; the one for every session keeps its event and its delivery.
  const auto webhooks = load_webhooks(*writer.db);
  REQUIRE(webhooks.size() == 1);
  CHECK(webhooks[0].id == "of-all");
  CHECK(load_deliveries(*writer.db, "of-anna", 10).empty());
  // The name is free.
  CHECK(count(*writer.db, "SELECT count(*) FROM session WHERE name = 'anna'") == 0);

  const auto rows = [&] {
    return messages_of(*writer.db, anna) + count(*writer.db, "SELECT count(*) FROM webhook_delivery") +
           count(*writer.db, "SELECT count(*) FROM chat");
  };
  int slices = 0;
  for (bool more = true; more; ++slices) {
    const std::int64_t before = rows();
    more = *writer.turn([](Database& db) { return purge_removed(db, 60, 1u << 20); });
    CHECK(before - rows() <= 60);
    REQUIRE(slices < 20);
  }
  CHECK(slices >= 9);
  CHECK(messages_of(*writer.db, anna) == 0);
  CHECK(messages_of(*writer.db, ben) == 1);
  CHECK(load_deliveries(*writer.db, "of-all", 10).size() == 1);
  CHECK(find_event(*writer.db, 1));
  CHECK(count(*writer.db, "SELECT count(*) FROM webhook") == 1);
  CHECK(!has_removed(*writer.db));
}

TEST_CASE("what was removed before a restart goes after it") {
  test::TemporaryFolder folder;
  Store::Settings settings;
  settings.path = folder.file("test.sqlite");
  fill(settings.path, 500);
  {
    Writer writer(settings.path);
    writer.turn([](Database& db) { return bury_session(db, anna); });
    writer.turn([](Database& db) { return purge_removed(db, 100, 1u << 20); });
    CHECK(messages_of(*writer.db, anna) > 0);
  }
  test::HandLoop loop;
  settings.post = [&loop](std::function<void()> call) { loop.post(std::move(call)); };
  const auto store = test::open_store(settings);
  // Nobody commits: the idle writer does it alone.
  while (messages_of(store->reader(), anna) != 0) std::this_thread::yield();
  CHECK(messages_of(store->reader(), ben) == 1);
}

TEST_CASE("removed things also go while turns keep the writer busy") {
  test::TemporaryFolder folder;
  Store::Settings settings;
  settings.path = folder.file("test.sqlite");
  settings.max_purged_rows = 100;
  settings.purge_pause = std::chrono::hours(1);  // never idle
  fill(settings.path, 500);
  test::HandLoop loop;
  settings.post = [&loop](std::function<void()> call) { loop.post(std::move(call)); };
  const auto store = test::open_store(settings);
  int turns = 0;
  const auto commit = [&](Changes changes) {
    bool done = false;
    store->commit(std::move(changes), [&](Result<void> result) { done = result.has_value(); });
    loop.run_until([&] { return done; });
    ++turns;
  };
  Changes removal;
  removal.add(RemoveSession{anna});
  commit(std::move(removal));
  CHECK(messages_of(store->reader(), anna) >= 400);
  while (messages_of(store->reader(), anna) != 0) {
    REQUIRE(turns < 20);
    Changes touch;
    touch.add(TouchSession{ben, turns});
    commit(std::move(touch));
  }
  CHECK(turns >= 5);
}

TEST_CASE("a removed chat is gone at once, may come back at once, and its old rows are read by nobody") {
  test::TemporaryFolder folder;
  const std::string path = folder.file("test.sqlite");
  fill(path, 300);
  Writer writer(path);
  Database& db = *writer.db;
  const std::int64_t last_row = find_message(db, anna, chat, "A299")->row;
  writer.turn([](Database& d) { return bury_chat(d, anna, chat); });
  const auto nobody_reads = [&] {
    CHECK(!has_message(db, anna, chat, "A7"));
    CHECK(!find_message(db, anna, chat, "A7"));
    CHECK(!find_message_by_id(db, anna, "A7", false));
    for (const auto before : {std::optional<std::int64_t>(), std::optional<std::int64_t>(last_row)})
      for (const MessageRow& row : page_messages(db, anna, chat, 1'000, before).messages) CHECK(row.row > last_row);
  };
  CHECK(messages_of(db, anna) == 300);
  CHECK(!find_chat(db, anna, chat));
  nobody_reads();

  // It comes back, with a new message and with one it had before.
  Store::Settings settings;
  settings.path = path;
  settings.max_purged_rows = 10;
  test::HandLoop loop;
  settings.post = [&loop](std::function<void()> call) { loop.post(std::move(call)); };
  settings.purge_pause = std::chrono::hours(1);
  const auto store = test::open_store(settings);
  Changes back;
  back.add(InsertMessage{test::message_row(anna, chat, "new", 5'000), true, std::nullopt});
  back.add(InsertMessage{test::message_row(anna, chat, "A299", 4'000), true, std::nullopt});
  back.add(InsertMessage{test::message_row(anna, chat, "A299", 4'000), true, std::nullopt});  // known now
  back.add(RaiseAckById{anna, "A250", AckLevel::read, "", 9'000});  // of a message that is gone
  bool done = false;
  store->commit(std::move(back), [&](Result<void> result) { done = result.has_value(); });
  loop.run_until([&] { return done; });
  CHECK(messages_of(db, anna) > 2);
  nobody_reads();
  const auto found = find_chat(db, anna, chat);
  REQUIRE(found);
  CHECK(found->unread == 2);
  REQUIRE(found->last_message);
  CHECK(found->last_message->id == "new");
  CHECK(page_messages(db, anna, chat, 10, std::nullopt).messages.size() == 2);

  // The slices end at the mark.
  for (int i = 0; i < 60 && messages_of(db, anna) != 2; ++i) {
    Changes touch;
    touch.add(TouchSession{ben, i});
    done = false;
    store->commit(std::move(touch), [&](Result<void> result) { done = result.has_value(); });
    loop.run_until([&] { return done; });
  }
  CHECK(messages_of(db, anna) == 2);
  CHECK(page_messages(db, anna, chat, 10, std::nullopt).messages.size() == 2);
}

TEST_CASE("a chat that comes back is read past what was removed, not through it") {
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
  turn([&](Changes& changes) {
    for (int i = 0; i < 5'000; ++i)
      changes.add(
          InsertMessage{test::message_row(anna, chat, "old" + std::to_string(i), 1'000 + i), true, std::nullopt});
  });
  turn([&](Changes& changes) { changes.add(RemoveChat{anna, chat}); });
  turn([&](Changes& changes) {
    for (int i = 0; i < 3; ++i)  // the clock of a peer: older than what was removed
      changes.add(InsertMessage{test::message_row(anna, chat, "new" + std::to_string(i), i), true, std::nullopt});
  });
  Database& db = store->reader();
  REQUIRE(messages_of(db, anna) > 4'000);
  const std::int64_t steps = test::steps_of(db, [&] {
    const auto page = page_messages(db, anna, chat, 10, std::nullopt);
    REQUIRE(page.messages.size() == 3);
    CHECK(page_messages(db, anna, chat, 10, page.messages[0].row).messages.size() == 2);
  });
  CHECK(steps < 3'000);  // not some steps for each of the 5,000
}

TEST_CASE("a webhook removed with many deliveries leaves none to the next webhook") {
  test::InlineStore store;
  WebhookRow hook;
  hook.id = "first";
  store.turn([&](Changes& changes) {
    changes.add(PutWebhook{hook});
    for (int i = 1; i <= 1'000; ++i) {
      DeliveryRow delivery;
      delivery.webhook = "first";
      delivery.event = i;
      changes.add(PutDelivery{delivery});
    }
  });
  store.turn([&](Changes& changes) {
    changes.add(RemoveWebhook{"first"});
    hook.id = "second";
    changes.add(PutWebhook{hook});
    DeliveryRow late;
    late.webhook = "first";
    late.event = 2'000;
    changes.add(PutDelivery{late});
  });
  CHECK(load_webhooks(store.db()).size() == 1);
  CHECK(count_deliveries(store.db(), "second") == 0);
  CHECK(count(store.db(), "SELECT count(*) FROM webhook_delivery") == 0);
}

TEST_CASE("what was said about a deleted message goes in slices, in a chat that merges too, and nothing else goes") {
  test::SlicedStore s(10);
  const Jid pn("3", "s.whatsapp.net");
  const bool merges = GENERATE(false, true);
  const Jid& home = merges ? pn : chat;
  s.turn([&](Changes& changes) {
    for (const char* id : {"A", "B"})
      changes.add(InsertMessage{test::message_row(anna, home, id, 1), true, std::nullopt});
    for (int i = 0; i < 35; ++i) {
      for (const char* target : {"A", "B"}) {
        MessageRow said = test::message_row(anna, home, target + std::to_string(i), i);
        said.kind = "reaction";
        said.target_id = target;
        changes.add(InsertMessage{std::move(said), false, std::nullopt});
      }
    }
  });
  CHECK(s.turn([&](Changes& changes) { changes.add(RemoveMessage{anna, home, "A", false}); }) <= 8);
  CHECK(!find_message(s.db(), anna, home, "A"));
  if (merges) s.turn([&](Changes& changes) { changes.add(MergeChats{anna, pn, chat}); });
  int slices = 0;
  for (; !s.purged(); ++slices) {
    REQUIRE(slices < 30);
    s.slice();
    CHECK(s.in_slice <= 10 + test::marks);
  }
  CHECK(slices >= 3);
  CHECK(messages_of(s.db(), anna) == 36);
  CHECK(add_ons(s.db(), anna, chat, "A", false, 100).empty());
  CHECK(add_ons(s.db(), anna, chat, "B", false, 100).size() == 35);
  CHECK(find_message(s.db(), anna, chat, "B"));
}

TEST_CASE("a message of which two merging chats have a copy is gone with both") {
  test::SlicedStore s(1);
  const Jid pn("3", "s.whatsapp.net");
  s.turn([&](Changes& changes) {
    for (int i = 0; i < 10; ++i)
      changes.add(InsertMessage{test::message_row(anna, pn, "P" + std::to_string(i), i), true, std::nullopt});
    for (const Jid& of : {pn, chat})
      changes.add(InsertMessage{test::message_row(anna, of, "both", 99), true, std::nullopt});
    changes.add(MergeChats{anna, pn, chat});
  });
  s.turn([&](Changes& changes) { changes.add(RemoveMessage{anna, chat, "both", false}); });
  CHECK(!has_message(s.db(), anna, chat, "both"));
  CHECK(find_chat(s.db(), anna, chat)->last_message->id == "P9");
}

TEST_CASE("a slice ends with the message whose text reaches its bytes") {
  const int what = GENERATE(0, 1, 2, 3);
  test::SlicedStore store(1'000);
  store.settings.max_purged_bytes = 100'000;
  store.reopen();
  const SessionId session{1};
  const Jid from("3", "s.whatsapp.net"), to("1", "lid");
  store.turn([&](Changes& changes) {
    changes.add(InsertSession{test::session_row(1, "anna")});
    for (int i = 0; i < 20; ++i) {
      MessageRow row = test::message_row(session, from, "M" + std::to_string(i), i * 1'000);
      row.body = i == 7 ? std::string(300'000, 'x') : std::string(20'000, 'x');
      row.details = "{\"poll\":{\"name\":\"" + std::string(20'000, 'y') + "\"}}";
      if (what == 3 && i > 0) row.kind = "reaction", row.target_id = "M0";
      changes.add(InsertMessage{std::move(row), true, std::nullopt});
    }
  });
  store.turn([&](Changes& changes) {
    if (what == 0) changes.add(RemoveSession{session});
    if (what == 1) changes.add(RemoveChat{session, from});
    if (what == 2) changes.add(MergeChats{session, from, to});
    if (what == 3) changes.add(RemoveMessage{session, from, "M0", false});
  });
  const auto left = [&] {
    return test::count(store.db(),
                       "SELECT count(*) FROM message WHERE chat_id = (SELECT id FROM jid WHERE user = '3')");
  };
  int slices = 0;
  for (std::int64_t before = left(); !store.purged(); ++slices) {
    REQUIRE(slices < 50);
    store.slice();
    CHECK(before - left() <= 3);  // 40 KB each
    before = left();
  }
  CHECK(slices >= 5);
  CHECK(test::messages_of(store.db(), session) == (what == 2 ? 20 : 0));
}
