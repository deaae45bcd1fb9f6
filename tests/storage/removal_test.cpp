#include "storage/removal.h"

#include <sqlite3.h>

#include <thread>

#include "storage/chats.h"
#include "storage/events.h"
#include "storage/keys.h"
#include "storage/messages.h"
#include "storage/peers.h"
#include "storage/read_receipts.h"
#include "storage/resends.h"
#include "storage/webhooks.h"
#include "tests/storage/counts.h"
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
  int hundreds = 0;
  const auto count_steps = [](void* hundreds_seen) {
    ++*static_cast<int*>(hundreds_seen);
    return 0;
  };
  sqlite3_progress_handler(db.handle(), 100, count_steps, &hundreds);
  const auto page = page_messages(db, anna, chat, 10, std::nullopt);
  REQUIRE(page.messages.size() == 3);
  const auto older = page_messages(db, anna, chat, 10, page.messages[0].row);
  sqlite3_progress_handler(db.handle(), 0, nullptr, nullptr);
  CHECK(older.messages.size() == 2);
  CHECK(hundreds < 30);  // not some steps for each of the 5,000
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

namespace {

/// A store that purges one slice of at most `rows` rows with each turn and none between them.
struct SlicedStore {
  explicit SlicedStore(std::size_t rows) {
    settings.path = folder.file("test.sqlite");
    settings.synchronous = Synchronous::off;
    settings.max_purged_rows = rows;
    settings.purge_pause = std::chrono::hours(1);
    settings.post = [this](std::function<void()> call) { loop.post(std::move(call)); };
    store = test::open_store(settings);
  }
  void reopen() {
    store.reset();
    store = test::open_store(settings);
  }
  Database& db() { return store->reader(); }
  /// Answers how many rows the turn itself changed, without the slice behind it.
  template <class Fill>
  std::int64_t turn(Fill fill_turn) {
    std::int64_t before = 0, after = 0;
    const auto note = [](std::int64_t& changed) {
      return [&changed](Database& writer) -> Result<void> {
        changed = count(writer, "SELECT total_changes()");
        return {};
      };
    };
    Changes changes;
    test::inject(changes, note(before));
    fill_turn(changes);
    test::inject(changes, note(after));
    bool done = false;
    std::optional<Error> failure;
    store->commit(std::move(changes), [&](Result<void> result) {
      done = true;
      if (!result) failure = result.error();
    });
    loop.run_until([&] { return done; });
    if (failure) FAIL(failure->detail);
    if (noted) in_slice = before - *noted;
    noted = after;
    return after - before;
  }
  /// One slice; answers how many rows the one before it changed, its marks included.
  std::int64_t slice() {
    turn([](Changes&) {});
    return in_slice;
  }
  bool purged() { return !has_removed(db()); }

  test::TemporaryFolder folder;
  test::HandLoop loop;
  Store::Settings settings;
  std::unique_ptr<Store> store;
  std::optional<std::int64_t> noted;
  std::int64_t in_slice = 0;
};

// Tombstones and the counter of message rows: what a slice changes beside its rows.
constexpr std::int64_t marks = 4;

protocol::KeyPair pair_of(std::uint8_t first) {
  protocol::Key32 key{};
  key[0] = first;
  return protocol::KeyPair{protocol::PrivateKey(key), key};
}
Jid peer(int number) { return Jid(std::to_string(1'000 + number), "lid"); }

/// Rows of a linked device in every table that a log-out empties.
void link(Changes& changes, SessionId session, std::uint8_t mark, int peers) {
  DeviceRow device;
  device.session = session;
  device.registration_id = mark;
  changes.add(PutDevice{device});
  std::vector<protocol::PreKey> keys;
  for (int i = 1; i <= peers; ++i) keys.push_back({static_cast<protocol::PreKeyId>(i), pair_of(mark)});
  changes.add(AddPreKeys{session, std::move(keys)});
  changes.add(AddSignedPreKey{session, protocol::SignedPreKey{1, pair_of(mark), {}}});
  changes.add(AddRetryPreKey{session, peer(0), protocol::PreKey{first_retry_key_id, pair_of(mark)}, 1});
  for (int i = 0; i < peers; ++i) {
    changes.add(PutRatchet{session, peer(i), {mark}});
    changes.add(PutIdentity{session, peer(i), pair_of(mark).pub});
    changes.add(PutDeviceList{session, peer(i), DeviceListRow{{mark}, 1, 1}});
    changes.add(PutRetryCount{session, peer(i), "id", mark, 1});
  }
  changes.add(PutLid{session, pn, peer(0)});
  changes.add(PutResends{session, peer(0), "id", ResendRow{mark, {1}}, 1, 1});
  changes.add(PutAppStateKey{session, {1}, {mark}, 3});
  ReadReceiptRow read;
  read.session = session;
  read.row = 1;
  read.chat = peer(mark);
  read.ids = {"id"};
  changes.add(InsertReadReceipt{read});
}

/// Everything that link() wrote with this mark and this number of peers, and nothing of another device.
void check_device(Database& db, SessionId session, std::uint8_t mark, int peers, int others) {
  CHECK(load_device(db, session)->registration_id == mark);
  CHECK(count_pre_keys(db, session) == static_cast<std::size_t>(peers) + 1);
  for (const protocol::PreKey& key : load_pre_keys(db, session, 1, 1'000)) CHECK(key.pair.pub[0] == mark);
  CHECK(find_pre_key(db, session, first_retry_key_id)->pub[0] == mark);
  CHECK(find_signed_pre_key(db, session, 1)->pair.pub[0] == mark);
  for (int i = 0; i < peers; ++i) {
    CHECK(find_ratchet(db, session, peer(i)) == protocol::Bytes{mark});
    CHECK(find_identity(db, session, peer(i))->at(0) == mark);
    CHECK(find_device_list(db, session, peer(i))->devices == std::vector<std::uint16_t>{mark});
    CHECK(find_retry_count(db, session, peer(i), "id") == mark);
    CHECK(has_ratchets_of(db, session, peer(i)));
  }
  for (int i = peers; i < others; ++i) {
    CHECK(!find_pre_key(db, session, static_cast<protocol::PreKeyId>(i + 1)));
    CHECK(!find_ratchet(db, session, peer(i)));
    CHECK(!has_ratchets_of(db, session, peer(i)));
    CHECK(!find_identity(db, session, peer(i)));
    CHECK(!find_device_list(db, session, peer(i)));
    CHECK(find_retry_count(db, session, peer(i), "id") == 0);
  }
  CHECK(find_lid(db, session, pn) == peer(0));
  CHECK(find_pn(db, session, peer(0)) == pn);
  CHECK(find_resends(db, session, peer(0), "id")->count == mark);
  CHECK(find_app_state_key(db, session, protocol::Bytes{1}) == protocol::Bytes{mark});
  const auto reads = load_read_receipts(db, session);
  REQUIRE(reads.size() == 1);
  CHECK(reads[0].chat == peer(mark));
}

constexpr const char* all_ratchets = "SELECT count(*) FROM ratchet";

}  // namespace

TEST_CASE("a log-out is a few rows, the next device finds nothing of the old one, and slices take that away") {
  SlicedStore s(60);
  s.turn([](Changes& changes) {
    link(changes, anna, 1, 120);
    link(changes, ben, 2, 3);
  });
  CHECK(s.turn([](Changes& changes) { changes.add(WipeDevice{anna}); }) <= 5);
  CHECK(!load_device(s.db(), anna));
  CHECK(count_pre_keys(s.db(), anna) == 0);
  CHECK(!find_signed_pre_key(s.db(), anna, 1));
  CHECK(!find_ratchet(s.db(), anna, peer(7)));
  CHECK(find_lid(s.db(), anna, pn) == peer(0));  // the chats that stay are filed under it
  CHECK(!find_app_state_key(s.db(), anna, protocol::Bytes{1}));
  CHECK(load_read_receipts(s.db(), anna).empty());
  s.turn([](Changes& changes) { link(changes, anna, 3, 5); });
  int slices = 0;
  for (; !s.purged(); ++slices) {
    REQUIRE(slices < 30);
    check_device(s.db(), anna, 3, 5, 120);
    check_device(s.db(), ben, 2, 3, 120);
    if (slices == 4) {
      s.reopen();  // as after a crash between two slices
      s.noted.reset();
    }
    CHECK(s.slice() <= 60 + marks);
  }
  CHECK(slices >= 8);
  check_device(s.db(), anna, 3, 5, 120);
  check_device(s.db(), ben, 2, 3, 120);
  CHECK(count(s.db(), all_ratchets) == 8);
}

TEST_CASE("a session logged out twice and removed before the slices came leaves nothing") {
  SlicedStore s(50);
  s.turn([](Changes& changes) {
    changes.add(InsertSession{test::session_row(1, "anna")});
    link(changes, anna, 1, 40);
    link(changes, ben, 2, 3);
    changes.add(WipeDevice{anna});
    link(changes, anna, 3, 40);
    changes.add(WipeDevice{anna});
    link(changes, anna, 4, 40);
    changes.add(RemoveSession{anna});
  });
  for (int slices = 0; !s.purged(); ++slices) {
    REQUIRE(slices < 30);
    CHECK(s.slice() <= 50 + marks);
  }
  check_device(s.db(), ben, 2, 3, 40);
  for (const char* table : {"pre_key", "ratchet", "identity", "device_list", "retry"}) {
    INFO(table);
    CHECK(count(s.db(), std::string("SELECT count(*) FROM ") + table) == (std::string(table) == "pre_key" ? 4 : 3));
  }
  CHECK(count(s.db(), "SELECT count(*) FROM device_number") == 0);
}

namespace {

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
