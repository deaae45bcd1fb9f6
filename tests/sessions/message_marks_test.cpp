// Pins of either side, stars, and messages that are deleted here alone.
#include <catch2/catch.hpp>

#include "events/event.h"
#include "tests/sessions/conversation.h"
#include "tests/storage/counts.h"

using namespace wharf::sessions;
using namespace wharf::test;
namespace protocol = wharf::protocol;
namespace storage = wharf::storage;
using protocol::Errc;

namespace {

constexpr std::uint64_t now_s = 1'700'000'000;
constexpr storage::UnixMs day_ms = 86'400'000;

struct Marks : Conversation {
  void pins(const std::string& id, const std::string& target, bool pinned, std::uint32_t seconds,
            std::uint64_t t = now_s) {
    arrives(id, protocol::build_pin({key(target, true), pinned, 1, seconds}, f.random).encoded, t);
  }
  template <class Operation>
  std::optional<Refusal> ask(Operation operation) {
    std::optional<Outcome<>> answer;
    f.tell(std::move(operation), [&](Outcome<> done) { answer = std::move(done); });
    REQUIRE(answer);
    return answer->has_error() ? std::optional(answer->error()) : std::nullopt;
  }
  std::optional<storage::ChatRow> chat() { return storage::find_chat(f.store->reader(), f.row.id, ben); }
};

}  // namespace

TEST_CASE("a pin is of its message until its time is over or it is taken away, also when it comes first") {
  Marks c;
  const bool first = GENERATE(false, true);
  if (!first) c.arrives("3EB0AA01", c.text("hello"));
  c.pins("3EB0AA02", "3EB0AA01", true, 86'400);
  if (first) c.arrives("3EB0AA01", c.text("hello"));
  CHECK(c.row("3EB0AA01")->pinned_until == 1'700'000'000'000 + day_ms);
  CHECK(c.row("3EB0AA01")->pinned_by == ben);
  CHECK(c.told("message.pinned") == 1);
  c.pins("3EB0AA03", "3EB0AA01", false, 0, now_s - 60);  // of before
  CHECK(c.told("message.pinned") == 1);
  c.pins("3EB0AA04", "3EB0AA01", true, 0xffffffff, now_s + 60);
  CHECK(c.row("3EB0AA01")->pinned_until == 1'700'000'060'000 + 30 * day_ms);
  c.pins("3EB0AA05", "3EB0AA01", true, 0, now_s + 61);
  CHECK(c.row("3EB0AA01")->pinned_until == 1'700'000'061'000 + 7 * day_ms);
  c.pins("3EB0AA06", "3EB0AA01", false, 0, now_s + 62);
  CHECK(c.row("3EB0AA01")->pinned_until == 0);
  CHECK(c.told("message.pinned") == 4);
  c.arrives("3EB0AA07", protocol::build_revoke(Conversation::key("3EB0AA01", true), c.f.random).encoded);
  c.pins("3EB0AA08", "3EB0AA01", true, 86'400, now_s + 63);
  CHECK(c.told("message.pinned") == 4);
}

TEST_CASE("an own pin counts when the server has it, and by the server's clock") {
  Marks c;
  c.arrives("3EB0AA01", c.text("hello"));
  list_devices(c.f, ben, {0});
  list_devices(c.f, own_lid, {3});
  SendMessage pin;
  pin.content = PinMessage{"3EB0AA01", true, std::chrono::hours(24)};
  const auto pinned = c.f.send(pin);
  REQUIRE(pinned->has_value());
  CHECK(c.row("3EB0AA01")->pinned_until == 0);
  c.f.stanza(ack((*pinned)->id));
  CHECK(c.row("3EB0AA01")->pinned_until == 1'700'000'001'000 + day_ms);
  CHECK(c.row("3EB0AA01")->pinned_by == own_lid);
  CHECK(c.told("message.pinned") == 1);

  // The server's clock is an hour ahead of ours: what it acks last is the last.
  c.pins("3EB0AA02", "3EB0AA01", true, 86'400, 1'700'003'600);
  CHECK(c.row("3EB0AA01")->pinned_by == ben);
  pin.content = PinMessage{"3EB0AA01", false, std::chrono::hours(24)};
  const auto unpinned = c.f.send(pin);
  Node later = ack((*unpinned)->id);
  later.set("t", "1700003601");
  c.f.stanza(later);
  CHECK(c.row("3EB0AA01")->pinned_until == 0);
}

TEST_CASE("a pin is taken away once, however often that is asked") {
  Marks c;
  c.arrives("3EB0AA01", c.text("hello"));
  list_devices(c.f, ben, {0});
  list_devices(c.f, own_lid, {3});
  c.pins("3EB0AA02", "3EB0AA01", true, 86'400);
  SendMessage unpin;
  unpin.content = PinMessage{"3EB0AA01", false, {}};
  const auto ask = [&](const SendMessage& request) {
    const auto answer = c.f.send(request);
    REQUIRE((answer && answer->has_value()));
    return std::pair(**answer, messages(c.f.last).size());
  };
  const auto acked = [&](const std::string& id, std::uint64_t t) {
    Node stanza = ack(id);
    c.f.stanza(stanza.set("t", std::to_string(t)));
  };
  const auto [first, sent] = ask(unpin);
  CHECK((sent == 1 && !first.replayed));
  SECTION("before the server has it, and behind that") {
    const auto check_again = [&, first = first] {
      const auto [again, more] = ask(unpin);
      CHECK((more == 0 && again.replayed && again.id == first.id));
    };
    check_again();
    acked(first.id, now_s + 1);
    REQUIRE(c.row("3EB0AA01")->pinned_until == 0);
    check_again();
    CHECK(c.told("message.pinned") == 2);
    c.pins("3EB0AA03", "3EB0AA01", false, 0, now_s + 2);  // another takes away what is gone
    CHECK(c.told("message.pinned") == 2);
    check_again();
  }
  SECTION("a request that has a name is known by it") {
    acked(first.id, now_s + 1);
    unpin.idempotency_key = "k";
    CHECK(ask(unpin).first.id == first.id);
    c.pins("3EB0AA03", "3EB0AA01", true, 86'400, now_s + 2);
    CHECK(ask(unpin).second == 0);  // a repetition of what was answered
    unpin.idempotency_key.reset();
    unpin.message_id = "MYUNPIN00001";
    CHECK(ask(unpin).first.id == "MYUNPIN00001");
  }
  SECTION("another pin since, of either side") {
    acked(first.id, now_s + 1);
    if (GENERATE(false, true)) {
      c.pins("3EB0AA03", "3EB0AA01", true, 86'400, now_s + 2);
    } else {
      SendMessage pin;
      pin.content = PinMessage{"3EB0AA01", true, std::chrono::hours(24)};
      const auto [pinned, more] = ask(pin);  // the server does not have it yet
      CHECK(more == 1);
    }
    const auto [again, more] = ask(unpin);
    CHECK((more == 1 && !again.replayed));
  }
  SECTION("one that failed") {
    c.f.stanza(ack(first.id, 403));
    const auto [again, more] = ask(unpin);
    CHECK((more == 1 && !again.replayed));
  }
}

TEST_CASE("a pin that is cancelled pins nothing") {
  Marks c;
  c.arrives("3EB0AA01", c.text("hello"));
  SendMessage pin;
  pin.content = PinMessage{"3EB0AA01", true, std::chrono::hours(24)};
  const auto waits = c.f.send(pin);  // for Ben's devices
  REQUIRE(waits->has_value());
  std::optional<Outcome<SentMessage>> cancelled;
  c.f.tell(CancelMessage{(*waits)->id}, [&](Outcome<SentMessage> outcome) { cancelled = std::move(outcome); });
  REQUIRE((cancelled && cancelled->has_value()));
  CHECK(c.row("3EB0AA01")->pinned_until == 0);
  CHECK(c.told("message.pinned") == 0);
}

TEST_CASE("what was said about a message and still waits is sent though the message is deleted here") {
  SessionFixture f;
  f.befriend(ben);
  f.go_online();
  const auto sent = f.send(SessionFixture::text("for everyone to forget"));
  f.stanza(ack((*sent)->id));
  f.cut();
  SendMessage revoke;
  revoke.content = RevokeSent{(*sent)->id};
  const auto revoked = f.send(revoke);
  REQUIRE(revoked->has_value());
  f.tell(RemoveMessage{(*sent)->id});
  for (int i = 0; i < 5; ++i) f.turn({});  // slices go with batches
  std::vector<std::string> left;
  for (const Node& node : f.go_online())
    if (node.is("message")) left.push_back(node.attr("id"));
  CHECK(left == std::vector<std::string>{(*revoked)->id});
}

TEST_CASE("of two messages with one id the side that is named is deleted") {
  Marks c;
  SendMessage own_text = SessionFixture::text("ours");
  own_text.message_id = "3EB0AA01";
  REQUIRE(c.f.send(own_text)->has_value());
  storage::InsertMessage theirs;
  theirs.row.session = c.f.row.id;
  theirs.row.chat = theirs.row.author = Jid("15550000003", "s.whatsapp.net");
  theirs.row.id = "3EB0AA01";
  theirs.row.kind = "text";
  storage::Changes changes;
  changes.add(std::move(theirs));
  c.f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  CHECK_FALSE(c.ask(RemoveMessage{"3EB0AA01", false}));
  CHECK_FALSE(c.row("3EB0AA01"));
  CHECK(storage::find_message_by_id(c.f.store->reader(), c.f.row.id, "3EB0AA01", true));
}

namespace {

/// Two messages have one id: an own one in Ben's chat, and one that Carl chose it for.
struct Namesakes : SessionFixture {
  const Jid carl{"15550000003", "s.whatsapp.net"}, dora{"15550000004", "s.whatsapp.net"};
  Namesakes() {
    befriend(ben);
    befriend(carl);
    go_online();
  }
  void from_carl(const std::string& id) {
    storage::InsertMessage theirs;
    theirs.row.session = row.id;
    theirs.row.chat = theirs.row.author = carl;
    theirs.row.id = id;
    theirs.row.kind = "text";
    theirs.row.body = "theirs";
    theirs.row.content = protocol::build_message(theirs.row.body, protocol::MessageFrame(), random).encoded;
    theirs.row.ack = storage::AckLevel::delivered;
    storage::Changes changes;
    changes.add(std::move(theirs));
    store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  }
  void ours(const std::string& id, storage::UnixMs send_at = 0) {
    SendMessage text = SessionFixture::text("ours");
    text.message_id = id;
    text.send_at = send_at;
    REQUIRE(send(text)->has_value());
    if (send_at == 0) stanza(ack(id));
  }
  template <class Operation>
  Outcome<> ask(Operation operation) {
    std::optional<Outcome<>> answer;
    tell(std::move(operation), [&](Outcome<> done) { answer = std::move(done); });
    REQUIRE(answer);
    return *answer;
  }
  std::optional<storage::MessageRow> stored(const std::string& id, bool from_me) {
    return storage::find_message_by_id(store->reader(), row.id, id, from_me);
  }
  Outcome<SentMessage> react(const Jid& chat) {
    SendMessage reaction;
    reaction.chat = chat;
    reaction.content = React{"3EB0AA01", "\xF0\x9F\x91\x8D"};
    return *send(reaction);
  }
};

}  // namespace

TEST_CASE("what is done with a message that is named with its chat is done with none of its id elsewhere") {
  Namesakes f;
  f.ours("3EB0AA01");
  f.from_carl("3EB0AA01");
  SECTION("a star") {
    CHECK(f.ask(StarMessage{"3EB0AA01", true, {}, f.carl}).has_value());
    CHECK(f.stored("3EB0AA01", false)->starred_at != 0);
    CHECK(f.stored("3EB0AA01", true)->starred_at == 0);
    CHECK(f.ask(StarMessage{"3EB0AA01", true, true, f.carl}).error().code == Errc::not_found);
  }
  SECTION("deleting it here") {
    CHECK(f.ask(RemoveMessage{"3EB0AA01", {}, f.dora}).error().code == Errc::not_found);
    CHECK(f.ask(RemoveMessage{"3EB0AA01", {}, f.carl}).has_value());
    CHECK_FALSE(f.stored("3EB0AA01", false));
    CHECK(f.stored("3EB0AA01", true));
  }
  SECTION("a reaction") {
    CHECK(f.react(f.carl)->chat == f.carl);
    CHECK(f.react(ben)->chat == ben);
    CHECK(f.react(Jid())->chat == ben);  // the id alone: the own one
    CHECK(f.react(f.dora).error().subject == Subject::message);
  }
  SECTION("forwarding it") {
    SendMessage forward = SessionFixture::text("");
    forward.content = Forward{"3EB0AA01", f.carl};
    CHECK((*f.send(forward))->text == "theirs");
    forward.content = Forward{"3EB0AA01"};
    CHECK((*f.send(forward))->text == "ours");
    forward.content = Forward{"3EB0AA01", f.dora};
    CHECK(f.send(forward)->error().code == Errc::not_found);
  }
  SECTION("cancelling it") {
    f.ours("3EB0AA02", f.now_ms + day_ms);
    f.from_carl("3EB0AA02");
    const auto cancel = [&](const Jid& chat) {
      std::optional<Outcome<SentMessage>> answer;
      f.tell(CancelMessage{"3EB0AA02", chat}, [&](Outcome<SentMessage> done) { answer = std::move(done); });
      return *answer;
    };
    CHECK(cancel(f.carl).error().code == Errc::not_found);
    CHECK(storage::count_outbox(f.store->reader(), f.row.id) == 1);
    CHECK(cancel(ben).has_value());
    CHECK(storage::count_outbox(f.store->reader(), f.row.id) == 0);
  }
}

TEST_CASE("a message whose time has not come gets no star") {
  Marks c;
  SendMessage later = SessionFixture::text("later");
  later.send_at = c.f.now_ms + day_ms;
  const auto scheduled = c.f.send(later);
  CHECK(c.ask(StarMessage{(*scheduled)->id, true}).value().code == Errc::unsupported);
}

TEST_CASE("a star is here alone, is told when it changes, and no message that is gone gets one") {
  Marks c;
  c.arrives("3EB0AA01", c.text("hello"));
  CHECK_FALSE(c.ask(StarMessage{"3EB0AA01", true}));
  CHECK(messages(c.f.last).empty());
  CHECK(c.row("3EB0AA01")->starred_at == c.f.now_ms);
  CHECK_FALSE(c.ask(StarMessage{"3EB0AA01", true}));
  CHECK(c.told("message.starred") == 1);
  CHECK_FALSE(c.ask(StarMessage{"3EB0AA01", false}));
  CHECK(c.row("3EB0AA01")->starred_at == 0);
  CHECK(c.told("message.starred") == 2);
  CHECK(c.ask(StarMessage{"3EB0NOBODY", true}).value().code == Errc::not_found);
  c.pins("3EB0AA02", "3EB0AA01", true, 86'400);
  CHECK(c.ask(StarMessage{"3EB0AA02", true}).value().code == Errc::unsupported);
  c.arrives("3EB0AA03", protocol::build_revoke(Conversation::key("3EB0AA01", true), c.f.random).encoded);
  CHECK(c.ask(StarMessage{"3EB0AA01", true}).value().code == Errc::unsupported);
}

TEST_CASE("a message deleted for oneself is gone with what was said about it, and nobody else hears of it") {
  Marks c;
  c.arrives("3EB0AA01", c.text("one"));
  c.arrives("3EB0AA02", c.text("two"));
  c.arrives("3EB0AA03", protocol::build_reaction({Conversation::key("3EB0AA02", true), "x", 1}).encoded);
  CHECK(c.chat()->unread == 2);
  CHECK_FALSE(c.ask(RemoveMessage{"3EB0AA02"}));
  CHECK(messages(c.f.last).empty());
  CHECK_FALSE(c.row("3EB0AA02"));
  CHECK(c.chat()->unread == 1);
  CHECK(c.chat()->last_message->id == "3EB0AA01");
  CHECK(c.told("message.deleted") == 1);
  CHECK(c.ask(RemoveMessage{"3EB0AA02"}).value().subject == Subject::message);
  for (int i = 0; i < 5; ++i) c.arrives("3EB0BB0" + std::to_string(i), c.text("more"));  // slices go with batches
  CHECK_FALSE(c.row("3EB0AA03"));
}

TEST_CASE("a text that was not sealed yet is not sent once it is deleted, and what waits behind it is") {
  SessionFixture f;
  const auto first = f.send(SessionFixture::text("never sent")), second = f.send(SessionFixture::text("sent"));
  REQUIRE(storage::count_outbox(f.store->reader(), f.row.id) == 2);
  std::optional<Outcome<>> removed;
  f.tell(RemoveMessage{(*first)->id}, [&](Outcome<> done) { removed = std::move(done); });
  REQUIRE((removed && removed->has_value()));
  CHECK(storage::count_outbox(f.store->reader(), f.row.id) == 1);
  CHECK_FALSE(storage::find_message_by_id(f.store->reader(), f.row.id, (*first)->id, true));
  const auto names = f.event_names();
  CHECK(std::count(names.begin(), names.end(), "ack") == 1);  // its error tells that it was cancelled
  CHECK(std::count(names.begin(), names.end(), "message.deleted") == 1);
  f.befriend(ben);
  const auto said = f.go_online();
  std::vector<std::string> sent;
  for (const Node& node : said) {
    if (node.is("message")) sent.push_back(node.attr("id"));
  }
  CHECK(sent == std::vector<std::string>{(*second)->id});
}

TEST_CASE("one that is on its way is followed to its ack though its copy is gone") {
  SessionFixture f;
  f.befriend(ben);
  f.go_online();
  const auto sent = f.send(SessionFixture::text("hello"));
  REQUIRE(messages(f.last).size() == 1);
  f.tell(RemoveMessage{(*sent)->id});
  CHECK(storage::count_outbox(f.store->reader(), f.row.id) == 1);
  f.stanza(ack((*sent)->id));
  CHECK(storage::count_outbox(f.store->reader(), f.row.id) == 0);
  CHECK_FALSE(storage::find_message_by_id(f.store->reader(), f.row.id, (*sent)->id, true));
}
