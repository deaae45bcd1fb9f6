#include "storage/removal.h"

#include <thread>

#include "storage/events.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;
using test::count;

namespace {

const SessionId anna{1}, ben{2};
const Jid chat("1", "lid"), other_chat("2", "lid"), pn("3", "s.whatsapp.net");

/// A file with a session and `messages` of it, closed again.
void fill(const std::string& path, int messages) {
  Store::Settings settings;
  settings.path = path;
  settings.synchronous = Synchronous::off;
  const auto store = test::open_store(settings);
  Changes changes;
  insert_session(changes, test::session_row(1, "anna"));
  insert_session(changes, test::session_row(2, "ben"));
  for (int i = 0; i < messages; ++i)
    insert_message(changes, test::message_row(anna, chat, "A" + std::to_string(i), i), true, std::nullopt);
  insert_message(changes, test::message_row(ben, chat, "B", 1), true, std::nullopt);
  WebhookRow hook;
  hook.id = "of-anna";
  hook.session = anna;
  put_webhook(changes, hook);
  hook.id = "of-all";
  hook.session.reset();
  put_webhook(changes, hook);
  changes.emit(NewEvent(anna, "message", "", "{}", 1));
  for (const char* id : {"of-anna", "of-all"}) {
    DeliveryRow delivery;
    delivery.webhook = id;
    delivery.event = 1;
    put_delivery(changes, delivery);
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

std::int64_t messages_of(Database& db, SessionId session) {
  return count(db, "SELECT count(*) FROM message WHERE session_id = " + std::to_string(session.value));
}

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
    more = *writer.turn([](Database& db) { return purge_removed(db, 60); });
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
    writer.turn([](Database& db) { return purge_removed(db, 100); });
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
  remove_session(removal, anna);
  commit(std::move(removal));
  CHECK(messages_of(store->reader(), anna) >= 400);
  while (messages_of(store->reader(), anna) != 0) {
    REQUIRE(turns < 20);
    Changes touch;
    touch_session(touch, ben, turns);
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
  insert_message(back, test::message_row(anna, chat, "new", 5'000), true, std::nullopt);
  insert_message(back, test::message_row(anna, chat, "A299", 4'000), true, std::nullopt);
  insert_message(back, test::message_row(anna, chat, "A299", 4'000), true, std::nullopt);  // known now
  raise_ack_by_id(back, anna, "A250", AckLevel::read, "", 9'000);                          // of a message that is gone
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
    touch_session(touch, ben, i);
    done = false;
    store->commit(std::move(touch), [&](Result<void> result) { done = result.has_value(); });
    loop.run_until([&] { return done; });
  }
  CHECK(messages_of(db, anna) == 2);
  CHECK(page_messages(db, anna, chat, 10, std::nullopt).messages.size() == 2);
}

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
      insert_message(changes, test::message_row(anna, pn, "P" + std::to_string(i), i), true, std::nullopt);
      insert_message(changes, test::message_row(anna, chat, "L" + std::to_string(i), i), true, std::nullopt);
    }
    remove_chat(changes, anna, from_removed ? pn : chat);
    if (from_removed) insert_message(changes, test::message_row(anna, pn, "late", 90), true, std::nullopt);
    merge_chats(changes, anna, pn, chat);
  });
  const auto page = page_messages(store->reader(), anna, chat, 100, std::nullopt).messages;
  CHECK(page.size() == (from_removed ? 21u : 20u));
  for (const MessageRow& row : page) CHECK((row.id == "late" || row.id.starts_with(from_removed ? "L" : "P")));
  for (int i = 0; i < 30; ++i) turn([&](Changes& changes) { touch_session(changes, anna, i); });
  CHECK(messages_of(store->reader(), anna) == (from_removed ? 21 : 20));
}

TEST_CASE("a webhook removed with many deliveries leaves none to the next webhook") {
  test::InlineStore store;
  WebhookRow hook;
  hook.id = "first";
  store.turn([&](Changes& changes) {
    put_webhook(changes, hook);
    for (int i = 1; i <= 1'000; ++i) {
      DeliveryRow delivery;
      delivery.webhook = "first";
      delivery.event = i;
      put_delivery(changes, delivery);
    }
  });
  store.turn([&](Changes& changes) {
    remove_webhook(changes, "first");
    hook.id = "second";
    put_webhook(changes, hook);
    DeliveryRow late;
    late.webhook = "first";
    late.event = 2'000;
    put_delivery(changes, late);
  });
  CHECK(load_webhooks(store.db()).size() == 1);
  CHECK(count_deliveries(store.db(), "second") == 0);
  CHECK(count(store.db(), "SELECT count(*) FROM webhook_delivery") == 0);
}
