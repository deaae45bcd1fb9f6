// Messages to a group from a real Session, read by members that hold their own keys: who gets the sender key, when it
// is another one, what a cut or a refusal does.
#include <catch2/catch.hpp>

#include <map>

#include "protocol/groups/metadata.h"
#include "protocol/messages/content.h"
#include "protocol/messages/message_id.h"
#include "protocol/messages/padding.h"
#include "protocol/signal/sender_key.h"
#include "protocol/stanzas/key_nodes.h"
#include "storage/member_receipts.h"
#include "tests/sessions/group_stanzas.h"
#include "tests/sessions/sending.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Bytes;
using protocol::Node;
using storage::AckLevel;
using test::SignalPeer;

namespace groups = protocol::groups;
using test::queries_to;
using namespace std::chrono_literals;

namespace {

const Jid crew("120363000000000001", "g.us");
const Jid self("100000000000001", "lid");
const Jid ben("100000000000002", "lid"), carl("100000000000003", "lid"), dora("100000000000004", "lid");

/// A member's main device, as an end of its own.
struct Member {
  SignalPeer peer;
  protocol::SenderKeyRecord keys;

  protocol::Result<protocol::Decrypted> open(const Node& enc, protocol::SeededRandom& random) {
    using Kind = protocol::CiphertextKind;
    return peer.receive(
        {enc.attr("type") == "pkmsg" ? Kind::pre_key_message : Kind::message, protocol::to_bytes(enc.data())}, random);
  }
  /// The text of our stanza that this device can read; nullopt: it has no key for it.
  std::optional<std::string> read(const Jid& who, const Node& message, protocol::SeededRandom& random) {
    if (const Node* participants = message.child("participants")) {
      for (const Node* to : participants->children("to")) {
        if (to->jid("jid") != who) continue;
        const auto opened = open(*to->child("enc"), random);
        REQUIRE(opened.has_value());
        const auto content = protocol::parse_message(protocol::unpad_message(opened->plaintext).value()).value();
        REQUIRE(content.sender_key_group == crew.to_string());
        REQUIRE(keys.process(content.sender_key_distribution).has_value());
      }
    }
    const auto opened = keys.decrypt(message.child("enc")->data());
    if (!opened) return std::nullopt;
    return protocol::parse_message(protocol::unpad_message(opened->plaintext).value()).value().text;
  }
};

struct Crew : test::SessionFixture {
  std::map<Jid, Member> members;
  groups::GroupMetadata metadata;

  explicit Crew(const std::vector<Jid>& who = {ben, carl}) {
    metadata.group = crew;
    metadata.subject = "crew";
    metadata.addressing_mode = groups::AddressingMode::lid;
    metadata.member_list_version = "1";
    metadata.members.push_back(groups::person(self, Jid("15550000001", "s.whatsapp.net")));
    metadata.members.back().role = groups::Role::admin;
    for (const Jid& one : who) {
      members.emplace(one, Member{befriend(one), {}});
      metadata.members.push_back(groups::person(one));
    }
    metadata.size = static_cast<std::uint32_t>(metadata.members.size());
    describe();
    go_online();
  }
  /// As if the server had told it.
  void describe() { test::know(*this, metadata); }
  /// Asks for a text to the group, and runs what the preparation leaves for later turns. The stanzas that left.
  std::vector<Node> say(const std::string& body, const std::string& id) {
    SendMessage message = text(body);
    message.chat = crew;
    message.message_id = id;
    std::vector<Node> out;
    collect(out, tell(std::move(message), [](const Outcome<SentMessage>& sent) { REQUIRE(sent.has_value()); }));
    return out;
  }
  void collect(std::vector<Node>& out, std::vector<Effect> effects) {
    for (const Node& node : sent(effects)) (node.is("message") ? out : said).push_back(node);
    for (Effect& effect : effects) {
      auto* work = std::get_if<RunWork>(&effect);
      if (work == nullptr) continue;
      work->work();
      collect(out, call(std::move(work->then)));
    }
  }
  std::optional<std::string> read(const Jid& who, const Node& message) {
    return members.at(who).read(who, message, random);
  }
  /// The messages that this stanza leads to; what else is sent is in `said`.
  std::vector<Node> hear(Node node) {
    said.clear();
    std::vector<Node> out;
    collect(out, stanza(std::move(node)));
    return out;
  }
  /// Those who are asked for their devices in `said`; each is to be answered.
  std::vector<Node> lists_asked() const { return queries_to(said, Jid("", "s.whatsapp.net"), "usync", "usync"); }
  /// An answer that says something of nobody: the lists that are there count on.
  static Node passed_over(const Node& usync) { return test::result_of(usync).add(Node("usync").add(Node("list"))); }
  storage::GroupReach reach(const std::string& id) {
    const auto message = storage::find_message(store->reader(), row.id, crew, id);
    return storage::find_reach(store->reader(), message->row).value();
  }
  /// The server counts other devices than we: group and lists are asked for again. The query of the lists.
  Node ask_for_lists_again(const std::string& id) {
    hear(ack_of(id, "2:AAAAAAAA"));
    const auto query = queries_to(said, crew);
    REQUIRE(query.size() == 1);
    hear(test::described(query[0], metadata));
    REQUIRE(lists_asked().size() == 1);
    return lists_asked()[0];
  }
  static Node ack_of(const std::string& id, const std::string& phash = "") {
    Node node("ack");
    node.set("class", "message").set("id", id).set("from", crew).set("t", "1700000001");
    if (!phash.empty()) node.set("phash", phash);
    return node;
  }
  static Node retry_of(const Jid& who, const std::string& id) {
    Node node("receipt");
    node.set("id", id).set("from", crew).set("participant", who).set("type", "retry").set("t", "1700000005");
    node.add(Node("retry").set("v", "1").set("count", "1").set("id", id).set("t", "1700000001"));
    return node.add(Node("registration").bytes(Bytes{0, 0, 0, 77}));
  }
  std::vector<Node> said;
  /// The own phone stands in the list, and has a session with us.
  void have_phone() {
    members.emplace(self, Member{befriend(self), {}});
    storage::DeviceListRow list;
    list.fetched_at = now_ms;
    list.devices = {0, 3};
    storage::Changes changes;
    changes.add(storage::PutDeviceList{row.id, self, list});
    store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  }
  /// Retry receipts that were acked in the turn of the last hear().
  std::ptrdiff_t requests_acked() const {
    return std::count_if(said.begin(), said.end(), [](const Node& node) {
      return node.is("ack") && node.attr("class") == "receipt" && node.attr("type") == "retry";
    });
  }
  std::vector<Node> accepted(const std::string& id, const std::string& phash = "") { return hear(ack_of(id, phash)); }
  void removed(const Jid& who) {
    Node child("remove");
    child.set("prev_v_id", "1").set("v_id", "2").add(Node("participant").set("jid", who));
    stanza(Node("notification")
               .set("id", "n1")
               .set("type", "w:gp2")
               .set("from", crew)
               .set("participant", self)
               .set("t", "1700000002")
               .add(std::move(child)));
  }
  AckLevel level(const std::string& id) { return storage::find_message(store->reader(), row.id, crew, id)->ack; }
};

std::size_t keys_in(const Node& message) {
  const Node* participants = message.child("participants");
  return participants == nullptr ? 0 : participants->children("to").size();
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

TEST_CASE("where admins alone send, others are refused at once") {
  Crew f;
  f.metadata.announcement = true;
  f.metadata.members[0].role = groups::Role::member;
  f.describe();
  SendMessage message = f.text("hello");
  message.chat = crew;
  std::optional<Outcome<SentMessage>> answer;
  f.tell(message, [&](Outcome<SentMessage> sent) { answer = std::move(sent); });
  REQUIRE(answer);
  REQUIRE_FALSE(answer->has_value());
  CHECK(answer->error().code == protocol::Errc::forbidden);
}

TEST_CASE("a group that is not among all of the account's is refused at once, and a community always") {
  Crew f;
  const Jid other("120363000000000002", "g.us"), community("120363000000000003", "g.us");
  const auto refusal = [&](const Jid& chat) {
    SendMessage message = f.text("hello");
    message.chat = chat;
    const auto answer = f.send(std::move(message));
    REQUIRE(answer);
    REQUIRE_FALSE(answer->has_value());
    CHECK(queries_to(f.sent(f.last), chat).empty());
    CHECK(answer->error().subject == Subject::group);
    return answer->error().code;
  };
  CHECK(refusal(other) == protocol::Errc::not_found);
  groups::GroupMetadata root = f.metadata;
  root.group = community;
  root.community = groups::CommunityRoot{};
  test::know(f, root);
  CHECK(refusal(community) == protocol::Errc::forbidden);
  SECTION("until the account is let in") {
    f.stanza(test::notice(other, ben, test::change_of("add", self)));
    SendMessage message = f.text("hello");
    message.chat = other;
    CHECK(f.send(std::move(message))->has_value());
  }
  SECTION("or may be in it: what was kept for this device still comes") {
    f.stanza(Node("ib").add(Node("offline_preview").set("count", "1")));
    SendMessage message = f.text("hello");
    message.chat = other;
    CHECK(f.send(std::move(message))->has_value());
  }
}

TEST_CASE("a group that is not known is asked for before anything is sent there, while the list is not known either") {
  Crew f;
  f.session->context().device.groups_listed = false;
  const Jid other("120363000000000002", "g.us");
  SendMessage message = f.text("hello");
  message.chat = other;
  message.message_id = "3EB0AA";
  const auto asked = f.sent(f.tell(std::move(message)));
  const auto query = std::find_if(asked.begin(), asked.end(), [&](const Node& node) {
    return node.is("iq") && node.attr("xmlns") == "w:g2" && node.jid("to") == other;
  });
  REQUIRE(query != asked.end());
  SECTION("it is described, and the message goes") {
    groups::GroupMetadata told = f.metadata;
    told.group = other;
    std::vector<Node> out;
    f.collect(out, f.stanza(Node("iq")
                                .set("type", "result")
                                .set("id", query->attr("id"))
                                .set("from", other)
                                .add(groups::group_node(told))));
    REQUIRE(out.size() == 1);
    CHECK(out[0].jid("to") == other);
  }
  SECTION("the account is not in it, and the message fails") {
    f.stanza(Node("iq")
                 .set("type", "error")
                 .set("id", query->attr("id"))
                 .set("from", other)
                 .add(Node("error").set("code", "403").set("text", "forbidden")));
    CHECK(storage::find_message(f.store->reader(), f.row.id, other, "3EB0AA")->ack == AckLevel::error);
  }
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

TEST_CASE("a stale way of addressing is asked for again and the message sealed anew, once") {
  Crew f;
  const auto first = f.say("hello", "3EB0AA");
  const auto refused = [&] { return f.hear(Crew::ack_of("3EB0AA").set("error", "421").set("addressing_mode", "lid")); };
  CHECK(refused().empty());
  const auto query = queries_to(f.said, crew);
  REQUIRE(query.size() == 1);
  CHECK(f.level("3EB0AA") == AckLevel::pending);
  const auto second = f.hear(test::described(query[0], f.metadata));
  REQUIRE(second.size() == 1);
  CHECK(second[0].attr("id") == "3EB0AA");
  CHECK(protocol::encode_node(second[0]) != protocol::encode_node(first.at(0)));
  CHECK(f.read(ben, second[0]) == "hello");
  CHECK(refused().empty());
  CHECK(f.level("3EB0AA") == AckLevel::error);
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

TEST_CASE("the next account has no group at hand") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  test::link_anew(f);
  f.go_online();
  f.said.clear();
  CHECK(f.say("again", "3EB0BB").empty());
  CHECK(queries_to(f.said, crew).size() == 1);
}

// --- receipts

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

TEST_CASE("a group whose description says that people are missing is asked for once, and written to") {
  Crew f;
  f.session->context().device.groups_listed = false;  // else what is not known is refused
  const Jid other("120363000000000002", "g.us");
  SendMessage message = f.text("hello");
  message.chat = other;
  const auto asked = f.sent(f.tell(std::move(message)));
  const auto query = std::find_if(asked.begin(), asked.end(), [&](const Node& node) {
    return node.is("iq") && node.attr("xmlns") == "w:g2" && node.jid("to") == other;
  });
  REQUIRE(query != asked.end());
  groups::GroupMetadata told = f.metadata;
  told.group = other;
  Node described = groups::group_node(told);
  described.add(Node("missing_participant_identification"));
  std::vector<Node> out;
  f.collect(
      out,
      f.stanza(
          Node("iq").set("type", "result").set("id", query->attr("id")).set("from", other).add(std::move(described))));
  REQUIRE(out.size() == 1);
  CHECK(out[0].jid("to") == other);
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

TEST_CASE("a group that was left stays left, whatever is said of it") {
  Crew f;
  Node child("remove");
  child.set("prev_v_id", "1").set("v_id", "2").add(Node("participant").set("jid", self));
  const auto notify = [&](Node change) {
    f.stanza(Node("notification")
                 .set("id", "n1")
                 .set("type", "w:gp2")
                 .set("from", crew)
                 .set("participant", ben)
                 .set("t", "1700000002")
                 .add(std::move(change)));
  };
  notify(std::move(child));
  Node promoted("promote");
  promoted.add(Node("participant").set("jid", ben));
  notify(std::move(promoted));
  CHECK_FALSE(storage::find_group(f.store->reader(), f.row.id, crew)->member);
  // It may have come back to it unheard: asked for, and nothing is sent before that is answered.
  CHECK(f.say("hello", "3EB0AA").empty());
}

// --- who asks again

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

TEST_CASE("what waits for a stale group is what was sent there, and not without end") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  f.hear(test::notice(crew, ben, test::change_of("promote", ben, "7", "8")));
  const auto query = queries_to(f.said, crew);
  REQUIRE(query.size() == 1);
  const auto acks = [&] {
    return std::count_if(f.said.begin(), f.said.end(), [](const Node& node) { return node.is("ack"); });
  };
  f.hear(Crew::retry_of(ben, "3EB0FF"));
  CHECK(acks() == 1);  // nothing to wait for
  for (int i = 0; i < 70; ++i) {
    CHECK(f.hear(Crew::retry_of(ben, "3EB0AA")).empty());
    CHECK(acks() == 0);
  }
  CHECK(f.hear(test::described(query[0], f.metadata)).size() == 10);
  CHECK(acks() == 54);  // what is sent is acked when the server has it
  // There is room again.
  CHECK(f.hear(Crew::retry_of(carl, "3EB0AA")).size() == 1);
}

TEST_CASE("who asks again while the server cannot describe the group gets the message when it can") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  f.hear(test::notice(crew, ben, test::change_of("promote", ben, "7", "8")));
  auto query = queries_to(f.said, crew);
  REQUIRE(query.size() == 1);
  const auto acks = [&] {
    return std::count_if(f.said.begin(), f.said.end(), [](const Node& node) { return node.is("ack"); });
  };
  CHECK(f.hear(Crew::retry_of(ben, "3EB0AA")).empty());
  CHECK(f.hear(test::error_of(query[0], 429)).empty());
  CHECK(acks() == 0);
  f.said.clear();
  CHECK(f.say("again", "3EB0BB").empty());
  query = queries_to(f.said, crew);
  REQUIRE(query.size() == 1);
  const auto out = f.hear(test::described(query[0], f.metadata));
  CHECK(acks() == 0);
  CHECK(std::count_if(out.begin(), out.end(), [](const Node& node) {
          return node.attr("id") == "3EB0AA" && node.jid("participant") == ben;
        }) == 1);
  f.accepted("3EB0AA");
  CHECK(acks() == 1);
}

TEST_CASE("what is sent again under a name that is over is sent once more when the group is known again") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  REQUIRE(f.hear(Crew::retry_of(ben, "3EB0AA")).size() == 1);
  CHECK(f.hear(Crew::ack_of("3EB0AA").set("error", "421").set("addressing_mode", "pn")).empty());
  const auto query = queries_to(f.said, crew);
  REQUIRE(query.size() == 1);
  const auto out = f.hear(test::described(query[0], f.metadata));
  REQUIRE(out.size() == 1);
  CHECK(out[0].attr("id") == "3EB0AA");
  CHECK(out[0].jid("participant") == ben);
  CHECK(f.hear(Crew::ack_of("3EB0AA")).empty());
  CHECK(queries_to(f.said, crew).empty());
}

TEST_CASE("a request is acked when the server has answered what was sent for it: until then it brings it again") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  REQUIRE(f.hear(Crew::retry_of(ben, "3EB0AA")).size() == 1);
  CHECK(f.requests_acked() == 0);
  SECTION("taken") {
    f.accepted("3EB0AA");
    CHECK(f.requests_acked() == 1);
  }
  SECTION("refused, whatever is tried") {
    f.hear(Crew::ack_of("3EB0AA").set("error", "403"));
    CHECK(f.requests_acked() == 1);
  }
  SECTION("refused for now") {
    f.hear(Crew::ack_of("3EB0AA").set("error", "429"));
    CHECK(f.requests_acked() == 0);
  }
  SECTION("not answered in all the time that an ack may take") {
    f.steady += Outbox::ack_patience - 1s;
    f.hear(Node("ib"));
    CHECK(f.requests_acked() == 0);
    f.steady += 1s;
    f.hear(Node("ib"));
    CHECK(f.requests_acked() == 1);
  }
  SECTION("each in the order in which they were sent") {
    REQUIRE(f.hear(Crew::retry_of(carl, "3EB0AA")).size() == 1);
    for (const Jid& who : {ben, carl}) {
      f.accepted("3EB0AA");
      REQUIRE(f.requests_acked() == 1);
      CHECK(f.said[0].jid("participant") == who);
    }
  }
}

TEST_CASE("what is refused under a name that is over is sent once more though the connection or the process ends") {
  Crew f;
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  REQUIRE(f.hear(Crew::retry_of(ben, "3EB0AA")).size() == 1);
  CHECK(f.hear(Crew::ack_of("3EB0AA").set("error", "421").set("addressing_mode", "pn")).empty());
  CHECK(f.requests_acked() == 0);
  SECTION("the process") {
    f.reopen();
    f.begin();
  }
  SECTION("the connection") { f.cut(); }
  const auto query = queries_to(f.go_online(), crew);
  REQUIRE(query.size() == 1);
  // As it was not acked, the server brings it again.
  CHECK(f.hear(Crew::retry_of(ben, "3EB0AA")).empty());
  CHECK(f.requests_acked() == 0);
  const auto out = f.hear(test::described(query[0], f.metadata));
  REQUIRE(out.size() == 1);
  CHECK(out[0].jid("participant") == ben);
  f.accepted("3EB0AA");
  CHECK(f.requests_acked() == 1);
}

TEST_CASE("who asks for a message of a group and is not known there has the group asked for, once") {
  Crew f;
  f.members.emplace(dora, Member{f.befriend(dora), {}});
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  CHECK(f.hear(Crew::retry_of(dora, "3EB0FF")).empty());
  CHECK(queries_to(f.said, crew).empty());  // nothing that we said
  CHECK(f.hear(Crew::retry_of(dora, "3EB0AA")).empty());
  CHECK(f.requests_acked() == 0);
  const auto query = queries_to(f.said, crew);
  REQUIRE(query.size() == 1);
  SECTION("she is in it: the notification that says so has not come yet, or never will") {
    f.metadata.members.push_back(groups::person(dora));
    f.metadata.size = 4;
    const auto out = f.hear(test::described(query[0], f.metadata));
    REQUIRE(out.size() == 1);
    CHECK(out[0].attr("id") == "3EB0AA");
    CHECK(out[0].jid("participant") == dora);
  }
  SECTION("she is not") {
    CHECK(f.hear(test::described(query[0], f.metadata)).empty());
    CHECK(f.requests_acked() == 1);
    CHECK(f.hear(Crew::retry_of(dora, "3EB0AA")).empty());
    CHECK(f.requests_acked() == 1);
    CHECK(queries_to(f.said, crew).empty());
  }
  SECTION("the server does not say it now") {
    CHECK(f.hear(test::error_of(query[0], 429)).empty());
    CHECK(f.requests_acked() == 0);
  }
}

TEST_CASE("a clock that is behind keeps nobody from a message that was not acked yet") {
  Crew f;
  constexpr std::uint64_t behind = 12 * 3600;  // seconds
  f.have_phone();
  for (groups::Participant& member : f.metadata.members) member.joined_at = 1'700'000'000 + behind;
  f.describe();
  REQUIRE(f.say("hello", "3EB0AA").size() == 1);
  const Jid who = GENERATE(ben, self);
  const auto resent = f.hear(Crew::retry_of(who, "3EB0AA").set("t", 1'700'000'060 + behind));
  REQUIRE(resent.size() == 1);
  CHECK(resent[0].jid("participant") == who);
}

TEST_CASE("the account's own devices get what it says to a group, whenever it came there") {
  Crew f;
  f.have_phone();
  f.say("hello", "3EB0AA");
  f.accepted("3EB0AA");
  for (groups::Participant& member : f.metadata.members) member.joined_at = 1'700'043'200;
  f.describe();
  CHECK(f.hear(Crew::retry_of(self, "3EB0AA")).size() == 1);
  CHECK(f.hear(Crew::retry_of(ben, "3EB0AA")).empty());
}

TEST_CASE("a device that no list names introduces itself by its keys, and costs the others no other key") {
  Crew f;
  const auto first = f.say("hello", "3EB0AA");
  for (const Jid& who : {ben, carl}) CHECK(f.read(who, first.at(0)) == "hello");
  f.accepted("3EB0AA");
  const Jid tablet = ben.with_device(5);
  f.members.emplace(tablet, Member{SignalPeer::make(f.random, 77), {}});
  const auto bundle = f.members.at(tablet).peer.bundle();
  Node keys("keys");
  keys.add(Node("type").bytes(Bytes{5})).add(Node("identity").bytes(bundle.identity));
  keys.add(protocol::key_node(bundle.one_time->id, bundle.one_time->pub));
  keys.add(protocol::signed_key_node(bundle.signed_pre_key_id, bundle.signed_pre_key, bundle.signed_pre_key_signature));
  CHECK(f.hear(Crew::retry_of(tablet, "3EB0AA").add(std::move(keys))).size() == 1);
  f.said.clear();
  CHECK(f.say("again", "3EB0BB").empty());
  REQUIRE(f.lists_asked().size() == 1);
  Node names("device-list");
  names.add(Node("device").set("id", "0")).add(Node("device").set("id", "5").set("key-index", "1"));
  const auto second = f.hear(test::result_of(f.lists_asked()[0])
                                 .add(Node("usync").add(Node("list").add(
                                     Node("user").set("jid", ben).add(Node("devices").add(std::move(names)))))));
  REQUIRE(second.size() == 1);
  CHECK(keys_in(second[0]) == 1);  // for the tablet alone
  CHECK(f.read(ben, second[0]) == "again");
  CHECK(f.read(carl, second[0]) == "again");
}
