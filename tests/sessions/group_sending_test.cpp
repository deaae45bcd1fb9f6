// Messages to a group from a real Session, read by members that hold their own keys: who gets the sender key, when it
// is another one, what a cut or a refusal does.
#include <catch2/catch.hpp>

#include <map>

#include "protocol/groups/metadata.h"
#include "protocol/messages/content.h"
#include "protocol/messages/message_id.h"
#include "protocol/messages/padding.h"
#include "protocol/signal/sender_key.h"
#include "tests/sessions/sending.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Bytes;
using protocol::Node;
using storage::AckLevel;
using test::SignalPeer;

namespace groups = protocol::groups;

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
  void describe() {
    storage::GroupRow told;
    told.group = crew;
    told.metadata = protocol::encode_node(groups::group_node(metadata));
    told.subject = metadata.subject;
    told.fetched_at = now_ms;
    storage::Changes changes;
    changes.add(storage::PutGroup{row.id, told});
    store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  }
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
    for (const Node& node : sent(effects))
      if (node.is("message")) out.push_back(node);
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
  std::vector<Node> accepted(const std::string& id, const std::string& phash = "") {
    Node node("ack");
    node.set("class", "message").set("id", id).set("from", crew).set("t", "1700000001");
    if (!phash.empty()) node.set("phash", phash);
    std::vector<Node> out;
    collect(out, stanza(std::move(node)));
    return out;
  }
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

TEST_CASE("a group that is not known is asked for before anything is sent there") {
  Crew f;
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
  const auto first = f.say("hello", "3EB0AA");
  CHECK(f.read(ben, first.at(0)) == "hello");
  const auto asked = f.sent(f.stanza(Node("ack")
                                         .set("class", "message")
                                         .set("id", "3EB0AA")
                                         .set("from", crew)
                                         .set("t", "1700000001")
                                         .set("phash", "2:AAAAAAAA")));
  CHECK(f.level("3EB0AA") == AckLevel::server);
  // The group and the lists of its members are asked for again.
  CHECK(std::any_of(asked.begin(), asked.end(), [](const Node& node) { return node.attr("xmlns") == "w:g2"; }));
}

TEST_CASE("a stale way of addressing is asked for again and the message sealed anew, once") {
  Crew f;
  f.say("hello", "3EB0AA");
  const auto refused = [&](const std::string& id) {
    return f.sent(f.stanza(Node("ack")
                               .set("class", "message")
                               .set("id", id)
                               .set("from", crew)
                               .set("t", "1700000001")
                               .set("error", "421")
                               .set("addressing_mode", "lid")));
  };
  const auto asked = refused("3EB0AA");
  const auto query =
      std::find_if(asked.begin(), asked.end(), [](const Node& node) { return node.attr("xmlns") == "w:g2"; });
  REQUIRE(query != asked.end());
  CHECK(f.level("3EB0AA") == AckLevel::pending);
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

TEST_CASE("a group that the account comes into by a link is known at once, and asked for") {
  Crew f;
  const Jid other("120363000000000002", "g.us");
  Node added("add");
  added.set("reason", "invite").set("v_id", "8").add(Node("participant").set("jid", self));
  const auto asked = f.sent(f.stanza(Node("notification")
                                         .set("id", "n1")
                                         .set("type", "w:gp2")
                                         .set("from", other)
                                         .set("participant", self)
                                         .set("t", "1700000002")
                                         .add(std::move(added))));
  const auto row = storage::find_group(f.store->reader(), f.row.id, other);
  REQUIRE(row.has_value());
  CHECK(row->member);
  CHECK(row->stale);  // not to be encrypted to by what is not a list
  const auto query = std::find_if(asked.begin(), asked.end(), [&](const Node& node) {
    return node.is("iq") && node.attr("xmlns") == "w:g2" && node.jid("to") == other;
  });
  REQUIRE(query != asked.end());
  groups::GroupMetadata told = f.metadata;
  told.group = other;
  f.stanza(
      Node("iq").set("type", "result").set("id", query->attr("id")).set("from", other).add(groups::group_node(told)));
  const auto known = storage::find_group(f.store->reader(), f.row.id, other);
  CHECK(known->subject == "crew");
  CHECK_FALSE(known->stale);
}
