// media_conn over the network, and how long its tokens hold. 04 section 1.

#include <catch2/catch.hpp>

#include "tests/sandbox/disk.h"
#include "tests/sandbox/fixture.h"

using namespace wharf;
using namespace wharf::sandbox;
using namespace wharf::sandbox::test;

namespace {

Node ask(World& world, Primary& primary, const char* type = "set") {
  const auto id = world.id();
  Node iq("iq");
  iq.set("id", id).set("to", protocol::server_jid()).set("type", type).set("xmlns", "w:m");
  primary.send(iq.add(Node("media_conn")));
  return primary.inbox.answer(id);
}

std::string auth_of(const Node& answer) { return std::string(answer.child("media_conn")->attr("auth")); }

}  // namespace

TEST_CASE("media_conn names both hosts, what they take, and a token of the account") {
  World world;
  Primary anna(world, "15550000001"), ben(world, "15550000002");
  world.network.set_media_hosts("127.0.0.1:7443", "localhost:7443", 2'000);
  const auto answer = ask(world, anna);
  REQUIRE(answer.children().size() == 1);
  const Node& connection = answer.children()[0];
  CHECK(connection.tag == "media_conn");
  CHECK(connection.attr("ttl") == "3600");
  CHECK(connection.attr("auth_ttl") == "21600");
  CHECK(connection.attr("max_buckets") == "12");
  REQUIRE(connection.children().size() == 2);
  const Node& primary = connection.children()[0];
  CHECK(primary.attr("hostname") == "127.0.0.1:7443");
  CHECK(primary.attr("type") == "primary");
  CHECK(primary.attr("fallback_hostname") == "localhost:7443");
  CHECK(primary.attr("maxContentLengthBytes") == "2000");
  CHECK(primary.child("upload"));
  REQUIRE(primary.child("download"));
  CHECK(primary.child("download")->child("md-msg-hist"));
  CHECK(connection.children()[1].attr("hostname") == "localhost:7443");
  CHECK(connection.children()[1].attr("type") == "fallback");
  CHECK(world.network.check_media_auth(auth_of(answer)) == AuthState::valid);
  CHECK(auth_of(ask(world, ben)) != auth_of(answer));

  world.network.set_media_hosts("127.0.0.1:7443", "", 2'000);
  CHECK(ask(world, anna).child("media_conn")->children().size() == 1);
  CHECK(ask(world, anna, "get").attr("type") == "error");
}

TEST_CASE("upload tokens end on the network's clock, or at once") {
  World world;
  Primary anna(world, "15550000001");
  const auto auth = auth_of(ask(world, anna));
  CHECK(world.network.check_media_auth("AAAA") == AuthState::unknown);
  world.clock.advance(21'599'999);
  CHECK(world.network.check_media_auth(auth) == AuthState::valid);
  world.clock.advance(1);
  CHECK(world.network.check_media_auth(auth) == AuthState::expired);

  const auto second = auth_of(ask(world, anna));
  world.network.expire_media_auth();
  CHECK(world.network.check_media_auth(second) == AuthState::expired);
  const auto third = auth_of(ask(world, anna));  // in the same millisecond
  CHECK(world.network.check_media_auth(third) == AuthState::valid);
  world.network.expire_media_auth();
  CHECK(world.network.check_media_auth(third) == AuthState::expired);
}

TEST_CASE("a restart knows the tokens of before, and those that had been ended") {
  World world;
  Phones phones(world.network);
  Disk disk;
  Disk::watch(world.network);
  Primary anna(world, "15550000001");
  world.network.changes().changed(RowKind::server, {}, "token_secret");
  const auto ended = auth_of(ask(world, anna));
  world.network.expire_media_auth();
  const auto good = auth_of(ask(world, anna));
  disk.commit(world.network, phones);

  World later;
  later.clock.advance(world.clock.unix_ms() - later.clock.unix_ms());
  later.random = protocol::SeededRandom(99);
  Network network({}, later.clock, later.random);
  Phones others(network);
  CHECK(network.check_media_auth(good) == AuthState::unknown);
  REQUIRE(disk.load(network, others));
  CHECK(network.check_media_auth(good) == AuthState::valid);
  CHECK(network.check_media_auth(ended) == AuthState::expired);
}
