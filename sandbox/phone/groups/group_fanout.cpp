#include "sandbox/phone/groups/group_fanout.h"

#include <set>
#include <utility>

#include "protocol/messages/content.h"
#include "protocol/messages/message_id.h"
#include "protocol/messages/padding.h"
#include "protocol/stanzas/group_message.h"
#include "sandbox/phone/chats.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

/// A phone of this network names whom each post is for.
constexpr std::string_view status_setting = "allowlist";

Error not_in_group() { return Error(Errc::not_found, "this phone is not in the group any more"); }

/// What another member wrote and an admin takes back goes under a number of its own (03 section 11).
protocol::StanzaKind kind_of(ByteView encoded) {
  auto kind = protocol::stanza_kind(encoded);
  const auto content = protocol::parse_message(encoded);
  const auto* revoke = content ? std::get_if<protocol::Revoke>(&content->body) : nullptr;
  if (revoke != nullptr && !revoke->target.from_me)
    kind.edit = std::string("8");  // a literal alone is an overlap to GCC 12 with -O2
  return kind;
}

void drop_attr(Node& node, std::string_view key) {
  std::erase_if(node.attrs, [key](const protocol::Attr& attr) { return attr.key == key; });
}

}  // namespace

// --- who gets it

const PhoneGroup* PhoneGroupFanout::room_of(const SentMessage& message) {
  if (message.chat != PhoneChats::statuses) return groups_.find(message.chat);
  audience_ = PhoneGroup();
  audience_.data.group = protocol::status_jid();
  audience_.data.addressing_mode = protocol::groups::AddressingMode::lid;
  audience_.members[c_.account.phone] = protocol::groups::Role::member;
  for (const std::string& phone : message.audience) audience_.members[phone] = protocol::groups::Role::member;
  return &audience_;
}

void PhoneGroupFanout::prepare_devices(const std::string& chat, const std::vector<DeviceKey>& all, Then then) {
  std::vector<DeviceKey> without;
  for (const DeviceKey& device : all) {
    if (!keys_.holds(chat, device)) without.push_back(device);
  }
  sessions_.with_sessions(without, std::move(then));
}

void PhoneGroupFanout::prepare(const SentMessage& message, Then then) {
  if (message.chat == PhoneChats::statuses) {
    const PhoneGroup audience = *room_of(message);
    return lists_.with_lists(audience.phones(),
                             [this, audience, chat = message.chat, then = std::move(then)](Result<void> listed) {
                               if (!listed) return then(listed);
                               std::set<std::string> phones;
                               for (const auto& [phone, role] : audience.members) phones.insert(phone);
                               keys_.rotate_beside(chat, phones);
                               prepare_devices(chat, devices(audience), then);
                             });
  }
  groups_.with_group(message.chat, [this, chat = message.chat, then = std::move(then)](const Result<void>& known) {
    const auto* group = groups_.find(chat);
    if (!known || group == nullptr) return then(known ? Result<void>(not_in_group()) : known);
    lists_.with_lists(group->phones(), [this, chat, then](Result<void> listed) {
      const auto* still = groups_.find(chat);
      if (!listed || still == nullptr) return then(listed ? Result<void>(not_in_group()) : listed);
      prepare_devices(chat, devices(*still), then);
    });
  });
}

/// Of all members, the own companions among them, without this phone.
std::vector<DeviceKey> PhoneGroupFanout::devices(const PhoneGroup& group) const {
  std::vector<DeviceKey> all;
  for (const std::string& phone : group.phones()) {
    for (DeviceKey& device : lists_.devices_of(phone)) all.push_back(std::move(device));
  }
  return all;
}

std::string PhoneGroupFanout::participant_hash(const PhoneGroup& group) const {
  std::vector<Jid> all{group.form(c_.account)};
  for (const DeviceKey& device : devices(group)) all.push_back(group.form(*c_.find(device.phone), device.device));
  return protocol::participant_hash(all);
}

// --- what they get

Result<void> PhoneGroupFanout::seal_shared(SentMessage& message, const PhoneGroup& group) {
  auto sealed = keys_.seal(message.chat, protocol::pad_message(message.encoded, c_.random()));
  if (!sealed) return sealed.error();
  message.shared = SentMessage::Shared{std::move(sealed->body), std::move(sealed->distribution), sealed->key_id, {}};
  note_recipients(message, group);
  return {};
}

void PhoneGroupFanout::note_recipients(const SentMessage& message, const PhoneGroup& group) {
  PhoneMessage* shown = log_.find(c_.account.phone, message.id);
  if (shown == nullptr) return;
  shown->recipients.clear();
  for (const std::string& phone : group.phones()) {
    if (phone != c_.account.phone) shown->recipients[phone];
  }
  log_.touch(c_.account.phone, message.id);
}

/// The key as it was for this message, for whom it has not reached yet. `again`: whom the first round did not know may
/// hold the key by now, from a later message on: that does not read this one.
std::vector<protocol::EncryptedFor> PhoneGroupFanout::distribute(SentMessage& message, const PhoneGroup& group,
                                                                 bool again) {
  const Bytes key = protocol::with_sender_key({}, group.jid(), message.shared->distribution);
  std::vector<protocol::EncryptedFor> given;
  for (const DeviceKey& device : devices(group)) {
    if (message.addressed.contains(device)) continue;
    if (again || !keys_.holds(message.chat, device)) {
      const auto sealed = sessions_.seal(device, key);
      if (!sealed) continue;  // it asks again
      given.push_back({group.form(*c_.find(device.phone), device.device), *sealed});
      message.shared->given.insert(device);
    }
    message.addressed.insert(device);
  }
  keys_.note_given(message.chat, message.shared->given);
  return given;
}

Node PhoneGroupFanout::stanza_of(const SentMessage& message, const PhoneGroup& group,
                                 std::vector<protocol::EncryptedFor> keys) const {
  const auto kind = kind_of(message.encoded);
  protocol::OutgoingStanza stanza;
  stanza.id = message.id;
  stanza.to = group.jid();
  stanza.kind = kind;
  stanza.kind.media_type.clear();  // what single devices get is a key
  stanza.kind.hide_on_failure = false;
  stanza.participants = std::move(keys);
  stanza.reporting_token =
      protocol::reporting_token(message.encoded, message.secret, message.id, group.form(c_.account), stanza.to);
  Node node = protocol::message_stanza(stanza);
  node.set("addressing_mode", protocol::groups::name(group.data.addressing_mode));
  node.set("phash", participant_hash(group));

  Node enc("enc");
  enc.set("v", "2").set("type", "skmsg");
  if (!kind.media_type.empty()) enc.set("mediatype", kind.media_type);
  if (kind.hide_on_failure) enc.set("decrypt-fail", "hide");
  enc.bytes(message.shared->message);
  // Behind the keys, before what is said about it; without anybody who needs a key in their place.
  auto& children = std::get<std::vector<Node>>(node.content);
  if (stanza.participants.empty()) children.front() = std::move(enc);
  else children.insert(children.begin() + 1, std::move(enc));
  return node;
}

Node PhoneGroupFanout::status_of(const SentMessage& message, const PhoneGroup& audience,
                                 std::vector<protocol::EncryptedFor> keys) const {
  protocol::GroupMessageStanza stanza;
  stanza.id = message.id;
  stanza.group = audience.jid();
  stanza.kind = protocol::stanza_kind(message.encoded);
  stanza.key_for = std::move(keys);
  stanza.sender_key_message = message.shared->message;
  for (const std::string& phone : audience.phones()) stanza.audience.push_back(audience.form(*c_.find(phone)));
  if (stanza.kind.edit.empty()) stanza.status_setting = std::string(status_setting);
  return protocol::group_message_stanza(stanza);
}

Result<std::optional<Node>> PhoneGroupFanout::seal(SentMessage& message) {
  const auto* group = room_of(message);
  if (group == nullptr) return not_in_group();
  const bool again = message.shared.has_value();
  if (!again) {
    if (const auto sealed = seal_shared(message, *group); !sealed) return sealed.error();
  }
  // Once more only to devices that were missed.
  auto keys = distribute(message, *group, again);
  if (again && keys.empty()) return std::optional<Node>();
  const bool status = message.chat == PhoneChats::statuses;
  return std::optional(status ? status_of(message, *group, std::move(keys))
                              : stanza_of(message, *group, std::move(keys)));
}

// --- what the server says

void PhoneGroupFanout::acknowledged(const SentMessage& message) {
  if (message.shared) keys_.note_holders(message.chat, message.shared->key, message.shared->given);
}

void PhoneGroupFanout::distrust(const SentMessage& message) {
  if (const auto* group = room_of(message)) {
    for (const std::string& phone : group->phones()) lists_.forget(phone);
  }
  groups_.distrust(message.chat);
}

void PhoneGroupFanout::readdress(SentMessage& message) {
  groups_.distrust(message.chat);
  keys_.rotate(message.chat);
  message.shared.reset();
  message.addressed.clear();
}

// --- to who could not read it

std::optional<Node> PhoneGroupFanout::resend(const SentMessage& message, const protocol::RetryRequest& request,
                                             const DeviceKey& requester) {
  const auto* group = room_of(message);
  if (group == nullptr) return std::nullopt;
  // The key of statuses is of the last audience, which may be another than this post's.
  const bool with_key = message.chat != PhoneChats::statuses || keys_.holds(message.chat, requester);
  const Bytes key = with_key ? keys_.distribution(message.chat) : Bytes();
  const Bytes plain = key.empty() ? message.encoded : protocol::with_sender_key(message.encoded, group->jid(), key);
  const auto sealed = sessions_.seal(requester, plain);
  if (!sealed) return std::nullopt;
  if (!key.empty()) keys_.note_given(message.chat, {requester});
  keys_.unmark(message.chat, requester);
  protocol::RetryStanza stanza;
  stanza.id = message.id;
  stanza.to = group->jid();
  stanza.kind = kind_of(message.encoded);
  stanza.count = request.count;
  stanza.ciphertext = *sealed;
  Node node = protocol::retry_stanza(stanza);
  drop_attr(node, "device_fanout");  // of chats between two
  const auto* account = c_.find(requester.phone);
  const bool is_status = message.chat == PhoneChats::statuses;
  node.set("participant",
           is_status || account == nullptr ? request.requester : group->form(*account, requester.device));
  if (is_status) {
    if (stanza.kind.edit.empty()) node.add(Node("meta").set("status_setting", status_setting));
  } else {
    node.set("addressing_mode", protocol::groups::name(group->data.addressing_mode));
  }
  return node;
}

}  // namespace wharf::sandbox
