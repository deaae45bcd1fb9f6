#include "sessions/receipts.h"

#include <utility>

#include "protocol/messages/content.h"
#include "protocol/messages/padding.h"
#include "sessions/event_json.h"

namespace wharf::sessions {

using storage::AckLevel;

void Receipts::on_receipt(const Node& receipt) {
  if (receipt.attr("type") == "retry") return on_retry(receipt);
  const auto parsed = protocol::read_receipt_stanza(receipt);
  if (parsed) {
    std::optional<AckLevel> level;
    if (parsed->type.empty() || parsed->type == "delivery" || parsed->type == "inactive") level = AckLevel::delivered;
    if (parsed->type == "read") level = AckLevel::read;
    if (parsed->type == "played") level = AckLevel::played;
    const Jid from = directory_.canonical_user(parsed->participant ? *parsed->participant : parsed->from);
    if (directory_.is_own(from)) {
      on_own_read(*parsed);
    } else if (level) {
      const UnixMs at = parsed->timestamp ? static_cast<UnixMs>(parsed->timestamp) * 1000 : c_.now.unix_ms;
      std::size_t handled = 0;
      for (const std::string& id : parsed->ids) {
        if (++handled > max_ids) break;
        raise(id, from, *level, at);
      }
    }
  }
  c_.send(protocol::ack_for(receipt, std::nullopt));
}

void Receipts::raise(const std::string& id, const Jid& from_user, AckLevel level, UnixMs at) {
  const auto message = storage::find_message_by_id(c_.db, c_.id(), id, true);
  // A receipt raises only what was sent to its author's chat.
  if (!message || !message->from_me || (!message->chat.is_group() && message->chat != from_user)) return;
  AckLevel known = message->ack;
  if (const auto it = raised_now_.find(id); it != raised_now_.end()) known = std::max(known, it->second);
  if (level <= known) return;
  raised_now_[id] = level;
  storage::raise_ack(c_.turn.changes, c_.id(), message->row, level, "", std::nullopt);
  c_.emit("ack", message->chat.to_string(),
          ack_event_json(id, message->chat, directory_.person(message->chat), level, "", at, c_.metadata()));
}

void Receipts::on_own_read(const protocol::IncomingReceipt& receipt) {
  if (receipt.type != "read" && receipt.type != "read-self" && receipt.type != "played" && receipt.type != "played-self") return;
  if (!receipt.recipient) return;
  storage::set_unread(c_.turn.changes, c_.id(), directory_.canonical_user(*receipt.recipient), 0);
}

// --- retry requests ----------------------------------------------------------------------------------------------------------

void Receipts::on_retry(const Node& receipt) {
  // Acked in every case, or it would come back at each login; but only when the resend is in this turn's rows, or a
  // crash while keys are being fetched would lose it.
  if (answer_retry(receipt) == RetryAnswer::done) c_.send(protocol::ack_for(receipt, std::nullopt));
}

Receipts::RetryAnswer Receipts::answer_retry(const Node& receipt) {
  const auto request = protocol::read_retry_request(receipt);
  if (!request || request->count >= c_.settings.max_retries) return RetryAnswer::done;
  const Jid requester = directory_.canonical_device(request->requester);
  const std::pair<Jid, std::string> key{requester, request->id};
  if (resent_[key] >= c_.settings.max_retries) return RetryAnswer::done;
  const auto message = storage::find_message_by_id(c_.db, c_.id(), request->id, true);
  const auto window = std::chrono::duration_cast<std::chrono::milliseconds>(c_.settings.resend_window).count();
  if (!message || !message->from_me || c_.now.unix_ms - message->created_at > window) return RetryAnswer::done;
  const bool own = directory_.is_own(requester);
  if (!own && requester.user_jid() != message->chat) return RetryAnswer::done;  // not a recipient
  ++resent_[key];

  auto* record = c_.keys.find(requester);
  if (request->keys) {
    // A bad bundle is refused and the old session kept.
    if (!fanout_.use_bundle(requester, *request->keys)) return RetryAnswer::done;
  } else if (record != nullptr && record->has_current()) {
    const bool reinstalled = record->remote_registration_id() != 0 && request->registration_id != 0 &&
                             record->remote_registration_id() != request->registration_id;
    const bool same_broken_session = request->count > 2 && base_keys_.contains(key) && base_keys_[key] == record->base_key();
    if (request->count == 2) base_keys_[key] = record->base_key();
    if (reinstalled || same_broken_session || request->count >= 2) {
      record->archive_current();
      c_.keys.mark_changed(requester);
    }
  }
  if (fanout_.has_session(requester)) {
    resend(*request, requester);
    return RetryAnswer::done;
  }
  fanout_.fetch_sessions({requester}, true, [this, receipt, request = *request, requester](bool ok) {
    if (!c_.link_up || !ok) return;  // not acked: the server brings the request again
    if (fanout_.has_session(requester)) resend(request, requester);
    c_.send(protocol::ack_for(receipt, std::nullopt));
  });
  return RetryAnswer::later;
}

void Receipts::resend(const protocol::RetryRequest& request, const Jid& requester) {
  const auto message = storage::find_message_by_id(c_.db, c_.id(), request.id, true);
  auto* record = c_.keys.find(requester);
  if (!message || record == nullptr) return;
  protocol::RetryStanza stanza;
  stanza.id = request.id;
  stanza.to = request.requester;
  stanza.count = request.count;
  const auto kind = protocol::stanza_kind(message->content);
  stanza.type = kind.type;
  stanza.media_type = kind.media_type;
  stanza.to_own_device = directory_.is_own(requester);
  Bytes plaintext = message->content;
  if (stanza.to_own_device) {
    plaintext = protocol::wrap_device_sent(message->content, message->chat);
    stanza.recipient = message->chat;
  }
  auto sealed = protocol::encrypt(*record, fanout_.local(), protocol::pad_message(plaintext, c_.random));
  if (!sealed) return;
  c_.keys.mark_changed(requester);
  if (sealed->kind == protocol::CiphertextKind::pre_key_message) stanza.device_identity = c_.device.account;
  stanza.ciphertext = std::move(*sealed);
  c_.send(protocol::retry_stanza(stanza));
}

void Receipts::end_turn(bool keep) {
  raised_now_.clear();
  if (!keep || resent_.size() > max_remembered) resent_.clear();
  if (!keep || base_keys_.size() > max_remembered) base_keys_.clear();
}

}  // namespace wharf::sessions
