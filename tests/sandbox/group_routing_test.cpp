// The way of messages and receipts in groups. Specification 06 section 8.

#include <algorithm>
#include <catch2/catch.hpp>

#include "protocol/messages/message_id.h"
#include "protocol/stanzas/ack.h"
#include "sandbox/network/groups/group.h"
#include "tests/sandbox/group_world.h"

namespace wharf::sandbox::test {

using groups::MemberAction;
using Strings = std::vector<std::string>;

namespace {

std::vector<Node> copies(const Inbox& inbox, std::string_view id) {
  std::vector<Node> out;
  for (const auto& node : inbox.tagged("message")) {
    if (node.attr("id") == id) out.push_back(node);
  }
  return out;
}

/// The newest copy; fails the test when there is none.
Node copy(const Inbox& inbox, std::string_view id) {
  const auto all = copies(inbox, id);
  REQUIRE_FALSE(all.empty());
  return all.back();
}

Strings enc_types(const Node& message) {
  Strings types;
  for (const auto* enc : message.children("enc")) types.push_back(enc->attr("type"));
  return types;
}

Node ack(const Inbox& inbox, std::string_view id) {
  for (auto node = inbox.all.rbegin(); node != inbox.all.rend(); ++node) {
    if (node->is("ack") && node->attr("id") == id) return *node;
  }
  FAIL("no ack of " << id);
  throw 0;
}

Node receipt(const Node& message, std::string_view type = {}) {
  Node out("receipt");
  out.set("id", message.attr("id")).set("to", *message.jid("from")).set("participant", *message.jid("participant"));
  if (!type.empty()) out.set("type", type);
  return out;
}

struct GroupScene : GroupWorld {
  Jid group = make({&ben, &cleo});
  std::vector<Jid> everybody() { return {lid(anna), desk->lid(), lid(ben), bens->lid(), lid(cleo)}; }
};

}  // namespace

TEST_CASE("a message to a group reaches every device of every member, the key before what it opens") {
  GroupScene s;
  auto message = group_message("m1", s.group, {lid(s.ben), s.bens->lid()});
  message.set("phash", protocol::participant_hash(s.everybody()));
  message.add(Node("meta").set("polltype", "creation"));
  s.desk->send(message);

  const auto to_ben = copy(*s.bens->inbox, "m1");
  CHECK(to_ben.jid("from") == s.group);
  CHECK(to_ben.jid("participant") == s.desk->lid());
  CHECK(to_ben.jid("participant_pn") == pn(s.anna));
  CHECK(to_ben.attr("addressing_mode") == "lid");
  CHECK(to_ben.attr("type") == "text");
  CHECK(to_ben.attr("notify") == "Anna");
  CHECK_FALSE(to_ben.has("recipient"));
  CHECK(enc_types(to_ben) == Strings{"msg", "skmsg"});
  CHECK(to_ben.children("enc")[0]->text() == "key for " + s.bens->lid().to_string());
  CHECK(to_ben.children("enc")[1]->text() == "for all m1");
  CHECK(to_ben.child("meta"));
  CHECK_FALSE(to_ben.child("participants"));

  CHECK(enc_types(copy(s.cleo.inbox, "m1")) == Strings{"skmsg"});  // it has the key, or asks again
  CHECK(enc_types(copy(s.anna.inbox, "m1")) == Strings{"skmsg"});  // the own phone
  CHECK(copies(*s.desk->inbox, "m1").empty());                     // never to the sending device
  CHECK(copies(s.dora.inbox, "m1").empty());
  const auto told = ack(*s.desk->inbox, "m1");
  CHECK_FALSE(told.has("error"));
  CHECK_FALSE(told.has("phash"));
  CHECK(told.jid("from") == s.group);
  CHECK(told.attr("t") == to_ben.attr("t"));
}

TEST_CASE("a listener hears of each message whenever it is taken, with who is in the group then") {
  GroupScene s;
  Strings heard;
  s.world.network.on_group_message = [&](const TakenGroupMessage& taken) {
    heard.push_back(text_of(taken.from) + " " + taken.id + " " + std::string(protocol::as_text(taken.shared)) + " " +
                    std::to_string(taken.group.members.size()) + (taken.again ? " again" : ""));
  };
  const auto message = group_message("m1", s.group, {lid(s.ben)});
  s.desk->send(message);
  s.desk->send(message);
  REQUIRE(s.change(s.anna, s.group, MemberAction::remove, {lid(s.ben)}) == Strings{""});
  s.ben.send(group_message("m2", s.group, {}));
  s.anna.send(group_message("m3", s.group, {}));
  const std::string first = text_of(s.desk->key) + " m1 for all m1 3";
  CHECK(heard == Strings{first, first + " again", "15550000001:0 m3 for all m3 2"});
  REQUIRE(s.world.network.groups().size() == 1);
  CHECK(s.world.network.groups()[0]->jid() == s.group);
}

TEST_CASE("what vouches for a companion goes with a first message alone") {
  GroupScene s;
  auto message = group_message("m1", s.group, {lid(s.ben)});
  auto& participants = std::get<std::vector<Node>>(message.content)[0];
  Node enc("enc");
  enc.set("v", "2").set("type", "pkmsg").text("first");
  participants.add(Node("to").set("jid", s.bens->lid()).add(std::move(enc)));
  message.add(Node("device-identity").bytes(Bytes{1, 2, 3}));
  s.desk->send(message);
  CHECK(copy(*s.bens->inbox, "m1").child("device-identity"));
  CHECK_FALSE(copy(s.ben.inbox, "m1").child("device-identity"));
  CHECK_FALSE(copy(s.cleo.inbox, "m1").child("device-identity"));
}

TEST_CASE("a group by number is written to by number") {
  GroupWorld w;
  w.world.network.faults().groups_by_number = true;
  const auto group = w.make({&w.ben});
  w.anna.send(group_message("m1", group, {pn(w.ben)}, "pn"));
  const auto got = copy(w.ben.inbox, "m1");
  CHECK(got.jid("participant") == pn(w.anna));
  CHECK(got.jid("participant_lid") == lid(w.anna));
  CHECK(got.attr("addressing_mode") == "pn");
  w.anna.send(group_message("m2", group, {lid(w.ben)}, "lid"));
  CHECK(ack(w.anna.inbox, "m2").attr("error") == "421");
  CHECK(ack(w.anna.inbox, "m2").attr("addressing_mode") == "pn");
}

TEST_CASE("messages that break a rule of groups are nacked and delivered to nobody") {
  GroupScene s;
  Node message = group_message("m1", s.group, {lid(s.ben)});
  std::string code;
  Primary* sender = &s.anna;
  SECTION("an unknown group") {
    message = group_message("m1", Jid("120363000000000000", "g.us"), {lid(s.ben)});
    code = "404";
  }
  SECTION("who is not in it") {
    sender = &s.dora;
    code = "401";
  }
  SECTION("a stale addressing mode") {
    message = group_message("m1", s.group, {pn(s.ben)}, "pn");
    code = "421";
  }
  SECTION("a mode that is not said, but shows") {
    message = group_message("m1", s.group, {pn(s.ben)}, "");
    code = "421";
  }
  SECTION("mixed namespaces") {
    message = group_message("m1", s.group, {lid(s.ben), pn(s.cleo)});
    code = "400";
  }
  SECTION("no enc") {
    message = Node("message");
    message.set("id", "m1").set("to", s.group).set("addressing_mode", "lid");
    code = "400";
  }
  SECTION("a participant on a message to all") {
    message.set("participant", lid(s.ben));
    code = "479";
  }
  SECTION("a resend to nobody in particular") {
    message = Node("message");
    message.set("id", "m1").set("to", s.group).set("addressing_mode", "lid");
    message.add(Node("enc").set("v", "2").set("type", "msg").text("resent"));
    code = "479";
  }
  SECTION("a resend to a device by its name in the other mode") {
    message = Node("message");
    message.set("id", "m1").set("to", s.group).set("participant", pn(s.ben)).set("addressing_mode", "lid");
    message.add(Node("enc").set("v", "2").set("type", "msg").text("resent"));
    code = "479";
  }
  SECTION("over a megabyte") {
    message = group_message("m1", s.group, {});
    message.add(Node("enc").set("v", "2").set("type", "skmsg"));
    std::get<std::vector<Node>>(message.content)[0].text(std::string(1'100'000, 'x'));
    code = "400";
  }
  SECTION("a member where only admins send") {
    REQUIRE(s.refused(s.anna, groups::SetFlag{s.group, groups::Flag::announcement, true}).empty());
    sender = &s.cleo;
    code = "403";
  }
  SECTION("a member that takes back what another wrote") {
    message.set("edit", "8");
    sender = &s.cleo;
    code = "403";
  }
  sender->send(message);
  CHECK(ack(sender->inbox, "m1").attr("error") == code);
  CHECK(copies(s.ben.inbox, "m1").empty());
  CHECK(copies(s.cleo.inbox, "m1").empty());
  // A refused id is not remembered: sent correctly it goes through.
  s.anna.send(group_message("m1", s.group, {lid(s.ben)}));
  if (sender == &s.anna) CHECK(copies(s.ben.inbox, "m1").size() == 1);
}

TEST_CASE("admins send where only they may, and take back what others wrote") {
  GroupScene s;
  REQUIRE(s.refused(s.anna, groups::SetFlag{s.group, groups::Flag::announcement, true}).empty());
  REQUIRE(s.change(s.anna, s.group, MemberAction::promote, {lid(s.ben)}) == Strings{""});
  s.ben.send(group_message("m1", s.group, {}));
  auto revoke = group_message("m2", s.group, {});
  s.ben.send(revoke.set("edit", "8"));
  CHECK(copy(s.cleo.inbox, "m1").jid("participant") == lid(s.ben));
  CHECK(copy(s.cleo.inbox, "m2").attr("edit") == "8");
}

TEST_CASE("a wrong participant hash is answered with the true one, and a resend reaches who was missed alone") {
  GroupScene s;
  auto message = group_message("m1", s.group, {lid(s.ben)});
  message.set("phash", protocol::participant_hash(std::vector<Jid>{lid(s.anna), lid(s.ben), lid(s.cleo)}));
  s.anna.send(message);
  const auto first = ack(s.anna.inbox, "m1");
  CHECK(first.attr("phash") == protocol::participant_hash(s.everybody()));
  s.world.clock.advance(5'000);
  auto again = group_message("m1", s.group, {lid(s.ben), s.bens->lid()});
  s.anna.send(again.set("phash", protocol::participant_hash(s.everybody())));
  const auto second = ack(s.anna.inbox, "m1");
  CHECK_FALSE(second.has("phash"));
  CHECK(second.attr("t") == first.attr("t"));
  CHECK(copies(s.ben.inbox, "m1").size() == 1);
  CHECK(copies(s.cleo.inbox, "m1").size() == 1);
  CHECK(copies(*s.bens->inbox, "m1").size() == 1);
  CHECK(s.world.network.stats().duplicate_sends == 1);
}

TEST_CASE("a key for somebody who has left is left out and shows in the hash") {
  GroupScene s;
  REQUIRE(s.change(s.anna, s.group, MemberAction::remove, {lid(s.cleo)}) == Strings{""});
  s.anna.send(group_message("m1", s.group, {lid(s.ben), lid(s.cleo)}));
  CHECK(copies(s.cleo.inbox, "m1").empty());
  CHECK(copies(s.ben.inbox, "m1").size() == 1);
  CHECK(ack(s.anna.inbox, "m1").attr("phash") ==
        protocol::participant_hash(std::vector<Jid>{lid(s.anna), s.desk->lid(), lid(s.ben), s.bens->lid()}));
}

TEST_CASE("a device that cannot read asks its author, and the resend is for it alone") {
  GroupScene s;
  s.desk->send(group_message("m1", s.group, {lid(s.ben)}));
  const auto got = copy(s.cleo.inbox, "m1");
  Node retry = receipt(got, "retry");
  retry.add(Node("retry").set("count", "1").set("id", "m1").set("t", got.attr("t")).set("v", "1"));
  retry.add(Node("registration").bytes(Bytes{0, 0, 0, 1}));
  s.cleo.send(retry);
  const auto* asked = s.desk->inbox->last("receipt");
  REQUIRE(asked);
  CHECK(asked->attr("type") == "retry");
  CHECK(asked->jid("from") == s.group);
  CHECK(asked->jid("participant") == lid(s.cleo));
  CHECK(asked->child("retry"));
  CHECK(asked->child("registration"));
  CHECK(asked->has("t"));
  CHECK(s.anna.inbox.tagged("receipt").empty());  // the sending device, not its account
  CHECK(ack(s.cleo.inbox, "m1").attr("class") == "receipt");

  const auto others = copies(s.ben.inbox, "m1").size();
  Node resend("message");
  resend.set("id", "m1").set("to", s.group).set("type", "text").set("participant", lid(s.cleo));
  resend.set("addressing_mode", "lid");
  resend.add(Node("enc").set("v", "2").set("type", "msg").set("count", "1").text("resent"));
  s.desk->send(resend);
  const auto again = copy(s.cleo.inbox, "m1");
  CHECK(copies(s.cleo.inbox, "m1").size() == 2);
  CHECK(enc_types(again) == Strings{"msg"});
  CHECK(again.children("enc")[0]->attr("count") == "1");
  CHECK(again.jid("participant") == s.desk->lid());
  CHECK(copies(s.ben.inbox, "m1").size() == others);
  CHECK_FALSE(ack(*s.desk->inbox, "m1").has("error"));
  s.desk->send(resend);  // nobody asked again
  CHECK(copies(s.cleo.inbox, "m1").size() == 2);
  CHECK(s.world.network.stats().retries_relayed == 1);
}

TEST_CASE("the answer of a client that fans out once more reaches who asked and nobody else") {
  GroupScene s;
  s.anna.send(group_message("m1", s.group, {lid(s.ben)}));
  const auto got = copy(s.cleo.inbox, "m1");
  Node retry = receipt(got, "retry");
  s.cleo.send(retry.add(Node("retry").set("count", "1").set("id", "m1")));
  s.anna.send(group_message("m1", s.group, {lid(s.ben), lid(s.cleo)}));
  CHECK(copies(s.cleo.inbox, "m1").size() == 2);
  CHECK(copies(s.ben.inbox, "m1").size() == 1);
}

TEST_CASE("receipts in a group go to the author's devices, and reading to the reader's own, too") {
  GroupScene s;
  s.desk->send(group_message("m1", s.group, {}));
  const auto got = copy(*s.bens->inbox, "m1");
  s.bens->send(receipt(got));
  for (const Inbox* inbox : {&s.anna.inbox, s.desk->inbox.get()}) {
    const auto* told = inbox->last("receipt");
    REQUIRE(told);
    CHECK(told->jid("from") == s.group);
    CHECK(told->jid("participant") == s.bens->lid());
    CHECK(told->attr("id") == "m1");
    CHECK_FALSE(told->has("type"));
    CHECK(told->has("t"));
  }
  CHECK(s.ben.inbox.tagged("receipt").empty());
  CHECK(s.cleo.inbox.tagged("receipt").empty());

  // Whatever Ben's setting: in groups reading is told.
  Node privacy("iq");
  privacy.set("type", "set").set("xmlns", "privacy").set("id", s.world.id()).set("to", protocol::server_jid());
  s.bens->send(privacy.add(Node("privacy").add(Node("category").set("name", "readreceipts").set("value", "none"))));
  Node read = receipt(got, "read");
  read.set("participant", lid(s.anna));  // the user alone, as clients write it
  s.bens->send(read);
  CHECK(s.desk->inbox->last("receipt")->attr("type") == "read");
  const auto* own = s.ben.inbox.last("receipt");
  REQUIRE(own);
  CHECK(own->jid("from") == s.group);
  CHECK(own->jid("participant") == s.bens->lid());
  CHECK(own->attr("type") == "read-self");
}

TEST_CASE("a device's word on its own account's message concerns nobody else") {
  GroupScene s;
  s.desk->send(group_message("m1", s.group, {}));
  s.anna.send(receipt(copy(s.anna.inbox, "m1"), "sender"));
  CHECK(s.desk->inbox->tagged("receipt").empty());
  CHECK(s.world.network.queue_length(s.anna.key()) > 0);  // notifications nobody acked
  const auto all = s.anna.inbox.tagged("message");
  CHECK(all.size() == 1);
}

TEST_CASE("receipts for one message in a large group come together") {
  GroupScene s;
  s.world.network.settings().aggregate_receipts_from = 3;
  s.desk->send(group_message("m1", s.group, {}));
  s.ben.send(receipt(copy(s.ben.inbox, "m1")));
  s.world.clock.advance(50);
  s.cleo.send(receipt(copy(s.cleo.inbox, "m1")));
  s.bens->send(receipt(copy(*s.bens->inbox, "m1")));
  CHECK(s.desk->inbox->tagged("receipt").empty());
  s.world.clock.advance(50);
  REQUIRE(s.desk->inbox->tagged("receipt").size() == 1);
  const auto told = protocol::read_receipt_stanza(*s.desk->inbox->last("receipt"));
  REQUIRE(told);
  CHECK(s.desk->inbox->last("receipt")->attr("id") != "m1");
  REQUIRE(told->together.size() == 1);
  CHECK(told->together[0].id == "m1");
  const auto& users = told->together[0].users;
  REQUIRE(users.size() == 2);  // of Ben's two devices one is told
  CHECK(users[0].jid == lid(s.ben));
  CHECK(users[1].jid == lid(s.cleo));
  CHECK(s.anna.inbox.tagged("receipt").size() == 1);

  s.cleo.send(receipt(copy(s.cleo.inbox, "m1"), "read"));
  s.world.clock.advance(100);
  const auto* alone = s.desk->inbox->last("receipt");
  CHECK(alone->attr("id") == "m1");
  CHECK(alone->jid("participant") == lid(s.cleo));
}

TEST_CASE("receipts of several members with one id are settled each by its own ack") {
  GroupScene s;
  s.desk->send(group_message("m1", s.group, {}));
  s.ben.send(receipt(copy(s.ben.inbox, "m1")));
  s.cleo.send(receipt(copy(s.cleo.inbox, "m1")));
  REQUIRE(s.desk->inbox->tagged("receipt").size() == 2);
  s.desk->send(protocol::ack_for(s.desk->inbox->tagged("receipt")[1], std::nullopt));
  REQUIRE(s.desk->login());
  const auto left = s.desk->inbox->tagged("receipt");
  REQUIRE(left.size() == 1);
  CHECK(left[0].jid("participant") == lid(s.ben));
}

TEST_CASE("chat state in a group is told to the others") {
  GroupScene s;
  Node state("chatstate");
  s.bens->send(state.set("to", s.group).add(Node("composing")));
  const auto* told = s.desk->inbox->last("chatstate");
  REQUIRE(told);
  CHECK(told->jid("from") == s.group);
  CHECK(told->jid("participant") == lid(s.ben));
  CHECK(s.ben.inbox.tagged("chatstate").empty());
  CHECK(s.dora.inbox.tagged("chatstate").empty());
}

TEST_CASE("faults befall a companion's message: another addressing, a member gone, keys lost, a stranger") {
  GroupScene s;
  auto& faults = s.world.network.faults();
  SECTION("another addressing") {
    faults.switch_group_addressing = 1;
    s.anna.send(group_message("m0", s.group, {}));  // of a phone: nothing happens
    CHECK_FALSE(ack(s.anna.inbox, "m0").has("error"));
    s.desk->send(group_message("m1", s.group, {lid(s.ben)}));
    CHECK(ack(*s.desk->inbox, "m1").attr("error") == "421");
    CHECK(ack(*s.desk->inbox, "m1").attr("addressing_mode") == "pn");
    CHECK(s.metadata(s.ben, s.group).addressing_mode == groups::AddressingMode::phone_number);
    s.desk->send(group_message("m1", s.group, {pn(s.ben)}, "pn"));
    CHECK(copy(s.ben.inbox, "m1").jid("participant") == s.desk->pn());
  }
  SECTION("a member gone") {
    faults.remove_group_member = 1;
    auto message = group_message("m1", s.group, {lid(s.ben), lid(s.cleo)});
    s.desk->send(message.set("phash", protocol::participant_hash(s.everybody())));
    CHECK(copies(s.cleo.inbox, "m1").empty());
    CHECK(count(s.cleo.inbox, "remove") == 1);
    CHECK(copies(s.ben.inbox, "m1").size() == 1);
    CHECK(ack(*s.desk->inbox, "m1").has("phash"));
  }
  SECTION("keys lost") {
    faults.lose_sender_keys = 1;
    s.desk->send(group_message("m1", s.group, {lid(s.ben)}));
    CHECK(enc_types(copy(s.ben.inbox, "m1")) == Strings{"skmsg"});
    s.desk->send(group_message("m2", s.group, {lid(s.ben)}));
    CHECK(enc_types(copy(s.ben.inbox, "m2")) == Strings{"msg", "skmsg"});
  }
  SECTION("a stranger") {
    faults.admit_group_strangers = 1;
    s.dora.send(group_message("m1", s.group, {lid(s.ben)}));
    CHECK(copy(s.ben.inbox, "m1").jid("participant") == lid(s.dora));
    s.dora.send(group_message("m2", s.group, {lid(s.ben)}));
    CHECK(ack(s.dora.inbox, "m2").attr("error") == "401");
  }
}

TEST_CASE("a message waits for a device that is away and is the same when it comes again") {
  GroupScene s;
  s.bens->disconnect();
  s.desk->send(group_message("m1", s.group, {s.bens->lid()}));
  REQUIRE(s.bens->login());
  auto first = copy(*s.bens->inbox, "m1");
  CHECK(first.has("offline"));
  CHECK(enc_types(first) == Strings{"msg", "skmsg"});
  REQUIRE(s.bens->login());
  CHECK(copy(*s.bens->inbox, "m1").children() == first.children());
}

TEST_CASE("a message that was accepted and comes again with other bytes is counted") {
  GroupScene s;
  s.desk->send(group_message("m1", s.group, {}));
  s.desk->send(group_message("m1", s.group, {}));
  CHECK(s.world.network.stats().changed_resends.empty());
  auto other = group_message("m1", s.group, {});
  std::get<std::vector<Node>>(other.content).back().text("otherwise");
  s.desk->send(other);
  CHECK(s.world.network.stats().changed_resends.at(s.desk->key) == 1);
  CHECK(s.world.network.stats().sealed_anew_for_groups.empty());
}

TEST_CASE("a message that is encrypted anew for who was missed is counted apart, while somebody was") {
  GroupScene s;
  const auto again = [&](const char* text) {
    auto other = group_message("m1", s.group, {});
    std::get<std::vector<Node>>(other.content).back().text(text);
    s.desk->send(other.set("phash", protocol::participant_hash(s.everybody())));
  };
  const auto rightly = [&] {
    auto counted = s.world.network.stats().sealed_anew_for_groups;
    return counted[s.desk->key];
  };
  SECTION("the server's answer says that there are others") {
    s.desk->send(group_message("m1", s.group, {}).set("phash", "2:wrong"));
    REQUIRE(ack(*s.desk->inbox, "m1").has("phash"));
    again("otherwise");
    CHECK(rightly() == 1);
    again("and otherwise");  // nothing says so any more
    CHECK(rightly() == 1);
    CHECK(s.world.network.stats().changed_resends.at(s.desk->key) == 2);
  }
  SECTION("members are named otherwise when it comes again") {
    again("first");
    s.world.network.faults().switch_group_addressing = 1;
    again("as before");
    REQUIRE(ack(*s.desk->inbox, "m1").attr("error") == "421");
    auto other = group_message("m1", s.group, {}, "pn");
    std::get<std::vector<Node>>(other.content).back().text("otherwise");
    s.desk->send(other);
    CHECK(s.world.network.stats().changed_resends.empty());
    std::get<std::vector<Node>>(other.content).back().text("and otherwise");
    s.desk->send(other);
    CHECK(rightly() == 0);
    CHECK(s.world.network.stats().changed_resends.at(s.desk->key) == 1);
  }
}

}  // namespace wharf::sandbox::test
