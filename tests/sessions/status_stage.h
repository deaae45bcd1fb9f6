#pragma once
// Status posts of a real Session, and the people who read them with their own keys.

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/account/privacy.h"
#include "protocol/account/status_audience.h"
#include "protocol/messages/content.h"
#include "protocol/messages/padding.h"
#include "protocol/signal/sender_key.h"
#include "sessions/status_audiences.h"
#include "storage/status_audiences.h"
#include "tests/sessions/group_stanzas.h"
#include "tests/sessions/sending.h"

namespace wharf::test::statuses {

using namespace wharf::sessions;
using protocol::Bytes;
using protocol::Node;
using protocol::StatusAudience;
using storage::AckLevel;
using test::SignalPeer;

inline const Jid status = protocol::status_jid();
inline const Jid self("100000000000001", "lid");
inline const Jid ben("100000000000002", "lid"), carl("100000000000003", "lid");
inline const Jid carl_pn("15550000003", "s.whatsapp.net");

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

struct Stage : PreparingSession {
  std::map<Jid, Reader> people;

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
    const auto usync = queries_to(said, Jid("", "s.whatsapp.net"), "usync", "usync");
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
    return hear(result_of(usync[0]).add(Node("usync").add(std::move(list))));
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
inline std::vector<Jid> named(const Node& message, bool with_key) {
  std::vector<Jid> out;
  for (const Node* to : message.child("participants")->children("to"))
    if ((to->child("enc") != nullptr) == with_key) out.push_back(*to->jid("jid"));
  std::sort(out.begin(), out.end());
  return out;
}
inline std::uint32_t key_of(const Node& message) {
  return protocol::read_group_message_key(message.child("enc")->data()).value().key_id;
}

}  // namespace wharf::test::statuses
