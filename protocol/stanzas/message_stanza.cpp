// Outgoing <message> stanzas. Specification 03 sections 4.2, 8.2 and 8.4.
#include <algorithm>
#include <set>

#include "protocol/stanzas/group_message.h"
#include "protocol/stanzas/messages.h"

namespace wharf::protocol {

namespace {

Node enc_node(const Ciphertext& ciphertext, const StanzaKind& kind) {
  Node enc("enc");
  enc.attrs.reserve(4);
  enc.set("v", "2").set("type", ciphertext.kind == CiphertextKind::pre_key_message ? "pkmsg" : "msg");
  if (!kind.media_type.empty()) enc.set("mediatype", kind.media_type);
  if (kind.hide_on_failure) enc.set("decrypt-fail", "hide");
  enc.bytes(ciphertext.body);
  return enc;
}

/// Without it a companion of the peer can never open a pkmsg. A primary has none and sends none.
void add_device_identity(Node& message, bool any_pre_key_message, ByteView device_identity) {
  if (any_pre_key_message && !device_identity.empty()) message.add(Node("device-identity").bytes(device_identity));
}

bool any_pre_key_message(const std::vector<EncryptedFor>& targets) {
  return std::any_of(targets.begin(), targets.end(), [](const EncryptedFor& target) {
    return target.ciphertext.kind == CiphertextKind::pre_key_message;
  });
}

Node participants_node(const std::vector<EncryptedFor>& targets, const StanzaKind& kind) {
  Node participants("participants");
  if (targets.empty()) return participants;
  // In place: to a large group there are thousands.
  auto& copies = participants.content.emplace<std::vector<Node>>();
  copies.reserve(targets.size());
  for (const EncryptedFor& target : targets)
    copies.emplace_back("to").set("jid", target.device).add(enc_node(target.ciphertext, kind));
  return participants;
}

void add_reporting_token(Node& message, const std::optional<std::array<std::uint8_t, 16>>& token) {
  if (token) message.add(Node("reporting").add(Node("reporting_token").set("v", "2").bytes(*token)));
}

void add_trusted_token(Node& message, const Bytes& token) {
  if (!token.empty()) message.add(Node("tctoken").bytes(token));
}

void add_meta(Node& message, const StanzaKind& kind) {
  if (!kind.meta_name.empty()) message.add(Node("meta").set(kind.meta_name, kind.meta_value));
}

}  // namespace

Node message_stanza(const OutgoingStanza& stanza) {
  Node message("message");
  message.set("id", stanza.id).set("to", stanza.to).set("type", stanza.kind.type);
  if (!stanza.kind.edit.empty()) message.set("edit", stanza.kind.edit);
  if (stanza.peer_recipient_pn) message.set("peer_recipient_pn", *stanza.peer_recipient_pn);

  message.add(participants_node(stanza.participants, stanza.kind));
  add_device_identity(message, any_pre_key_message(stanza.participants), stanza.device_identity);
  add_meta(message, stanza.kind);
  add_reporting_token(message, stanza.reporting_token);
  add_trusted_token(message, stanza.trusted_token);
  return message;
}

Node retry_stanza(const RetryStanza& stanza) {
  Node message("message");
  message.set("id", stanza.id).set("to", stanza.to).set("type", stanza.kind.type);
  if (!stanza.kind.edit.empty()) message.set("edit", stanza.kind.edit);
  if (stanza.recipient) message.set("recipient", *stanza.recipient);
  if (!stanza.to_own_device) message.set("device_fanout", "false");
  Node enc = enc_node(stanza.ciphertext, stanza.kind);
  enc.set("count", stanza.count);
  message.add(std::move(enc));
  add_device_identity(message, stanza.ciphertext.kind == CiphertextKind::pre_key_message, stanza.device_identity);
  add_meta(message, stanza.kind);
  add_trusted_token(message, stanza.trusted_token);
  return message;
}

namespace {

/// `<meta status_setting>` of a status post.
void add_setting(Node& message, const std::string& status_setting) {
  if (!status_setting.empty()) message.add(Node("meta").set("status_setting", status_setting));
}

/// Whoever sees a status stands by name among the devices that are given the key, unless the phone is one of those.
void add_audience(Node& participants, const GroupMessageStanza& stanza) {
  std::set<Jid> phones;
  for (const EncryptedFor& target : stanza.key_for)
    if (target.device.device == 0) phones.insert(target.device);
  for (const Jid& user : stanza.audience)
    if (!phones.contains(user.with_device(0))) participants.add(Node("to").set("jid", user));
}

}  // namespace

Node group_message_stanza(const GroupMessageStanza& stanza) {
  Node message("message");
  message.set("id", stanza.id).set("to", stanza.group).set("type", stanza.kind.type);
  if (!stanza.kind.edit.empty()) message.set("edit", stanza.kind.edit);
  if (!stanza.addressing_mode.empty()) message.set("addressing_mode", stanza.addressing_mode);
  if (!stanza.phash.empty()) message.set("phash", stanza.phash);
  // What the key is for is none of the key's business, but that nothing is to be shown where it cannot be read.
  StanzaKind of_key;
  of_key.hide_on_failure = stanza.kind.hide_on_failure;
  if (!stanza.key_for.empty() || !stanza.audience.empty()) {
    Node participants = participants_node(stanza.key_for, of_key);
    add_audience(participants, stanza);
    message.add(std::move(participants));
  }
  add_device_identity(message, any_pre_key_message(stanza.key_for), stanza.device_identity);
  Node enc("enc");
  enc.set("v", "2").set("type", "skmsg");
  if (!stanza.kind.media_type.empty()) enc.set("mediatype", stanza.kind.media_type);
  if (stanza.kind.hide_on_failure) enc.set("decrypt-fail", "hide");
  message.add(std::move(enc.bytes(stanza.sender_key_message)));
  add_meta(message, stanza.kind);
  add_setting(message, stanza.status_setting);
  add_reporting_token(message, stanza.reporting_token);
  return message;
}

Node group_retry_stanza(const GroupRetryStanza& stanza) {
  Node message("message");
  message.set("id", stanza.id).set("to", stanza.group).set("type", stanza.kind.type);
  if (!stanza.kind.edit.empty()) message.set("edit", stanza.kind.edit);
  message.set("participant", stanza.participant);
  if (!stanza.addressing_mode.empty()) message.set("addressing_mode", stanza.addressing_mode);
  Node enc = enc_node(stanza.ciphertext, stanza.kind);
  enc.set("count", stanza.count);
  message.add(std::move(enc));
  add_device_identity(message, stanza.ciphertext.kind == CiphertextKind::pre_key_message, stanza.device_identity);
  add_meta(message, stanza.kind);
  add_setting(message, stanza.status_setting);
  return message;
}

Node peer_message_stanza(std::string_view id, const Jid& to, const Ciphertext& ciphertext, ByteView device_identity,
                         std::string_view push_priority) {
  Node message("message");
  message.set("id", id).set("to", to).set("type", "text").set("category", "peer").set("push_priority", push_priority);
  message.add(Node("meta").set("appdata", "default")).add(enc_node(ciphertext, StanzaKind()));
  add_device_identity(message, ciphertext.kind == CiphertextKind::pre_key_message, device_identity);
  return message;
}

}  // namespace wharf::protocol
