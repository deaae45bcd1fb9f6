#pragma once
// A group whose members hold their own keys, and what a real Session sends to it.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/groups/metadata.h"
#include "protocol/messages/content.h"
#include "protocol/messages/padding.h"
#include "protocol/signal/sender_key.h"
#include "storage/member_receipts.h"
#include "tests/sessions/group_stanzas.h"
#include "tests/sessions/sending.h"

namespace wharf::test {

/// A member's main device, as an end of its own.
struct GroupMember {
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

struct SendingCrew : PreparingSession {
  std::map<Jid, GroupMember> members;
  groups::GroupMetadata metadata;

  explicit SendingCrew(const std::vector<Jid>& who = {ben_lid, carl_lid}) {
    metadata.group = crew;
    metadata.subject = "crew";
    metadata.addressing_mode = groups::AddressingMode::lid;
    metadata.member_list_version = "1";
    metadata.members.push_back(groups::person(self, self_pn));
    metadata.members.back().role = groups::Role::admin;
    for (const Jid& one : who) {
      members.emplace(one, GroupMember{befriend(one), {}});
      metadata.members.push_back(groups::person(one));
    }
    metadata.size = static_cast<std::uint32_t>(metadata.members.size());
    describe();
    go_online();
  }
  /// As if the server had told it.
  void describe() { know(*this, metadata); }
  /// Asks for a text to the group, and runs what the preparation leaves for later turns. The stanzas that left.
  std::vector<Node> say(const std::string& body, const std::string& id) {
    SendMessage message = text(body);
    message.chat = crew;
    message.message_id = id;
    std::vector<Node> out;
    collect(out, tell(std::move(message), [](const Outcome<SentMessage>& sent) { REQUIRE(sent.has_value()); }));
    return out;
  }
  std::optional<std::string> read(const Jid& who, const Node& message) {
    return members.at(who).read(who, message, random);
  }
  /// Those who are asked for their devices in `said`; each is to be answered.
  std::vector<Node> lists_asked() const { return queries_to(said, Jid("", "s.whatsapp.net"), "usync", "usync"); }
  /// An answer that says something of nobody: the lists that are there count on.
  static Node passed_over(const Node& usync) { return result_of(usync).add(Node("usync").add(Node("list"))); }
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
    return node.add(Node("registration").bytes(protocol::Bytes{0, 0, 0, 77}));
  }
  /// The own phone stands in the list, and has a session with us.
  void have_phone() {
    members.emplace(self, GroupMember{befriend(self), {}});
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
  storage::AckLevel level(const std::string& id) {
    return storage::find_message(store->reader(), row.id, crew, id)->ack;
  }
};

/// How many devices it brings the key.
inline std::size_t keys_in(const Node& message) {
  const Node* participants = message.child("participants");
  return participants == nullptr ? 0 : participants->children("to").size();
}

}  // namespace wharf::test
