#include "protocol/account/status_audience.h"

#include <catch2/catch.hpp>

#include "protocol/account/profile.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

const Jid lid("900000000000002", server::lid);

Node wire(const Node& node) { return decode_node(encode_node(node)).value(); }
Node answer(Node child) { return Node("iq").set("type", "result").set("id", "1").add(std::move(child)); }
Node error(const char* code) {
  return Node("iq").set("type", "error").set("id", "1").add(Node("error").set("code", code));
}

}  // namespace

TEST_CASE("the audience of a status is never taken for a wider one") {
  const Node request = status_audience_iq("1");
  REQUIRE(is_status_audience_query(wire(request)));
  REQUIRE_FALSE(is_status_audience_query(set_about_iq("1", "x")));
  for (const auto kind : {StatusAudience::Kind::contacts, StatusAudience::Kind::except, StatusAudience::Kind::only}) {
    StatusAudience audience{kind, {}};
    if (kind != StatusAudience::Kind::contacts) audience.users = {lid, Jid("3", server::lid)};
    REQUIRE(read_status_audience(wire(status_audience_answer(request, audience))).value() == audience);
  }
  const auto read = [](Node privacy) { return read_status_audience(answer(std::move(privacy))); };
  REQUIRE(read_status_audience(error("404")).value() == StatusAudience{});
  REQUIRE(read(Node("privacy")).value() == StatusAudience{});
  REQUIRE(read_status_audience(Node("iq").set("type", "result")).value() == StatusAudience{});
  const Node white = Node("list").set("type", "whitelist").add(Node("user").set("jid", lid));
  const Node black = Node("list").set("type", "blacklist");
  REQUIRE(read(Node("privacy").add(black).add(white)).value().kind == StatusAudience::Kind::except);
  Node in_force = white;
  in_force.set("default", "true");
  REQUIRE(read(Node("privacy").add(black).add(in_force)).value() == StatusAudience{StatusAudience::Kind::only, {lid}});
  Node friends = Node("list").set("type", "close_friends").set("default", "true");
  REQUIRE(read(Node("privacy").add(white).add(friends)).error().code == Errc::unsupported);
  REQUIRE(read(Node("privacy").add(Node(black).add(Node("user")))).error().code == Errc::malformed);
  Node many = black;
  for (int i = 0; i < 20'001; ++i) many.add(Node("user").set("jid", lid));
  REQUIRE(read(Node("privacy").add(many)).error().code == Errc::malformed);
  Node lists("privacy");
  for (int i = 0; i < 1001; ++i) lists.add(white);
  REQUIRE(read(lists).error().code == Errc::malformed);
  REQUIRE(read_status_audience(error("500")).error().code == Errc::network);
}
