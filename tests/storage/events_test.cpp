#include "storage/events.h"

#include "storage/sessions.h"
#include "storage/webhooks.h"
#include "tests/storage/counts.h"
#include "tests/storage/fixture.h"
#include "tests/storage/injection.h"

using namespace wharf;
using namespace wharf::storage;

namespace {

const SessionId anna{1}, ben{2};

void emit(test::InlineStore& store, SessionId session, int how_many, std::size_t data_bytes = 2) {
  store.turn([&](Changes& changes) {
    for (int i = 0; i < how_many; ++i)
      changes.emit(NewEvent(session, "message", "lane", std::string(data_bytes, 'x'), 5));
  });
}

WebhookRow webhook(const std::string& id, EventId cursor) {
  WebhookRow row;
  row.id = id;
  row.url = "http://127.0.0.1/";
  row.events = {"*"};
  row.cursor = cursor;
  return row;
}

}  // namespace

TEST_CASE("events are numbered, named after their session, and read by cursor and session") {
  test::InlineStore store;
  std::vector<Event> heard;
  store.store->on_events(
      [&](const std::vector<Event>& events) { heard.insert(heard.end(), events.begin(), events.end()); });
  CHECK(last_event_id(store.db()) == 0);
  CHECK(first_event_id(store.db()) == 0);
  store.turn([](Changes& changes) {
    changes.add(InsertSession{test::session_row(1, "anna")});
    changes.emit(NewEvent(anna, "session.status", "", R"({"status":"READY"})", 11));
  });
  store.turn([](Changes& changes) {
    changes.add(InsertSession{test::session_row(2, "ben")});
    changes.emit(NewEvent(ben, "message", "chat", std::string("{}\0x", 4), 12));
    changes.emit(NewEvent(anna, "ack", "chat", "{}", 13));
  });
  const auto all = read_events(store.db(), {});
  REQUIRE(all.size() == 3);
  REQUIRE(heard.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(all[i].id == static_cast<EventId>(i + 1));
    CHECK(heard[i].id == all[i].id);
    CHECK(heard[i].session == all[i].session);
    CHECK(heard[i].session_name == all[i].session_name);
    CHECK(heard[i].name == all[i].name);
    CHECK(heard[i].lane == all[i].lane);
    CHECK(heard[i].data == all[i].data);
    CHECK(heard[i].at == all[i].at);
  }
  CHECK(all[0].session_name == "anna");
  CHECK(all[1].session_name == "ben");
  CHECK(all[1].data == std::string("{}\0x", 4));
  EventFilter filter;
  filter.session = anna;
  filter.after = 1;
  REQUIRE(read_events(store.db(), filter).size() == 1);
  CHECK(read_events(store.db(), filter)[0].id == 3);
  filter = {};
  filter.limit = 2;
  CHECK(read_events(store.db(), filter).size() == 2);
  CHECK(find_event(store.db(), 2)->name == "message");
  CHECK(!find_event(store.db(), 4));
  CHECK(last_event_id(store.db()) == 3);
  CHECK(first_event_id(store.db()) == 1);
}

TEST_CASE("the events of a removed session stay for the readers of the log, the one that reports it with its name") {
  test::InlineStore store;
  store.turn([](Changes& changes) { changes.add(InsertSession{test::session_row(1, "anna")}); });
  emit(store, anna, 5);
  store.turn([](Changes& changes) {
    changes.add(RemoveSession{anna});
    changes.emit(NewEvent(anna, "disconnected", "", "{}", 1));
  });
  const auto events = read_events(store.db(), {});
  REQUIRE(events.size() == 6);
  CHECK(events[5].id == 6);
  CHECK(events[5].name == "disconnected");
  for (const Event& event : events) CHECK(event.session_name == "anna");
  Store::Settings settings;
  settings.path = store.folder.file("test.sqlite");
  store.store.reset();
  store.store = test::open_store(settings);
  emit(store, ben, 1);
  CHECK(last_event_id(store.db()) == 7);
}

TEST_CASE("a rolled back session name is not remembered for the next session of that id") {
  test::InlineStore store;
  const auto page_limit = [&](const char* pragma) {
    store.turn([&](Changes& changes) { test::inject(changes, [=](Database& db) { return db.execute(pragma); }); });
  };
  page_limit("PRAGMA max_page_count = 1");  // the present size is the least SQLite takes
  Changes changes;
  changes.add(InsertSession{test::session_row(1, "wrong")});
  changes.emit(NewEvent(anna, "ready", "", "{}", 1));  // fits, and its session name was looked up
  changes.emit(NewEvent(anna, "ready", "", std::string(200'000, ' '), 1));
  CHECK(store.try_commit(std::move(changes)).error().code == Errc::storage_full);
  page_limit("PRAGMA max_page_count = 100000");
  store.turn([](Changes& more) {
    more.add(InsertSession{test::session_row(1, "right")});
    more.emit(NewEvent(anna, "ready", "", "{}", 1));
  });
  CHECK(read_events(store.db(), {}).at(0).session_name == "right");
}

TEST_CASE("old events are deleted in small steps and ids keep growing") {
  test::InlineStore store(500);
  for (int i = 0; i < 50; ++i) {
    emit(store, anna, 100);
    const std::int64_t kept = test::count(store.db(), "SELECT count(*) FROM event");
    CHECK(kept >= std::min(500, (i + 1) * 100));
    CHECK(kept <= 500 + 1'000);
  }
  CHECK(last_event_id(store.db()) == 5'000);
  CHECK(first_event_id(store.db()) == 4'501);
}

TEST_CASE("events that a webhook has not had stay, up to twice the limit") {
  test::InlineStore store(1'000);
  store.turn([](Changes& changes) { changes.add(PutWebhook{webhook("slow", 700)}); });
  emit(store, anna, 1'900);
  emit(store, anna, 100);
  CHECK(last_event_id(store.db()) == 2'000);
  // All above its cursor are there.
  CHECK(test::count(store.db(), "SELECT count(*) FROM event WHERE id > 700") == 1'300);
  CHECK(first_event_id(store.db()) == 701);

  store.turn([](Changes& changes) {
    changes.add(AdvanceWebhook{"slow", 2'000});
    DeliveryRow waiting;
    waiting.webhook = "slow";
    waiting.event = 900;
    changes.add(PutDelivery{waiting});
  });
  emit(store, anna, 899);
  emit(store, anna, 101);  // pruning at id 3,000: the newest 1,000 are 2,001 to 3,000
  CHECK(!find_event(store.db(), 899));
  CHECK(!find_event(store.db(), 900));  // 3,000 - 2 x 1,000 is past it
  CHECK(!find_event(store.db(), 2'000));
  CHECK(find_event(store.db(), 2'001));
}

TEST_CASE("a waiting delivery keeps its event, and pruning goes on behind it") {
  test::InlineStore store(2'000);
  store.turn([](Changes& changes) {
    changes.add(PutWebhook{webhook("fast", 1'000'000)});
    for (const EventId event : {1, 500, 1'500}) {
      DeliveryRow waiting;
      waiting.webhook = "fast";
      waiting.event = event;
      waiting.parked = event == 500;
      changes.add(PutDelivery{waiting});
    }
  });
  for (int i = 0; i < 4; ++i) emit(store, anna, 1'000);
  for (const EventId event : {1, 500, 1'500}) CHECK(find_event(store.db(), event));
  CHECK(test::count(store.db(), "SELECT count(*) FROM event") == 2'003);
  for (int i = 0; i < 2; ++i) emit(store, anna, 1'000);
  // 6,000 events: everything up to 2,000 is beyond twice the limit, and nothing waits for what is gone.
  CHECK(first_event_id(store.db()) == 4'001);
  CHECK(test::count(store.db(), "SELECT count(*) FROM webhook_delivery") == 0);
}

TEST_CASE("deliveries go with their events, however many webhooks park each of them") {
  test::InlineStore store(1'000);
  const auto park_all = [&](EventId from, EventId to) {
    store.turn([&](Changes& changes) {
      for (EventId event = from; event <= to; ++event) {
        for (int hook = 0; hook < 5; ++hook) {
          DeliveryRow parked;
          parked.webhook = "hook" + std::to_string(hook);
          parked.event = event;
          parked.parked = true;
          changes.add(PutDelivery{parked});
        }
      }
    });
  };
  store.turn([](Changes& changes) {
    for (int hook = 0; hook < 5; ++hook) changes.add(PutWebhook{webhook("hook" + std::to_string(hook), 1'000'000)});
  });
  for (int round = 0; round < 10; ++round) {
    emit(store, anna, 1'000);
    park_all(round * 1'000 + 1, round * 1'000 + 1'000);
  }
  for (int i = 0; i < 10; ++i) emit(store, anna, 1);  // a slice with each batch
  CHECK(test::count(store.db(),
                    "SELECT count(*) FROM webhook_delivery d WHERE NOT EXISTS"
                    " (SELECT 1 FROM event WHERE id = d.event_id)") == 0);
}

TEST_CASE("an event is of the organisation of its session, also when the session is gone") {
  test::InlineStore store;
  std::vector<Event> heard;
  store.store->on_events(
      [&](const std::vector<Event>& events) { heard.insert(heard.end(), events.begin(), events.end()); });
  store.turn([](Changes& changes) {
    SessionRow row = test::session_row(2, "ben");
    row.org = OrgId{7};
    changes.add(InsertSession{test::session_row(1, "anna")});
    changes.add(InsertSession{row});
    for (const SessionId session : {anna, ben}) changes.emit(NewEvent(session, "message", "", "{}", 1));
  });
  store.turn([](Changes& changes) {
    changes.add(RemoveSession{ben});
    changes.emit(NewEvent(ben, "disconnected", "", "{}", 2));
  });
  const auto all = read_events(store.db(), {});
  REQUIRE(all.size() == 3);
  REQUIRE(heard.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(all[i].org == (i == 0 ? default_org : OrgId{7}));
    CHECK(heard[i].org == all[i].org);
  }
}

TEST_CASE("webhooks come back as they were put, and their cursor only moves forward") {
  test::InlineStore store;
  WebhookRow row = webhook("w1", 7);
  row.session = anna;
  row.events = {"message", "group_*", ""};
  row.headers = {{"Authorization", "Bearer x"}, {"X-Empty", ""}};
  row.secret = std::string("whsec_\0\xff", 8);
  row.created_at = 9;
  row.org = OrgId{7};
  store.turn([&](Changes& changes) {
    changes.add(PutWebhook{row});
    changes.add(PutWebhook{webhook("w2", 0)});
  });
  auto rows = load_webhooks(store.db());
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].id == "w1");
  CHECK(rows[0].session == anna);
  CHECK(rows[0].url == row.url);
  CHECK(rows[0].events == row.events);
  CHECK(rows[0].headers == row.headers);
  CHECK(rows[0].secret == row.secret);
  CHECK(rows[0].created_at == 9);
  CHECK(rows[0].cursor == 7);
  CHECK(rows[0].org == OrgId{7});
  CHECK(!rows[1].session);
  CHECK(rows[1].org == default_org);
  CHECK(rows[1].secret.empty());
  store.turn([&](Changes& changes) {
    changes.add(AdvanceWebhook{"w1", 20});
    changes.add(AdvanceWebhook{"w1", 15});
    row.url = "http://127.0.0.1/other";
    row.created_at = 99;
    changes.add(PutWebhook{row});
  });
  rows = load_webhooks(store.db());
  CHECK(rows[0].cursor == 20);
  CHECK(rows[0].url == "http://127.0.0.1/other");
  CHECK(rows[0].created_at == 9);
}

TEST_CASE("deliveries wait in event order, parked ones last, and go with their webhook") {
  test::InlineStore store;
  const auto delivery = [](const std::string& hook, EventId event, bool parked) {
    DeliveryRow row;
    row.webhook = hook;
    row.event = event;
    row.lane = "chat";
    row.attempts = 3;
    row.next_try = 4;
    row.first_try = 5;
    row.parked = parked;
    row.last_error = "503";
    return row;
  };
  store.turn([&](Changes& changes) {
    changes.add(PutWebhook{webhook("w", 0)});
    changes.add(PutWebhook{webhook("v", 0)});
    changes.add(PutDelivery{delivery("w", 9, false)});
    changes.add(PutDelivery{delivery("w", 1, true)});
    changes.add(PutDelivery{delivery("w", 5, false)});
    changes.add(PutDelivery{delivery("v", 5, false)});
    changes.add(PutDelivery{delivery("gone", 5, false)});
  });
  CHECK(count_deliveries(store.db(), "w") == 3);
  CHECK(count_deliveries(store.db(), "gone") == 0);
  auto rows = load_deliveries(store.db(), "w", 10);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].event == 5);
  CHECK(rows[1].event == 9);
  CHECK(rows[2].event == 1);
  CHECK(rows[2].parked);
  CHECK(rows[0].webhook == "w");
  CHECK(rows[0].lane == "chat");
  CHECK(rows[0].attempts == 3);
  CHECK(rows[0].next_try == 4);
  CHECK(rows[0].first_try == 5);
  CHECK(rows[0].last_error == "503");
  CHECK(load_deliveries(store.db(), "w", 1).size() == 1);
  store.turn([&](Changes& changes) {
    changes.add(PutDelivery{delivery("w", 5, true)});
    changes.add(RemoveDelivery{"w", 9});
  });
  rows = load_deliveries(store.db(), "w", 10);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].event == 1);
  CHECK(rows[1].event == 5);
  store.turn([](Changes& changes) { changes.add(RemoveWebhook{"w"}); });
  CHECK(load_webhooks(store.db()).size() == 1);
  CHECK(count_deliveries(store.db(), "v") == 1);
  CHECK(test::count(store.db(), "SELECT count(*) FROM webhook_delivery") == 1);
}
