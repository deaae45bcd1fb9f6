// What peers say about messages: the order in which it comes, and who may say it.
#include "sessions/add_ons.h"

#include <catch2/catch.hpp>

#include "protocol/messages/add_on_secret.h"
#include "protocol/messages/building.h"
#include "protocol/messages/padding.h"
#include "protocol/messages/wire.h"
#include "tests/sessions/conversation.h"

using namespace wharf::sessions;
using namespace wharf::test;
namespace protocol = wharf::protocol;
namespace storage = wharf::storage;
using protocol::Bytes;
using protocol::Jid;
using protocol::Node;
using Fixture = SessionFixture;

TEST_CASE("an edit changes the text of its message, also when it comes first, and the newest counts") {
  Conversation c;
  const Bytes original = c.text("frist");
  const auto edit = [&](std::string text, std::int64_t at) {
    return protocol::build_edit(Conversation::key("3EB0AA01", true), text, original, {}, at, c.f.random).encoded;
  };
  SECTION("behind it") {
    c.arrives("3EB0AA01", original);
    c.arrives("3EB0AA02", edit("first", 1'700'000'001'000));
    CHECK(c.told("message.edited") == 1);
    c.arrives("3EB0AA03", edit("older", 1'700'000'000'500));
    CHECK(c.told("message.edited") == 1);
  }
  SECTION("before it") {
    c.arrives("3EB0AA03", edit("older", 1'700'000'000'500));
    c.arrives("3EB0AA02", edit("first", 1'700'000'001'000));
    CHECK(c.told("message.edited") == 0);
    c.arrives("3EB0AA01", original);
    CHECK(c.told("message.edited") == 2);
  }
  REQUIRE(c.row("3EB0AA01"));
  CHECK(c.row("3EB0AA01")->body == "first");
  CHECK(c.row("3EB0AA01")->edited_at == 1'700'000'001'000);
  const auto page = storage::page_messages(c.f.store->reader(), c.f.row.id, ben, 10, std::nullopt);
  CHECK(page.messages.size() == 1);  // what was said about it is no message
  CHECK(storage::find_chat(c.f.store->reader(), c.f.row.id, ben)->unread == 1);
}

TEST_CASE("an edit that comes long after its message changes nothing") {
  Conversation c;
  const Bytes original = c.text("hello");
  c.arrives("3EB0AA01", original, 1'700'000'000);
  const auto late = protocol::build_edit(Conversation::key("3EB0AA01", true), "rewritten", original, {}, 0, c.f.random);
  c.arrives("3EB0AA02", late.encoded, 1'700'000'000 + 3'600);
  CHECK(c.row("3EB0AA01")->body == "hello");
  CHECK(c.told("message.edited") == 0);
}

TEST_CASE("nobody edits or deletes the messages of another, whatever the key says") {
  Conversation c;
  // Ours, as another device of the account sent it or this one did.
  storage::MessageRow ours;
  ours.session = c.f.row.id;
  ours.chat = ben;
  ours.id = "3EB0AA01";
  ours.from_me = true;
  ours.author = own;
  ours.kind = "text";
  ours.body = "ours";
  ours.timestamp = 1'700'000'000'000;
  storage::Changes changes;
  changes.add(storage::InsertMessage{ours, false, std::nullopt});
  c.f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  const auto body = [&] {
    return storage::find_message_by_id(c.f.store->reader(), c.f.row.id, "3EB0AA01", true)->body;
  };
  for (const bool claims_it : {true, false}) {
    const auto key = Conversation::key("3EB0AA01", claims_it);
    const std::string n = claims_it ? "1" : "2";
    c.arrives("3EB0BB0" + n, protocol::build_edit(key, "theirs", {}, {}, 1'700'000'000'500, c.f.random).encoded);
    c.arrives("3EB0CC0" + n, protocol::build_revoke(key, c.f.random).encoded);
    CHECK(body() == "ours");
  }
  CHECK(c.told("message.edited") == 0);
  CHECK(c.told("message.revoked") == 0);
}

TEST_CASE("a revoke takes text and content away, of its edits too, also when it comes first") {
  Conversation c;
  const Bytes original = c.text("secret");
  const auto revoke = protocol::build_revoke(Conversation::key("3EB0AA01", true), c.f.random).encoded;
  const auto edit =
      protocol::build_edit(Conversation::key("3EB0AA01", true), "secret too", original, {}, 1, c.f.random).encoded;
  const bool first = GENERATE(false, true);
  if (first) c.arrives("3EB0AA03", revoke);
  c.arrives("3EB0AA01", original);
  c.arrives("3EB0AA02", edit);
  if (!first) c.arrives("3EB0AA03", revoke);
  const auto row = c.row("3EB0AA01");
  REQUIRE(row);
  CHECK(row->revoked_at != 0);
  CHECK(row->body.empty());
  CHECK(row->content.empty());
  CHECK(c.row("3EB0AA02")->body.empty());
  CHECK(c.row("3EB0AA02")->content.empty());
  // What is said about it afterwards is not kept either.
  c.arrives("3EB0AA04", edit);
  CHECK(c.row("3EB0AA04")->body.empty());
  CHECK(c.row("3EB0AA04")->content.empty());
  CHECK(c.told("message.revoked") == 1);
  CHECK(c.told("message.edited") == (first ? 0 : 1));
}

TEST_CASE("a vote before its poll counts when the poll comes, and one that chooses too much counts for nothing") {
  Conversation c;
  const protocol::Poll poll{"Tea?", {"yes", "no"}, 1};
  const auto asked = protocol::build_message(poll, protocol::MessageFrame(), c.f.random);
  const auto vote = [&](const std::vector<std::string>& options, std::int64_t at) {
    const protocol::AddOn on{protocol::add_on::poll_vote, "3EB0AA01", ben, ben};
    auto sealed = protocol::seal_add_on(on, *asked.secret, protocol::encode_choices(options), c.f.random);
    return protocol::build_vote({Conversation::key("3EB0AA01", true), sealed.payload, sealed.iv, at}).encoded;
  };
  const bool before = GENERATE(false, true);
  if (!before) c.arrives("3EB0AA01", asked.encoded);
  c.arrives("3EB0AA02", vote({"no"}, 1'000));
  c.arrives("3EB0AA03", vote({"yes", "no"}, 2'000));
  if (before) c.arrives("3EB0AA01", asked.encoded);
  CHECK(c.told("poll.vote") == 1);
  CHECK(c.row("3EB0AA02")->details == R"({"selectedOptions":["no"]})");
  CHECK(c.row("3EB0AA03")->details.empty());
}

TEST_CASE("what is said in the same turn as its message is done in it") {
  Conversation c;
  const Bytes original = c.text("frist");
  const auto edit = protocol::build_edit(Conversation::key("3EB0AA01", true), "first", original, {}, 5, c.f.random);
  std::vector<Input> inputs;
  int n = 1;
  for (const Bytes& message : {original, edit.encoded}) {
    const auto sealed =
        protocol::encrypt(c.peer.session, c.peer.local, protocol::pad_message(message, c.f.random)).value();
    Node enc("enc");
    enc.set("v", "2").set("type", sealed.kind == protocol::CiphertextKind::pre_key_message ? "pkmsg" : "msg");
    Node stanza("message");
    stanza.set("id", "3EB0AA0" + std::to_string(n++)).set("from", ben).set("t", "1700000000").set("type", "text");
    inputs.emplace_back(StanzaArrived{stanza.add(enc.bytes(sealed.body)), c.f.session->link_epoch()});
  }
  c.f.turn(std::move(inputs));
  CHECK(c.row("3EB0AA01")->body == "first");
  CHECK(c.told("message.edited") == 1);
}

TEST_CASE("who wrote by number and edits by LID is one author") {
  Conversation c;
  const Bytes original = c.text("frist");
  c.arrives("3EB0AA01", original);
  const Jid lid("100000000000002", "lid");
  const auto edit = protocol::build_edit(Conversation::key("3EB0AA01", true), "first", original, {}, 5, c.f.random);
  const auto sealed =
      protocol::encrypt(c.peer.session, c.peer.local, protocol::pad_message(edit.encoded, c.f.random)).value();
  Node enc("enc");
  enc.set("v", "2").set("type", sealed.kind == protocol::CiphertextKind::pre_key_message ? "pkmsg" : "msg");
  Node stanza("message");
  stanza.set("id", "3EB0AA02").set("from", lid).set("sender_pn", ben).set("t", "1700000000").set("type", "text");
  c.f.stanza(stanza.add(enc.bytes(sealed.body)));
  CHECK(c.row("3EB0AA01")->body == "first");
}

TEST_CASE("a reaction that names nothing is no message, and one is no larger than an emoji needs") {
  Conversation c;
  Bytes nameless, encrypted;
  protocol::append_field(nameless, 46, Bytes{});
  protocol::append_field(encrypted, 56, Bytes{});
  c.arrives("3EB0AA01", nameless);
  c.arrives("3EB0AA02", encrypted);
  CHECK(c.told("message") == 0);
  CHECK_FALSE(c.row("3EB0AA01"));
  CHECK_FALSE(storage::find_chat(c.f.store->reader(), c.f.row.id, ben));

  const auto reaction = protocol::build_reaction({Conversation::key("3EB0AA09", true), std::string(200, 'x'), 1});
  c.arrives("3EB0AA03", reaction.encoded);
  CHECK(c.row("3EB0AA03")->body.size() == 64);
}

TEST_CASE("of what is said about one message a bounded part is taken, and the newest is read") {
  Conversation c;
  const Bytes original = c.text("hello");
  for (int i = 0; i < 70; ++i) {
    const auto edit = protocol::build_edit(Conversation::key("3EB0AA01", true), "text " + std::to_string(i), original,
                                           {}, 1'000 + i, c.f.random);
    c.arrives("3EB0CC" + std::to_string(i), edit.encoded);
  }
  c.arrives("3EB0AA01", original);
  CHECK(c.row("3EB0AA01")->body == "text 69");
  CHECK(c.told("message.edited") == 64);
  const auto newest = storage::add_ons(c.f.store->reader(), c.f.row.id, ben, "3EB0AA01", false, 3);
  REQUIRE(newest.size() == 3);
  CHECK(newest.back().id == "3EB0CC69");
}

TEST_CASE("what is said about one message is read up to a number of bytes, the newest first") {
  Conversation c;
  const std::string large(300'000, 'x');
  for (int i = 0; i < 10; ++i) {
    const auto edit = protocol::build_edit(Conversation::key("3EB0AA01", true), large, {}, {}, 1'000 + i, c.f.random);
    c.arrives("3EB0DD0" + std::to_string(i), edit.encoded);
  }
  const auto read = storage::add_ons(c.f.store->reader(), c.f.row.id, ben, "3EB0AA01", false, 1'000);
  CHECK(read.size() == 7);  // each is its text and its content
  CHECK(read.back().id == "3EB0DD09");
  const auto too_large =
      protocol::build_edit(Conversation::key("3EB0AA01", true), std::string(400'000, 'x'), {}, {}, 1, c.f.random);
  const auto sealed =
      protocol::encrypt(c.peer.session, c.peer.local, protocol::pad_message(too_large.encoded, c.f.random)).value();
  Node enc("enc");
  enc.set("v", "2").set("type", sealed.kind == protocol::CiphertextKind::pre_key_message ? "pkmsg" : "msg");
  Node stanza("message");
  stanza.set("id", "3EB0EE01").set("from", ben).set("t", "1700000000").set("type", "text");
  const auto answers = Fixture::sent(c.f.stanza(stanza.add(enc.bytes(sealed.body))));
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].attr("error") == "491");
  CHECK_FALSE(c.row("3EB0EE01"));
}
