// How far a message to a group is: with each member, and with all of them.
#include <catch2/catch.hpp>

#include "tests/sessions/group_crew.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;
using storage::AckLevel;
using test::crew;
using Crew = test::SendingCrew;

namespace {

const Jid &ben = test::ben_lid, &carl = test::carl_lid;

}  // namespace

TEST_CASE("a message reaches all when each member says so") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  const auto receipt = [&](const Jid& who, const char* type) {
    Node node("receipt");
    node.set("id", "3EB0AA").set("from", crew).set("participant", who).set("t", "1700000005");
    if (*type != '\0') node.set("type", type);
    f.stanza(std::move(node));
    return f.level("3EB0AA");
  };
  CHECK(receipt(ben, "") == AckLevel::server);
  CHECK(receipt(ben.with_device(4), "") == AckLevel::server);  // another device of the same member
  CHECK(receipt(carl, "read") == AckLevel::delivered);
  CHECK(receipt(ben, "read") == AckLevel::read);
}

TEST_CASE("receipts of many members may come as one") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  Node users("participants");
  users.set("key", "3EB0AA");
  for (const Jid& who : {ben, carl}) users.add(Node("user").set("jid", who).set("t", "1700000005"));
  f.stanza(Node("receipt")
               .set("id", "3EB0AA")
               .set("from", crew)
               .set("type", "read")
               .set("t", "1700000005")
               .add(std::move(users)));
  CHECK(f.level("3EB0AA") == AckLevel::read);
}

TEST_CASE("a receipt of somebody in another chat says nothing of a group's message") {
  Crew f({ben});
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  f.stanza(Node("receipt").set("id", "3EB0AA").set("from", ben).set("t", "1700000005"));
  CHECK(f.level("3EB0AA") == AckLevel::server);
}

TEST_CASE("several messages in one receipt of many members are each theirs who speak of it") {
  Crew f;
  for (const char* id : {"3EB0AA", "3EB0BB"}) {
    f.say("hello", id);
    f.accepted(id);
  }
  const auto block = [](const char* id, const Jid& who) {
    return Node("participants").set("key", id).add(Node("user").set("jid", who).set("t", "1700000005"));
  };
  f.hear(Node("receipt")
             .set("id", "3EB0AA")
             .set("from", crew)
             .set("type", "read")
             .set("t", "1700000005")
             .add(block("3EB0AA", ben))
             .add(block("3EB0BB", carl)));
  CHECK(f.reach("3EB0AA") == storage::GroupReach{2, 1, 1, 0});
  CHECK(f.reach("3EB0BB") == storage::GroupReach{2, 1, 1, 0});
  CHECK(f.level("3EB0AA") == AckLevel::server);
  CHECK(f.level("3EB0BB") == AckLevel::server);
}

TEST_CASE("of a group that shows a part of its members nothing has reached all while they alone have it") {
  Crew f;
  f.metadata.size = 6;
  f.describe();
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  for (const Jid& who : {ben, carl})
    f.hear(Node("receipt")
               .set("id", "3EB0AA")
               .set("from", crew)
               .set("participant", who)
               .set("type", "read")
               .set("t", "5"));
  CHECK(f.reach("3EB0AA") == storage::GroupReach{5, 2, 2, 0});
  CHECK(f.level("3EB0AA") == AckLevel::server);
}

TEST_CASE("a member whose LID becomes known between two receipts counts once") {
  Crew f({ben, carl, test::dora_lid});
  const Jid carl_pn("15550000003", "s.whatsapp.net");
  const auto receipt = [&](const Jid& who, const char* type) {
    Node node("receipt");
    node.set("id", "3EB0AA").set("from", crew).set("participant", who).set("t", "1700000005");
    if (*type != '\0') node.set("type", type);
    f.stanza(std::move(node));
    return f.level("3EB0AA");
  };
  const auto learn = [&] {
    f.stanza(Node("notification")
                 .set("id", "n1")
                 .set("type", "devices")
                 .set("from", carl_pn)
                 .set("lid", carl)
                 .set("t", "1700000004")
                 .add(Node("update").set("hash", "x")));
  };
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  CHECK(receipt(carl_pn, "") == AckLevel::server);
  SECTION("he reads it under the other name") {
    CHECK(receipt(ben, "") == AckLevel::server);
    learn();
    CHECK(receipt(carl, "read") == AckLevel::server);
    CHECK(f.reach("3EB0AA") == storage::GroupReach{3, 2, 1, 0});
    const auto message = storage::find_message(f.store->reader(), f.row.id, crew, "3EB0AA");
    CHECK(storage::member_receipts(f.store->reader(), message->row, 9).size() == 2);
    CHECK(storage::find_member_receipt(f.store->reader(), message->row, carl)->delivered_at == 1'700'000'005'000);
    CHECK(receipt(test::dora_lid, "") == AckLevel::delivered);
  }
  SECTION("he had spoken under both before, and another's receipt would be the last one") {
    CHECK(receipt(carl, "") == AckLevel::server);
    learn();
    CHECK(receipt(ben, "") == AckLevel::server);
    CHECK(f.reach("3EB0AA") == storage::GroupReach{3, 2, 0, 0});
    CHECK(receipt(test::dora_lid, "") == AckLevel::delivered);
  }
}
