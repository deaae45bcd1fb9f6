#include <catch2/catch.hpp>

#include "protocol/stanzas/ack.h"
#include "tests/sandbox/fixture.h"

using namespace wharf;
using namespace wharf::sandbox;
using namespace wharf::sandbox::test;

namespace {

struct Scene {
  World world;
  Primary anna{world, "15550000001"}, ben{world, "15550000002"};
  std::unique_ptr<Companion> desk = ready_companion(world, anna);
  Scene() {
    settle_all();
    desk->disconnect();
  }
  void settle_all() {
    for (const auto& node : desk->inbox->all) {
      if (node.is("notification") || node.is("receipt")) desk->send(protocol::ack_for(node, desk->pn()));
    }
  }
  void from_ben(int first, int count) {
    for (int i = first; i < first + count; ++i)
      ben.send(message_to("m" + std::to_string(i), anna.account().pn_jid(), {desk->pn()}));
  }
  std::size_t messages() const { return desk->inbox->tagged("message").size(); }
  const Node* offline_end() const {
    for (const auto& node : desk->inbox->all) {
      if (const auto* end = node.child("offline")) return end;
    }
    return nullptr;
  }
};

}  // namespace

TEST_CASE("an unacked message comes again at the next login, the same id and ciphertext, until it is settled") {
  Scene s;
  s.from_ben(1, 1);
  REQUIRE(s.world.network.queue_length(s.desk->key) == 1);
  REQUIRE(s.desk->login());
  REQUIRE(s.messages() == 1);
  const auto first = *s.desk->inbox->last("message");
  CHECK(first.has("offline"));
  s.desk->disconnect();
  REQUIRE(s.desk->login());
  REQUIRE(s.messages() == 1);
  const auto again = *s.desk->inbox->last("message");
  CHECK(again.attr("id") == first.attr("id"));
  CHECK(again.attr("t") == first.attr("t"));
  CHECK(again.children() == first.children());
  s.desk->send(Node("receipt").set("id", "m1").set("to", *again.jid("from")));
  CHECK(s.world.network.queue_length(s.desk->key) == 0);
  s.desk->disconnect();
  REQUIRE(s.desk->login());
  CHECK(s.messages() == 0);
}

TEST_CASE("what is delivered live stays queued until the device answers") {
  Scene s;
  REQUIRE(s.desk->login());
  s.from_ben(1, 1);
  CHECK(s.messages() == 1);
  CHECK_FALSE(s.desk->inbox->last("message")->has("offline"));
  CHECK(s.world.network.queue_length(s.desk->key) == 1);
  s.desk->send(protocol::ack_for(*s.desk->inbox->last("message"), s.desk->pn()));
  CHECK(s.world.network.queue_length(s.desk->key) == 0);
}

TEST_CASE("an empty backlog is announced as finished at once") {
  Scene s;
  REQUIRE(s.desk->login());
  REQUIRE(s.offline_end());
  CHECK(s.offline_end()->attr("count") == "0");
}

TEST_CASE("the backlog comes as preview, primer and the batches that were asked for, in order") {
  Scene s;
  s.from_ben(1, 30);
  REQUIRE(s.desk->login());
  const auto* preview = s.desk->inbox->all.at(1).child("offline_preview");
  REQUIRE(preview);
  CHECK(preview->attr("count") == "30");
  CHECK(preview->attr("message") == "30");
  CHECK(s.messages() == 5);
  s.from_ben(31, 2);  // arrives meanwhile
  s.desk->send(protocol::offline_batch_ib(10));
  CHECK(s.messages() == 15);
  s.desk->send(protocol::offline_batch_ib(10));
  CHECK(s.messages() == 25);
  CHECK_FALSE(s.offline_end());
  s.world.clock.advance(60'000);  // who asks repeatedly is waited for
  CHECK(s.messages() == 25);
  s.desk->send(protocol::offline_batch_ib(10));
  REQUIRE(s.offline_end());
  CHECK(s.offline_end()->attr("count") == "30");
  const auto all = s.desk->inbox->tagged("message");
  REQUIRE(all.size() == 32);
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i].attr("id") == "m" + std::to_string(i + 1));
  CHECK(all[29].has("offline"));
  CHECK_FALSE(all[30].has("offline"));
}

TEST_CASE("a client that never asks gets the rest by itself, unless the network is strict") {
  Scene s;
  s.from_ben(1, 30);
  s.world.network.faults().offline_strict = GENERATE(false, true);
  REQUIRE(s.desk->login());
  CHECK(s.messages() == 5);
  s.world.clock.advance(1'500);
  CHECK(s.messages() == (s.world.network.faults().offline_strict ? 5 : 30));
  CHECK((s.offline_end() != nullptr) == !s.world.network.faults().offline_strict);
}

TEST_CASE("traffic that goes on does not put off the rest of a backlog") {
  Scene s;
  s.from_ben(1, 20);
  REQUIRE(s.desk->login());
  CHECK(s.messages() == 5);
  for (int i = 0; i < 3; ++i) {
    s.world.clock.advance(400);
    s.from_ben(100 + i, 1);
  }
  CHECK(s.messages() == 23);
}

TEST_CASE("a passive device gets live messages only after it is active") {
  Scene s;
  REQUIRE(s.desk->login(true));
  s.from_ben(1, 2);
  CHECK(s.messages() == 0);
  s.desk->send(protocol::set_active_iq("a"));
  CHECK(s.desk->inbox->answer("a").attr("type") == "result");
  CHECK(s.messages() == 2);
}

TEST_CASE("two entries with one id are settled one by one") {
  Scene s;
  s.world.network.faults().duplicate_deliveries = 1;
  REQUIRE(s.desk->login());
  s.from_ben(1, 1);
  REQUIRE(s.world.network.queue_length(s.desk->key) == 2);
  const auto ack = protocol::ack_for(*s.desk->inbox->last("message"), s.desk->pn());
  s.desk->send(ack);
  CHECK(s.world.network.queue_length(s.desk->key) == 1);
  s.desk->send(ack);
  CHECK(s.world.network.queue_length(s.desk->key) == 0);
}

TEST_CASE("a device whose queue overflows is unlinked") {
  VirtualClock clock;
  protocol::SeededRandom random(1);
  World world;
  // The default limit is far away; a network with a small one.
  Network::Settings settings;
  settings.max_queued_per_device = 10;
  Network small(settings, clock, random);
  auto account = small.create_account("15550000001", "");
  REQUIRE(account);
  Device device;
  device.id = 1;
  (*account)->devices[1] = device;
  auto sender = small.create_account("15550000002", "");
  Inbox port;
  small.attach_phone("15550000002", port);
  for (int i = 0; i < 11; ++i) {
    small.handle({"15550000002", 0},
                 message_to("m" + std::to_string(i), (*account)->pn_jid(), {(*account)->pn_jid(1)}));
  }
  CHECK(small.queue_length({"15550000001", 1}) == 10);
  clock.advance(1);
  CHECK_FALSE((*account)->devices.contains(1));
}

TEST_CASE("an answer settles only what its connection carried") {
  Scene s;
  s.from_ben(1, 10);
  REQUIRE(s.desk->login());
  REQUIRE(s.messages() == 5);
  const auto queued = s.world.network.queue_length(s.desk->key);
  s.desk->send(Node("receipt").set("id", "m9").set("to", s.ben.account().pn_jid()));
  CHECK(s.world.network.queue_length(s.desk->key) == queued);
  s.desk->send(Node("receipt").set("id", "m5").set("to", s.ben.account().pn_jid()));
  CHECK(s.world.network.queue_length(s.desk->key) == queued - 1);
}
