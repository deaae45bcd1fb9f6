// Messages to a group from a real Session, read by members that hold their own keys: who gets the sender key, when it
// is another one, what a cut or a refusal does.
#include <catch2/catch.hpp>

#include "protocol/messages/message_id.h"
#include "protocol/stanzas/key_nodes.h"
#include "sessions/outbox.h"
#include "storage/outbox.h"
#include "tests/sessions/group_crew.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Bytes;
using protocol::Node;
using storage::AckLevel;
using test::crew;
using test::keys_in;
using test::queries_to;
using test::self;
using test::SignalPeer;
using Crew = test::SendingCrew;
using Member = test::GroupMember;
namespace groups = protocol::groups;
using namespace std::chrono_literals;

namespace {

const Jid &ben = test::ben_lid, &carl = test::carl_lid, &dora = test::dora_lid;

/// The <keys> of a retry receipt.
Node keys_of(const SignalPeer& peer) {
  const auto bundle = peer.bundle();
  Node keys("keys");
  keys.add(Node("type").bytes(Bytes{5})).add(Node("identity").bytes(bundle.identity));
  keys.add(protocol::key_node(bundle.one_time->id, bundle.one_time->pub));
  return keys.add(
      protocol::signed_key_node(bundle.signed_pre_key_id, bundle.signed_pre_key, bundle.signed_pre_key_signature));
}

/// Time goes by, and the server answers the pings of it; what else is said in it is in `said`.
void pass(Crew& f, std::chrono::seconds duration) {
  f.steady += duration;
  f.now_ms += std::chrono::milliseconds(duration).count();
  f.hear(Node("ib"));
  const auto said = f.said;
  for (const Node& node : said)
    if (node.attr("xmlns") == "w:p") f.hear(test::result_of(node));
  f.said = said;
}

/// The answer that a user has the main device and this one.
Node devices_told(const Node& query, const Jid& user, std::uint64_t device, std::uint64_t key_index) {
  Node names("device-list");
  names.add(Node("device").set("id", "0")).add(Node("device").set("id", device).set("key-index", key_index));
  Node entry("user");
  entry.set("jid", user).add(Node("devices").add(std::move(names)));
  return test::result_of(query).add(Node("usync").add(Node("list").add(std::move(entry))));
}

}  // namespace

TEST_CASE("the first message to a group brings everybody the key, the next ones are read with it") {
  Crew f;
  const auto first = f.say("hello", "3EB0AA");
  REQUIRE(first.size() == 1);
  CHECK(first[0].attr("addressing_mode") == "lid");
  CHECK(first[0].attr("phash") == protocol::participant_hash(std::vector<Jid>{self.with_device(3), ben, carl}));
  CHECK(keys_in(first[0]) == 2);
  CHECK(f.read(ben, first[0]) == "hello");
  CHECK(f.read(carl, first[0]) == "hello");
  const auto second = f.say("again", "3EB0BB");  // the first is not acknowledged yet
  REQUIRE(second.size() == 1);
  CHECK(keys_in(second[0]) == 0);
  CHECK(f.read(ben, second[0]) == "again");
  CHECK(f.read(carl, second[0]) == "again");
}

TEST_CASE("a removed member cannot read what is said afterwards") {
  Crew f;
  const auto first = f.say("hello", "3EB0AA");
  CHECK(f.read(carl, first.at(0)) == "hello");
  CHECK(f.read(ben, first.at(0)) == "hello");
  f.accepted("3EB0AA");
  f.removed(carl);
  const auto second = f.say("without carl", "3EB0BB");
  REQUIRE(second.size() == 1);
  CHECK(keys_in(second[0]) == 1);
  CHECK(f.read(ben, second[0]) == "without carl");
  CHECK_FALSE(f.read(carl, second[0]));
}

TEST_CASE("one who never had the key is removed without another one for the rest") {
  Crew f({ben});
  const auto first = f.say("hello", "3EB0AA");
  CHECK(f.read(ben, first.at(0)) == "hello");
  f.metadata.members.push_back(groups::person(carl));
  f.describe();
  f.removed(carl);
  CHECK(keys_in(f.say("still", "3EB0BB").at(0)) == 0);
}

TEST_CASE("a member who comes later gets the key with the next message") {
  Crew f({ben});
  CHECK(f.read(ben, f.say("hello", "3EB0AA").at(0)) == "hello");
  f.members.emplace(carl, Member{f.befriend(carl), {}});
  Node child("add");
  child.set("prev_v_id", "1").set("v_id", "2").add(Node("participant").set("jid", carl));
  f.stanza(Node("notification")
               .set("id", "n1")
               .set("type", "w:gp2")
               .set("from", crew)
               .set("participant", ben)
               .set("t", "1700000002")
               .add(std::move(child)));
  const auto second = f.say("welcome", "3EB0BB");
  REQUIRE(second.size() == 1);
  CHECK(keys_in(second[0]) == 1);
  CHECK(f.read(carl, second[0]) == "welcome");
  CHECK(f.read(ben, second[0]) == "welcome");
}

TEST_CASE("who leaves and comes back between two messages is brought the key again") {
  Crew f;
  const auto first = f.say("hello", "3EB0AA");
  CHECK(f.read(ben, first.at(0)) == "hello");
  CHECK(f.read(carl, first.at(0)) == "hello");
  f.accepted("3EB0AA");
  f.removed(carl);
  f.members.at(carl).keys = {};  // as every client does that is out of the group
  f.stanza(test::notice(crew, self, test::change_of("add", carl, "2", "3"), "n2"));
  const auto second = f.say("welcome back", "3EB0BB");
  REQUIRE(second.size() == 1);
  CHECK(keys_in(second[0]) == 1);
  CHECK(f.read(carl, second[0]) == "welcome back");
  CHECK(f.read(ben, second[0]) == "welcome back");
}

TEST_CASE("the key of a message that was refused goes again with the next one") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.stanza(Node("ack")
               .set("class", "message")
               .set("id", "3EB0AA")
               .set("from", crew)
               .set("t", "1700000001")
               .set("error", "403"));
  CHECK(f.level("3EB0AA") == AckLevel::error);
  const auto second = f.say("again", "3EB0BB");
  REQUIRE(second.size() == 1);
  CHECK(keys_in(second[0]) == 2);
  CHECK(f.read(ben, second[0]) == "again");
}

TEST_CASE("a restart between a message and its ack sends no key twice, and the same stanza again") {
  Crew f;
  const auto first = f.say("hello", "3EB0AA");
  f.reopen();
  f.begin();
  const auto again = f.go_online();
  const auto resent = std::find_if(again.begin(), again.end(), [](const Node& node) { return node.is("message"); });
  REQUIRE(resent != again.end());
  CHECK(protocol::encode_node(*resent) == protocol::encode_node(first.at(0)));
  CHECK(f.read(ben, *resent) == "hello");
  const auto second = f.say("again", "3EB0BB");
  CHECK(keys_in(second.at(0)) == 0);
  CHECK(f.read(ben, second.at(0)) == "again");
}

TEST_CASE("a receipt in the place of the ack settles a message, and has it sent to nobody again in other bytes") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  const auto first = f.say("there", "3EB0BB");
  // Ben needs the key again: with the next message, not with this one.
  CHECK(f.hear(Crew::retry_of(ben, "3EB0AA")).size() == 1);
  if (GENERATE(false, true)) {
    f.reopen();
    f.begin();
    const auto again = f.go_online();
    CHECK(std::count(again.begin(), again.end(), first.at(0)) == 1);
  }
  CHECK(f.hear(Node("receipt").set("id", "3EB0BB").set("from", crew).set("participant", carl).set("t", "1700000005"))
            .empty());
  CHECK(f.level("3EB0BB") == AckLevel::server);
  CHECK(storage::load_outbox(f.store->reader(), f.row.id).empty());
  CHECK(f.accepted("3EB0BB").empty());
  const auto next = f.say("next", "3EB0CC");
  REQUIRE(next.size() == 1);
  CHECK(keys_in(next[0]) == 1);
}

TEST_CASE("the server's other device list has the message sent once more, for those that missed it") {
  Crew f;
  f.members.emplace(dora, Member{f.befriend(dora), {}});
  const auto first = f.say("hello", "3EB0AA");
  CHECK(f.read(ben, first.at(0)) == "hello");
  f.metadata.members.push_back(groups::person(dora));
  f.metadata.size = 4;
  const Node lists = f.ask_for_lists_again("3EB0AA");
  CHECK(f.level("3EB0AA") == AckLevel::server);
  const auto second = f.hear(Crew::passed_over(lists));
  REQUIRE(second.size() == 1);
  CHECK(second[0].attr("id") == "3EB0AA");
  CHECK(keys_in(second[0]) == 1);
  CHECK(f.read(dora, second[0]) == "hello");
  // Once.
  CHECK(f.accepted("3EB0AA", "2:BBBBBBBB").empty());
  CHECK(f.say("next", "3EB0BB").size() == 1);
}

TEST_CASE("the answer to what one device asked for again says nothing of those who were missed") {
  Crew f;
  f.members.emplace(dora, Member{f.befriend(dora), {}});
  const auto first = f.say("hello", "3EB0AA");
  f.metadata.members.push_back(groups::person(dora));
  f.metadata.size = 4;
  const Node lists = f.ask_for_lists_again("3EB0AA");
  CHECK(f.hear(Crew::retry_of(ben, "3EB0AA")).empty());
  REQUIRE(f.lists_asked().size() == 1);
  REQUIRE(f.hear(Crew::passed_over(f.lists_asked()[0])).size() == 1);
  CHECK(f.accepted("3EB0AA").empty());
  CHECK(f.requests_acked() == 1);
  const auto second = f.hear(Crew::passed_over(lists));
  REQUIRE(second.size() == 1);
  CHECK(f.read(dora, second[0]) == "hello");
}

TEST_CASE("a device of a member that no list names has nobody's list asked for with the next texts, the own neither") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.hear(Crew::passed_over(f.ask_for_lists_again("3EB0AA")));
  for (const char* id : {"3EB0BB", "3EB0CC"}) {
    CHECK(f.say("next", id).size() == 1);  // at once
    CHECK(f.lists_asked().empty());
    f.accepted(id, "2:AAAAAAAA");
    CHECK(f.lists_asked().empty());
  }
}

TEST_CASE("that a member is gone has no message sent once more, and the next one brings the others another key") {
  Crew f;
  const auto first = f.say("hello", "3EB0AA");
  CHECK(f.read(ben, first.at(0)) == "hello");
  CHECK(f.read(carl, first.at(0)) == "hello");
  f.metadata.members.pop_back();
  f.metadata.size = 2;
  const Node lists = f.ask_for_lists_again("3EB0AA");
  CHECK(f.hear(Crew::passed_over(lists)).empty());
  const auto next = f.say("next", "3EB0BB");
  REQUIRE(next.size() == 1);
  CHECK(keys_in(next[0]) == 1);
  CHECK(f.read(ben, next[0]) == "next");
  CHECK_FALSE(f.read(carl, next[0]));
}

// The server brings nothing of the second stanza to who has the message, so the key must come with another one.
TEST_CASE("when a member is gone and another was missed, the others get the new key with the next message") {
  Crew f;
  f.members.emplace(dora, Member{f.befriend(dora), {}});
  const auto first = f.say("hello", "3EB0AA");
  CHECK(f.read(ben, first.at(0)) == "hello");
  f.metadata.members.back() = groups::person(dora);  // in carl's place
  const Node lists = f.ask_for_lists_again("3EB0AA");
  const auto second = f.hear(Crew::passed_over(lists));
  REQUIRE(second.size() == 1);
  CHECK(keys_in(second[0]) == 1);
  CHECK(f.read(dora, second[0]) == "hello");
  CHECK_FALSE(f.read(carl, second[0]));
  CHECK(f.accepted("3EB0AA", "").empty());
  const auto next = f.say("next", "3EB0BB");
  REQUIRE(next.size() == 1);
  CHECK(f.read(ben, next[0]) == "next");
}

// --- lists that cannot be had

TEST_CASE("lists that nobody could tell leave nobody out") {
  Crew f;
  const auto first = f.say("hello", "3EB0AA");
  for (const Jid& who : {ben, carl}) CHECK(f.read(who, first.at(0)) == "hello");
  const Node lists = f.ask_for_lists_again("3EB0AA");
  SECTION("the server refuses") { CHECK(f.hear(test::error_of(lists, 503)).empty()); }
  SECTION("the answer cannot be read") { CHECK(f.hear(test::result_of(lists)).empty()); }
  SECTION("all of them are errors") {
    Node list("list");
    for (const Jid& who : {ben, carl}) {
      Node devices("devices");
      devices.add(Node("error").set("code", "500").set("text", "internal"));
      list.add(Node("user").set("jid", who).add(std::move(devices)));
    }
    CHECK(f.hear(test::result_of(lists).add(Node("usync").add(std::move(list)))).empty());
  }
  SECTION("the connection ends") { test::reconnect(f); }
  f.steady += 1s;
  f.said.clear();
  auto second = f.say("again", "3EB0BB");
  for (int turns = 0; second.empty() && turns < 5; ++turns) {
    REQUIRE_FALSE(f.lists_asked().empty());  // asked for again, and nothing is sent before it is answered
    for (const Node& query : f.lists_asked()) {
      const auto more = f.hear(Crew::passed_over(query));
      second.insert(second.end(), more.begin(), more.end());
    }
  }
  REQUIRE_FALSE(second.empty());
  for (const Node& message : second) {
    CHECK(keys_in(message) == 0);  // they all hold the key
    CHECK(f.read(ben, message));
    CHECK(f.read(carl, message));
  }
}

TEST_CASE("a member who is an error for good keeps a message from the others for three answers, and no later one") {
  Crew f;
  f.metadata.members.push_back(groups::person(dora));
  f.describe();
  const auto no_account = [](const Node& query) {
    Node devices("devices"), user("user");
    devices.add(Node("error").set("code", "404").set("text", "item-not-found"));
    user.set("jid", dora).add(std::move(devices));
    return test::result_of(query).add(Node("usync").add(Node("list").add(std::move(user))));
  };
  auto first = f.say("hello", "3EB0AA");
  for (int answers = 0; answers < 3; ++answers) {
    REQUIRE(first.empty());
    const auto query = f.lists_asked();
    REQUIRE(query.size() == 1);
    first = f.hear(no_account(query[0]));
    if (answers == 2) break;
    REQUIRE(first.empty());
    f.steady += 8s;
    first = f.hear(Node("ib"));
  }
  REQUIRE(first.size() == 1);
  for (const Jid& who : {ben, carl}) CHECK(f.read(who, first[0]) == "hello");
  f.accepted("3EB0AA");
  f.steady += 61s;
  f.hear(Node("ib"));
  f.said.clear();
  CHECK(f.say("again", "3EB0BB").empty());
  REQUIRE(f.lists_asked().size() == 1);
  const auto second = f.hear(no_account(f.lists_asked()[0]));
  REQUIRE(second.size() == 1);
  CHECK(keys_in(second[0]) == 0);
  for (const Jid& who : {ben, carl}) CHECK(f.read(who, second[0]) == "again");
}

TEST_CASE("where nobody has a list a message waits for eight answers, and reaches the server then") {
  Crew f({ben});
  f.metadata.members[1] = groups::person(dora);
  f.describe();
  auto messages = f.say("hello", "3EB0AA");
  int answers = 0;
  for (; messages.empty() && answers < 12; ++answers) {
    const auto query = f.lists_asked();
    REQUIRE(query.size() == 1);
    Node devices("devices"), user("user");
    devices.add(Node("error").set("code", "404").set("text", "item-not-found"));
    user.set("jid", dora).add(std::move(devices));
    messages = f.hear(test::result_of(query[0]).add(Node("usync").add(Node("list").add(std::move(user)))));
    if (messages.empty()) pass(f, std::chrono::seconds(1 << std::min(answers, 6)) + 1s);
  }
  CHECK(answers == 8);
  REQUIRE(messages.size() == 1);
  CHECK(keys_in(messages[0]) == 0);
}

TEST_CASE("a list that stands for want of an answer is asked for again after an hour") {
  Crew f({ben});
  CHECK(f.read(ben, f.say("hello", "3EB0AA").at(0)) == "hello");
  f.hear(Crew::passed_over(f.ask_for_lists_again("3EB0AA")));
  pass(f, 50min);
  CHECK(f.say("again", "3EB0BB").size() == 1);
  CHECK(f.lists_asked().empty());
  f.accepted("3EB0BB");
  pass(f, 11min);
  CHECK(f.say("later", "3EB0CC").empty());
  REQUIRE(f.lists_asked().size() == 1);
  CHECK(f.hear(Crew::passed_over(f.lists_asked()[0])).size() == 1);
}

TEST_CASE("a bot is its own device, and is asked for by nobody") {
  const Jid bot("867051314767696", "bot");
  Crew f({ben});
  f.members.emplace(bot, Member{f.befriend(bot), {}});
  storage::Changes changes;
  changes.add(storage::RemoveDeviceList{f.row.id, bot});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.metadata.members.push_back(groups::person(bot));
  f.describe();
  const auto first = f.say("hello", "3EB0AA");
  CHECK(f.lists_asked().empty());
  REQUIRE(first.size() == 1);
  CHECK(f.read(bot, first[0]) == "hello");
  CHECK(f.read(ben, first[0]) == "hello");
}

TEST_CASE("who has no list by an answer is left out, the own account never") {
  Crew f;
  f.metadata.members.push_back(groups::person(dora));
  f.describe();
  const auto forget = [&](const Jid& who) {
    storage::Changes changes;
    changes.add(storage::RemoveDeviceList{f.row.id, who});
    f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  };
  SECTION("a member") {
    CHECK(f.say("hello", "3EB0AA").empty());
    REQUIRE(f.lists_asked().size() == 1);
    const auto first = f.hear(Crew::passed_over(f.lists_asked()[0]));
    REQUIRE(first.size() == 1);
    CHECK(f.read(ben, first[0]) == "hello");
  }
  SECTION("the own account") {
    forget(self);
    CHECK(f.say("hello", "3EB0AA").empty());
    REQUIRE(f.lists_asked().size() == 1);
    CHECK(f.hear(Crew::passed_over(f.lists_asked()[0])).empty());
    f.said.clear();
    f.steady += 2s;
    std::vector<Node> out;
    f.collect(out, f.turn({}));
    CHECK(out.empty());
    CHECK(f.lists_asked().size() == 1);
  }
}

TEST_CASE("a member that cannot read gets the message alone, with the key") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  const auto retry = [&](const Jid& who) {
    Node node("receipt");
    node.set("id", "3EB0AA").set("from", crew).set("participant", who).set("type", "retry").set("t", "1700000005");
    node.add(Node("retry").set("v", "1").set("count", "1").set("id", "3EB0AA").set("t", "1700000001"));
    node.add(Node("registration").bytes(Bytes{0, 0, 0, 77}));
    return test::messages(f.stanza(std::move(node)));
  };
  const auto resent = retry(ben);
  REQUIRE(resent.size() == 1);
  CHECK(resent[0].jid("to") == crew);
  CHECK(resent[0].jid("participant") == ben);
  CHECK(resent[0].attr("addressing_mode") == "lid");
  Member& member = f.members.at(ben);
  const auto opened = member.open(*resent[0].child("enc"), f.random);
  REQUIRE(opened.has_value());
  const auto content = protocol::parse_message(protocol::unpad_message(opened->plaintext).value()).value();
  CHECK(content.text == "hello");
  REQUIRE(member.keys.process(content.sender_key_distribution).has_value());
  // It gets the key with the next message as well.
  SECTION("and with the next message as well") {
    const auto second = f.say("again", "3EB0BB");
    CHECK(keys_in(second.at(0)) == 1);
    CHECK(f.read(ben, second.at(0)) == "again");
  }
  SECTION("and when it leaves then, it reads no further") {
    f.removed(ben);
    const auto second = f.say("without ben", "3EB0BB");
    CHECK(f.read(carl, second.at(0)) == "without ben");
    CHECK_FALSE(f.read(ben, second.at(0)));
  }
  SECTION("a stranger gets nothing") { CHECK(retry(dora).empty()); }
  SECTION("nor does who has left, or came later than the message") {
    f.removed(carl);
    CHECK(retry(carl).empty());
    f.metadata.members.push_back(groups::person(dora));
    f.metadata.members.back().joined_at = 1'700'000'900;
    f.describe();
    CHECK(retry(dora).empty());
  }
}

TEST_CASE("who may have got the key with a message that failed reads nothing after leaving") {
  Crew f;
  const auto first = f.say("hello", "3EB0AA");
  CHECK(f.read(carl, first.at(0)) == "hello");  // it had arrived all the same
  f.stanza(Node("ack")
               .set("class", "message")
               .set("id", "3EB0AA")
               .set("from", crew)
               .set("t", "1700000001")
               .set("error", "500"));
  f.stanza(Node("ack")
               .set("class", "message")
               .set("id", "3EB0AA")
               .set("from", crew)
               .set("t", "1700000001")
               .set("error", "403"));
  f.removed(carl);
  const auto second = f.say("without carl", "3EB0BB");
  CHECK(f.read(ben, second.at(0)) == "without carl");
  CHECK_FALSE(f.read(carl, second.at(0)));
}

TEST_CASE("whoever is installed anew and leaves takes no key along") {
  Crew f;
  const auto first = f.say("hello", "3EB0AA");
  CHECK(f.read(carl, first.at(0)) == "hello");
  f.accepted("3EB0AA");
  f.stanza(Node("notification").set("id", "n9").set("type", "encrypt").set("from", carl).add(Node("identity")));
  f.removed(carl);
  const auto second = f.say("without carl", "3EB0BB");
  CHECK(f.read(ben, second.at(0)) == "without carl");
  CHECK_FALSE(f.read(carl, second.at(0)));
}

TEST_CASE("copies of a key that is lost count for no other one") {
  Crew f;
  CHECK(f.read(ben, f.say("hello", "3EB0AA").at(0)) == "hello");
  f.accepted("3EB0AA");
  // As after a restored backup: ratchets and own keys of before are not used again (storage/continuity.h).
  storage::Changes changes;
  changes.add(storage::PutOwnSenderKey{f.row.id, crew, {}});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.reopen();
  f.begin();
  f.go_online();
  const auto second = f.say("again", "3EB0BB");
  CHECK(keys_in(second.at(0)) == 2);
  CHECK(f.read(ben, second.at(0)) == "again");
}

TEST_CASE("who came later gets nothing that was said before, though no list says when") {
  Crew f;
  f.members.emplace(dora, Member{f.befriend(dora), {}});
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  f.steady += 1h;
  f.now_ms += 3'600'000;
  const auto came = static_cast<std::uint64_t>(f.now_ms / 1000);
  f.metadata.members.push_back(groups::person(dora));
  f.metadata.size = 4;
  const auto list = [&](const std::string& id) {
    f.steady += 20s;
    f.hear(test::notice(crew, ben, test::change_of("promote", ben, "x" + id, "y" + id), id, came));
    const auto query = queries_to(f.said, crew);
    REQUIRE(query.size() == 1);
    f.hear(test::described(query[0], f.metadata));
  };
  SECTION("she was told of, and then a list came") {
    f.hear(test::notice(crew, ben, test::change_of("add", dora, "1", "2"), "n2", came));
    CHECK(f.hear(Crew::retry_of(dora, "3EB0AA")).empty());
    list("n3");
  }
  SECTION("she was first seen in a list") { list("n3"); }
  CHECK(f.hear(Crew::retry_of(dora, "3EB0AA")).empty());
  CHECK(f.hear(Crew::retry_of(ben, "3EB0AA")).size() == 1);
}

TEST_CASE("a device that no list names yet gets the message when its account names it, and costs no other key") {
  Crew f;
  const auto first = f.say("hello", "3EB0AA");
  for (const Jid& who : {ben, carl}) CHECK(f.read(who, first.at(0)) == "hello");
  f.accepted("3EB0AA");
  const Jid tablet = ben.with_device(5);
  f.members.emplace(tablet, Member{SignalPeer::make(f.random, 77), {}});
  CHECK(f.hear(Crew::retry_of(tablet, "3EB0AA").add(keys_of(f.members.at(tablet).peer))).empty());
  REQUIRE(f.lists_asked().size() == 1);
  CHECK(f.requests_acked() == 0);
  const Node query = f.lists_asked()[0];
  SECTION("the server cannot tell now: it is asked again") {
    CHECK(f.hear(test::error_of(query, 429)).empty());
    CHECK(f.requests_acked() == 0);
    f.steady += Outbox::ack_patience;
    CHECK(f.hear(Node("ib")).empty());
    REQUIRE(f.lists_asked().size() == 1);
    CHECK(f.hear(devices_told(f.lists_asked()[0], ben, 5, 1)).size() == 1);
  }
  SECTION("it names the device") {
    const auto resent = f.hear(devices_told(query, ben, 5, 1));
    REQUIRE(resent.size() == 1);
    CHECK(resent[0].jid("participant") == tablet);
    f.accepted("3EB0AA");
    CHECK(f.requests_acked() == 1);
    const auto second = f.say("again", "3EB0BB");
    REQUIRE(second.size() == 1);
    CHECK(keys_in(second[0]) == 1);  // for the tablet alone
    CHECK(f.read(ben, second[0]) == "again");
    CHECK(f.read(carl, second[0]) == "again");
  }
}

TEST_CASE("a device that its account does not vouch for gets nothing, and costs nobody another key or question") {
  Crew f;
  const bool with_keys = GENERATE(true, false);
  const Jid tablet = ben.with_device(7);
  const auto peer = SignalPeer::make(f.random, 77);
  std::size_t asked = 0;
  for (const std::string id : {"3EB0AA", "3EB0BB", "3EB0CC"}) {
    INFO(id);
    const auto sent = f.say("hello", id);
    REQUIRE(sent.size() == 1);
    CHECK(keys_in(sent[0]) == (id == "3EB0AA" ? 2u : 0u));
    CHECK(f.read(ben, sent[0]) == "hello");
    f.accepted(id);
    Node request = Crew::retry_of(tablet, id);
    if (with_keys) request.add(keys_of(peer));
    CHECK(f.hear(std::move(request)).empty());
    const auto queries = f.lists_asked();
    asked += queries.size();
    for (const Node& query : queries) CHECK(f.hear(devices_told(query, ben, 7, 0)).empty());
    CHECK(f.requests_acked() == 1);
  }
  CHECK(asked == 1);
}

TEST_CASE("a hosted device gets a message that it asks for without the key, which it is not to have") {
  Crew f;
  test::list_devices(f, ben, {0, 99});
  const Jid hosted = ben.with_device(99);
  Member member{SignalPeer::make(f.random, 77), {}};
  REQUIRE(f.say("hello", "3EB0AA").size() == 1);
  f.accepted("3EB0AA");
  const auto resent = f.hear(Crew::retry_of(hosted, "3EB0AA").add(keys_of(member.peer)));
  REQUIRE(resent.size() == 1);
  const auto opened = member.open(*resent[0].child("enc"), f.random);
  REQUIRE(opened.has_value());
  const auto content = protocol::parse_message(protocol::unpad_message(opened->plaintext).value()).value();
  CHECK(content.text == "hello");
  CHECK(content.sender_key_distribution.empty());
  f.accepted("3EB0AA");
  const auto second = f.say("again", "3EB0BB");
  REQUIRE(second.size() == 1);
  CHECK(keys_in(second[0]) == 0);
}
