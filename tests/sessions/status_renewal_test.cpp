// What the account's setting meant for a status post holds for one try to send it: whoever is taken out of the address
// book or blocked meanwhile is not shown it.
#include <catch2/catch.hpp>

#include "tests/sessions/status_stage.h"

using namespace wharf;

namespace {

using namespace wharf::test::statuses;
using Kind = StatusAudience::Kind;

const Jid dora("100000000000004", "lid");

/// A post by the account's setting, settled for these people, that waits for the devices of the last one.
Stage& settled_for(Stage& f, const std::vector<Jid>& people) {
  REQUIRE(f.post("3EB0AA", std::nullopt).empty());
  REQUIRE(f.choose({Kind::only, people}).empty());
  CHECK(f.audience_of("3EB0AA")->settled);
  CHECK(f.audience_of("3EB0AA")->by_setting);
  return f;
}
Node devices_question(const std::vector<Node>& nodes) {
  const auto asked = test::queries_to(nodes, Jid("", "s.whatsapp.net"), "usync", "usync");
  REQUIRE(asked.size() == 1);
  return asked[0];
}
/// What was put off after a failure is tried again.
void pass_a_second(Stage& f) {
  f.steady += std::chrono::milliseconds(1'100);
  f.now_ms += 1'100;
  std::vector<Node> left;
  f.collect(left, f.turn({}));
  CHECK(left.empty());
}
std::vector<Node> messages_of(std::vector<Node> nodes) {
  std::erase_if(nodes, [](const Node& node) { return !node.is("message"); });
  return nodes;
}

}  // namespace

TEST_CASE("a status post that was settled and did not leave is settled anew on the next connection") {
  Stage f;
  settled_for(f, {ben, carl, dora});
  SECTION("the connection was cut") {
    f.cut();
    f.said = f.go_online();
  }
  SECTION("the process ended") {
    f.reopen();
    f.said = f.go_online();
  }
  pass_a_second(f);
  CHECK_FALSE(f.audience_of("3EB0AA")->settled);
  const auto out = f.choose({Kind::only, {ben, carl}}, {carl});
  REQUIRE(out.size() == 1);
  CHECK(named(out[0], true) == std::vector{ben});
  CHECK_FALSE(f.read(carl, out[0]));
  CHECK(f.audience_of("3EB0AA")->users == std::vector{ben});
}

TEST_CASE("a status post that was settled and put off is settled anew when it is its turn again") {
  Stage f;
  settled_for(f, {ben, carl, dora});
  CHECK(f.hear(test::error_of(devices_question(f.said), 429)).empty());
  f.said.clear();
  pass_a_second(f);
  const auto out = f.choose({Kind::only, {ben, carl}}, {carl});
  REQUIRE(out.size() == 1);
  CHECK(named(out[0], true) == std::vector{ben});
}

TEST_CASE("a status post that was settled is settled anew when somebody is blocked before it leaves") {
  Stage f;
  settled_for(f, {ben, carl, dora});
  const Node devices = devices_question(f.said);
  Node item("item");
  item.set("action", "block").set("jid", carl);
  Node notification("notification");
  notification.set("id", "n1").set("type", "account_sync").set("from", Jid("15550000001", "s.whatsapp.net"));
  notification.set("t", "1700000000").add(Node("blocklist").set("dhash", "d").add(std::move(item)));
  REQUIRE(f.hear(std::move(notification)).empty());
  REQUIRE(f.hear(test::result_of(devices).add(Node("usync").add(Node("list")))).empty());
  const auto out = f.choose({Kind::only, {ben, carl}}, {carl});
  REQUIRE(out.size() == 1);
  CHECK(named(out[0], true) == std::vector{ben});
}

TEST_CASE("whom a request names are not settled anew") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben, dora}).empty());  // her devices are asked for
  CHECK(f.audience_of("3EB0AA")->settled);
  CHECK_FALSE(f.audience_of("3EB0AA")->by_setting);
  SECTION("after a cut") {
    f.cut();
    f.said = f.go_online();
  }
  SECTION("after a restart") {
    f.reopen();
    f.said = f.go_online();
  }
  pass_a_second(f);
  CHECK(f.audience_of("3EB0AA")->users == std::vector{ben, dora});
  for (const Node& node : f.said) CHECK_FALSE(protocol::is_status_audience_query(node));
  devices_question(f.said);
}

TEST_CASE("a sealed status post is repeated as it is, and its deletion goes to the same, whoever would see it now") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::nullopt).empty());
  const auto sealed = f.choose({Kind::only, {ben, carl}});
  REQUIRE(sealed.size() == 1);
  f.cut();
  f.said = f.go_online();
  const auto again = messages_of(f.said);
  REQUIRE(again.size() == 1);
  CHECK(protocol::encode_node(again[0]) == protocol::encode_node(sealed[0]));
  CHECK(f.audience_of("3EB0AA")->settled);
  f.hear(Stage::ack_of("3EB0AA"));
  f.cut();
  REQUIRE(f.revoke("3EB0AA", "3EB0CC").empty());
  f.reopen();
  const auto revoked = messages_of(f.go_online());
  REQUIRE(revoked.size() == 1);
  CHECK(revoked[0].attr("id") == "3EB0CC");
  CHECK(f.audience_of("3EB0CC")->users == std::vector{ben, carl});
  CHECK(named(revoked[0], false) == std::vector{self, ben, carl});
}

TEST_CASE("a sealed status post is not repeated when it would not be shown any more") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.cut();
  f.now_ms += status_lifetime_ms;
  CHECK(messages_of(f.go_online()).empty());
  CHECK(f.row_of("3EB0AA").ack == AckLevel::error);
}
