// Phones in groups: what they know of them, what they say there and to whom they give their keys. Specification 03
// sections 2, 5.1 and 8, 05 section 5.

#include <algorithm>
#include <catch2/catch.hpp>

#include "protocol/stanzas/ack.h"
#include "tests/sandbox/group_phones.h"

namespace wharf::sandbox::test {

using groups::MemberAction;
using Strings = std::vector<std::string>;

namespace {

/// The types of the encs of a group's message as a companion got it.
Strings encs_of(const Client& client, const std::string& id) {
  Strings types;
  for (const auto& node : client.received) {
    if (!node.is("message") || node.attr("id") != id) continue;
    types.clear();
    for (const auto* enc : node.children("enc")) types.push_back(enc->attr("type"));
  }
  return types;
}

/// The id of the sender key that a message was under.
std::uint32_t key_of(const Client& client, const std::string& id) {
  for (const auto& node : client.received) {
    if (!node.is("message") || node.attr("id") != id) continue;
    for (const auto* enc : node.children("enc")) {
      if (enc->attr("type") != "skmsg") continue;
      const auto key = protocol::read_group_message_key(enc->data());
      REQUIRE(key);
      return key->key_id;
    }
  }
  FAIL("no message " << id);
  return 0;
}

const PhoneMessage& with_id(const Phone& phone, const std::string& id) {
  const auto& all = phone.messages();
  const auto found = std::find_if(all.begin(), all.end(), [&](const PhoneMessage& m) { return m.id == id; });
  REQUIRE(found != all.end());
  return *found;
}

void check_quiet(GroupPhones& w) {
  for (const auto* phone : {&w.anna, &w.ben, &w.cleo, &w.dora}) {
    INFO(phone->number());
    CHECK(w.network.queue_length({phone->number(), 0}) == 0);
  }
  CHECK(w.network.stats().unknown_iqs == 0);
  CHECK(w.network.stats().reused_message_keys == 0);
}

}  // namespace

TEST_CASE("what one phone says in a group all others read, and it sees who has got and read it") {
  GroupPhones w;
  const auto group = w.make({&w.ben, &w.cleo});
  const auto id = w.send(w.anna, group, "hello");
  for (const Phone* phone : {&w.ben, &w.cleo}) {
    const PhoneMessage* got = with_text(*phone, "hello");
    REQUIRE(got);
    CHECK(got->id == id);
    CHECK(got->chat == group);
    CHECK(got->author == w.anna.number());
    CHECK(got->status == "received");
  }
  CHECK(texts(w.dora).empty());
  CHECK(w.status(w.anna, "hello") == "delivered");
  CHECK(with_text(w.anna, "hello")->recipients ==
        std::map<std::string, std::string>{{w.ben.number(), "delivered"}, {w.cleo.number(), "delivered"}});

  REQUIRE(w.ben.read(group));
  w.settle();
  CHECK(with_text(w.anna, "hello")->recipients.at(w.ben.number()) == "read");
  CHECK(w.status(w.anna, "hello") == "delivered");  // the least of all
  CHECK(*w.cleo.read(group, id) == 1);
  w.settle();
  CHECK(w.status(w.anna, "hello") == "read");
  CHECK(w.status(w.ben, "hello") == "read");

  w.send(w.ben, group, "hi");
  w.send(w.cleo, group, "good morning");
  CHECK(texts(w.anna) == Strings{"hello", "hi", "good morning"});
  CHECK(texts(w.cleo) == Strings{"hello", "hi", "good morning"});
  check_quiet(w);
}

TEST_CASE("phones know their groups from what they are told") {
  GroupPhones w;
  const auto group = w.make({&w.ben});
  const Jid jid = *Jid::parse(group);
  REQUIRE(w.ben.group(group));
  CHECK(w.ben.group(group)->data.subject == "Walks");
  CHECK(w.ben.group(group)->members.size() == 2);
  CHECK(w.cleo.group(group) == nullptr);
  CHECK_FALSE(w.cleo.send({group, "let me in", {}, {}}));
  w.change(w.anna, group, MemberAction::add, {&w.cleo});
  REQUIRE(w.cleo.group(group));  // she was told of herself alone, and asked for the rest
  CHECK(w.cleo.group(group)->members.size() == 3);
  CHECK_FALSE(w.cleo.group(group)->data.stale);
  CHECK(w.ben.group(group)->has(w.cleo.number()));
  w.change(w.anna, group, MemberAction::promote, {&w.ben});
  CHECK(w.cleo.group(group)->is_admin(w.ben.number()));
  REQUIRE(w.refused(w.ben, groups::SetSubject{jid, "Runs"}).empty());
  REQUIRE(w.refused(w.ben, groups::SetEphemeral{jid, {86'400, {}}}).empty());
  CHECK(w.cleo.group(group)->data.subject == "Runs");
  w.send(w.cleo, group, "for a day");
  CHECK(with_text(w.anna, "for a day")->expires_after == 86'400);
  REQUIRE(w.refused(w.ben, groups::LeaveGroups{{jid}}).empty());
  CHECK(w.ben.groups().empty());
  CHECK_FALSE(w.ben.send({group, "one more", {}, {}}));
  CHECK(w.anna.group(group)->phones() == Strings{w.anna.number(), w.cleo.number()});
  check_quiet(w);
}

TEST_CASE("a phone that was away learns what became of its groups") {
  GroupPhones w;
  const auto group = w.make({&w.ben});
  w.ben.power(false);
  w.cleo.power(false);
  w.send(w.anna, group, "one");
  w.change(w.anna, group, MemberAction::add, {&w.cleo});
  w.send(w.anna, group, "two");
  w.ben.power(true);
  w.cleo.power(true);
  w.settle();
  CHECK(texts(w.ben) == Strings{"one", "two"});
  CHECK(texts(w.cleo) == Strings{"two"});
  CHECK(w.ben.group(group)->has(w.cleo.number()));
  check_quiet(w);
}

TEST_CASE("a sender key is given once to each device, and anew when a member has gone") {
  GroupPhones w;
  auto desk = linked_client(w, w.ben);
  const auto group = w.make({&w.ben, &w.cleo});
  const auto first = w.send(w.anna, group, "first");
  CHECK(encs_of(*desk, first) == Strings{"pkmsg", "skmsg"});
  const auto second = w.send(w.anna, group, "second");
  CHECK(encs_of(*desk, second) == Strings{"skmsg"});
  CHECK(key_of(*desk, second) == key_of(*desk, first));

  w.change(w.anna, group, MemberAction::add, {&w.dora});
  const auto third = w.send(w.anna, group, "third");
  CHECK(encs_of(*desk, third) == Strings{"skmsg"});  // whoever comes gets the key, nobody else
  CHECK(texts(w.dora) == Strings{"third"});

  w.change(w.anna, group, MemberAction::remove, {&w.cleo});
  const auto fourth = w.send(w.anna, group, "fourth");
  CHECK(encs_of(*desk, fourth).size() == 2);
  CHECK(key_of(*desk, fourth) != key_of(*desk, first));
  CHECK(texts(w.cleo) == Strings{"first", "second", "third"});
  CHECK(texts(w.dora) == Strings{"third", "fourth"});
  const auto read = desk->read_messages();
  Strings got;
  for (const auto& message : read) {
    if (message.kind == protocol::MessageKind::text) got.push_back(message.text);
  }
  CHECK(got == Strings{"first", "second", "third", "fourth"});
}

TEST_CASE("whoever may have been given a sender key is out of the group with it") {
  GroupPhones w;
  auto desk = linked_client(w, w.ben);
  const auto group = w.make({&w.ben, &w.cleo});
  std::string first;
  SECTION("with a message that asks again brought it") {
    first = w.send(w.anna, group, "first");
    w.cleo.forget_sender_keys();
    w.send(w.anna, group, "second");
    REQUIRE(w.status(w.cleo, "second") == "received");
  }
  SECTION("whose message the server has not acknowledged") {
    w.network.faults().drop_acks = 1;
    first = w.send(w.anna, group, "first");
    REQUIRE(w.status(w.anna, "first") != "server");
  }
  w.change(w.anna, group, MemberAction::remove, {&w.cleo});
  const auto last = w.send(w.anna, group, "last");
  CHECK(key_of(*desk, last) != key_of(*desk, first));
}

TEST_CASE("a device that a member has lost does not read on, a new one gets the key") {
  GroupPhones w;
  auto desk = linked_client(w, w.ben);
  const auto group = w.make({&w.ben});
  const auto first = w.send(w.anna, group, "first");
  auto tablet = linked_client(w, w.ben);
  const auto second = w.send(w.anna, group, "second");
  CHECK(encs_of(*desk, second) == Strings{"skmsg"});
  CHECK(encs_of(*tablet, second) == Strings{"pkmsg", "skmsg"});
  REQUIRE(w.network.unlink(desk->key));
  w.settle();
  const auto third = w.send(w.anna, group, "third");
  CHECK(key_of(*tablet, third) != key_of(*tablet, second));
  CHECK(encs_of(*tablet, third).size() == 2);
}

TEST_CASE("companions take part: the own phone reads what they say, and they what it says") {
  GroupPhones w;
  auto desk = linked_client(w, w.ben);
  const auto group = w.make({&w.ben, &w.cleo});
  desk->send(desk->prepare_in_group(*Jid::parse(group), "from the desk", "D1"));
  w.settle();
  const PhoneMessage* own = with_text(w.ben, "from the desk");
  REQUIRE(own);
  CHECK(own->from_me);
  CHECK(own->device == desk->key.device);
  CHECK(own->chat == group);
  CHECK(with_text(w.cleo, "from the desk")->author == w.ben.number());
  w.send(w.ben, group, "from the phone");
  const auto read = desk->read_messages();
  CHECK(read.back().text == "from the phone");

  // Reading on the companion clears the mark on the phone.
  w.send(w.cleo, group, "unread");
  const auto id = with_text(w.cleo, "unread")->id;
  desk->send(protocol::read_receipt(*Jid::parse(group), w.lid(w.cleo), {id}, 1));
  w.settle();
  CHECK(*w.ben.read(group, id) == 0);
  CHECK(with_text(w.cleo, "unread")->recipients.at(w.ben.number()) == "read");
}

TEST_CASE("what cannot be read is asked for again and heals") {
  GroupPhones w;
  const auto group = w.make({&w.ben, &w.cleo});
  w.send(w.anna, group, "before");
  auto& faults = w.network.faults();
  SECTION("the key got lost") {
    w.change(w.anna, group, MemberAction::add, {&w.dora});
    faults.lose_sender_keys = 1;
    w.send(w.anna, group, "again");
    CHECK(w.status(w.dora, "again") == "received");
  }
  SECTION("a broken signature") {
    faults.corrupt_messages = 1;
    w.send(w.anna, group, "again");
  }
  SECTION("the keys of others are gone") {
    w.ben.forget_sender_keys();
    w.send(w.anna, group, "again");
  }
  SECTION("the keys and the sessions are gone") {
    w.ben.forget_sender_keys();
    w.ben.forget_sessions(w.anna.number());
    w.send(w.anna, group, "again");
  }
  SECTION("a ratchet is damaged when a key is given") {
    w.anna.corrupt_sessions(w.ben.number());
    w.change(w.anna, group, MemberAction::remove, {&w.cleo});
    w.change(w.anna, group, MemberAction::add, {&w.dora});
    w.send(w.anna, group, "again");
  }
  SECTION("a phone that is new") {
    w.ben.reinstall();
    w.settle();
    w.send(w.anna, group, "again");
  }
  CHECK(w.status(w.ben, "again") == "received");
  w.send(w.anna, group, "after");
  CHECK(w.status(w.ben, "after") == "received");
  w.send(w.ben, group, "and back");
  CHECK(w.status(w.anna, "and back") == "received");
  check_quiet(w);
}

TEST_CASE("a phone takes neither keys nor messages of who is not in the group") {
  GroupPhones w;
  const auto group = w.make({&w.ben});
  auto stranger = linked_client(w, w.dora);
  stranger->extra_members = {w.lid(w.anna), w.lid(w.ben)};
  w.network.faults().admit_group_strangers = 1;
  stranger->send(stranger->prepare_in_group(*Jid::parse(group), "let me in", "S1"));
  w.settle();
  for (const Phone* phone : {&w.anna, &w.ben}) {
    REQUIRE(phone->messages().size() == 1);
    CHECK(phone->messages()[0].status == "failed");
    CHECK(phone->messages()[0].failure == "its author is not in the group");
    CHECK(phone->messages()[0].chat == group);
  }
  // Once she is in, the key of then is not known.
  w.change(w.anna, group, MemberAction::add, {&w.dora});
  stranger->send(stranger->prepare_in_group(*Jid::parse(group), "now", "S2"));
  w.settle();
  CHECK(w.status(w.ben, "now") == "received");
  check_quiet(w);
}

TEST_CASE("a forged signature is asked for again under its own error") {
  GroupPhones w;
  const auto group = w.make({&w.ben});
  auto desk = linked_client(w, w.anna);
  desk->send(desk->prepare_in_group(*Jid::parse(group), "forged", "F1", Client::Spoil::signature));
  w.settle();
  CHECK(with_text(w.ben, "forged") == nullptr);
  const auto retry = std::find_if(desk->received.begin(), desk->received.end(), [&](const Node& node) {
    return node.is("receipt") && node.attr("type") == "retry" && node.jid("participant") == w.lid(w.ben);
  });
  REQUIRE(retry != desk->received.end());
  CHECK(retry->child("retry")->attr("error") == "5");
  CHECK(retry->jid("from") == *Jid::parse(group));
}

TEST_CASE("a group that changes its addressing is written to once more under the new names") {
  GroupPhones w;
  auto desk = linked_client(w, w.ben);
  const auto group = w.make({&w.ben, &w.cleo});
  const auto first = w.send(w.anna, group, "first");
  // The fault befalls companions: Ben's is told that it is late.
  w.network.faults().switch_group_addressing = 1;
  desk->send(desk->prepare_in_group(*Jid::parse(group), "late", "L1"));
  w.settle();
  const auto id = w.send(w.anna, group, "renamed");
  CHECK(w.status(w.anna, "renamed") == "delivered");
  CHECK(w.status(w.ben, "renamed") == "received");
  CHECK(w.status(w.cleo, "renamed") == "received");
  CHECK_FALSE(w.anna.group(group)->lid());
  CHECK(key_of(*desk, id) != key_of(*desk, first));
  w.send(w.cleo, group, "so do I");
  CHECK(w.status(w.anna, "so do I") == "received");
}

TEST_CASE("replies, mentions, reactions, edits, votes and files work in groups") {
  GroupPhones w;
  const auto group = w.make({&w.ben, &w.cleo});
  const auto id = w.send(w.anna, group, "shall we go");
  REQUIRE(w.ben.send({group, "yes @Cleo", id, {w.cleo.number()}}));
  w.settle();
  const PhoneMessage* reply = with_text(w.cleo, "yes @Cleo");
  REQUIRE(reply);
  CHECK(reply->quoted_id == id);
  CHECK(reply->mentions == Strings{w.cleo.number()});

  REQUIRE(w.cleo.send({group, {}, {}, {}, PhoneReaction{id, "👍", true}}));
  w.settle();
  const auto& seen = w.ben.messages();
  const auto reaction = std::find_if(seen.begin(), seen.end(), [&](const auto& m) { return m.kind == "reaction"; });
  REQUIRE(reaction != seen.end());
  CHECK(reaction->target == id);
  CHECK(reaction->text == "👍");

  REQUIRE(w.anna.send({group, {}, {}, {}, PhoneEdit{id, "shall we go now"}}));
  w.settle();
  CHECK(with_id(w.cleo, id).edited);
  CHECK(with_id(w.cleo, id).text == "shall we go now");

  const auto poll = w.anna.send({group, {}, {}, {}, protocol::Poll{"when", {"today", "tomorrow"}, 1}});
  REQUIRE(poll);
  w.settle();
  REQUIRE(w.ben.send({group, {}, {}, {}, PhoneVote{*poll, {"tomorrow"}}}));
  w.settle();
  const auto& annas = w.anna.messages();
  const auto vote = std::find_if(annas.begin(), annas.end(), [](const auto& m) { return m.kind == "poll_vote"; });
  REQUIRE(vote != annas.end());
  CHECK(vote->options == Strings{"tomorrow"});
  CHECK_FALSE(w.ben.send({group, {}, {}, {}, PhoneTimer{86'400}}));  // a setting of the group
  check_quiet(w);
}

TEST_CASE("only the author and admins take a message back") {
  GroupPhones w;
  const auto group = w.make({&w.ben, &w.cleo});
  const auto id = w.send(w.ben, group, "oops");
  REQUIRE(w.cleo.send({group, {}, {}, {}, PhoneRevoke{id}}));  // the network refuses it
  w.settle();
  CHECK_FALSE(with_text(w.anna, "oops")->revoked);
  CHECK(w.cleo.messages().back().status == "error");
  REQUIRE(w.anna.send({group, {}, {}, {}, PhoneRevoke{id}}));
  w.settle();
  for (const Phone* phone : {&w.anna, &w.ben}) {
    CHECK(with_id(*phone, id).revoked);
  }
}

TEST_CASE("a phone answers in the group by itself") {
  GroupPhones w;
  const auto group = w.make({&w.ben});
  w.ben.set_auto_reply(Phone::AutoReply{"ping", "pong"});
  w.ben.set_auto_read(true);
  w.send(w.anna, group, "ping");
  CHECK(with_text(w.anna, "pong")->chat == group);
  CHECK(w.status(w.anna, "ping") == "read");
}

TEST_CASE("in a large group receipts come together and are read so") {
  GroupPhones w;
  w.network.settings().aggregate_receipts_from = 3;
  const auto group = w.make({&w.ben, &w.cleo, &w.dora});
  w.send(w.anna, group, "hello");
  CHECK(w.status(w.anna, "hello") == "server");
  w.clock.advance(100);
  CHECK(w.status(w.anna, "hello") == "delivered");
  check_quiet(w);
}

TEST_CASE("groups and their keys survive a restart") {
  GroupPhones w;
  Disk disk;
  const auto group = w.make({&w.ben, &w.cleo});
  w.send(w.anna, group, "first");
  w.send(w.ben, group, "second");
  w.ben.power(false);
  w.send(w.anna, group, "queued");
  disk.commit(w.network, w.phones);
  for (const auto& [key, value] : disk.rows) {
    INFO("row " << static_cast<int>(key.kind) << " of " << key.owner);
    REQUIRE(Disk::row(w.network, w.phones, key) == value);
  }

  PhoneWorld later;
  REQUIRE(disk.load(later.network, later.phones));
  later.settle();
  Phone& anna = *later.phones.find(w.anna.number());
  Phone& ben = *later.phones.find(w.ben.number());
  REQUIRE(anna.group(group));
  CHECK(anna.group(group)->members.size() == 3);
  ben.power(true);
  later.settle();
  CHECK(texts(ben) == Strings{"first", "second", "queued"});
  REQUIRE(anna.send({group, "third", {}, {}}));
  REQUIRE(ben.send({group, "fourth", {}, {}}));
  later.settle();
  CHECK(with_text(ben, "third")->status == "received");
  CHECK(with_text(anna, "fourth")->status == "received");
  CHECK(later.network.stats().retries_relayed == 0);
  CHECK(later.network.stats().reused_message_keys == 0);
}

}  // namespace wharf::sandbox::test
