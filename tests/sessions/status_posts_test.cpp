// Status posts from a real Session, read by people that hold their own keys: whom a post goes to, what deletes it, who
// has seen it.
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <memory>

#include "events/codec.h"
#include "events/event.h"
#include "protocol/account/privacy.h"
#include "protocol/account/status_audience.h"
#include "protocol/appstate/actions.h"
#include "protocol/messages/content.h"
#include "protocol/messages/padding.h"
#include "protocol/signal/sender_key.h"
#include "sessions/status_audiences.h"
#include "storage/app_state.h"
#include "storage/chat_list.h"
#include "storage/contacts.h"
#include "storage/member_receipts.h"
#include "storage/status_audiences.h"
#include "tests/sessions/group_stanzas.h"
#include "tests/sessions/sending.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Bytes;
using protocol::Node;
using protocol::StatusAudience;
using storage::AckLevel;
using test::SignalPeer;

namespace {

const Jid status = protocol::status_jid();
const Jid self("100000000000001", "lid");
const Jid ben("100000000000002", "lid"), carl("100000000000003", "lid");

/// Somebody's main device, as an end of its own.
struct Reader {
  SignalPeer peer;
  protocol::SenderKeyRecord keys;

  /// What this device reads of our stanza; nullopt: it has no key for it.
  std::optional<protocol::IncomingMessage> read(const Jid& who, const Node& message, protocol::SeededRandom& random) {
    using Kind = protocol::CiphertextKind;
    for (const Node* to : message.child("participants")->children("to")) {
      const Node* enc = to->child("enc");
      if (to->jid("jid") != who || enc == nullptr) continue;
      const auto opened = peer.receive(
          {enc->attr("type") == "pkmsg" ? Kind::pre_key_message : Kind::message, protocol::to_bytes(enc->data())},
          random);
      REQUIRE(opened.has_value());
      const auto content = protocol::parse_message(protocol::unpad_message(opened->plaintext).value()).value();
      REQUIRE(content.sender_key_group == status.to_string());
      REQUIRE(keys.process(content.sender_key_distribution).has_value());
    }
    const auto opened = keys.decrypt(message.child("enc")->data());
    if (!opened) return std::nullopt;
    return protocol::parse_message(protocol::unpad_message(opened->plaintext).value()).value();
  }
};

struct Stage : test::SessionFixture {
  std::map<Jid, Reader> people;
  std::vector<Node> said;  // beside messages

  Stage() {
    for (const Jid& one : {ben, carl}) people.emplace(one, Reader{befriend(one), {}});
    go_online();
  }
  /// The messages that leave, also in the later turns that a preparation takes.
  std::vector<Node> post(const std::string& id, const std::optional<std::vector<Jid>>& audience) {
    SendMessage message;
    message.chat = status;
    message.content = protocol::StatusText{"open until eight", {0xFFFFFFFF, 0xFF1F7AEC, 2}};
    message.audience = audience;
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
  std::vector<Node> hear(Node node) {
    said.clear();
    std::vector<Node> out;
    collect(out, stanza(std::move(node)));
    return out;
  }
  static Node ack_of(const std::string& id) {
    return Node("ack").set("class", "message").set("id", id).set("from", status).set("t", "1700000001");
  }
  static Node receipt_of(const Jid& who, const std::string& id, const std::string& type) {
    Node node("receipt");
    node.set("id", id).set("from", status).set("participant", who).set("t", "1700000005");
    if (!type.empty()) node.set("type", type);
    return node;
  }
  storage::MessageRow row_of(const std::string& id) {
    const auto message = storage::find_message(store->reader(), row.id, status, id);
    REQUIRE(message);
    return *message;
  }
  std::optional<protocol::IncomingMessage> read(const Jid& who, const Node& message) {
    return people.at(who).read(who, message, random);
  }
  /// A chat with somebody, and one with a group.
  void have_chats() { have_chats({ben, Jid("120363000000000001", "g.us")}); }
  void have_chats(const std::vector<Jid>& chats) {
    storage::Changes changes;
    for (const Jid& chat : chats) {
      storage::MessageRow message;
      message.session = row.id;
      message.chat = message.author = chat;
      message.id = "OLD" + chat.user;
      message.kind = "text";
      message.timestamp = message.created_at = now_ms;
      changes.add(storage::InsertMessage{message, true, std::nullopt});
    }
    store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  }
  /// The question for the account's setting among `said`.
  Node question() const {
    for (const Node& node : said)
      if (protocol::is_status_audience_query(node)) return node;
    FAIL("the account's setting was not asked for");
    return Node();
  }
  /// The question whom the account has blocked among `said`.
  Node block_question() const {
    for (const Node& node : said)
      if (protocol::is_block_list_query(node)) return node;
    FAIL("the account's block list was not asked for");
    return Node();
  }
  /// The server says whom the account's setting means, and whom it has blocked.
  std::vector<Node> choose(const StatusAudience& chosen, const std::vector<Jid>& blocked = {}) {
    REQUIRE(hear(protocol::status_audience_answer(question(), chosen)).empty());
    protocol::BlockList list;
    for (const Jid& user : blocked) list.users.push_back({user});
    return hear(protocol::block_list_answer(block_question(), list));
  }
  /// The users whom the devices and LIDs were asked of in `said`, and the answer: each of `lids` by the number.
  std::vector<Node> tell_lids(const std::vector<Jid>& asked, const std::map<Jid, Jid>& lids) {
    const auto usync = test::queries_to(said, Jid("", "s.whatsapp.net"), "usync", "usync");
    REQUIRE(usync.size() == 1);
    std::vector<Jid> users;
    for (const Node* user : usync[0].child("usync")->child("list")->children("user"))
      users.push_back(*user->jid("jid"));
    CHECK(users == asked);
    Node list("list");
    for (const auto& [number, lid] : lids) {
      Node devices("device-list");
      devices.add(Node("device").set("id", "0"));
      list.add(Node("user")
                   .set("jid", number)
                   .add(Node("lid").set("val", lid))
                   .add(Node("devices").add(std::move(devices))));
    }
    return hear(test::result_of(usync[0]).add(Node("usync").add(std::move(list))));
  }
  std::optional<storage::StatusAudienceRow> audience_of(const std::string& id) {
    return storage::find_status_audience(store->reader(), row.id, id);
  }
  /// What the main device of `who` gets when it asks for this message again.
  std::vector<Node> asked_again(const Jid& who, const std::string& id) {
    Node node = receipt_of(who, id, "retry");
    node.add(Node("retry").set("v", "1").set("count", "1").set("id", id).set("t", "1700000001"));
    return hear(node.add(Node("registration").bytes(Bytes{0, 0, 0, 77})));
  }
  /// Deletes a post for everyone; the answer in `why` when it is refused.
  std::vector<Node> revoke(const std::string& post, const std::string& id,
                           std::shared_ptr<std::optional<Errc>> why = {}) {
    SendMessage message;
    message.chat = status;
    message.content = RevokeSent{post};
    message.message_id = id;
    std::vector<Node> out;
    said.clear();
    collect(out, tell(std::move(message), [why](const Outcome<SentMessage>& sent) {
              if (why) *why = sent ? std::nullopt : std::optional(sent.error().code);
              else REQUIRE(sent.has_value());
            }));
    return out;
  }
  /// A post that another device of the account sent, or an account that the session was linked to before.
  void have_post_of(const Jid& author, const std::string& id, const Bytes& content) {
    storage::MessageRow message;
    message.session = row.id;
    message.chat = status;
    message.author = author;
    message.id = id;
    message.kind = "text";
    message.from_me = true;
    message.ack = AckLevel::server;
    message.content = content;
    message.timestamp = message.created_at = now_ms;
    storage::Changes changes;
    changes.add(storage::InsertMessage{message, false, std::nullopt});
    store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  }
};

/// Users that stand by name alone, and devices that are given the key.
std::vector<Jid> named(const Node& message, bool with_key) {
  std::vector<Jid> out;
  for (const Node* to : message.child("participants")->children("to"))
    if ((to->child("enc") != nullptr) == with_key) out.push_back(*to->jid("jid"));
  std::sort(out.begin(), out.end());
  return out;
}
std::uint32_t key_of(const Node& message) {
  return protocol::read_group_message_key(message.child("enc")->data()).value().key_id;
}

}  // namespace

TEST_CASE("a status post for named people is encrypted for them, and says whom it is for") {
  Stage f;
  const auto first = f.post("3EB0AA", std::vector{ben, carl});
  REQUIRE(first.size() == 1);
  const Node& message = first[0];
  CHECK(message.jid("to") == status);
  CHECK(message.attr("type") == "text");
  CHECK_FALSE(message.has("addressing_mode"));
  CHECK_FALSE(message.has("phash"));
  REQUIRE(message.child("meta"));
  CHECK(message.child("meta")->attr("status_setting") == "allowlist");
  CHECK(named(message, true) == std::vector{ben, carl});
  CHECK(named(message, false) == std::vector{self});  // whose phone is not listed: it has the text without a key
  const auto shown = f.read(ben, message);
  REQUIRE(shown);
  CHECK(shown->text == "open until eight");
  REQUIRE(std::holds_alternative<protocol::TextStyle>(shown->body));
  CHECK(std::get<protocol::TextStyle>(shown->body) == protocol::TextStyle{0xFFFFFFFF, 0xFF1F7AEC, 2});
  CHECK(f.read(carl, message));

  f.hear(Stage::ack_of("3EB0AA"));
  CHECK(f.row_of("3EB0AA").ack == AckLevel::server);
  CHECK(f.row_of("3EB0AA").details == R"({"style":{"backgroundColor":"#1F7AEC","textColor":"#FFFFFF","font":2}})");
  CHECK(storage::find_reach(f.store->reader(), f.row_of("3EB0AA").row)->members == 2);
  CHECK_FALSE(storage::find_chat(f.store->reader(), f.row.id, status));  // it is of no chat

  // Who has the key stands by name.
  const auto second = f.post("3EB0BB", std::vector{ben, carl});
  REQUIRE(second.size() == 1);
  CHECK(named(second[0], true).empty());
  CHECK(named(second[0], false) == std::vector{self, ben, carl});
  CHECK(f.read(ben, second[0])->text == "open until eight");
}

TEST_CASE("a status post for fewer people is under a key that the others do not have") {
  Stage f;
  const auto first = f.post("3EB0AA", std::vector{ben, carl});
  REQUIRE(first.size() == 1);
  f.read(carl, first[0]);
  f.hear(Stage::ack_of("3EB0AA"));
  const auto second = f.post("3EB0BB", std::vector{ben});
  REQUIRE(second.size() == 1);
  CHECK(key_of(second[0]) != key_of(first[0]));
  CHECK(named(second[0], true) == std::vector{ben});
  CHECK(named(second[0], false) == std::vector{self});
  CHECK_FALSE(f.read(carl, second[0]));
  CHECK(f.read(ben, second[0]));
}

TEST_CASE("whom the account's setting means is asked for, and kept with the post") {
  Stage f;
  f.have_chats();
  const auto posted = [&](const std::string& id, const StatusAudience& chosen) {
    REQUIRE(f.post(id, std::nullopt).empty());
    CHECK_FALSE(storage::find_status_audience(f.store->reader(), f.row.id, id)->settled);
    const auto out = f.choose(chosen);
    REQUIRE(out.size() == 1);
    f.hear(Stage::ack_of(id));
    return out[0];
  };
  using Kind = StatusAudience::Kind;
  const auto users = [&](const std::string& id) {
    return storage::find_status_audience(f.store->reader(), f.row.id, id)->users;
  };
  // The address book was never read: the contacts are those with whom there is a chat.
  const Node contacts = posted("3EB0AA", {Kind::contacts, {}});
  CHECK(contacts.child("meta")->attr("status_setting") == "contacts");
  CHECK(users("3EB0AA") == std::vector{ben});
  const Node except = posted("3EB0BB", {Kind::except, {ben}});
  CHECK(except.child("meta")->attr("status_setting") == "denylist");
  CHECK(users("3EB0BB").empty());
  const Node only = posted("3EB0CC", {Kind::only, {carl}});
  CHECK(only.child("meta")->attr("status_setting") == "allowlist");
  CHECK(named(only, true) == std::vector{carl});
  CHECK(users("3EB0CC") == std::vector{carl});
}

TEST_CASE("the contacts are those of the phone's address book as soon as it was read") {
  Stage f;
  f.have_chats();
  const auto have = [&](auto change) {
    storage::Changes changes;
    changes.add(std::move(change));
    f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  };
  const auto audience = [&](const std::string& id) {
    REQUIRE(f.post(id, std::nullopt).empty());
    f.choose({StatusAudience::Kind::contacts, {}});
    f.hear(Stage::ack_of(id));
    return storage::find_status_audience(f.store->reader(), f.row.id, id)->users;
  };
  const std::string book(protocol::critical_unblock_low);
  storage::ContactRow saved;
  saved.user = carl;
  saved.name = "Carl";
  have(storage::PutContact{f.row.id, saved});
  have(storage::PutAppState{f.row.id, {book, 0, {}, 3, true, false}});  // on its way
  CHECK(audience("3EB0AA") == std::vector{ben});
  have(storage::PutAppState{f.row.id, {book, 3, {}, 3, false, false}});
  CHECK(audience("3EB0BB") == std::vector{carl});
}

TEST_CASE("a setting that is not understood lets no post out") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::nullopt).empty());
  const Node question = f.question();
  const Node list = Node("list").set("type", "close_friends").set("default", "true");
  CHECK(f.hear(test::result_of(question).add(Node("privacy").add(list))).empty());
  CHECK(f.row_of("3EB0AA").ack == AckLevel::pending);
}

TEST_CASE("a status post goes on after a restart, to whom it was settled for, and as it was sealed") {
  Stage f;
  f.have_chats();
  REQUIRE(f.post("3EB0AA", std::nullopt).empty());
  f.reopen();  // before WhatsApp has answered
  f.said = f.go_online();
  const auto sealed = f.choose({StatusAudience::Kind::only, {carl}});
  REQUIRE(sealed.size() == 1);
  CHECK(named(sealed[0], true) == std::vector{carl});
  f.reopen();  // before its ack
  std::vector<Node> again = f.go_online();
  std::erase_if(again, [](const Node& node) { return !node.is("message"); });
  REQUIRE(again.size() == 1);
  CHECK(protocol::encode_node(again[0]) == protocol::encode_node(sealed[0]));
  f.hear(Stage::ack_of("3EB0AA"));
  CHECK(f.row_of("3EB0AA").ack == AckLevel::server);
  CHECK(storage::find_reach(f.store->reader(), f.row_of("3EB0AA").row)->members == 1);
}

TEST_CASE("deleting a status post goes to whom the post went") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  REQUIRE(f.post("3EB0BB", std::vector{carl}).size() == 1);
  f.hear(Stage::ack_of("3EB0BB"));
  const auto out = f.revoke("3EB0AA", "3EB0CC");
  REQUIRE(out.size() == 1);
  CHECK(out[0].attr("edit") == "7");
  CHECK(out[0].attr("id") == "3EB0CC");
  CHECK(out[0].child("meta") == nullptr);
  CHECK(named(out[0], true) == std::vector{ben});
  CHECK(named(out[0], false) == std::vector{self});
  CHECK(f.row_of("3EB0AA").revoked_at == 0);  // when the server has it
  f.hear(Stage::ack_of("3EB0CC"));
  CHECK(f.row_of("3EB0AA").revoked_at != 0);
}

TEST_CASE("who was posted to counts as a viewer, and nobody else") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  const auto viewers = [&] { return storage::member_receipts(f.store->reader(), f.row_of("3EB0AA").row, 9); };
  f.hear(Stage::receipt_of(carl, "3EB0AA", "read"));
  CHECK(viewers().empty());
  f.hear(Stage::receipt_of(ben.with_device(3), "3EB0AA", ""));
  f.hear(Stage::receipt_of(ben, "3EB0AA", "read"));
  REQUIRE(viewers().size() == 1);
  CHECK(viewers()[0].user == ben);
  CHECK(viewers()[0].read_at == 1'700'000'005'000);
  CHECK(f.row_of("3EB0AA").ack == AckLevel::read);
}

TEST_CASE("a status post is sent again to a device of its audience alone") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  CHECK(f.asked_again(carl, "3EB0AA").empty());
  const auto again = f.asked_again(ben, "3EB0AA");
  REQUIRE(again.size() == 1);
  CHECK(again[0].jid("to") == status);
  CHECK(again[0].jid("participant") == ben);
  CHECK_FALSE(again[0].has("addressing_mode"));
  REQUIRE(again[0].child("meta"));
  CHECK(again[0].child("meta")->attr("status_setting") == "allowlist");
  f.now_ms += status_lifetime_ms + 1;
  CHECK(f.asked_again(ben, "3EB0AA").empty());  // over a day old
}

TEST_CASE("who asks for a status again is not given the key of one that was for others") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben, carl}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  REQUIRE(f.post("3EB0BB", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0BB"));
  const auto resent_to = [&](const Jid& who) {
    const auto out = f.asked_again(who, "3EB0AA");
    REQUIRE(out.size() == 1);
    const Node* enc = out[0].child("enc");
    using Kind = protocol::CiphertextKind;
    const auto opened = f.people.at(who).peer.receive(
        {enc->attr("type") == "pkmsg" ? Kind::pre_key_message : Kind::message, protocol::to_bytes(enc->data())},
        f.random);
    REQUIRE(opened.has_value());
    return protocol::parse_message(protocol::unpad_message(opened->plaintext).value()).value();
  };
  CHECK(resent_to(carl).text == "open until eight");
  CHECK(resent_to(carl).sender_key_distribution.empty());
  CHECK_FALSE(resent_to(ben).sender_key_distribution.empty());
}

TEST_CASE("somebody with another identity by now means another key, for the posts that went to him") {
  Stage f;
  storage::Changes known;
  for (const Jid& who : {ben, carl})
    known.add(storage::PutIdentity{f.row.id, who, f.people.at(who).peer.bundle().identity});
  f.store->commit(std::move(known), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  const auto first = f.post("3EB0AA", std::vector{ben});
  REQUIRE(first.size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  const auto changed = [](const Jid& who) {
    return Node("notification").set("id", "n1").set("type", "encrypt").set("from", who).add(Node("identity"));
  };
  f.hear(changed(carl));  // who was given nothing
  CHECK(storage::find_own_sender_key(f.store->reader(), f.row.id, status));
  f.hear(changed(ben));
  CHECK_FALSE(storage::find_own_sender_key(f.store->reader(), f.row.id, status));
  // A post for others, whom nothing has changed for, is under a new key and arrives.
  const auto again = f.post("3EB0BB", std::vector<Jid>{});
  REQUIRE(again.size() == 1);
  CHECK(key_of(again[0]) != key_of(first[0]));
}

TEST_CASE("a status post that cannot leave for a day fails") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::nullopt).empty());  // the setting is never told
  f.now_ms += status_lifetime_ms;
  f.turn({});
  CHECK(f.row_of("3EB0AA").ack == AckLevel::error);
}

TEST_CASE("nothing is said about a status post but its deletion") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  SendMessage react;
  react.content = React{"3EB0AA", "👍"};
  const auto why = std::make_shared<std::optional<Errc>>();
  f.tell(std::move(react),
         [why](const Outcome<SentMessage>& sent) { *why = sent ? Errc::internal : sent.error().code; });
  CHECK(*why == Errc::not_implemented);
}

// --- who is kept from a post is known by one identity, and our chat with him may be filed under the other

namespace {

const Jid carl_pn("15550000003", "s.whatsapp.net"), dora_pn("15550000004", "s.whatsapp.net");
const Jid dora("100000000000004", "lid");

}  // namespace

TEST_CASE("who is excluded by LID gets no post, though the chat with him is filed under his number") {
  Stage f;
  f.have_chats({ben, carl_pn});
  REQUIRE(f.post("3EB0AA", std::nullopt).empty());
  REQUIRE(f.choose({StatusAudience::Kind::except, {carl}}).empty());
  const auto out = f.tell_lids({carl_pn}, {{carl_pn, carl}});
  REQUIRE(out.size() == 1);
  CHECK(named(out[0], true) == std::vector{ben});
  CHECK(named(out[0], false) == std::vector{self});
  CHECK_FALSE(f.read(carl, out[0]));
  CHECK(f.audience_of("3EB0AA")->users == std::vector{ben});
}

TEST_CASE("who is excluded by his number gets no post, though the chat with him is filed under his LID") {
  Stage f;
  f.have_chats({ben, carl});
  REQUIRE(f.post("3EB0AA", std::nullopt).empty());
  REQUIRE(f.choose({StatusAudience::Kind::except, {carl_pn}}).empty());
  const auto out = f.tell_lids({carl_pn}, {{carl_pn, carl}});
  REQUIRE(out.size() == 1);
  CHECK(named(out[0], true) == std::vector{ben});
  CHECK_FALSE(f.read(carl, out[0]));
}

TEST_CASE("while WhatsApp does not tell who somebody is, whoever might be one who is excluded gets no post") {
  Stage f;
  SECTION("a partner by number, and somebody who is excluded by LID") {
    f.have_chats({ben, carl_pn});
    REQUIRE(f.post("3EB0AA", std::nullopt).empty());
    REQUIRE(f.choose({StatusAudience::Kind::except, {carl}}).empty());
    const auto out = f.tell_lids({carl_pn}, {});
    REQUIRE(out.size() == 1);
    CHECK(named(out[0], true) == std::vector{ben});
    CHECK(f.audience_of("3EB0AA")->users == std::vector{ben});
  }
  SECTION("partners by LID, and somebody who is excluded by number") {
    storage::Changes known;
    known.add(storage::PutLid{f.row.id, Jid("15550000002", "s.whatsapp.net"), ben});
    f.store->commit(std::move(known), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
    f.have_chats({ben, carl});
    REQUIRE(f.post("3EB0AA", std::nullopt).empty());
    REQUIRE(f.choose({StatusAudience::Kind::except, {carl_pn}}).empty());
    const auto out = f.tell_lids({carl_pn}, {});
    REQUIRE(out.size() == 1);
    CHECK(named(out[0], true) == std::vector{ben});
    CHECK_FALSE(f.read(carl, out[0]));
  }
  SECTION("it does not answer at all") {
    f.have_chats({ben, carl_pn});
    REQUIRE(f.post("3EB0AA", std::nullopt).empty());
    REQUIRE(f.choose({StatusAudience::Kind::except, {carl}}).empty());
    const auto usync = test::queries_to(f.said, Jid("", "s.whatsapp.net"), "usync", "usync");
    REQUIRE(usync.size() == 1);
    CHECK(f.hear(test::error_of(usync[0], 500)).empty());
    CHECK_FALSE(f.audience_of("3EB0AA")->settled);
  }
}

TEST_CASE("who turns out to be excluded when his devices are asked for gets no post") {
  Stage f;
  storage::Changes known;
  known.add(storage::PutLid{f.row.id, carl_pn, carl});
  f.store->commit(std::move(known), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.have_chats({ben, dora_pn});
  REQUIRE(f.post("3EB0AA", std::nullopt).empty());
  REQUIRE(f.choose({StatusAudience::Kind::except, {carl}}).empty());
  REQUIRE(f.tell_lids({dora_pn}, {}).empty());  // another number than his: she is in
  CHECK(f.audience_of("3EB0AA")->users.size() == 2);
  const auto out = f.tell_lids({dora_pn}, {{dora_pn, carl}});  // he has it by now
  REQUIRE(out.size() == 1);
  CHECK(named(out[0], true) == std::vector{ben});
  CHECK_FALSE(f.read(carl, out[0]));
  CHECK(f.audience_of("3EB0AA")->users == std::vector{ben});
}

TEST_CASE("whom the account has blocked gets no post, whatever its setting is") {
  Stage f;
  using Kind = StatusAudience::Kind;
  SECTION("contacts") {
    f.have_chats({ben, carl});
    REQUIRE(f.post("3EB0AA", std::nullopt).empty());
    const auto out = f.choose({Kind::contacts, {}}, {carl});
    REQUIRE(out.size() == 1);
    CHECK(named(out[0], true) == std::vector{ben});
  }
  SECTION("some alone") {
    REQUIRE(f.post("3EB0AA", std::nullopt).empty());
    const auto out = f.choose({Kind::only, {ben, carl}}, {carl});
    REQUIRE(out.size() == 1);
    CHECK(named(out[0], true) == std::vector{ben});
  }
  SECTION("by the other identity") {
    f.have_chats({ben, carl_pn});
    REQUIRE(f.post("3EB0AA", std::nullopt).empty());
    REQUIRE(f.choose({Kind::contacts, {}}, {carl}).empty());
    const auto out = f.tell_lids({carl_pn}, {{carl_pn, carl}});
    REQUIRE(out.size() == 1);
    CHECK(named(out[0], true) == std::vector{ben});
  }
  SECTION("WhatsApp does not tell whom") {
    f.have_chats({ben, carl});
    REQUIRE(f.post("3EB0AA", std::nullopt).empty());
    REQUIRE(f.hear(protocol::status_audience_answer(f.question(), {Kind::contacts, {}})).empty());
    CHECK(f.hear(test::error_of(f.block_question(), 500)).empty());
    CHECK_FALSE(f.audience_of("3EB0AA")->settled);
    CHECK(f.row_of("3EB0AA").ack == AckLevel::pending);
  }
}

TEST_CASE("deleting a post of the phone gives nobody a right to the post") {
  Stage f;
  f.have_chats({ben});
  REQUIRE(f.post("3EB0AA", std::vector{carl}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  f.have_post_of(self, "PHONE1", f.row_of("3EB0AA").content);
  REQUIRE(f.revoke("PHONE1", "3EB0CC").empty());
  const auto out = f.choose({StatusAudience::Kind::contacts, {}});
  REQUIRE(out.size() == 1);
  CHECK(out[0].attr("id") == "3EB0CC");
  CHECK(named(out[0], true) == std::vector{ben});
  // Before the server has it, so that the content is still there.
  CHECK_FALSE(f.audience_of("PHONE1"));
  CHECK(f.audience_of("3EB0CC")->users == std::vector{ben});
  CHECK(f.asked_again(ben, "PHONE1").empty());
  CHECK(f.asked_again(carl, "3EB0CC").empty());
  const auto again = f.asked_again(ben, "3EB0CC");
  REQUIRE(again.size() == 1);
  CHECK(again[0].jid("participant") == ben);
  CHECK(again[0].child("meta") == nullptr);
}

TEST_CASE("a post of the account that the session was linked to before is not deleted by this one") {
  Stage f;
  f.have_post_of(Jid("100000000000009", "lid"), "BEFORE1", Bytes{1});
  const auto why = std::make_shared<std::optional<Errc>>();
  CHECK(f.revoke("BEFORE1", "3EB0CC", why).empty());
  CHECK(*why == Errc::unsupported);
}

TEST_CASE("a deletion goes to whom its post went, also when the post is removed here before it leaves") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  f.cut();
  CHECK(f.revoke("3EB0AA", "3EB0CC").empty());
  storage::Changes gone;
  gone.add(storage::RemoveMessage{f.row.id, status, "3EB0AA", true});
  f.store->commit(std::move(gone), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  CHECK_FALSE(f.audience_of("3EB0AA"));
  CHECK(f.audience_of("3EB0CC")->users == std::vector{ben});
}

TEST_CASE("a receipt for the deletion of a post counts when it is of one whom it went to") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  REQUIRE(f.revoke("3EB0AA", "3EB0CC").size() == 1);
  f.hear(Stage::receipt_of(carl, "3EB0CC", ""));
  CHECK(f.row_of("3EB0AA").revoked_at == 0);
  f.hear(Stage::receipt_of(ben, "3EB0CC", ""));  // so the server has it, and its ack was lost
  CHECK(f.row_of("3EB0AA").revoked_at != 0);
}

TEST_CASE("a post under the id of one that was removed here is for its own audience") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  f.hear(Stage::receipt_of(ben, "3EB0AA", "read"));
  RemoveMessage remove;
  remove.message = "3EB0AA";
  f.tell(std::move(remove), [](const Outcome<void>& removed) { REQUIRE(removed.has_value()); });
  REQUIRE_FALSE(f.audience_of("3EB0AA"));
  f.now_ms += storage::answers_kept_ms + 1;  // until then it would be the first request once more
  const auto again = f.post("3EB0AA", std::vector{carl});
  REQUIRE(again.size() == 1);
  CHECK(named(again[0], true) == std::vector{carl});
  CHECK_FALSE(f.read(ben, again[0]));
  f.hear(Stage::ack_of("3EB0AA"));
  f.hear(Stage::receipt_of(ben, "3EB0AA", "read"));
  CHECK(f.row_of("3EB0AA").ack == AckLevel::server);
  f.hear(Stage::receipt_of(carl, "3EB0AA", "read"));
  CHECK(f.row_of("3EB0AA").ack == AckLevel::read);
}

TEST_CASE("who was posted to by number and is seen by LID counts as a viewer, of two posts in turn") {
  Stage f;
  storage::Changes known;
  known.add(storage::PutLid{f.row.id, carl_pn, carl});
  f.store->commit(std::move(known), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  REQUIRE(f.post("3EB0BB", std::vector{carl}).size() == 1);
  f.hear(Stage::ack_of("3EB0BB"));
  storage::Changes older;  // as it stood before his LID was known
  older.add(storage::PutStatusAudience{f.row.id, {"3EB0BB", storage::StatusSetting::allowlist, true, {carl_pn}}});
  f.store->commit(std::move(older), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  for (const auto& [who, id] : {std::pair(carl, "3EB0AA"), std::pair(ben, "3EB0BB")}) {
    f.hear(Stage::receipt_of(who, id, "read"));
    CHECK(f.row_of(id).ack == AckLevel::server);
  }
  f.hear(Stage::receipt_of(carl, "3EB0BB", "read"));
  CHECK(f.row_of("3EB0BB").ack == AckLevel::read);
  f.hear(Stage::receipt_of(ben, "3EB0AA", "read"));
  CHECK(f.row_of("3EB0AA").ack == AckLevel::read);
}

namespace {

/// Who is told to have seen a post, in the order of the events.
std::vector<std::pair<Jid, std::string>> told_viewers(Stage& f) {
  std::vector<std::pair<Jid, std::string>> out;
  for (const auto& event : storage::read_events(f.store->reader(), storage::EventFilter())) {
    const auto fact = events::decode(event.name, event.data);
    REQUIRE(fact.has_value());
    if (const auto* viewed = std::get_if<events::StatusViewed>(&fact->fact))
      out.emplace_back(viewed->viewer, viewed->id);
  }
  return out;
}

}  // namespace

TEST_CASE("who has seen a post is told once for each, whatever else they say, also after a restart") {
  Stage f;
  f.session->context().config.statuses = true;
  REQUIRE(f.post("3EB0AA", std::vector{ben, carl}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  f.hear(Stage::receipt_of(ben, "3EB0AA", ""));
  f.hear(Stage::receipt_of(Jid("100000000000004", "lid"), "3EB0AA", "read"));  // it was not for him
  CHECK(told_viewers(f).empty());
  f.hear(Stage::receipt_of(ben, "3EB0AA", "read"));
  f.hear(Stage::receipt_of(ben.with_device(3), "3EB0AA", "read"));
  f.hear(Stage::receipt_of(ben, "3EB0AA", "played"));
  const std::vector<std::pair<Jid, std::string>> ben_alone = {{ben, "3EB0AA"}};
  CHECK(told_viewers(f) == ben_alone);
  f.reopen();
  f.go_online();
  f.session->context().config.statuses = true;
  f.hear(Stage::receipt_of(ben, "3EB0AA", "read"));
  CHECK(told_viewers(f) == ben_alone);
  f.hear(Stage::receipt_of(carl, "3EB0AA", "played"));  // without a word of having read it
  const std::vector<std::pair<Jid, std::string>> both = {{ben, "3EB0AA"}, {carl, "3EB0AA"}};
  CHECK(told_viewers(f) == both);
}

TEST_CASE("who has said by number that a post was seen is not told again by LID") {
  Stage f;
  f.session->context().config.statuses = true;
  storage::Changes known;
  known.add(storage::PutLid{f.row.id, carl_pn, carl});
  f.store->commit(std::move(known), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  REQUIRE(f.post("3EB0AA", std::vector{ben, carl}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  storage::Changes older;  // as it stood before his LID was known
  older.add(storage::NoteMember{f.row_of("3EB0AA").row, carl_pn, AckLevel::read, 1'700'000'005'000});
  f.store->commit(std::move(older), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.hear(Stage::receipt_of(carl, "3EB0AA", "read"));
  CHECK(told_viewers(f).empty());
  f.hear(Stage::receipt_of(ben, "3EB0AA", "read"));
  CHECK(told_viewers(f).size() == 1);
}

TEST_CASE("of views nothing is told to a session that does not ask for statuses, nor of a deletion") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  f.hear(Stage::receipt_of(ben, "3EB0AA", "read"));
  f.session->context().config.statuses = true;
  REQUIRE(f.revoke("3EB0AA", "3EB0CC").size() == 1);
  f.hear(Stage::ack_of("3EB0CC"));
  f.hear(Stage::receipt_of(ben, "3EB0CC", "read"));
  CHECK(told_viewers(f).empty());
}
