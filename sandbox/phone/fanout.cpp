#include "sandbox/phone/fanout.h"

#include <utility>
#include <vector>

#include "protocol/messages/content.h"
#include "sandbox/phone/chats.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

void PhoneFanout::prepare(const SentMessage& message, Then then) {
  if (message.peer_device) return sessions_.with_sessions({{c_.account.phone, *message.peer_device}}, std::move(then));
  const std::string chat = message.chat;
  if (PhoneChats::is_shared(chat)) return groups_.prepare(message, std::move(then));
  lists_.with_lists({chat, c_.account.phone}, [this, chat, then = std::move(then)](Result<void> known) {
    if (!known) return then(known);
    std::vector<DeviceKey> devices = lists_.devices_of(chat);
    if (chat != c_.account.phone) {
      for (DeviceKey& own : lists_.devices_of(c_.account.phone)) devices.push_back(std::move(own));
    }
    sessions_.with_sessions(devices, then);
  });
}

Result<std::optional<Node>> PhoneFanout::seal_for_peer(SentMessage& message) {
  const DeviceKey device{c_.account.phone, *message.peer_device};
  const auto sealed = sessions_.seal(device, message.encoded);
  if (!sealed) return Error(Errc::no_session, "the companion has no usable prekeys");
  message.addressed.insert(device);
  return std::optional(protocol::peer_message_stanza(message.id, c_.account.jid(device.device), *sealed, {}));
}

protocol::OutgoingStanza PhoneFanout::envelope(const SentMessage& message, const Account& peer) const {
  const bool lid = c_.by_lid(peer);
  protocol::OutgoingStanza stanza;
  stanza.id = message.id;
  stanza.to = peer.form(lid);
  stanza.kind = protocol::stanza_kind(message.encoded);
  if (message.chat != c_.account.phone && lid) stanza.peer_recipient_pn = peer.pn_jid();
  stanza.reporting_token =
      protocol::reporting_token(message.encoded, message.secret, message.id, c_.account.form(lid), stanza.to);
  return stanza;
}

bool PhoneFanout::add_devices(SentMessage& message, protocol::OutgoingStanza& stanza, const Account& owner, bool lid,
                              ByteView plaintext) {
  bool added = false;
  for (const DeviceKey& device : lists_.devices_of(owner.phone)) {
    if (message.addressed.contains(device)) continue;
    const auto sealed = sessions_.seal(device, plaintext);
    if (!sealed) continue;
    stanza.participants.push_back({owner.form(lid, device.device), *sealed});
    message.addressed.insert(device);
    added = true;
  }
  return added;
}

Result<std::optional<Node>> PhoneFanout::seal(SentMessage& message) {
  if (message.peer_device) return seal_for_peer(message);
  if (PhoneChats::is_shared(message.chat)) return groups_.seal(message);
  const Account* peer = c_.find(message.chat);
  if (peer == nullptr) return Error(Errc::not_found, "the recipient is gone");
  const bool lid = c_.by_lid(*peer);
  auto stanza = envelope(message, *peer);
  bool reached = message.chat == c_.account.phone;  // a note to self
  if (!reached) reached = add_devices(message, stanza, *peer, lid, message.encoded);
  // Never only to own devices: they would show a message that nobody got.
  if (!reached && !message.completed_fan_out)
    return Error(Errc::no_session, "no device of the recipient has usable prekeys");
  add_devices(message, stanza, c_.account, lid, protocol::wrap_device_sent(message.encoded, stanza.to));
  if (stanza.participants.empty()) return std::optional<Node>();
  return std::optional(protocol::message_stanza(stanza));
}

void PhoneFanout::acknowledged(const SentMessage& message) {
  if (PhoneChats::is_shared(message.chat)) groups_.acknowledged(message);
}

void PhoneFanout::distrust(const SentMessage& message) {
  if (PhoneChats::is_shared(message.chat)) return groups_.distrust(message);
  lists_.forget(message.chat);
  lists_.forget(c_.account.phone);
}

}  // namespace wharf::sandbox
