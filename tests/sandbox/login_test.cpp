#include <catch2/catch.hpp>

#include "tests/sandbox/fixture.h"

using namespace wharf;
using namespace wharf::sandbox;
using namespace wharf::sandbox::test;

namespace {

std::string refused_with(World& world, const protocol::PublicKey& noise, const protocol::ParsedClientPayload& payload) {
  Inbox inbox;
  CHECK_FALSE(world.network.login(noise, payload, inbox));
  CHECK(inbox.closed);
  return inbox.all.at(0).is("failure") ? inbox.all.at(0).attr("reason") : "";
}

}  // namespace

TEST_CASE("a login names a device that exists and proves its Noise key") {
  World world;
  Primary anna(world, "15550000001");
  Companion desk(world, anna);
  desk.link();
  auto payload = desk.login_payload();

  SECTION("another noise key") { CHECK(refused_with(world, Keys(world.random).noise.pub, payload) == "401"); }
  SECTION("a device that does not exist") {
    payload.device = 9;
    CHECK(refused_with(world, desk.keys.noise.pub, payload) == "401");
  }
  SECTION("no device number, as after an unfinished code pairing") {
    payload.device.reset();
    CHECK(refused_with(world, desk.keys.noise.pub, payload) == "401");
  }
  SECTION("a phone on the wrong transport") {
    payload.device = 0;
    payload.user_agent_platform = 0;
    CHECK(refused_with(world, desk.keys.noise.pub, payload) == "400");
  }
  SECTION("an old client") {
    payload.version = {2, 2413, 1};
    CHECK(refused_with(world, desk.keys.noise.pub, payload) == "405");
  }
  SECTION("a banned account") {
    anna.account().failure = 403;
    CHECK(refused_with(world, desk.keys.noise.pub, payload) == "403");
  }
  SECTION("the fault refuse_logins") {
    world.network.faults().refuse_logins = 1;
    CHECK(refused_with(world, desk.keys.noise.pub, payload) == "503");
    CHECK(desk.login());
  }
}

TEST_CASE("a second login of the same device replaces the first connection") {
  World world;
  Primary anna(world, "15550000001");
  Companion desk(world, anna);
  desk.link();
  REQUIRE(desk.login());
  REQUIRE(desk.login());
  const auto& old = *desk.earlier.back();
  REQUIRE(old.last("stream:error"));
  CHECK(old.last("stream:error")->child("conflict")->attr("type") == "replaced");
  CHECK(old.closed);
  // The late end of the old connection does not detach the new one.
  world.network.detach(desk.key, *desk.earlier.back());
  CHECK(world.network.is_online(desk.key));
}

TEST_CASE("an unlinked companion is told so at once and at its next login") {
  World world;
  Primary anna(world, "15550000001"), ben(world, "15550000002");
  auto desk = ready_companion(world, anna);
  desk->send(message_to("m1", ben.account().pn_jid(), {ben.account().pn_jid()}));  // makes them contacts
  DeviceKey removed;
  world.network.on_device_removed = [&](const DeviceKey& key) { removed = key; };
  const auto payload = desk->login_payload();
  REQUIRE(world.network.unlink(desk->key));
  const auto* error = desk->inbox->last("stream:error");
  REQUIRE(error);
  CHECK(error->attr("code") == "401");
  CHECK(error->child("conflict")->attr("type") == "device_removed");
  CHECK(desk->inbox->closed);
  CHECK(removed == desk->key);
  CHECK(refused_with(world, desk->keys.noise.pub, payload) == "401");

  bool told = false;
  for (const auto& notification : ben.inbox.tagged("notification")) {
    const auto* gone = notification.child("remove");
    if (gone && notification.jid("from") == anna.account().pn_jid())
      told = gone->child("device")->jid("jid") == anna.account().pn_jid(1);
  }
  CHECK(told);
}

TEST_CASE("a companion removes itself and nobody else") {
  World world;
  Primary anna(world, "15550000001");
  auto first = ready_companion(world, anna), second = ready_companion(world, anna);
  first->send(protocol::remove_companion_iq("r1", second->pn()));
  CHECK(protocol::iq_error_of(first->inbox->answer("r1"))->code == 403);
  first->send(protocol::remove_companion_iq("r2", first->pn()));
  CHECK(first->inbox->answer("r2").attr("type") == "result");
  CHECK(first->inbox->closed);
  CHECK_FALSE(anna.account().devices.contains(first->key.device));
  CHECK(anna.account().devices.contains(second->key.device));
}

TEST_CASE("kick ends a connection in the way that was asked for") {
  World world;
  Primary anna(world, "15550000001");
  auto desk = ready_companion(world, anna);
  SECTION("503") {
    world.network.kick(desk->key, "503");
    CHECK(desk->inbox->all.back().attr("code") == "503");
  }
  SECTION("replaced") {
    world.network.kick(desk->key, "replaced");
    CHECK(desk->inbox->all.back().child("conflict")->attr("type") == "replaced");
  }
  SECTION("drop") {
    const auto before = desk->inbox->all.size();
    world.network.kick(desk->key, "drop");
    CHECK(desk->inbox->all.size() == before);
  }
  CHECK(desk->inbox->closed);
  CHECK_FALSE(world.network.is_online(desk->key));
}
