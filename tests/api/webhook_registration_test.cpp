// Which webhooks there are, and which events are theirs.
#include "tests/api/webhook_world.h"

using namespace wharf;
using namespace wharf::api;
using World = test::WebhookWorld;
using test::Received;
using Ids = std::vector<std::string>;

TEST_CASE("a webhook of every session gets those of its organisation, fresh, read from the log and redelivered") {
  World w;
  const storage::OrgId other{2};
  w.disk.add_session(3, "theirs", other);
  const auto ours = w.add("/ours", {"*"}, std::nullopt);
  const auto theirs = w.add("/theirs", {"*"}, std::nullopt, other);
  const auto emit = [&] {
    w.disk.emit(1, "x", "M");
    w.disk.emit(3, "x", "M");
    w.disk.emit(2, "x", "M");
  };
  emit();
  w.until_received(3);
  w.until([&] { return w.stored(ours).cursor == 3 && w.stored(theirs).cursor == 3; });
  w.restart(emit);
  w.until_received(6);
  CHECK(w.back_end.ids("/ours") == Ids{"1", "3", "4", "6"});
  CHECK(w.back_end.ids("/theirs") == Ids{"2", "5"});

  protocol::Result<void> queued;
  w.dispatcher->redeliver(ours, 2, [&](protocol::Result<void> result) { queued = result; });
  REQUIRE_FALSE(queued.has_value());
  CHECK(queued.error().code == protocol::Errc::not_found);
  w.dispatcher->redeliver(theirs, 2, [&](protocol::Result<void> result) { queued = result; });
  w.until_received(7);
  CHECK(w.back_end.ids("/theirs").back() == "2");

  REQUIRE(w.dispatcher->list(other).size() == 1);
  CHECK(w.dispatcher->list(other).front()->id == theirs);
  CHECK(w.dispatcher->list(storage::default_org).size() == 1);
  CHECK(w.dispatcher->list(storage::SessionId{2}).empty());  // organisation 2 is not session 2
}

TEST_CASE("a webhook of every session gets the last events of one that was removed, its own webhook does not") {
  World w;
  w.add("/all", {"*"}, std::nullopt);
  w.add("/own");
  for (const char* path : {"/all", "/own"}) w.back_end.answers[path].emplace_back(503, "text/plain", "down");
  w.disk.emit(1, "anna", "A");
  w.until_received(2);
  storage::Changes removal;
  removal.add(storage::RemoveSession{storage::SessionId{1}});
  w.disk.store->commit(std::move(removal), [](protocol::Result<void> removed) { REQUIRE(removed.has_value()); });
  w.dispatcher->session_removed(storage::SessionId{1});
  w.back_end.received.clear();
  w.restart();
  w.clock.now_ms += 3'600'000;
  w.dispatcher->wake();
  w.until([&] { return !w.back_end.ids("/all").empty(); });
  CHECK(w.back_end.ids("/all").front() == "1");
  CHECK(w.back_end.ids("/own").empty());
  CHECK(storage::load_webhooks(w.disk.store->reader()).size() == 1);
}

TEST_CASE("one URL is one webhook of its scope, also when it is registered twice at once") {
  World w;
  std::vector<std::string> ids;
  const auto add = [&](const char* id, std::optional<std::int64_t> session, storage::OrgId org = storage::default_org) {
    storage::WebhookRow row;
    row.id = id;
    row.org = org;
    if (session) row.session = storage::SessionId{*session};
    row.url = w.back_end.url("/same");
    row.events = {"*"};
    w.dispatcher->add(row, [&](protocol::Result<storage::WebhookRow> added) {
      REQUIRE(added.has_value());
      ids.push_back(added->id);
    });
  };
  add("first", 1);
  add("second", 1);
  add("of-another", 2);
  add("of-all", std::nullopt);
  add("of-all-of-another-organisation", std::nullopt, storage::OrgId{2});
  w.until([&] { return ids.size() == 5; });
  CHECK(ids == Ids{"first", "first", "of-another", "of-all", "of-all-of-another-organisation"});
  CHECK(storage::load_webhooks(w.disk.store->reader()).size() == 4);
}

TEST_CASE("a changed webhook delivers as changed, and keeps its place in the log") {
  World w;
  const auto id = w.add("/old", {"message"});
  w.add("/taken");
  w.disk.emit(1, "anna", "A");
  w.until([&] { return w.back_end.ids("/old").size() == 1 && w.stored(id).cursor >= 1; });
  bool changed = false;
  w.dispatcher->update(
      id,
      [&](storage::WebhookRow& row) {
        row.url = w.back_end.url("/new");
        row.secret = "new-secret old-secret";
        row.headers = {{"X-Mine", "yes"}};
      },
      [&](protocol::Result<storage::WebhookRow> row) { changed = row.has_value(); });
  w.until([&] { return changed; });
  w.restart();
  w.disk.emit(1, "anna", "B");
  w.until([&] { return w.back_end.ids("/new").size() == 1; });
  CHECK(w.back_end.ids("/old") == Ids{"1"});
  CHECK(w.back_end.ids("/new") == Ids{"2"});
  for (const Received& r : w.back_end.received) {
    if (r.target != "/new") continue;
    CHECK(r.request.header("x-mine") == "yes");
    const std::int64_t at = std::stoll(std::string(r.request.header("webhook-timestamp")));
    CHECK(r.request.header("webhook-signature") ==
          webhook_signature("new-secret", "2", at, r.body) + " " + webhook_signature("old-secret", "2", at, r.body));
  }
  bool refused = false;
  w.dispatcher->update(
      id, [&](storage::WebhookRow& row) { row.url = w.back_end.url("/taken"); },
      [&](protocol::Result<storage::WebhookRow> row) {
        refused = !row && row.error().code == protocol::Errc::conflict;
      });
  CHECK(refused);
}

TEST_CASE("a removed webhook gets nothing more, also while a delivery is under way") {
  World w;
  const auto id = w.add("/a");
  w.back_end.hold.insert("/a");
  w.disk.emit(1, "anna", "A1");
  w.until_received(1);
  bool removed = false;
  w.dispatcher->remove(id, [&](protocol::Result<void> result) { removed = result.has_value(); });
  w.back_end.held.front().send(net::HttpResponse(500, "text/plain", "no"));
  w.until([&] { return removed; });
  w.disk.emit(1, "anna", "A2");
  w.loop.restart();
  w.loop.poll();
  CHECK(w.back_end.received.size() == 1);
  CHECK(w.dispatcher->find(id) == nullptr);
  CHECK(w.dispatcher->list(storage::SessionId{1}).empty());
}

TEST_CASE("a webhook whose removal fails stays, now and after a restart, and can be removed later") {
  World w;
  const auto id = w.add("/a");
  w.disk.refuses = [](const storage::Change& change) { return std::holds_alternative<storage::RemoveWebhook>(change); };
  std::optional<protocol::Result<void>> removed;
  w.dispatcher->remove(id, [&](protocol::Result<void> result) { removed = result; });
  REQUIRE(removed);
  CHECK_FALSE(removed->has_value());
  CHECK(w.dispatcher->find(id) != nullptr);
  w.disk.emit(1, "anna", "A1");
  w.until_received(1);
  w.disk.refuses = nullptr;
  w.dispatcher->remove(id, [&](protocol::Result<void> result) { removed = result; });
  CHECK(removed->has_value());
  CHECK(w.dispatcher->find(id) == nullptr);
}

TEST_CASE("a change of a webhook that fails takes nothing from the one behind it, and leaves nothing to it") {
  World w;
  const auto id = w.add("/a");
  int changes = 0;
  w.disk.refuses = [&](const storage::Change& change) {
    return std::holds_alternative<storage::PutWebhook>(change) && ++changes == 1;
  };
  std::optional<protocol::Result<storage::WebhookRow>> first, second, third;
  // From a completion: the store queues them, as a writer of its own would.
  w.disk.store->commit({}, [&](protocol::Result<void>) {
    w.dispatcher->update(
        id,
        [](storage::WebhookRow& row) {
          row.headers = {{"X-Mine", "yes"}};
        },
        [&](protocol::Result<storage::WebhookRow> row) { first = std::move(row); });
    w.dispatcher->update(
        id, [&](storage::WebhookRow& row) { row.url = w.back_end.url("/b"); },
        [&](protocol::Result<storage::WebhookRow> row) { second = std::move(row); });
    storage::WebhookRow again = w.stored(id);
    again.id = "wh_again";
    again.url = w.back_end.url("/b");
    w.dispatcher->add(again, [&](protocol::Result<storage::WebhookRow> row) { third = std::move(row); });
  });
  REQUIRE((first && second && third));
  CHECK_FALSE(first->has_value());
  REQUIRE(second->has_value());
  CHECK((*second)->headers.empty());
  CHECK(w.stored(id).headers.empty());
  CHECK(w.stored(id).url == w.back_end.url("/b"));
  REQUIRE(third->has_value());
  w.disk.emit(1, "anna", "A1");
  w.until_received(1);
  CHECK(w.back_end.ids("/b").size() == 1);
}

TEST_CASE("a change behind a removal does not bring the webhook back, and a registration behind it is a new one") {
  World w;
  const auto id = w.add("/a");
  std::optional<protocol::Result<void>> removed;
  std::optional<protocol::Result<storage::WebhookRow>> changed, added;
  w.disk.store->commit({}, [&](protocol::Result<void>) {
    storage::WebhookRow again = w.stored(id);
    again.id = "wh_again";
    w.dispatcher->remove(id, [&](protocol::Result<void> result) { removed = result; });
    w.dispatcher->update(
        id,
        [](storage::WebhookRow& row) {
          row.headers = {{"X-Mine", "yes"}};
        },
        [&](protocol::Result<storage::WebhookRow> row) { changed = std::move(row); });
    w.dispatcher->add(again, [&](protocol::Result<storage::WebhookRow> row) { added = std::move(row); });
  });
  REQUIRE((removed && changed && added));
  CHECK(removed->has_value());
  REQUIRE_FALSE(changed->has_value());
  CHECK(changed->error().code == protocol::Errc::not_found);
  REQUIRE(added->has_value());
  const auto stored = storage::load_webhooks(w.disk.store->reader());
  REQUIRE(stored.size() == 1);
  CHECK(stored.front().id == "wh_again");
}
