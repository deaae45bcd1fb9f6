#include "sessions/receipts.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "events/event.h"
#include "protocol/messages/content.h"
#include "protocol/messages/padding.h"
#include "protocol/stanzas/ack.h"
#include "sessions/add_ons.h"
#include "sessions/server_time.h"

namespace wharf::sessions {

using storage::AckLevel;

namespace {

constexpr std::size_t newest_looked_at = 256;

bool is_unread(const storage::MessageRow& message) { return !message.from_me && message.ack < AckLevel::read; }

/// The messages of a chat, the newest first: those of this turn and the newest committed ones.
std::vector<storage::MessageRow> newest_of(Context& c, const Jid& chat, std::uint32_t unread) {
  auto messages = c.records.new_messages(chat);
  if (unread == 0) return messages;
  auto committed = c.records.newest_messages(chat, newest_looked_at);
  const auto middle = messages.insert(messages.end(), std::make_move_iterator(committed.begin()),
                                      std::make_move_iterator(committed.end()));
  std::inplace_merge(messages.begin(), middle, messages.end(),
                     [](const auto& a, const auto& b) { return a.timestamp > b.timestamp; });
  return messages;
}

/// What somebody did to messages of the chat on another device of ours. Read: those that are named and everything
/// older; of ids that nobody knows here, all that is there counts as older. Played: those that are named alone.
/// Whatever came after them is unread here as well.
enum class Elsewhere { read, played };
void mark_read_elsewhere(Context& c, const Jid& chat, const std::vector<std::string>& ids, Elsewhere what) {
  const std::set<std::string_view> names(ids.begin(), ids.end());
  const auto stored = c.records.find_chat(chat);
  const std::uint32_t unread = stored ? stored->unread : 0;  // of the committed ones
  const auto messages = newest_of(c, chat, unread);
  const auto is_named = [&](const storage::MessageRow& message) {
    return !message.from_me && names.contains(message.id);
  };
  const auto known = [&](const std::string& id) {
    const auto message = c.records.find_message(chat, id);
    return message && !message->from_me;
  };
  auto first_read = std::find_if(messages.begin(), messages.end(), is_named);
  const bool further_back = first_read == messages.end() && std::any_of(ids.begin(), ids.end(), known);
  if (first_read == messages.end() && !further_back) first_read = messages.begin();
  // What is said about a message stands in no page: everything up to its time was read with it.
  if (first_read == messages.end()) {
    UnixMs read_until = 0;
    for (const std::string& id : ids) {
      const auto said = c.records.find_message(chat, id);
      if (said && !said->target_id.empty()) read_until = std::max(read_until, said->timestamp);
    }
    first_read = std::find_if(messages.begin(), messages.end(),
                              [&](const storage::MessageRow& message) { return message.timestamp <= read_until; });
  }

  std::uint32_t newer = 0, marked = 0;  // of the committed ones
  for (auto message = messages.begin(); message != messages.end(); ++message) {
    if (!is_unread(*message)) continue;
    if (what == Elsewhere::played ? !is_named(*message) : message < first_read) {
      newer += message->row != 0 ? 1 : 0;
    } else if (message->row == 0) {
      c.records.add(storage::ReadReceived{c.id(), chat, message->id});
    } else {
      c.records.add(storage::RaiseAck{c.id(), message->row, AckLevel::read, "", std::nullopt});
      ++marked;
    }
  }
  // Those behind the ones looked at are read too, unless what is named lies among them: then nobody knows how many.
  const bool all_older = what == Elsewhere::read && !further_back;
  const std::uint32_t read = all_older ? unread - std::min(unread, newer) : marked;
  if (read > 0) c.records.add(storage::LowerUnread{c.id(), chat, read});
}

}  // namespace

void Receipts::on_receipt(const Node& receipt) {
  if (receipt.attr("type") == "retry") return on_retry(receipt);
  if (const auto parsed = protocol::read_receipt_stanza(receipt)) {
    // In a 1:1 receipt nobody but its sender speaks: the parser keeps `participant` for groups and broadcasts only.
    if (directory_.is_own(parsed->participant.value_or(parsed->from))) {
      on_own_receipt(*parsed);
    } else {
      on_peer_receipt(*parsed);
    }
  }
  c_.send(protocol::ack_for(receipt, std::nullopt));
}

void Receipts::on_peer_receipt(const protocol::IncomingReceipt& receipt) {
  if (receipt.feature_incapable) return;
  AckLevel level = AckLevel::delivered;
  if (receipt.type == "read") {
    level = AckLevel::read;
  } else if (receipt.type == "played") {
    level = AckLevel::played;
  } else if (!receipt.type.empty() && receipt.type != "delivery" && receipt.type != "inactive") {
    return;
  }
  const UnixMs at = stated_ms(receipt.timestamp, c_.now.unix_ms);
  std::size_t handled = 0;
  for (const std::string& id : receipt.ids) {
    if (++handled > max_ids) break;
    raise(id, receipt.from, level, at);
  }
}

std::optional<storage::MessageRow> Receipts::find_sent(const std::string& id) {
  auto message = c_.records.find_message_by_id(id, true);
  // Whoever guesses the id of one that was not sent yet gets nothing by it.
  return message && message->row != 0 && events::in_conversation(message->ack) ? message : std::nullopt;
}

void Receipts::raise(const std::string& id, const Jid& from, AckLevel level, UnixMs at) {
  const auto message = find_sent(id);
  // A receipt raises only what was sent to the chat it comes from.
  if (!message || (message->chat.is_group() ? from : directory_.canonical_user(from)) != message->chat) return;
  if (on_proof) on_proof(id, at);
  if (!message->chat.is_group()) {
    c_.records.add(storage::NoteCopy{message->row, storage::CopyHolder::recipient, from.device});
  }
  if (level <= message->ack) return;
  // It was given up (logged out; its ack never came), so nobody has heard yet when it changed something.
  const bool changes_late = message->ack == AckLevel::error && changes_message(*message);
  // A receipt is as old as the recipient's phone was away: what was said counts from when it was composed, by the
  // server's clock.
  const UnixMs composed = message->timestamp + c_.server_ms() - c_.now.unix_ms;
  const auto sent_at = changes_late ? std::optional(std::min(at, composed)) : std::nullopt;
  // In a group one receipt is one member's: when is told of none there yet.
  const UnixMs told = message->chat.is_group() ? 0 : at;
  c_.records.add(storage::RaiseAck{c_.id(), message->row, level, "", sent_at, told});
  c_.emit(events::Ack{id, message->chat, directory_.person(message->chat), level, "", at});
  if (changes_late && on_late_proof) on_late_proof(id);
}

void Receipts::on_own_receipt(const protocol::IncomingReceipt& receipt) {
  const std::string& type = receipt.type;
  if (type == "read" || type == "read-self" || type == "played" || type == "played-self") {
    // Of a group it comes from the group itself (03 section 7.3.3).
    const bool shared = protocol::has_participants(receipt.from);
    if (!receipt.recipient && !shared) return;
    const Jid chat = receipt.recipient ? *receipt.recipient : receipt.from;
    // All of them, which the parser bounds: the newest may be the last one named.
    return mark_read_elsewhere(c_, directory_.canonical_user(chat), receipt.ids,
                               type.starts_with("read") ? Elsewhere::read : Elsewhere::played);
  }
  // Another device of ours has its copy of what we sent: no tick, but no reason to send it there again either.
  if (type != "sender") return;
  const UnixMs at = stated_ms(receipt.timestamp, c_.now.unix_ms);
  std::size_t handled = 0;
  for (const std::string& id : receipt.ids) {
    if (++handled > max_ids) break;
    const auto message = find_sent(id);
    if (!message) continue;
    if (on_proof) on_proof(id, at);
    c_.records.add(storage::NoteCopy{message->row, storage::CopyHolder::own_account, receipt.from.device});
  }
}

// --- retry requests

void Receipts::on_retry(const Node& receipt) {
  // Acked in every case, or it would come back at each login; but only when the resend is in this turn's rows, or a
  // crash while keys are being fetched would lose it.
  if (answer_retry(receipt) == RetryAnswer::done) c_.send(protocol::ack_for(receipt, std::nullopt));
}

std::optional<storage::MessageRow> Receipts::resendable(const protocol::RetryRequest& request, const Jid& requester) {
  auto message = find_sent(request.id);
  const auto window = std::chrono::duration_cast<std::chrono::milliseconds>(c_.settings.resend_window).count();
  if (!message || c_.now.unix_ms - message->created_at > window) return std::nullopt;
  const bool own = directory_.is_own(requester);
  if (!own && requester.user_jid() != message->chat) return std::nullopt;  // not a recipient
  using storage::CopyHolder;
  const CopyHolder holder = own ? CopyHolder::own_account : CopyHolder::recipient;
  if (c_.records.has_copy(message->row, holder, requester.device)) return std::nullopt;
  // A device that no list names may be new: its keys introduce it, else a fresh list must.
  const auto* listed = directory_.devices(requester.user_jid());
  if (!request.keys && listed != nullptr &&
      std::find(listed->begin(), listed->end(), requester.device) == listed->end()) {
    directory_.forget_devices(requester.user_jid());
    return std::nullopt;
  }
  return message;
}

Receipts::RetryAnswer Receipts::answer_retry(const Node& receipt) {
  const auto request = protocol::read_retry_request(receipt);
  if (!request || request->count >= c_.settings.max_retries) return RetryAnswer::done;
  const Jid requester = directory_.canonical_device(request->requester);
  // Looked at before anything is counted, so that requests for what was never sent leave no trace.
  if (!resendable(*request, requester)) return RetryAnswer::done;
  if (on_proof) on_proof(request->id, stated_ms(receipt.number("t").value_or(0), c_.now.unix_ms));
  storage::ResendRow resends = c_.records.resends(requester, request->id);
  if (resends.count >= c_.settings.max_resends) return RetryAnswer::done;
  ++resends.count;

  auto* record = c_.keys.find(requester);
  if (request->keys) {
    // A bad bundle is refused and the old session kept.
    if (!fanout_.use_bundle(requester, *request->keys)) {
      count_resend(*request, requester, std::move(resends));
      return RetryAnswer::done;
    }
  } else if (record != nullptr && record->has_current()) {
    const bool reinstalled = record->remote_registration_id() != 0 && request->registration_id != 0 &&
                             record->remote_registration_id() != request->registration_id;
    // The second copy did not help: a new session, unless one was begun since that copy (asked for by another message).
    const bool same_broken_session =
        request->count >= 2 && (resends.base_key.empty() || resends.base_key == record->base_key());
    if (reinstalled || same_broken_session) {
      record->archive_current();
      c_.keys.mark_changed(requester);
    }
  }
  if (fanout_.has_session(requester)) {
    resend(*request, requester, std::move(resends));
    return RetryAnswer::done;
  }
  count_resend(*request, requester, std::move(resends));
  fanout_.fetch_sessions({requester}, true, [this, receipt, request = *request, requester](bool ok) {
    if (!c_.link.up() || !ok) return;  // not acked: the server brings the request again
    if (fanout_.has_session(requester)) resend(request, requester, c_.records.resends(requester, request.id));
    c_.send(protocol::ack_for(receipt, std::nullopt));
  });
  return RetryAnswer::later;
}

void Receipts::count_resend(const protocol::RetryRequest& request, const Jid& requester, storage::ResendRow resends) {
  const auto window = std::chrono::duration_cast<std::chrono::milliseconds>(c_.settings.resend_window).count();
  c_.records.add(storage::PutResends{c_.id(), requester, request.id, std::move(resends), c_.now.unix_ms, window});
}

void Receipts::resend(const protocol::RetryRequest& request, const Jid& requester, storage::ResendRow resends) {
  const auto message = find_sent(request.id);
  auto* record = c_.keys.find(requester);
  if (!message || message->content.empty() || record == nullptr) return;
  resends.base_key = record->base_key();
  count_resend(request, requester, std::move(resends));
  protocol::RetryStanza stanza;
  stanza.id = request.id;
  stanza.to = request.requester;
  stanza.count = request.count;
  const Bytes content = protocol::without_device_sent(message->content);
  stanza.kind = protocol::stanza_kind(content);
  stanza.to_own_device = directory_.is_own(requester);
  Bytes plaintext = content;
  if (stanza.to_own_device) {
    // In the namespace that `to` has, as in the stanza that the device could not read (03 section 4.1 step 2).
    const auto addressing = request.requester.is_lid() ? Fanout::Addressing::lid : Fanout::Addressing::phone_number;
    const Jid chat = fanout_.user_on_wire(message->chat, addressing).value_or(message->chat);
    plaintext = protocol::wrap_device_sent(content, chat);
    stanza.recipient = chat;
  }
  auto sealed = protocol::encrypt(*record, fanout_.local(), protocol::pad_message(plaintext, c_.random));
  if (!sealed) return;
  c_.keys.mark_changed(requester);
  if (sealed->kind == protocol::CiphertextKind::pre_key_message) stanza.device_identity = c_.device.account;
  stanza.ciphertext = std::move(*sealed);
  c_.send(protocol::retry_stanza(stanza));
}

}  // namespace wharf::sessions
