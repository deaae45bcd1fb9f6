// Messages that did not decrypt, on both sides: asking for them again and sending them again. Specification 03
// section 8.

#include <utility>

#include "protocol/messages/padding.h"
#include "protocol/stanzas/ack.h"
#include "sandbox/phone_state.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::MessageSource;
using protocol::Result;

namespace {

constexpr unsigned error_adv_failure = 12;

}  // namespace

void Phone::State::ask_again(const Node& message, const MessageSource& source, const DeviceKey& author,
                             const Error& reason) {
  if (log.find(author.phone, source.id) == nullptr) {
    PhoneMessage failed;
    failed.id = source.id;
    failed.from_me = author.phone == account.phone;
    failed.device = author.device;
    failed.author = author.phone;
    const auto chat = key_of(source.chat);
    failed.chat = chat ? chat->phone : author.phone;
    failed.timestamp = static_cast<std::int64_t>(source.timestamp);
    failed.status = "failed";
    failed.failure = reason.detail.empty() ? protocol::name(reason.code) : reason.detail;
    log.put(std::move(failed), {});
  }
  if (retry_counters.size() > PhoneLimits::max_retry_counters) retry_counters.clear();
  unsigned& count = retry_counters[{author, source.id}];
  if (count == PhoneLimits::max_retries) return send(protocol::ack_for(message, own_pn(), 500));
  ++count;

  // Without a session nothing could be resent on it: the keys go along at once.
  std::optional<protocol::RetryKeys> keys;
  if (count >= 2 || !has_session(author)) {
    keys.emplace();
    keys->identity = local.identity.pub;
    keys->one_time = new_one_time_key();  // never published
    keys->signed_pre_key = signed_keys.rbegin()->second;
  }
  const bool unvouched = author.device != 0 && (reason.code == Errc::bad_signature || reason.code == Errc::not_found);
  const unsigned error = unvouched ? error_adv_failure : protocol::retry_error_code(reason.code);
  send(protocol::retry_receipt(message, count, error, local.registration_id, keys));
  send(protocol::ack_for(message, own_pn()));
}

// Acked when the resend is on its way or nothing will be sent: until then the request comes again after a restart.
void Phone::State::on_retry(const Node& receipt) {
  const Node ack = protocol::ack_for(receipt, std::nullopt);
  const auto request = protocol::read_retry_request(receipt);
  const auto requester = request ? key_of(request->requester) : std::nullopt;
  if (!requester || request->count >= PhoneLimits::max_retries) return send(ack);
  const auto found = sent.find(request->id);
  if (found == sent.end()) return send(ack);
  SentMessage& message = found->second;
  const bool own_device = requester->phone == account.phone && requester->device != 0;
  const bool concerned = message.peer_device ? own_device && requester->device == *message.peer_device
                                             : requester->phone == message.chat || own_device;
  SentMessage::Resends& resends = message.resends[*requester];
  if (!concerned || ++resends.count >= PhoneLimits::max_retries) return send(ack);

  protocol::SessionRecord& session = sessions[*requester];
  session_changed(*requester);
  if (request->keys) {
    if (requester->device != 0 &&
        !check_companion(*requester, request->keys->device_identity, request->keys->identity)) {
      return send(ack);
    }
    if (!protocol::start_session(session, local, *request->keys, random())) return send(ack);
    if (requester->device == 0) {
      account_keys[requester->phone] = request->keys->identity;
      account_key_changed(requester->phone);
    }
  } else if (session.has_current() && (session.remote_registration_id() != request->registration_id ||
                                       (request->count >= 2 && resends.on_session(session.base_key())))) {
    // Another installation, or this session did not help the last time: a fresh bundle starts a new one. One that
    // another message's request has begun since is used.
    session.archive_current();
  }
  with_sessions({*requester}, [this, id = request->id, device = *requester, to = request->requester,
                               count = request->count, ack](Result<void> ready) {
    if (ready) resend(id, device, to, count);
    if (ready || ready.error().code != Errc::closed) send(ack);  // a phone that was switched off is asked again
  });
}

void Phone::State::resend(const std::string& id, const DeviceKey& requester, const Jid& to, std::uint32_t count) {
  const auto found = sent.find(id);
  if (found == sent.end()) return;
  SentMessage& message = found->second;
  message.resends[requester].base_key = sessions[requester].base_key();
  if (message.peer_device) {
    if (const auto sealed = seal(requester, message.encoded)) send(protocol::peer_message_stanza(id, to, *sealed, {}));
    return;
  }
  const Account* peer = network.find_account(std::string_view(message.chat));
  if (peer == nullptr) return;
  const Jid chat = to.is_lid() ? peer->lid_jid() : peer->pn_jid();
  protocol::RetryStanza stanza;
  stanza.id = id;
  stanza.to = to;
  stanza.type = message.type;
  stanza.media_type = message.media_type;
  stanza.count = count;
  stanza.to_own_device = requester.phone == account.phone;
  const auto sealed = stanza.to_own_device ? seal(requester, protocol::wrap_device_sent(message.encoded, chat))
                                           : seal(requester, message.encoded);
  if (!sealed) return;
  stanza.ciphertext = *sealed;
  if (stanza.to_own_device) stanza.recipient = chat;
  send(protocol::retry_stanza(stanza));
}

}  // namespace wharf::sandbox
