// Accounts that were never migrated: a number and no LID. Specification 03 section 4.8, 06 sections 7 and 25.

#include <catch2/catch.hpp>

#include "tests/sandbox/disk.h"
#include "tests/sandbox/phone_world.h"

namespace wharf::sandbox::test {

namespace {

struct Scene : PhoneWorld {
  Phone& anna = phone("15550000001", "Anna");
  Phone& otto = **phones.create("15550000003", "Otto", false);
};

}  // namespace

TEST_CASE("usync gives no LID where there is none, and phones talk by number") {
  Scene s;
  auto desk = linked_client(s, s.anna);
  CHECK_FALSE(s.network.find_account("15550000003")->has_lid());
  Node query("query"), usync("usync"), list("list"), iq("iq");
  query.add(Node("lid")).add(Node("devices").set("version", "2"));
  list.add(Node("user").set("jid", Jid("15550000003", protocol::server::user)));
  iq.set("id", "u").set("to", protocol::server_jid()).set("type", "get").set("xmlns", "usync");
  desk->send(iq.add(usync.set("sid", "1").add(std::move(query)).add(std::move(list))));
  const auto answer = std::find_if(desk->received.begin(), desk->received.end(),
                                   [](const Node& node) { return node.attr("id") == "u"; });
  REQUIRE(answer != desk->received.end());
  const auto& user = answer->child("usync")->child("list")->children().at(0);
  CHECK_FALSE(user.child("lid"));
  CHECK(user.child("devices"));

  REQUIRE(s.anna.send({"15550000003", "to Otto", {}, {}}));
  REQUIRE(s.otto.send({"15550000001", "to Anna", {}, {}}));
  s.settle();
  REQUIRE(with_text(s.otto, "to Otto") != nullptr);
  CHECK(with_text(s.anna, "to Otto")->status == "delivered");
  REQUIRE(with_text(s.anna, "to Anna") != nullptr);
  CHECK(with_text(s.otto, "to Anna")->status == "delivered");
  for (const Node& stanza : desk->received) {
    if (stanza.is("message") && stanza.attr("category") != "peer") CHECK_FALSE(stanza.jid("from")->is_lid());
  }
  CHECK(s.network.stats().retries_relayed == 0);
}

TEST_CASE("a stanza that mixes number and LID is refused with 400 and delivers nothing") {
  Scene s;
  auto desk = linked_client(s, s.anna);
  s.settle();
  const Account& anna = *s.network.find_account("15550000001");
  const Account& otto = *s.network.find_account("15550000003");
  desk->received.clear();
  const auto accepted = s.network.stats().messages_accepted;  // the link itself took some
  desk->send(message_to("mixed", otto.pn_jid(), {otto.pn_jid(), anna.lid_jid()}));
  const auto ack =
      std::find_if(desk->received.begin(), desk->received.end(), [](const Node& node) { return node.is("ack"); });
  REQUIRE(ack != desk->received.end());
  CHECK(ack->attr("error") == "400");
  CHECK(s.network.queue_length({"15550000003", 0}) == 0);
  CHECK(s.network.stats().messages_accepted == accepted);
}

TEST_CASE("a network keeps its accounts without LID") {
  Scene s;
  Disk::watch(s.network);
  Disk disk;
  (void)s.phones.create("15550000004", "Olga", false);
  s.settle();
  disk.commit(s.network, s.phones);
  PhoneWorld later;
  REQUIRE(disk.load(later.network, later.phones));
  CHECK_FALSE(later.network.find_account("15550000004")->has_lid());
}

}  // namespace wharf::sandbox::test
