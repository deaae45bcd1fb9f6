#include "sandbox/phone/retries.h"

#include <optional>

#include "protocol/messages/content.h"
#include "protocol/stanzas/ack.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::MessageSource;
using protocol::Result;

namespace {

constexpr unsigned error_adv_failure = 12;

}  // namespace

// --- asking

void PhoneRetries::show_failed(const MessageSource& source, const DeviceKey& author, const Error& reason) {
  PhoneMessage failed;
  failed.id = source.id;
  failed.from_me = author.phone == c_.account.phone;
  failed.device = author.device;
  failed.author = author.phone;
  failed.chat = chats_.name_of(source.chat);
  failed.timestamp = static_cast<std::int64_t>(source.timestamp);
  failed.status = "failed";
  failed.failure = reason.detail.empty() ? protocol::name(reason.code) : reason.detail;
  log_.put(std::move(failed), {});
}

void PhoneRetries::ask_again(const Node& message, const MessageSource& source, const DeviceKey& author,
                             const protocol::ReceivedEnc& enc, const Error& reason) {
  if (log_.find(author.phone, source.id) == nullptr) show_failed(source, author, reason);
  if (counters_.size() > max_counters) counters_.clear();
  Asked& asked = counters_[{author, source.id}];
  const std::uint32_t number = protocol::retry_number(asked.number, enc.count);
  if (number > max_retries || asked.requests == max_requests)
    return c_.send(protocol::ack_for(message, c_.own_pn(), 500));
  asked = {number, asked.requests + 1};

  // Without a session nothing could be resent on it: the keys go along at once.
  std::optional<protocol::RetryKeys> keys;
  if (asked.requests >= 2 || number >= 2 || !sessions_.has(author)) {
    keys.emplace();
    keys->identity = keys_.local().identity.pub;
    keys->one_time = keys_.new_one_time_key();  // never published
    keys->signed_pre_key = keys_.signed_pre_key();
  }
  const bool single = enc.type != "skmsg";  // what all get is signed by the author's sender key
  const bool unvouched =
      single && author.device != 0 && (reason.code == Errc::bad_signature || reason.code == Errc::not_found);
  const unsigned error = unvouched ? error_adv_failure : protocol::retry_error_code(reason.code);
  c_.send(protocol::retry_receipt(message, number, error, keys_.local().registration_id, keys));
  c_.send(protocol::ack_for(message, c_.own_pn()));
}

// --- being asked

bool PhoneRetries::concerned(const SentMessage& message, const DeviceKey& requester) const {
  if (message.chat == PhoneChats::statuses)
    return requester.phone == c_.account.phone || message.audience.contains(requester.phone);
  if (PhoneChats::is_group(message.chat)) {
    const auto* group = groups_.find(message.chat);
    return group != nullptr && group->has(requester.phone);
  }
  const bool own_device = requester.phone == c_.account.phone && requester.device != 0;
  return message.peer_device ? own_device && requester.device == *message.peer_device
                             : requester.phone == message.chat || own_device;
}

void PhoneRetries::on_request(const Node& receipt) {
  const Node ack = protocol::ack_for(receipt, std::nullopt);
  const auto request = protocol::read_retry_request(receipt);
  const auto requester = request ? c_.key_of(request->requester) : std::nullopt;
  if (!requester || request->count >= max_retries) return c_.send(ack);
  SentMessage* message = sent_.find(request->id);
  if (message == nullptr) return c_.send(ack);
  if (!concerned(*message, *requester)) return c_.send(ack);
  SentMessage::Resends& resends = message->resends[*requester];
  if (++resends.count > max_resends) return c_.send(ack);
  if (!sessions_.renew(*requester, *request, resends.base_key)) return c_.send(ack);
  sessions_.with_sessions({*requester}, [this, request = *request, device = *requester, ack](Result<void> ready) {
    if (ready) resend(request, device);
    if (ready || ready.error().code != Errc::closed) c_.send(ack);  // a phone that was switched off is asked again
  });
}

void PhoneRetries::resend(const protocol::RetryRequest& request, const DeviceKey& requester) {
  SentMessage* message = sent_.find(request.id);
  if (message == nullptr) return;
  message->resends[requester].base_key = sessions_.base_key(requester);
  if (PhoneChats::is_shared(message->chat)) {
    if (auto stanza = fanout_.resend(*message, request, requester)) c_.send(std::move(*stanza));
    return;
  }
  const Jid& to = request.requester;
  if (message->peer_device) {
    if (const auto sealed = sessions_.seal(requester, message->encoded))
      c_.send(protocol::peer_message_stanza(request.id, to, *sealed, {}));
    return;
  }
  const Account* peer = c_.find(message->chat);
  if (peer == nullptr) return;
  const Jid chat = to.is_lid() ? peer->lid_jid() : peer->pn_jid();
  protocol::RetryStanza stanza;
  stanza.id = request.id;
  stanza.to = to;
  stanza.kind = protocol::stanza_kind(message->encoded);
  stanza.count = request.count;
  stanza.to_own_device = requester.phone == c_.account.phone;
  const auto sealed = stanza.to_own_device
                          ? sessions_.seal(requester, protocol::wrap_device_sent(message->encoded, chat))
                          : sessions_.seal(requester, message->encoded);
  if (!sealed) return;
  stanza.ciphertext = *sealed;
  if (stanza.to_own_device) stanza.recipient = chat;
  c_.send(protocol::retry_stanza(stanza));
}

}  // namespace wharf::sandbox
