// What peers say about messages: the order in which it comes, and who may say it.
#include "sessions/add_ons.h"

#include <catch2/catch.hpp>

#include "events/event.h"
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

TEST_CASE("the preview of an edited text is that of its new words") {
  Conversation c;
  const auto previewed = [&](const std::string& url) {
    protocol::MessageFrame frame;
    frame.expires_after_s = 86'400;  // what stands around it stays
    const protocol::PreviewedText text{"see " + url, {url, "Title of " + url, "", {}}};
    return protocol::build_message(text, frame, c.f.random).encoded;
  };
  const auto edit = [&](const std::string& id, const std::string& text, const std::optional<protocol::LinkPreview>& now,
                        std::int64_t at) {
    c.arrives(id, protocol::build_edit(Conversation::key("3EB0AA01", true), text, {}, {}, at, c.f.random, now).encoded);
  };
  const auto shown = [&] { return c.row("3EB0AA01")->details; };
  const protocol::LinkPreview other{"https://b.example", "B", "", {}};
  c.arrives("3EB0AA01", previewed("https://a.example"));
  REQUIRE(shown() ==
          R"({"preview":{"url":"https://a.example","title":"Title of https://a.example"},"expiresAfter":86400})");
  SECTION("another one") {
    edit("3EB0AA02", "see https://b.example", other, 1'700'000'001'000);
    CHECK(shown() == R"({"preview":{"url":"https://b.example","title":"B"},"expiresAfter":86400})");
    const auto told = c.last_told<wharf::events::MessageEdited>();
    CHECK(told.details == R"({"preview":{"url":"https://b.example","title":"B"}})");
    edit("3EB0AA03", "older", std::nullopt, 1'700'000'000'500);
    CHECK(shown().find("b.example") != std::string::npos);
  }
  SECTION("none") {
    edit("3EB0AA02", "no address", std::nullopt, 1'700'000'001'000);
    CHECK(shown() == R"({"expiresAfter":86400})");
    CHECK(c.last_told<wharf::events::MessageEdited>().details.empty());
  }
  CHECK(protocol::parse_message(c.row("3EB0AA01")->content)->text == "see https://a.example");  // as it came
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

namespace {

/// What Ben says about a message of his or of ours, sealed with its secret.
struct Secretly {
  Conversation& c;
  Jid author = ben;
  Bytes secret = {};

  protocol::SealedAddOn seal(std::string_view use, const Bytes& plain, const Jid& writer = ben) {
    return protocol::seal_add_on({use, "3EB0AA01", author, writer}, secret, plain, c.f.random);
  }
  Bytes sealed(protocol::Sealed::What what, const Bytes& plain, const Jid& writer = ben) {
    auto one = seal(protocol::use_of(what), plain, writer);
    return protocol::build_sealed({key(), what, one.payload, one.iv}, c.f.random).encoded;
  }
  Bytes edit(const std::string& text, std::int64_t at) {
    const auto clear = protocol::build_edit(key(), text, c.text(text), {}, at, c.f.random);
    return sealed(protocol::Sealed::What::message_edit, clear.encoded);
  }
  Bytes reaction(const std::string& emoji, std::int64_t at) {
    return sealed(protocol::Sealed::What::reaction, protocol::encode_sealed_reaction({key(), emoji, at}));
  }
  Bytes answer(const protocol::EventResponse& response) {
    auto one = seal(protocol::add_on::event_response, protocol::encode_event_response(response));
    return protocol::build_event_answer({key(), one.payload, one.iv}).encoded;
  }
  protocol::MessageKey key() const { return Conversation::key("3EB0AA01", author == ben); }
};

Bytes secret_of(const protocol::OutgoingMessage& message) { return protocol::to_bytes(*message.secret); }

}  // namespace

TEST_CASE("a sealed edit and a sealed reaction are what they would be in clear, also when they come first") {
  Conversation c;
  const auto original = protocol::build_message("frist", protocol::MessageFrame(), c.f.random);
  Secretly ben_says{c, ben, secret_of(original)};
  const bool before = GENERATE(false, true);
  if (!before) c.arrives("3EB0AA01", original.encoded);
  c.arrives("3EB0AA03", ben_says.edit("older", 1'700'000'000'500));
  c.arrives("3EB0AA02", ben_says.edit("first", 1'700'000'001'000));
  c.arrives("3EB0AA04", ben_says.reaction("\xf0\x9f\x91\x8d", 1'700'000'002'000));
  if (before) {
    CHECK(c.told("message.edited") == 0);
    CHECK(c.row("3EB0AA02")->kind == "sealed");
    c.arrives("3EB0AA01", original.encoded);
  }
  CHECK(c.row("3EB0AA01")->body == "first");
  CHECK(c.row("3EB0AA01")->edited_at == 1'700'000'001'000);
  CHECK(c.told("message.edited") == 2);
  CHECK(c.told("reaction") == 1);
  const auto edit = c.row("3EB0AA02"), reaction = c.row("3EB0AA04");
  CHECK(edit->kind == "edit");
  CHECK(edit->body == "first");
  const auto content = protocol::parse_message(edit->content);
  REQUIRE(content.has_value());
  CHECK(std::get<protocol::Edit>(content->body).target == ben_says.key());
  CHECK(reaction->kind == "reaction");
  CHECK(reaction->body == "\xf0\x9f\x91\x8d");
  CHECK(reaction->said_at == 1'700'000'002'000);
  CHECK(storage::page_messages(c.f.store->reader(), c.f.row.id, ben, 10, std::nullopt).messages.size() == 1);
  CHECK(storage::find_chat(c.f.store->reader(), c.f.row.id, ben)->unread == 1);
}

TEST_CASE("what was sealed for another message, with another secret or by another person is kept and does nothing") {
  Conversation c;
  const auto original = protocol::build_message("hello", protocol::MessageFrame(), c.f.random);
  c.arrives("3EB0AA01", original.encoded);
  Secretly ben_says{c, ben, secret_of(original)};
  const auto other = protocol::build_edit(Conversation::key("3EB0AA09", true), "x", c.text("x"), {}, 1, c.f.random);
  const auto clear = protocol::build_edit(ben_says.key(), "x", c.text("x"), {}, 1, c.f.random);
  c.arrives("3EB0BB01", ben_says.sealed(protocol::Sealed::What::message_edit, other.encoded));
  c.arrives("3EB0BB02", ben_says.sealed(protocol::Sealed::What::message_edit, clear.encoded, own));
  c.arrives("3EB0BB03", ben_says.sealed(protocol::Sealed::What::event_edit, clear.encoded));  // not of an event
  ben_says.secret[0] ^= 1;
  c.arrives("3EB0BB04", ben_says.edit("x", 1'700'000'001'000));
  CHECK(c.row("3EB0AA01")->body == "hello");
  for (const char* id : {"3EB0BB01", "3EB0BB02", "3EB0BB03", "3EB0BB04"}) CHECK(c.row(id)->kind == "sealed");
  CHECK(c.told("message.edited") == 0);
}

TEST_CASE("nobody edits the messages of another under a seal") {
  Conversation c;
  const auto ours = protocol::build_message("ours", protocol::MessageFrame(), c.f.random);
  storage::MessageRow row;
  row.session = c.f.row.id;
  row.chat = ben;
  row.id = "3EB0AA01";
  row.from_me = true;
  row.author = own;
  row.kind = "text";
  row.body = "ours";
  row.content = ours.encoded;
  row.secret = secret_of(ours);
  row.timestamp = 1'700'000'000'000;
  storage::Changes changes;
  changes.add(storage::InsertMessage{row, false, std::nullopt});
  c.f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  Secretly ben_says{c, own, secret_of(ours)};
  c.arrives("3EB0BB01", ben_says.edit("theirs", 1'700'000'000'500));
  CHECK(storage::find_message_by_id(c.f.store->reader(), c.f.row.id, "3EB0AA01", true)->body == "ours");
  CHECK(c.row("3EB0BB01")->kind == "edit");  // opened, and of no effect
  CHECK(c.told("message.edited") == 0);
  c.arrives("3EB0BB02", ben_says.reaction("!", 1));
  CHECK(c.told("reaction") == 1);
}

TEST_CASE("a revoke takes a sealed edit away that was not opened") {
  Conversation c;
  const auto original = protocol::build_message("secret", protocol::MessageFrame(), c.f.random);
  Secretly ben_says{c, ben, secret_of(original)};
  c.arrives("3EB0AA02", ben_says.edit("secret too", 1));
  c.arrives("3EB0AA03", protocol::build_revoke(ben_says.key(), c.f.random).encoded);
  c.arrives("3EB0AA05", ben_says.reaction("!", 3));
  c.arrives("3EB0AA01", original.encoded);
  CHECK(c.told("reaction") == 0);
  CHECK(c.row("3EB0AA02")->content.empty());
  CHECK(c.row("3EB0AA02")->body.empty());
  c.arrives("3EB0AA04", ben_says.edit("secret three", 2));
  CHECK(c.row("3EB0AA04")->content.empty());
  CHECK(c.row("3EB0AA04")->kind == "sealed");
}

TEST_CASE("the edit of an event changes all of it but what stands around it") {
  Conversation c;
  protocol::CalendarEvent event;
  event.name = "Picnic";
  event.starts_at = 1'795'900'000;
  event.extra_guests = true;
  protocol::MessageFrame forwarded;
  forwarded.forwarded = true;
  const auto original = protocol::build_message(event, forwarded, c.f.random);
  Secretly ben_says{c, ben, secret_of(original)};
  event.name = "Picnic, moved";
  event.starts_at = 1'795'990'000;
  event.cancelled = true;
  const Bytes changed = protocol::quotable(protocol::build_message(event, {}, c.f.random).encoded);
  const bool before = GENERATE(false, true);
  if (!before) c.arrives("3EB0AA01", original.encoded);
  // Days later: an event may be moved as long as it is to come.
  c.arrives("3EB0AA02", ben_says.sealed(protocol::Sealed::What::event_edit, changed), 1'700'500'000);
  c.arrives("3EB0AA03", ben_says.edit("no event", 1'700'600'000'000));  // cannot be said of an event
  if (before) c.arrives("3EB0AA01", original.encoded);
  const auto row = c.row("3EB0AA01");
  CHECK(row->body == "Picnic, moved");
  CHECK(row->edited_at == 1'700'500'000'000);
  CHECK(
      row->details ==
      R"({"calendarEvent":{"name":"Picnic, moved","startTime":1795990000,"extraGuestsAllowed":true,"cancelled":true},"isForwarded":true})");
  const auto content = protocol::parse_message(row->content);
  REQUIRE(content.has_value());
  CHECK(std::get<protocol::CalendarEvent>(content->body) == event);
  CHECK(content->secret == original.secret);
  CHECK(c.told("message.edited") == 1);
}

TEST_CASE("answers to an event are opened when it is there, and edits of the event leave them") {
  using Answer = protocol::EventResponse::Answer;
  Conversation c;
  protocol::CalendarEvent event;
  event.name = "Picnic";
  const auto original = protocol::build_message(event, {}, c.f.random);
  Secretly ben_says{c, ben, secret_of(original)};
  const bool before = GENERATE(false, true);
  if (!before) c.arrives("3EB0AA01", original.encoded);
  c.arrives("3EB0AA02", ben_says.answer({Answer::going, 2, 1'700'000'000'123}));
  c.arrives("3EB0AA03", ben_says.answer({Answer::not_going, 0, 1'700'000'000'100}));
  Bytes none{0x08, 0x04};  // no such answer
  auto sealed = ben_says.seal(protocol::add_on::event_response, none);
  c.arrives("3EB0AA04", protocol::build_event_answer({ben_says.key(), sealed.payload, sealed.iv}).encoded);
  if (before) {
    CHECK(c.row("3EB0AA02")->details.empty());
    c.arrives("3EB0AA01", original.encoded);
  }
  CHECK(c.told("event.answer") == 2);
  CHECK(c.row("3EB0AA02")->details == R"({"response":"going","extraGuests":2})");
  CHECK(c.row("3EB0AA02")->said_at == 1'700'000'000'123);
  CHECK(c.row("3EB0AA03")->details == R"({"response":"notGoing","extraGuests":0})");
  CHECK(c.row("3EB0AA04")->details.empty());
  CHECK(storage::page_messages(c.f.store->reader(), c.f.row.id, ben, 10, std::nullopt).messages.size() == 1);
}

TEST_CASE("an event is answered from here, and what it does not allow is refused by what it is about") {
  using Answer = AnswerEvent::Answer;
  Conversation c;
  protocol::CalendarEvent event;
  event.name = "Picnic";
  const auto original = protocol::build_message(event, {}, c.f.random);
  c.arrives("3EB0AA01", original.encoded);
  c.arrives("3EB0AA09", c.text("no event"));
  list_devices(c.f, ben, {0});
  list_devices(c.f, own_lid, {3});
  const auto ask = [&](AnswerEvent answer) {
    SendMessage message;
    message.content = std::move(answer);
    return *c.f.send(message);
  };
  CHECK(ask({"3EB0AA01", Answer::going, 1}).error().subject == Subject::extra_guests);
  CHECK(ask({"3EB0AA09", Answer::going, 0}).error().subject == Subject::message);
  const auto answered = ask({"3EB0AA01", Answer::maybe, 0});
  REQUIRE(answered.has_value());
  CHECK(c.told("event.answer") == 1);
  const auto row = storage::find_message_by_id(c.f.store->reader(), c.f.row.id, answered->id, true);
  REQUIRE(row);
  CHECK(row->kind == "event_answer");
  CHECK(row->details == R"({"response":"maybe","extraGuests":0})");
  CHECK(row->secret.empty());  // 03 section 4.1 step 1
  // Ben reads it with the secret of his event.
  const auto content = protocol::parse_message(row->content);
  const auto& sealed = std::get<protocol::EventAnswer>(content->body);
  const auto plain = protocol::open_add_on({protocol::add_on::event_response, "3EB0AA01", ben, own},
                                           secret_of(original), sealed.payload, sealed.iv);
  REQUIRE(plain.has_value());
  CHECK(protocol::read_event_response(*plain)->answer == Answer::maybe);
  CHECK(sealed.target == protocol::MessageKey{"3EB0AA01", false, ben, std::nullopt});

  Secretly ben_says{c, ben, secret_of(original)};
  event.cancelled = true;
  const Bytes cancelled = protocol::quotable(protocol::build_message(event, {}, c.f.random).encoded);
  c.arrives("3EB0AA02", ben_says.sealed(protocol::Sealed::What::event_edit, cancelled), 1'700'000'100);
  CHECK(ask({"3EB0AA01", Answer::going, 0}).error().subject == Subject::message);
}

TEST_CASE("an answer to what is no event is kept and does nothing") {
  Conversation c;
  const auto original = protocol::build_message("hello", protocol::MessageFrame(), c.f.random);
  Secretly ben_says{c, ben, secret_of(original)};
  c.arrives("3EB0AA01", original.encoded);
  c.arrives("3EB0AA02", ben_says.answer({protocol::EventResponse::Answer::going, 0, 5}));
  CHECK(c.row("3EB0AA02")->details.empty());
  CHECK(c.told("event.answer") == 0);
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
