#include <catch2/catch.hpp>

#include "sandbox/protobuf_field.h"
#include "tests/sandbox/fixture.h"

using namespace wharf;
using namespace wharf::sandbox;
using namespace wharf::sandbox::test;

TEST_CASE("a scanned companion that countersigns is linked, restarted and may log in") {
  World world;
  Primary anna(world, "15550000001", "Anna");
  Companion desk(world, anna);
  desk.open_pairing();
  const auto& iq = desk.inbox->all.at(0);
  CHECK(iq.jid("from") == protocol::server_jid());
  const auto success = desk.scan();
  CHECK(success.jid == anna.account().pn_jid(1));
  CHECK(success.lid == anna.account().lid_jid(1));
  CHECK(success.server_time == static_cast<std::uint64_t>(world.clock.unix_ms() / 1000));
  CHECK(anna.account().devices.size() == 1);  // active only after the countersignature

  world.network.handle_pairing_stanza(desk.pairing, desk.sign(success));
  CHECK(desk.inbox->all.back().attr("code") == "515");
  CHECK(desk.inbox->closed);
  REQUIRE(desk.linked);
  REQUIRE(anna.account().devices.contains(1));
  CHECK(protocol::verify_device_identity(anna.account().devices[1].device_identity, desk.keys.identity.identity.pub,
                                         anna.keys.identity.identity.pub));

  desk.key = {anna.number, 1};
  REQUIRE(desk.login());
  const auto& first = desk.inbox->all.at(0);
  REQUIRE(first.is("success"));
  CHECK(first.jid("lid") == anna.account().lid_jid(1));
  CHECK(first.attr("display_name") == "Anna");
  const auto* offline = desk.inbox->all.at(1).child("offline");
  REQUIRE(offline);
}

TEST_CASE("a companion that countersigns inside the delivery of pair-success is linked") {
  World world;
  Primary anna(world, "15550000001");
  Companion desk(world, anna);
  struct Eager final : DevicePort {
    explicit Eager(Companion& c) : companion(c) {}
    Companion& companion;
    std::vector<std::string> refs;
    std::string last;
    void deliver(const Node& stanza) override {
      last = stanza.attr("code");
      if (refs.empty()) refs = protocol::pair_device_refs(stanza);
      const auto success = protocol::read_pair_success(stanza);
      if (!success || !*success) return;
      companion.success_iq = stanza;
      companion.world.network.handle_pairing_stanza(companion.pairing, companion.sign(**success));
    }
    void disconnect() override {}
  } port(desk);
  desk.pairing = world.network.open_pairing(desk.keys.noise.pub, desk.registration(), port);
  world.network.pair_device(anna.number, anna.upload_for(desk.keys, port.refs.at(0)),
                            [&](protocol::Result<Jid> result) { desk.linked = std::move(result); });
  CHECK(desk.linked);
  CHECK(port.last == "515");
  CHECK(anna.account().devices.contains(1));
}

TEST_CASE("no success is sent to a connection that is not linked") {
  World world;
  Primary anna(world, "15550000001");
  Companion desk(world, anna);
  desk.open_pairing();
  CHECK(desk.inbox->tagged("success").empty());
}

TEST_CASE("a pair-device-sign reply that does not verify links nothing") {
  World world;
  Primary anna(world, "15550000001");
  Companion desk(world, anna);
  desk.open_pairing();
  const auto success = desk.scan();
  Node reply = desk.sign(success);
  auto identity = protocol::accept_pair_success(success.device_identity, desk.keys.adv_secret,
                                                desk.keys.identity.identity, world.random);
  REQUIRE(identity);

  SECTION("signature damaged") {
    identity->reply.back() ^= 1;
    reply = protocol::pair_device_sign(desk.success_iq, identity->reply, identity->key_index);
  }
  SECTION("an account signature key that was not issued") {
    Bytes other = identity->account;
    const auto key = protobuf_field(other, 2);
    REQUIRE(key.size() == 32);
    key[0] ^= 1;
    reply = protocol::pair_device_sign(desk.success_iq, other, identity->key_index);
  }
  SECTION("key index of another device") {
    reply = protocol::pair_device_sign(desk.success_iq, identity->reply, identity->key_index + 1);
  }
  SECTION("signed by another identity") {
    Keys other(world.random);
    auto forged = protocol::accept_pair_success(
        protocol::issue_device_identity(anna.keys.identity.identity, other.identity.identity.pub, {42, 1, 1},
                                        desk.keys.adv_secret, world.random),
        desk.keys.adv_secret, other.identity.identity, world.random);
    REQUIRE(forged);
    reply = protocol::pair_device_sign(desk.success_iq, forged->reply, 1);
  }
  SECTION("an error") { reply = protocol::iq_error(desk.success_iq, 401, "hmac-mismatch"); }

  world.network.handle_pairing_stanza(desk.pairing, reply);
  CHECK(desk.inbox->closed);
  CHECK(desk.inbox->tagged("stream:error").empty());
  CHECK(anna.account().devices.size() == 1);
  REQUIRE_FALSE(desk.linked);
  CHECK(desk.linked.error().code == protocol::Errc::refused);
}

TEST_CASE("a reply that still holds the issued account signature key links the companion") {
  World world;
  Primary anna(world, "15550000001", "Anna");
  Companion desk(world, anna);
  desk.open_pairing();
  const auto success = desk.scan();
  const auto identity = protocol::accept_pair_success(success.device_identity, desk.keys.adv_secret,
                                                      desk.keys.identity.identity, world.random);
  REQUIRE(identity);
  world.network.handle_pairing_stanza(
      desk.pairing, protocol::pair_device_sign(desk.success_iq, identity->account, identity->key_index));
  CHECK(desk.linked);
}

TEST_CASE("a registration that is also a login, or of an old client, is refused") {
  World world;
  Primary anna(world, "15550000001", "Anna");
  Companion desk(world, anna);
  auto payload = desk.registration();
  std::string reason = "400";
  SECTION("both") { payload.username = 15550000001; }
  SECTION("too old") {
    payload.version = protocol::AppVersion{2, 2000, 0};
    reason = "405";
  }
  Inbox inbox;
  CHECK(world.network.open_pairing(desk.keys.noise.pub, payload, inbox) == 0);
  REQUIRE(inbox.last("failure"));
  CHECK(inbox.last("failure")->attr("reason") == reason);
  CHECK(inbox.closed);
}

TEST_CASE("a companion that never answers pair-success is dropped after thirty seconds") {
  World world;
  Primary anna(world, "15550000001");
  Companion desk(world, anna);
  desk.open_pairing();
  desk.scan();
  world.clock.advance(29'000);
  CHECK_FALSE(desk.inbox->closed);
  world.clock.advance(2'000);
  CHECK(desk.inbox->closed);
  REQUIRE_FALSE(desk.linked);
  CHECK(desk.linked.error().code == protocol::Errc::timed_out);
}

TEST_CASE("all refs expire with their socket after 160 seconds, without a stream error") {
  World world;
  Primary anna(world, "15550000001");
  Companion desk(world, anna);
  desk.open_pairing();
  const auto refs = protocol::pair_device_refs(*desk.inbox->last("iq"));
  REQUIRE(world.network.find_pairing(refs[5]) != nullptr);
  world.clock.advance(159'000);
  CHECK(world.network.find_pairing(refs[0]) != nullptr);
  world.clock.advance(2'000);
  CHECK(world.network.find_pairing(refs[0]) == nullptr);
  CHECK(desk.inbox->closed);
  CHECK(desk.inbox->tagged("stream:error").empty());
  protocol::Errc code{};
  world.network.pair_device(anna.number, anna.upload_for(desk.keys, refs[0]),
                            [&](protocol::Result<Jid> result) { code = result.error().code; });
  CHECK(code == protocol::Errc::not_found);
}

TEST_CASE("a device number just freed is not given to the next companion") {
  World world;
  Primary anna(world, "15550000001");
  Companion first(world, anna), second(world, anna);
  first.link();
  CHECK(first.key.device == 1);
  REQUIRE(world.network.unlink(first.key));
  second.link();
  CHECK(second.key.device == 2);
}

TEST_CASE("a registration whose signed prekey is not signed by its identity is refused") {
  World world;
  Primary anna(world, "15550000001");
  Companion desk(world, anna);
  auto payload = desk.registration();
  payload.registration->keys.signed_pre_key_signature[3] ^= 1;
  CHECK(world.network.open_pairing(desk.keys.noise.pub, payload, *desk.inbox) == 0);
  CHECK(desk.inbox->all.at(0).attr("reason") == "400");
  CHECK(desk.inbox->closed);
}

TEST_CASE("the faults of pair-success are noticed by a strict companion") {
  World world;
  Primary anna(world, "15550000001");
  Companion desk(world, anna);
  world.network.faults().bad_hmac = true;  // the account signature: phone_pairing_test.cpp
  desk.open_pairing();
  const auto success = desk.scan();
  CHECK_FALSE(protocol::accept_pair_success(success.device_identity, desk.keys.adv_secret, desk.keys.identity.identity,
                                            world.random));
}

namespace {

Node hello(const Companion& companion, std::string_view id, std::string phone, std::string display = "Chrome (Linux)") {
  protocol::CompanionHello request;
  request.phone = std::move(phone);
  request.wrapped_ephemeral = Bytes(80, 7);
  request.noise = companion.keys.noise.pub;
  request.platform_display = std::move(display);
  return protocol::companion_hello_iq(id, request);
}

}  // namespace

TEST_CASE("a code pairing is relayed between companion and phone by its ref") {
  World world;
  Primary anna(world, "15550000001");
  Companion desk(world, anna);
  std::optional<LinkCodeHello> heard;
  std::optional<LinkCodeFinish> finished;
  world.network.on_link_code_hello = [&](const std::string& phone, LinkCodeHello request) {
    CHECK(phone == anna.number);
    heard = std::move(request);
  };
  world.network.on_link_code_finish = [&](const std::string&, LinkCodeFinish finish) { finished = std::move(finish); };
  desk.open_pairing();
  world.network.handle_pairing_stanza(desk.pairing, hello(desk, "h1", anna.number));
  REQUIRE(heard);
  CHECK(heard->companion_identity == desk.keys.identity.identity.pub);
  CHECK(protocol::companion_hello_ref(desk.inbox->answer("h1")) == heard->ref);

  REQUIRE(world.network.send_primary_hello(heard->ref, Bytes(80, 9), anna.keys.identity.identity.pub));
  const auto primary_hello = protocol::read_primary_hello(*desk.inbox->last("notification"));
  REQUIRE(primary_hello);
  CHECK(primary_hello->ref == heard->ref);
  CHECK(primary_hello->wrapped_ephemeral == Bytes(80, 9));

  world.network.handle_pairing_stanza(
      desk.pairing,
      protocol::companion_finish_iq("f1", anna.number, Bytes(156, 1), desk.keys.identity.identity.pub, heard->ref));
  CHECK(desk.inbox->answer("f1").attr("type") == "result");
  REQUIRE(finished);

  // The phone then uploads under the ref of the code.
  world.network.pair_device(anna.number, anna.upload_for(desk.keys, std::string(protocol::as_text(heard->ref))),
                            [&](protocol::Result<Jid> result) { desk.linked = std::move(result); });
  desk.success_iq = *desk.inbox->last("iq");
  const auto success = protocol::read_pair_success(desk.success_iq);
  REQUIRE(success);
  world.network.handle_pairing_stanza(desk.pairing, desk.sign(**success));
  CHECK(desk.linked);
}

TEST_CASE("companion_hello is refused for a bad display name, an unknown number and the fourth try in an hour") {
  World world;
  Primary anna(world, "15550000001");
  Companion desk(world, anna);
  desk.open_pairing();
  const auto code_of = [&](const Node& request) {
    world.network.handle_pairing_stanza(desk.pairing, request);
    const auto error = protocol::iq_error_of(desk.inbox->answer(request.attr("id")));
    return error ? error->code : 0;
  };
  CHECK(code_of(hello(desk, "a", anna.number, "Chrome")) == 400);
  CHECK(code_of(hello(desk, "b", "15559999999")) == 404);
  CHECK(code_of(hello(desk, "c", anna.number)) == 0);
  CHECK(code_of(hello(desk, "d", anna.number)) == 0);
  CHECK(code_of(hello(desk, "e", anna.number)) == 0);
  CHECK(code_of(hello(desk, "f", anna.number)) == 429);
}

TEST_CASE("an unregistered connection may ping and nothing else") {
  World world;
  Primary anna(world, "15550000001");
  Companion desk(world, anna);
  desk.open_pairing();
  world.network.handle_pairing_stanza(desk.pairing, protocol::ping_iq("p"));
  CHECK(desk.inbox->answer("p").attr("type") == "result");
  world.network.handle_pairing_stanza(desk.pairing, protocol::prekey_count_iq("c"));
  CHECK(protocol::iq_error_of(desk.inbox->answer("c"))->code == 401);
}
