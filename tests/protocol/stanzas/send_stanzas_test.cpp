// Outgoing <message> stanzas against send-stanzas.json: each is rebuilt from the vector's input (what the sender
// knows).
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "protocol/messages/content.h"
#include "protocol/messages/message_id.h"
#include "protocol/stanzas/group_message.h"
#include "protocol/stanzas/messages.h"
#include "tests/support/node_json.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::canonical;
using wharf::test::node_from_json;
using wharf::test::text;
using wharf::test::vectors;

namespace {

const boost::json::object& stanza_case(std::string_view name) {
  for (const auto& entry : vectors("send-stanzas").at("cases").as_array()) {
    if (text(entry.as_object(), "name") == name) return entry.as_object();
  }
  throw std::runtime_error("no case " + std::string(name));
}

Jid jid(const boost::json::value& value) { return Jid::parse(value.as_string()).value(); }

/// The placeholder ciphertext of the vector: a pkmsg without session or before the first answer.
Ciphertext ciphertext(const boost::json::object& input, std::string_view device) {
  const bool fresh = input.at("sessions").at(device).as_string() == "none";
  return {fresh ? CiphertextKind::pre_key_message : CiphertextKind::message,
          to_bytes(fresh ? "<pkmsg ciphertext>" : "<msg ciphertext>")};
}

const Bytes trusted_token = to_bytes("<token>");

const Bytes device_identity = to_bytes("<ADVSignedDeviceIdentity>");

/// The placeholder token has the wrong length: it is compared as text.
Node with_token_placeholder(Node message) {
  for (Node& child : std::get<std::vector<Node>>(message.content)) {
    if (!child.is("reporting")) continue;
    Node& token = std::get<std::vector<Node>>(child.content).at(0);
    REQUIRE(token.data().size() == 16);
    token.text("<16 bytes>");
  }
  return message;
}

Node fan_out(const boost::json::object& input, const StanzaKind& kind) {
  OutgoingStanza stanza;
  stanza.id = text(input, "id");
  stanza.to = jid(input.at("to"));
  stanza.kind = kind;
  stanza.device_identity = device_identity;
  stanza.peer_recipient_pn = jid(input.at("recipientPn"));
  if (input.at("messageSecret").as_bool()) stanza.reporting_token.emplace();
  if (input.at("tctoken").as_bool()) stanza.trusted_token = trusted_token;
  for (const char* list : {"recipientDevices", "ownDevices"}) {
    for (const auto& device : input.at(list).as_array()) {
      if (device == input.at("thisDevice")) continue;
      stanza.participants.push_back({jid(device), ciphertext(input, device.as_string())});
    }
  }
  return with_token_placeholder(message_stanza(stanza));
}

}  // namespace

TEST_CASE("every send vector is either built here or named as outside this issue") {
  const std::set<std::string_view> built = {"text_first_contact_pkmsg",
                                            "text_established_msg",
                                            "image",
                                            "retry_1to1",
                                            "peer",
                                            "reaction",
                                            "revoke",
                                            "edit",
                                            "group_first",
                                            "group_next",
                                            "group_poll",
                                            "group_admin_revoke",
                                            "retry_group",
                                            "status"};
  // Newsletters are another destination.
  const std::set<std::string_view> outside = {"newsletter"};
  std::set<std::string_view> all;
  for (const auto& entry : vectors("send-stanzas").at("cases").as_array()) all.insert(text(entry.as_object(), "name"));
  REQUIRE(all.size() == 15);
  std::size_t covered = 0, left = 0;
  for (const std::string_view name : all) {
    INFO(name);
    REQUIRE(built.contains(name) != outside.contains(name));
    covered += built.contains(name);
    left += outside.contains(name);
  }
  REQUIRE(covered == 14);
  REQUIRE(left == 1);
}

TEST_CASE("text to a contact is the vector's stanza, at first contact and with sessions") {
  for (const char* name : {"text_first_contact_pkmsg", "text_established_msg"}) {
    INFO(name);
    const auto& vector = stanza_case(name);
    const Node built = fan_out(vector.at("input").as_object(), stanza_kind(wharf::test::hex("0a0568656c6c6f")));
    REQUIRE(canonical(built) == canonical(node_from_json(vector.at("stanza"))));
  }
}

TEST_CASE("the mediatype of an image stands on every enc") {
  const auto& vector = stanza_case("image");
  const Node built = fan_out(vector.at("input").as_object(), StanzaKind{.type = "media", .media_type = "image"});
  REQUIRE(canonical(built) == canonical(node_from_json(vector.at("stanza"))));
}

TEST_CASE("reactions, edits and revokes say what they are, and that nothing is shown where they cannot be read") {
  // The messages of messages.json: what the stanza says follows from the content.
  const std::map<const char*, const char*> messages = {
      {"reaction", "reaction"}, {"revoke", "revoke_own"}, {"edit", "edit_plain"}};
  for (const auto& [name, message] : messages) {
    INFO(name);
    Bytes encoded;
    for (const auto& entry : vectors("messages").at("cases").as_array())
      if (text(entry.as_object(), "kind") == message) encoded = wharf::test::hex(entry.at("hex"));
    const auto& vector = stanza_case(name);
    const Node built = fan_out(vector.at("input").as_object(), stanza_kind(encoded));
    REQUIRE(canonical(built) == canonical(node_from_json(vector.at("stanza"))));
  }
  // A reaction that is taken back, and a pin.
  const auto kind_of = [](std::string_view name) {
    for (const auto& entry : vectors("messages").at("cases").as_array())
      if (text(entry.as_object(), "kind") == name) return stanza_kind(wharf::test::hex(entry.at("hex")));
    return StanzaKind();
  };
  CHECK(kind_of("reaction_remove") == StanzaKind{.type = "reaction", .edit = "7", .hide_on_failure = true});
  CHECK(kind_of("pin") == StanzaKind{.edit = "2", .hide_on_failure = true});
  CHECK(kind_of("edit_wrapped") == kind_of("edit_plain"));
  CHECK(kind_of("poll_update").meta_value == "vote");
  CHECK(kind_of("poll_v3_single").meta_value == "creation");
  CHECK_FALSE(kind_of("poll_v3_single").hide_on_failure);
}

TEST_CASE("a resend after a retry receipt is a bare enc for one device") {
  const auto& vector = stanza_case("retry_1to1");
  const auto& input = vector.at("input").as_object();
  const auto& retry = input.at("retryFor").as_object();
  RetryStanza stanza;
  stanza.id = text(input, "id");
  stanza.to = jid(retry.at("device"));
  stanza.ciphertext = ciphertext(input, text(retry, "device"));
  stanza.count = static_cast<std::uint32_t>(retry.at("count").as_int64());
  stanza.device_identity = device_identity;
  stanza.trusted_token = trusted_token;
  REQUIRE(canonical(retry_stanza(stanza)) == canonical(node_from_json(vector.at("stanza"))));
}

namespace {

/// The stanza of a group's vector: devices that are not marked get the key, the phash is over all of them.
Node to_group(const boost::json::object& input, const StanzaKind& kind) {
  GroupMessageStanza stanza;
  stanza.id = text(input, "id");
  stanza.group = jid(input.at("to"));
  stanza.kind = kind;
  stanza.addressing_mode = text(input, "addressingMode");
  stanza.device_identity = device_identity;
  stanza.sender_key_message = to_bytes("<skmsg ciphertext>");
  if (input.at("messageSecret").as_bool()) stanza.reporting_token.emplace();
  const auto& marked = input.at("senderKeyMarked").as_array();
  std::vector<Jid> all;
  for (const char* list : {"ownDevices", "memberDevices"}) {
    for (const auto& device : input.at(list).as_array()) {
      all.push_back(jid(device));
      if (device == input.at("thisDevice") || std::find(marked.begin(), marked.end(), device) != marked.end()) continue;
      stanza.key_for.push_back({jid(device), ciphertext(input, device.as_string())});
    }
  }
  stanza.phash = participant_hash(all);
  return with_token_placeholder(group_message_stanza(stanza));
}

/// The stanza of the vector of a status: bare names for whom the key is not sent to.
Node to_status(const boost::json::object& input) {
  GroupMessageStanza stanza;
  stanza.id = text(input, "id");
  stanza.group = jid(input.at("to"));
  stanza.device_identity = device_identity;
  stanza.sender_key_message = to_bytes("<skmsg ciphertext>");
  stanza.status_setting = text(input, "statusSetting");
  if (input.at("messageSecret").as_bool()) stanza.reporting_token.emplace();
  const auto& marked = input.at("senderKeyMarked").as_array();
  for (const char* list : {"ownDevices", "memberDevices"}) {
    for (const auto& device : input.at(list).as_array()) {
      const Jid user = jid(device).user_jid();
      if (std::find(stanza.audience.begin(), stanza.audience.end(), user) == stanza.audience.end())
        stanza.audience.push_back(user);
      if (device == input.at("thisDevice") || std::find(marked.begin(), marked.end(), device) != marked.end()) continue;
      stanza.key_for.push_back({jid(device), ciphertext(input, device.as_string())});
    }
  }
  return with_token_placeholder(group_message_stanza(stanza));
}

StanzaKind kind_of_message(std::string_view name) {
  for (const auto& entry : vectors("messages").at("cases").as_array())
    if (text(entry.as_object(), "kind") == name) return stanza_kind(wharf::test::hex(entry.at("hex")));
  throw std::runtime_error("no message " + std::string(name));
}

}  // namespace

TEST_CASE("a message to a group carries one ciphertext, and the key for those that lack it") {
  const std::map<const char*, StanzaKind> kinds = {
      {"group_first", StanzaKind()},
      {"group_next", StanzaKind()},
      {"group_poll", kind_of_message("poll_v3_single")},
      {"group_admin_revoke", kind_of_message("revoke_admin")},
  };
  for (const auto& [name, kind] : kinds) {
    INFO(name);
    const auto& vector = stanza_case(name);
    REQUIRE(canonical(to_group(vector.at("input").as_object(), kind)) ==
            canonical(node_from_json(vector.at("stanza"))));
  }
}

TEST_CASE("a status names its whole audience, has no hash and no addressing, and says whom it is for") {
  const auto& vector = stanza_case("status");
  REQUIRE(canonical(to_status(vector.at("input").as_object())) == canonical(node_from_json(vector.at("stanza"))));
  // What is no post does not say it.
  GroupMessageStanza revoke;
  revoke.group = status_jid();
  revoke.kind = kind_of_message("revoke_own");
  revoke.audience = {Jid("1", server::lid)};
  CHECK(group_message_stanza(revoke).child("meta") == nullptr);
}

TEST_CASE("the key's ciphertexts say nothing of the content, but that nothing is shown where they cannot be read") {
  GroupMessageStanza stanza;
  stanza.kind = {.type = "media", .media_type = "image", .hide_on_failure = true};
  stanza.key_for.push_back({Jid("1", server::lid), {CiphertextKind::message, Bytes{1}}});
  stanza.device_identity = device_identity;
  const Node message = group_message_stanza(stanza);
  const Node* of_key = message.child("participants")->child("to")->child("enc");
  CHECK_FALSE(of_key->has("mediatype"));
  CHECK(of_key->attr("decrypt-fail") == "hide");
  CHECK(message.child("enc")->attr("mediatype") == "image");
  CHECK(message.child("enc")->attr("decrypt-fail") == "hide");
  CHECK(message.child("device-identity") == nullptr);  // a msg needs none
}

TEST_CASE("a resend into a group is a bare enc for one device of a member") {
  const auto& vector = stanza_case("retry_group");
  const auto& input = vector.at("input").as_object();
  const auto& retry = input.at("retryFor").as_object();
  GroupRetryStanza stanza;
  stanza.id = text(input, "id");
  stanza.group = jid(input.at("to"));
  stanza.participant = jid(retry.at("device"));
  stanza.addressing_mode = text(input, "addressingMode");
  stanza.ciphertext = ciphertext(input, text(retry, "device"));
  stanza.count = static_cast<std::uint32_t>(retry.at("count").as_int64());
  stanza.device_identity = device_identity;
  REQUIRE(canonical(group_retry_stanza(stanza)) == canonical(node_from_json(vector.at("stanza"))));
}

TEST_CASE("a resend to an own device names the chat and keeps the fan-out attribute away") {
  RetryStanza stanza;
  stanza.id = "3EB0AA";
  stanza.to = Jid("100000000000001", server::lid, 9);
  stanza.ciphertext = {CiphertextKind::message, Bytes{1}};
  stanza.count = 2;
  stanza.recipient = Jid("100000000000002", server::lid);
  stanza.device_identity = device_identity;
  stanza.to_own_device = true;
  const Node node = retry_stanza(stanza);
  REQUIRE(node.jid("recipient") == stanza.recipient);
  REQUIRE_FALSE(node.has("device_fanout"));
  REQUIRE(node.child("device-identity") == nullptr);  // a msg needs none
}

TEST_CASE("a peer message goes bare to the own phone") {
  const auto& vector = stanza_case("peer");
  const auto& input = vector.at("input").as_object();
  const Node built =
      peer_message_stanza(text(input, "id"), jid(input.at("to")), ciphertext(input, text(input, "sessionDevice")),
                          device_identity, text(input, "pushPriority"));
  REQUIRE(canonical(built) == canonical(node_from_json(vector.at("stanza"))));
  const Node fresh =
      peer_message_stanza("1", jid(input.at("to")), {CiphertextKind::pre_key_message, Bytes{1}}, device_identity);
  REQUIRE(fresh.attr("push_priority") == "high");
  REQUIRE(fresh.child_data("device-identity").has_value());
}

TEST_CASE("a built stanza survives the wire") {
  const Node built = fan_out(stanza_case("text_first_contact_pkmsg").at("input").as_object(), StanzaKind());
  REQUIRE(canonical(decode_node(encode_node(built)).value()) == canonical(built));
}
