// Statuses of others, into a real Session: what is stored, told and answered; and what comes through a broadcast list.
#include <catch2/catch.hpp>

#include "protocol/messages/building.h"
#include "protocol/messages/content.h"
#include "protocol/messages/padding.h"
#include "protocol/signal/sender_key.h"
#include "storage/chats.h"
#include "storage/sender_keys.h"
#include "tests/sessions/people_stanzas.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Bytes;
using protocol::Node;
using test::SignalPeer;

namespace {

const Jid status = protocol::status_jid(), list("1700000001", "broadcast");
const Jid ben("100000000000002", "lid");

struct Stage : test::PeopleFixture {
  SignalPeer peer = SignalPeer::make(random, 77);
  protocol::OwnSenderKey key = protocol::OwnSenderKey::create(random);

  explicit Stage(bool told = true) {
    session->context().config.statuses = told;
    REQUIRE(protocol::start_session(peer.session, peer.local, test::published_bundle(*this), random).has_value());
  }
  static Node from(const Jid& room, const std::string& id, const std::string& t = "1700000000") {
    return Node("message")
        .set("id", id)
        .set("from", room)
        .set("participant", ben)
        .set("participant_pn", Jid("15550000002", "s.whatsapp.net"))
        .set("t", t)
        .set("type", "text");
  }
  Node pairwise(const Bytes& encoded) {
    const auto sealed = protocol::encrypt(peer.session, peer.local, protocol::pad_message(encoded, random)).value();
    Node enc("enc");
    enc.set("v", "2").set("type", sealed.kind == protocol::CiphertextKind::pre_key_message ? "pkmsg" : "msg");
    return enc.bytes(sealed.body);
  }
  Node key_of(const Jid& room) { return pairwise(protocol::with_sender_key({}, room, key.distribution())); }
  Node shared(const Bytes& encoded) {
    const auto sealed = key.encrypt(protocol::pad_message(encoded, random), random).value();
    return Node("enc").set("v", "2").set("type", "skmsg").bytes(sealed.body);
  }
  Bytes words(const std::string& text) {
    return protocol::build_message(protocol::StatusText{text, {0, 0xFF00AA00, 0}}, {}, random).encoded;
  }
  std::vector<Node> post(const std::string& id, const std::string& text, const std::string& t = "1700000000") {
    return hear(from(status, id, t).add(key_of(status)).add(shared(words(text))));
  }
  std::optional<storage::MessageRow> stored(const std::string& id) {
    return storage::find_message(store->reader(), row.id, status, id);
  }
};

}  // namespace

TEST_CASE("a status of somebody is stored, told with both ids, and is of no chat") {
  Stage f;
  const auto answers = f.post("3EB0AA", "hello");
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].is("receipt"));
  CHECK(answers[0].attr("context") == "status");
  CHECK(answers[0].jid("participant") == ben);
  REQUIRE(f.stored("3EB0AA"));
  CHECK(f.stored("3EB0AA")->author == ben);
  CHECK(f.stored("3EB0AA")->body == "hello");
  CHECK_FALSE(storage::find_chat(f.store->reader(), f.row.id, status));
  const auto told = f.told_of<events::StatusPosted>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].message.body == "hello");
  CHECK(told[0].message.details == R"({"style":{"backgroundColor":"#00AA00"}})");
  CHECK(told[0].author_ids.lid == ben);
  CHECK(told[0].author_ids.pn == Jid("15550000002", "s.whatsapp.net"));
  CHECK(f.told_of<events::NewMessage>().empty());
}

TEST_CASE("a session that does not ask for statuses keeps them, and tells nothing") {
  Stage f(false);
  f.post("3EB0AA", "hello");
  CHECK(f.stored("3EB0AA"));
  CHECK(f.told_of<events::StatusPosted>().empty());
  CHECK(f.told_of<events::NewMessage>().empty());
}

TEST_CASE("a status of over a day ago is not taken in, and not asked for again") {
  Stage f;
  const std::string old = std::to_string(1'700'000'000 - 90'000);
  f.post("3EB0AA", "old news", old);
  CHECK_FALSE(f.stored("3EB0AA"));
  CHECK(f.told_of<events::StatusPosted>().empty());
  // One that cannot be read.
  protocol::OwnSenderKey other = protocol::OwnSenderKey::create(f.random);
  const auto sealed = other.encrypt(protocol::pad_message(f.words("x"), f.random), f.random).value();
  const auto enc = [&] { return Node("enc").set("v", "2").set("type", "skmsg").bytes(sealed.body); };
  const auto answers = f.hear(Stage::from(status, "3EB0BB", old).add(enc()));
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].is("ack"));
  const auto asked = f.hear(Stage::from(status, "3EB0CC").add(enc()));
  CHECK(asked[0].attr("type") == "retry");
}

TEST_CASE("the author is told once that a status was seen") {
  Stage f;
  f.post("3EB0AA", "hello");
  const auto viewed = f.ask(ViewStatus{"3EB0AA"});
  REQUIRE(viewed.answer().has_value());
  REQUIRE(viewed.asked.size() == 1);
  const Node& receipt = viewed.asked[0];
  CHECK(receipt.attr("type") == "read");
  CHECK(receipt.jid("to") == status);
  CHECK(receipt.jid("participant") == ben);
  CHECK(receipt.attr("context") == "status");
  CHECK(receipt.jid("peer_participant_pn") == Jid("15550000002", "s.whatsapp.net"));
  CHECK(f.stored("3EB0AA")->ack == storage::AckLevel::read);
  CHECK(f.ask(ViewStatus{"3EB0AA"}).asked.empty());
  CHECK(f.ask(ViewStatus{"3EB0FF"}).answer().error().code == Errc::not_found);
  f.post("3EB0BB", "later");
  f.now_ms += 86'400'000;
  CHECK(f.ask(ViewStatus{"3EB0BB"}).answer().error().code == Errc::unsupported);
}

TEST_CASE("an account that shows nobody what it has read tells no author that a status was seen") {
  Stage f;
  f.post("3EB0AA", "hello");
  f.call([&f] { f.session->context().device.reads_shown = storage::ReadsShown::no; });
  const auto viewed = f.ask(ViewStatus{"3EB0AA"});
  REQUIRE(viewed.answer().has_value());
  REQUIRE(viewed.asked.size() == 1);
  CHECK(viewed.asked[0].attr("type") == "read-self");
  CHECK(viewed.asked[0].jid("participant") == ben);
  CHECK(f.stored("3EB0AA")->ack == storage::AckLevel::read);
}

TEST_CASE("what another device of the account has seen is seen, and nothing else") {
  Stage f;
  f.post("3EB0AA", "one");
  f.post("3EB0BB", "two");
  f.hear(Node("receipt")
             .set("id", "3EB0BB")
             .set("from", status)
             .set("participant", Jid("100000000000001", "lid"))
             .set("type", "read-self")
             .set("t", "1700000005"));
  CHECK(f.stored("3EB0BB")->ack == storage::AckLevel::read);
  CHECK(f.stored("3EB0AA")->ack == storage::AckLevel::delivered);
}

TEST_CASE("a status is deleted by its author, and that is told") {
  Stage f;
  f.post("3EB0AA", "hello");
  const protocol::MessageKey target{"3EB0AA", true, status, std::nullopt};
  const Bytes revoke = protocol::build_revoke(target, f.random).encoded;
  f.hear(Stage::from(status, "3EB0BB").set("edit", "7").add(f.shared(revoke)));
  CHECK(f.stored("3EB0AA")->revoked_at != 0);
  CHECK(f.stored("3EB0AA")->body.empty());
  const auto told = f.told_of<events::StatusDeleted>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].about.target_id == "3EB0AA");
  CHECK(told[0].about.author == ben);
  CHECK(f.told_of<events::MessageRevoked>().empty());
}

TEST_CASE("what is said about a status otherwise is answered and not kept") {
  Stage f;
  f.post("3EB0AA", "hello");
  const protocol::MessageKey target{"3EB0AA", true, status, std::nullopt};
  f.hear(Stage::from(status, "3EB0BB").add(f.shared(protocol::build_reaction({target, "👍", 1}).encoded)));
  CHECK_FALSE(f.stored("3EB0BB"));
  CHECK(f.told_of<events::Reacted>().empty());
}

TEST_CASE("what comes through a broadcast list is a message of the chat with its author") {
  Stage f;
  const Bytes hello = protocol::build_message(std::string("hello all"), {}, f.random).encoded;
  f.hear(Stage::from(list, "3EB0AA").add(f.pairwise(hello)));
  const auto stored = storage::find_message(f.store->reader(), f.row.id, ben, "3EB0AA");
  REQUIRE(stored);
  CHECK(stored->details == R"({"broadcast":true})");
  CHECK(storage::find_chat(f.store->reader(), f.row.id, ben)->unread == 1);
  // The same under a sender key of the list.
  f.hear(Stage::from(list, "3EB0BB").add(f.key_of(list)).add(f.shared(hello)));
  CHECK(storage::find_message(f.store->reader(), f.row.id, ben, "3EB0BB")->body == "hello all");
  CHECK(f.told_of<events::NewMessage>().size() == 2);
}

TEST_CASE("however many lists somebody makes, the keys of his device are one row of the newest five") {
  Stage f;
  const auto list_of = [](int number) { return Jid("17000000" + std::to_string(10 + number), "broadcast"); };
  const Bytes hello = protocol::build_message(std::string("hello"), {}, f.random).encoded;
  std::vector<std::uint32_t> keys;
  for (int i = 0; i < 7; ++i) {
    f.key = protocol::OwnSenderKey::create(f.random);
    const std::string id = "3EB0A" + std::to_string(i);
    f.hear(Stage::from(list_of(i), id).add(f.key_of(list_of(i))).add(f.shared(hello)));
    CHECK(storage::find_message(f.store->reader(), f.row.id, ben, id));
    CHECK_FALSE(storage::find_sender_key(f.store->reader(), f.row.id, list_of(i), ben));
    keys.push_back(f.key.id());
  }
  const auto blob = storage::find_sender_key(f.store->reader(), f.row.id, Jid("lists", "broadcast"), ben);
  REQUIRE(blob);
  const auto record = protocol::SenderKeyRecord::parse(*blob).value();
  CHECK(record.states().size() == 5);
  CHECK_FALSE(record.holds(keys[1]));
  CHECK(record.holds(keys[2]));
  // Those of groups and statuses are others.
  CHECK_FALSE(storage::find_sender_key(f.store->reader(), f.row.id, status, ben));
}

TEST_CASE("of a list few messages may be missing") {
  Stage f;
  const Bytes hello = protocol::build_message(std::string("hello"), {}, f.random).encoded;
  const auto skip = [&](int messages) {
    for (int i = 0; i < messages; ++i) f.shared(hello);
  };
  f.hear(Stage::from(list, "3EB0A0").add(f.key_of(list)).add(f.shared(hello)));
  skip(100);
  f.hear(Stage::from(list, "3EB0A1").add(f.shared(hello)));
  CHECK(storage::find_message(f.store->reader(), f.row.id, ben, "3EB0A1"));
  skip(60);
  f.hear(Stage::from(list, "3EB0A2").add(f.shared(hello)));
  const auto blob = storage::find_sender_key(f.store->reader(), f.row.id, Jid("lists", "broadcast"), ben);
  REQUIRE(blob);
  CHECK(protocol::SenderKeyRecord::parse(*blob).value().states().front().skipped.size() == 100);
  skip(101);
  f.hear(Stage::from(list, "3EB0A3").add(f.shared(hello)));
  CHECK_FALSE(storage::find_message(f.store->reader(), f.row.id, ben, "3EB0A3"));
  // A status may be as far ahead as a message of a group.
  f.hear(Stage::from(status, "3EB0B0").add(f.key_of(status)).add(f.shared(f.words("one"))));
  skip(101);
  f.hear(Stage::from(status, "3EB0B1").add(f.shared(f.words("two"))));
  CHECK(f.stored("3EB0B1"));
}
