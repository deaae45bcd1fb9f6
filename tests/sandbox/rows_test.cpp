// The lasting state as rows: what is written is what there is, and what comes back goes on where it stopped.

#include "sandbox/rows.h"

#include <catch2/catch.hpp>

#include "tests/sandbox/disk.h"
#include "tests/sandbox/phone_world.h"

namespace wharf::sandbox::test {

namespace {

using Strings = std::vector<std::string>;

struct KeptWorld : PhoneWorld {
  Disk disk;
  KeptWorld() { Disk::watch(network); }
  std::size_t commit() { return disk.commit(network, phones); }
  /// Every row on the disk is what memory says: no change went unnoticed.
  void check_disk() {
    commit();
    for (const auto& [key, value] : disk.rows) {
      INFO("row " << static_cast<int>(key.kind) << " of " << key.owner);
      const auto now = Disk::row(network, phones, key);
      REQUIRE(now.has_value());
      REQUIRE(*now == value);
    }
  }
};

void send(Phone& from, const std::string& to, const std::string& text) { REQUIRE(from.send({to, text, {}, {}})); }

std::size_t rows_of(const Disk& disk, RowKind kind) {
  return static_cast<std::size_t>(
      std::count_if(disk.rows.begin(), disk.rows.end(), [kind](const auto& row) { return row.first.kind == kind; }));
}

}  // namespace

TEST_CASE("a row that came and went within one commit never reaches the disk, one that was there is removed") {
  Changes changes;
  changes.changed(RowKind::account, "early");  // nobody keeps anything yet
  int called = 0;
  changes.on_first = [&] { ++called; };
  CHECK(changes.empty());
  changes.created(RowKind::queued, "1", "a");
  changes.changed(RowKind::queued, "1", "a");
  changes.changed(RowKind::account, "1");
  changes.changed(RowKind::device, "1", "b");
  CHECK(called == 1);
  const auto taken = changes.take(
      [](const RowKey& key) { return key.kind == RowKind::account ? std::optional(Bytes{1}) : std::nullopt; });
  REQUIRE(taken.size() == 2);
  CHECK(taken[0].value == Bytes{1});
  CHECK(taken[1].key.kind == RowKind::device);
  CHECK_FALSE(taken[1].value);
  CHECK(changes.empty());
  CHECK(number_in_row(row_number(0x1234567890, 8)) == 0x1234567890);
  CHECK(row_number(2, 8) < row_number(256, 8));
}

TEST_CASE("whatever phones and companions do, the disk holds what memory holds") {
  KeptWorld world;
  Phone& anna = world.phone("15550000001", "Anna");
  Phone& ben = world.phone("15550000002", "Ben");
  world.check_disk();
  auto desk = linked_client(world, ben);
  world.check_disk();
  send(anna, "15550000002", "hello");
  world.settle();
  world.check_disk();
  CHECK(desk->read_messages().size() == 3);  // key share, history, hello
  desk->send(desk->prepare("15550000001", "from the desk", "D1"));
  world.settle();
  world.check_disk();
  REQUIRE(anna.read("15550000002"));
  ben.deliver(false);
  send(anna, "15550000002", "withheld");
  world.settle();
  world.check_disk();
  CHECK(rows_of(world.disk, RowKind::phone_withheld) == 1);
  ben.deliver(true);
  world.settle();
  ben.power(false);
  send(anna, "15550000002", "queued");
  world.settle();
  world.check_disk();
  ben.forget_sessions("15550000001");
  ben.power(true);
  world.settle();
  world.check_disk();
  anna.corrupt_sessions("15550000002");
  send(ben, "15550000001", "heals");
  world.settle();
  world.check_disk();
  desk->send(protocol::presence("available", "Benny"));
  Node block("iq");
  block.set("type", "set").set("xmlns", "blocklist").set("id", "b1").set("to", protocol::server_jid());
  desk->send(block.add(Node("item").set("action", "block").set("jid", Jid("199", "lid"))));
  world.network.drain_prekeys({"15550000001", 0});
  world.check_disk();
  REQUIRE(world.network.unlink(desk->key));
  world.settle();
  world.check_disk();
  anna.reinstall();
  world.settle();
  world.check_disk();
  CHECK(rows_of(world.disk, RowKind::phone) == 2);
  CHECK(rows_of(world.disk, RowKind::device) == 2);
  CHECK(rows_of(world.disk, RowKind::queued) == 0);
  CHECK(world.commit() == 0);
}

TEST_CASE("a message costs its own rows, however large the state is") {
  KeptWorld world;
  Phone& anna = world.phone("15550000001");
  (void)world.phone("15550000002");
  const auto cost_of_one = [&] {
    world.settle();
    world.commit();
    send(anna, "15550000002", "one more");
    world.settle();
    return world.commit();
  };
  send(anna, "15550000002", "first");
  const auto early = cost_of_one();
  for (int i = 0; i < 500; ++i) send(anna, "15550000002", "text " + std::to_string(i));
  CHECK(cost_of_one() == early);
  CHECK(early < 20);
}

TEST_CASE("phones and network restored from their rows go on where they were") {
  KeptWorld world;
  Phone& anna = world.phone("15550000001", "Anna");
  Phone& ben = world.phone("15550000002", "Ben");
  send(anna, "15550000002", "one");
  world.settle();
  send(ben, "15550000001", "two");
  world.settle();
  auto desk = linked_client(world, ben);
  world.network.detach(desk->key, *desk);
  ben.power(false);
  send(anna, "15550000002", "queued");
  world.settle();
  anna.set_auto_reply(Phone::AutoReply{"marco", "polo"});
  world.commit();
  const auto queued = world.network.queue_length(desk->key);
  REQUIRE(queued > 0);

  KeptWorld later;
  REQUIRE(world.disk.load(later.network, later.phones));
  later.disk = world.disk;
  Phone& anna2 = *later.phones.find("15550000001");
  Phone& ben2 = *later.phones.find("15550000002");
  CHECK(texts(anna2) == texts(anna));
  CHECK(ben2.companions() == ben.companions());
  CHECK(later.network.queue_length(desk->key) == queued);
  CHECK(later.network.prekeys_left(desk->key) == world.network.prekeys_left(desk->key));
  CHECK(later.network.prekeys_left({"15550000002", 0}) == world.network.prekeys_left({"15550000002", 0}));
  CHECK(later.network.find_account(anna.number())->lid == world.network.find_account(anna.number())->lid);
  later.check_disk();
  REQUIRE_FALSE(ben2.powered());
  ben2.power(true);
  later.settle();
  CHECK(texts(ben2) == Strings{"one", "two", "queued"});
  CHECK(with_text(anna2, "queued")->status == "delivered");
  send(ben2, "15550000001", "marco");
  later.settle();
  CHECK(texts(ben2).back() == "polo");
  CHECK(later.network.stats().retries_relayed == 0);
  later.check_disk();
}

TEST_CASE("what waits between two turns of a phone survives: read receipts, texts, a resend that was asked for") {
  KeptWorld world;
  Phone& anna = world.phone("15550000001");
  Phone& ben = world.phone("15550000002");
  send(anna, "15550000002", "one");
  world.settle();
  // Nothing has moved yet when the process dies.
  REQUIRE(ben.read("15550000001"));
  send(anna, "15550000002", "two");
  world.commit();
  CHECK(rows_of(world.disk, RowKind::phone_outbox) >= 1);

  KeptWorld later;
  REQUIRE(world.disk.load(later.network, later.phones));
  later.disk = world.disk;
  later.settle();
  Phone& anna2 = *later.phones.find("15550000001");
  CHECK(with_text(anna2, "one")->status == "read");
  CHECK(with_text(anna2, "two")->status == "delivered");
  later.check_disk();
  CHECK(rows_of(later.disk, RowKind::phone_outbox) == 0);
}

TEST_CASE("a restarted network knows what it accepted: the same id is acked again and not delivered twice") {
  KeptWorld world;
  Phone& anna = world.phone("15550000001");
  Phone& ben = world.phone("15550000002");
  auto desk = linked_client(world, ben);
  const Node message = desk->prepare("15550000001", "once", "D1");
  desk->send(message);
  world.settle();
  world.commit();
  const auto acked =
      std::find_if(desk->received.rbegin(), desk->received.rend(), [](const Node& n) { return n.is("ack"); });
  REQUIRE(acked != desk->received.rend());

  KeptWorld later;
  REQUIRE(world.disk.load(later.network, later.phones));
  later.clock.advance(5'000);
  protocol::ParsedClientPayload login;
  login.username = std::stoull(desk->key.phone);
  login.device = desk->key.device;
  Inbox inbox;
  REQUIRE(later.network.login(desk->keys.noise.pub, login, inbox));
  later.network.handle(desk->key, message);
  later.settle();
  CHECK(inbox.last("ack")->attr("t") == acked->attr("t"));
  CHECK(later.network.stats().duplicate_sends == 1);
  CHECK(texts(*later.phones.find(anna.number())) == Strings{"once"});
}

TEST_CASE("messages held back by a fault are not lost with the process") {
  KeptWorld world;
  Phone& anna = world.phone("15550000001");
  Phone& ben = world.phone("15550000002");
  auto desk = linked_client(world, ben);
  (void)desk->read_messages();
  world.network.faults().hold_messages = true;
  send(anna, "15550000002", "held");
  world.settle();
  world.check_disk();
  CHECK(rows_of(world.disk, RowKind::held) == 1);
  KeptWorld later;
  REQUIRE(world.disk.load(later.network, later.phones));
  later.disk = world.disk;
  CHECK(later.network.queue_length(desk->key) == 1);
  later.check_disk();
  CHECK(rows_of(later.disk, RowKind::held) == 0);
}

TEST_CASE("a damaged row is refused, whichever it is") {
  KeptWorld world;
  Phone& anna = world.phone("15550000001");
  (void)world.phone("15550000002");
  anna.power(true);
  send(anna, "15550000002", "one");
  world.settle();
  world.commit();
  for (const auto& [key, value] : world.disk.rows) {
    if (value.size() < 8 || key.kind == RowKind::server) continue;
    INFO("row " << static_cast<int>(key.kind));
    Disk damaged = world.disk;
    damaged.rows[key] = Bytes(3, 0x7b);
    PhoneWorld later;
    const auto loaded = damaged.load(later.network, later.phones);
    // A patch is opaque; the version of a collection is a number of any length.
    if (key.kind != RowKind::patch && key.kind != RowKind::collection) REQUIRE_FALSE(loaded);
  }
  PhoneWorld later;
  CHECK_FALSE(later.phones.restore({RowKind::phone, "19999999999", {}}, Bytes()));
  CHECK_FALSE(later.network.restore({RowKind::contact, "19999999999", "1"}, Bytes()));
}

}  // namespace wharf::sandbox::test
