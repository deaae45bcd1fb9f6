// Blocked contacts, and what an account's own devices hear of its settings. Specification 02 section 11, 06 section 12.

#include <catch2/catch.hpp>

#include "tests/sandbox/fixture.h"

using namespace wharf;
using namespace wharf::sandbox;
using namespace wharf::sandbox::test;

namespace {

struct Scene {
  World world;
  Primary anna{world, "15550000001", "Anna"}, ben{world, "15550000002", "Ben"};
  std::unique_ptr<Companion> desk = ready_companion(world, anna);
  std::string block(const std::string& action, const Jid& jid) {
    const auto id = world.id();
    Node iq("iq");
    iq.set("id", id).set("to", protocol::server_jid()).set("type", "set").set("xmlns", "blocklist");
    desk->send(iq.add(Node("item").set("action", action).set("jid", jid)));
    return desk->inbox->answer(id).attr("type");
  }
  std::size_t heard(std::string_view tag) const {
    return desk->inbox->tagged(tag).size() + anna.inbox.tagged(tag).size();
  }
};

const Node* child_of_last_sync(const Inbox& inbox, std::string_view name) {
  for (auto node = inbox.all.rbegin(); node != inbox.all.rend(); ++node) {
    if (node->is("notification") && node->attr("type") == "account_sync" && node->child(name)) return node->child(name);
  }
  return nullptr;
}

}  // namespace

TEST_CASE("nothing of a blocked contact gets through, and he is not told") {
  Scene s;
  const auto bens = s.ben.account().lid_jid();
  REQUIRE(s.block("block", bens) == "result");
  s.anna.send(protocol::presence("available", "Anna"));
  s.ben.send(message_to("m1", s.anna.account().lid_jid(), {s.anna.account().lid_jid(), s.desk->lid()}));
  s.ben.send(Node("chatstate").set("to", s.anna.account().pn_jid()).add(Node("composing")));
  s.ben.send(Node("receipt").set("id", "x").set("to", s.anna.account().lid_jid()));
  s.ben.send(Node("presence").set("type", "subscribe").set("to", s.anna.account().lid_jid()));
  CHECK(s.heard("message") == 0);
  CHECK(s.heard("chatstate") == 0);
  CHECK(s.heard("receipt") == 0);
  CHECK_FALSE(s.ben.inbox.last("presence"));
  REQUIRE(s.ben.inbox.last("ack"));
  CHECK_FALSE(s.ben.inbox.last("ack")->has("error"));

  REQUIRE(s.block("unblock", bens) == "result");
  s.ben.send(message_to("m2", s.anna.account().lid_jid(), {s.anna.account().lid_jid(), s.desk->lid()}));
  CHECK(s.heard("message") == 2);
}

TEST_CASE("who has a LID is not blocked by number") {
  Scene s;
  CHECK(s.block("block", s.ben.account().pn_jid()) == "error");
  s.ben.send(message_to("m1", s.anna.account().pn_jid(), {s.desk->pn()}));
  CHECK(s.heard("message") == 1);
}

TEST_CASE("own devices hear of block and privacy changes") {
  Scene s;
  REQUIRE(s.block("block", s.ben.account().lid_jid()) == "result");
  const auto* change = child_of_last_sync(s.anna.inbox, "blocklist");
  REQUIRE(change);
  CHECK(change->has("dhash"));
  CHECK(change->attr("dhash") != change->attr("prev_dhash"));
  CHECK(change->child("item")->jid("jid") == s.ben.account().lid_jid());
  CHECK(change->child("item")->attr("action") == "block");
  Node iq = protocol::iq_set("p", "privacy");
  s.desk->send(iq.add(Node("privacy").add(Node("category").set("name", "last").set("value", "none"))));
  const auto* privacy = child_of_last_sync(s.anna.inbox, "privacy");
  REQUIRE(privacy);
  CHECK(privacy->child("category")->attr("value") == "none");
  CHECK_FALSE(child_of_last_sync(*s.desk->inbox, "privacy"));  // it knows
}
