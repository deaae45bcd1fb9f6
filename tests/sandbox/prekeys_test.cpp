#include <catch2/catch.hpp>
#include <set>

#include "tests/sandbox/fixture.h"

using namespace wharf;
using namespace wharf::sandbox;
using namespace wharf::sandbox::test;

namespace {

std::vector<protocol::FetchedBundle> fetch(World& world, Companion& who, const std::vector<Jid>& devices) {
  const auto id = world.id();
  who.send(protocol::fetch_bundles_iq(id, devices));
  return protocol::read_bundles(who.inbox->answer(id));
}

std::vector<std::string> low_counts(const Companion& who) {
  std::vector<std::string> out;
  for (const auto& node : who.inbox->tagged("notification")) {
    if (const auto* count = node.child("count")) out.push_back(count->attr("value"));
  }
  return out;
}

}  // namespace

TEST_CASE("each one-time key is handed out once, oldest first, then bundles come without one") {
  World world;
  Primary anna(world, "15550000001"), ben(world, "15550000002");
  auto from = ready_companion(world, anna), target = ready_companion(world, ben);
  std::vector<protocol::PreKeyId> given;
  for (int i = 0; i < 23; ++i) {
    const auto bundles = fetch(world, *from, {i % 2 == 0 ? target->lid() : target->pn()});
    REQUIRE(bundles.size() == 1);
    REQUIRE(bundles[0].bundle);
    CHECK(bundles[0].jid == (i % 2 == 0 ? target->lid() : target->pn()));  // the form that was asked for
    if (bundles[0].bundle->one_time) given.push_back(bundles[0].bundle->one_time->id);
  }
  std::vector<protocol::PreKeyId> expected;
  for (protocol::PreKeyId id = 1; id <= 20; ++id) expected.push_back(id);
  CHECK(given == expected);
  CHECK(low_counts(*target) == std::vector<std::string>{"4", "0"});  // once per crossing
}

TEST_CASE("one fetch that names a device twice gets two different keys") {
  World world;
  Primary anna(world, "15550000001"), ben(world, "15550000002");
  auto from = ready_companion(world, anna), target = ready_companion(world, ben);
  const auto bundles = fetch(world, *from, {target->lid(), target->pn()});
  REQUIRE(bundles.size() == 2);
  CHECK(bundles[0].bundle->one_time->id != bundles[1].bundle->one_time->id);
}

TEST_CASE("a bundle builds a session; companions carry their device identity, phones do not") {
  World world;
  Primary anna(world, "15550000001"), ben(world, "15550000002");
  auto from = ready_companion(world, anna), target = ready_companion(world, ben);
  const auto bundles =
      fetch(world, *from, {target->lid(), ben.account().lid_jid(), Jid("1999", protocol::server::lid, 3)});
  REQUIRE(bundles.size() == 3);
  CHECK(protocol::verify_device_identity(bundles[0].bundle->device_identity, target->keys.identity.identity.pub,
                                         std::nullopt));
  CHECK(bundles[1].bundle->device_identity.empty());
  CHECK_FALSE(bundles[2].bundle);
  CHECK(bundles[2].error_code == 404);
  protocol::SessionRecord record;
  CHECK(protocol::start_session(record, from->keys.identity, *bundles[0].bundle, world.random));

  world.network.faults().bad_signed_prekey = true;
  const auto bad = fetch(world, *from, {target->lid()});
  protocol::SessionRecord refused;
  const auto failed = protocol::start_session(refused, from->keys.identity, *bad[0].bundle, world.random);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == protocol::Errc::bad_signature);
}

TEST_CASE("a linked device is reachable before its first upload") {
  World world;
  Primary anna(world, "15550000001"), ben(world, "15550000002");
  auto from = ready_companion(world, anna);
  Companion fresh(world, ben);
  fresh.link();
  const auto bundles = fetch(world, *from, {fresh.lid()});
  REQUIRE(bundles[0].bundle);
  CHECK_FALSE(bundles[0].bundle->one_time);
}

TEST_CASE("an upload is checked before it is stored") {
  World world;
  Primary anna(world, "15550000001");
  auto desk = ready_companion(world, anna);
  auto keys = desk->keys.published();
  auto one_time = desk->keys.pre_keys(100, 3, world.random);
  const auto error_of_upload = [&] {
    const auto id = world.id();
    desk->send(protocol::upload_prekeys_iq(id, keys, one_time));
    const auto error = protocol::iq_error_of(desk->inbox->answer(id));
    return error ? error->code : 0;
  };
  SECTION("bad signature") { keys.signature[10] ^= 1; }
  SECTION("duplicate ids") { one_time[1].id = one_time[0].id; }
  SECTION("no keys") { one_time.clear(); }
  SECTION("too many keys") { one_time = desk->keys.pre_keys(100, 1001, world.random); }
  CHECK(error_of_upload() == 406);
  CHECK(world.network.prekeys_left(desk->key) == 20);
}

TEST_CASE("the digest names what the server holds and is not found before the first upload") {
  World world;
  Primary anna(world, "15550000001");
  Companion desk(world, anna);
  int first_uploads = 0;
  world.network.on_first_prekeys = [&](const DeviceKey&) { ++first_uploads; };
  desk.link();
  REQUIRE(desk.login());
  desk.send(protocol::prekey_digest_iq("d0"));
  CHECK(protocol::iq_error_of(desk.inbox->answer("d0"))->code == 404);
  const auto one_time = desk.keys.pre_keys(1, 7, world.random);
  desk.send(protocol::upload_prekeys_iq("u1", desk.keys.published(), one_time));
  desk.send(protocol::upload_prekeys_iq("u2", desk.keys.published(), desk.keys.pre_keys(8, 2, world.random)));
  CHECK(first_uploads == 1);
  desk.send(protocol::prekey_count_iq("c1"));
  CHECK(protocol::prekey_count(desk.inbox->answer("c1")) == 9);
  desk.send(protocol::prekey_digest_iq("d1"));
  const auto digest = protocol::read_digest(desk.inbox->answer("d1"));
  REQUIRE(digest);
  CHECK(digest->keys.identity == desk.keys.identity.identity.pub);
  CHECK(digest->one_time.size() == 9);
}

TEST_CASE("a rotated signed prekey is served when its signature verifies") {
  World world;
  Primary anna(world, "15550000001"), ben(world, "15550000002");
  auto desk = ready_companion(world, anna), other = ready_companion(world, ben);
  auto next = protocol::make_signed_pre_key(desk->keys.identity.identity, 2, world.random);
  auto forged = next;
  forged.signature[0] ^= 1;
  desk->send(protocol::rotate_signed_prekey_iq("r0", forged));
  CHECK(protocol::iq_error_of(desk->inbox->answer("r0"))->code == 406);
  desk->send(protocol::rotate_signed_prekey_iq("r1", next));
  CHECK(desk->inbox->answer("r1").attr("type") == "result");
  CHECK(fetch(world, *other, {desk->lid()})[0].bundle->signed_pre_key_id == 2);
}

TEST_CASE("a reinstalled phone drops its old keys and its contacts hear of the new identity") {
  World world;
  Primary anna(world, "15550000001"), ben(world, "15550000002");
  auto desk = ready_companion(world, anna);
  desk->send(message_to("m1", ben.account().pn_jid(), {ben.account().pn_jid()}));
  Keys renewed(world.random);
  protocol::UploadedKeys upload;
  upload.keys = renewed.published();
  for (const auto& key : renewed.pre_keys(500, 2, world.random)) upload.one_time.push_back({key.id, key.pair.pub});
  world.network.publish_phone_keys(ben.account(), upload);
  CHECK(world.network.prekeys_left({ben.number, 0}) == 2);
  const auto* told = desk->inbox->last("notification");
  REQUIRE(told);
  CHECK(told->attr("type") == "encrypt");
  CHECK(told->jid("from") == ben.account().pn_jid());
  CHECK(told->child("identity"));
}
