// Requests to send a message again, which come as receipts of type retry: whom it may be sent to, what waits for its
// group or its list of devices, and what becomes of the resend. Specification 03 section 8.2.
#include <algorithm>
#include <iterator>
#include <utility>

#include "protocol/messages/content.h"
#include "protocol/messages/padding.h"
#include "protocol/stanzas/ack.h"
#include "protocol/stanzas/group_message.h"
#include "sessions/due.h"
#include "sessions/outbox.h"
#include "sessions/receipts.h"
#include "sessions/server_time.h"

namespace wharf::sessions {

namespace {

constexpr UnixMs joined_slack_ms = 60'000;  // between when a message was accepted and when its members were counted

/// What the server says of a resend that it does not take now, and may take another time (03 section 4.8).
bool is_temporary(unsigned error) { return error == 408 || error == 429 || error == 500 || error == 503; }

}  // namespace

void Receipts::on_retry(const Node& receipt) {
  // Acked in every case, or it would come back at each login; but only when what it asks for is done, or whatever ends
  // the connection while keys are fetched, or the server has not taken the resend yet, would lose it: what waits for
  // that is in memory alone, and the server keeps the request until it is acked.
  if (answer_retry(receipt) == RetryAnswer::done) c_.send(protocol::ack_for(receipt, std::nullopt));
}

void Receipts::on_group_changed(const Jid& group) {
  const auto held = held_.find(group);
  if (held == held_.end() || groups_.standing(group).stale) return;
  described_.insert(described_.end(), std::make_move_iterator(held->second.begin()),
                    std::make_move_iterator(held->second.end()));
  held_.erase(held);
}

// A group of a thousand, each of whom asks again, is no single turn.
void Receipts::answer_described() {
  for (std::size_t i = 0; i < answered_per_turn && !described_.empty(); ++i) {
    const Node receipt = std::move(described_.front());
    described_.pop_front();
    --waiting_;
    on_retry(receipt);
  }
}

bool Receipts::on_resend_ack(const protocol::Ack& ack) {
  constexpr unsigned stale_addressing = 421;
  const auto known = std::find_if(resent_.begin(), resent_.end(),
                                  [&](const Resent& resent) { return resent.receipt.attr("id") == ack.id; });
  if (known == resent_.end()) return false;
  const Node receipt = std::move(known->receipt);
  resent_.erase(known);
  const auto group = receipt.jid("from");
  // Without room it is not acked, and comes back at the next login.
  if (ack.error == stale_addressing && group && group->is_group()) {
    if (waiting_ == max_waiting) return true;
    ++waiting_;
    held_[*group].push_back(receipt);
    groups_.mark_stale(*group);
  } else if (!is_temporary(ack.error)) {
    c_.send(protocol::ack_for(receipt, std::nullopt));
  } else if (put_off_.size() < max_put_off) {
    put_off_.push_back({receipt, in(c_, put_off_for)});
  }
  return true;
}

std::optional<net::SteadyTime> Receipts::due() const {
  const auto of_first = [](const std::vector<Resent>& requests) {
    return requests.empty() ? std::nullopt : std::optional(requests.front().until);
  };
  const auto now = described_.empty() ? std::nullopt : std::optional(c_.now.steady);
  return earliest({of_first(resent_), of_first(put_off_), lists_due_, now});
}

void Receipts::on_due() {
  while (!resent_.empty() && resent_.front().until <= c_.now.steady) stop_waiting_for_oldest();
  std::vector<Node> again;
  while (!put_off_.empty() && put_off_.front().until <= c_.now.steady) {
    again.push_back(std::move(put_off_.front().receipt));
    put_off_.erase(put_off_.begin());
  }
  for (const Node& receipt : again) on_retry(receipt);
  answer_described();
  if (!is_due(lists_due_, c_.now.steady)) return;
  lists_due_.reset();
  std::vector<Jid> users;
  for (const auto& [user, receipts] : unlisted_) users.push_back(user);
  for (const Jid& user : users) ask_for_list(user);
}

// The server has most likely taken the resend, and its answer was lost; for ever at each login is worse.
void Receipts::stop_waiting_for_oldest() {
  c_.send(protocol::ack_for(resent_.front().receipt, std::nullopt));
  resent_.erase(resent_.begin());
}

// None of these is acked: the server brings them again.
void Receipts::on_link_down() {
  resent_.clear();
  put_off_.clear();
  strangers_.clear();
  for (const auto& [group, receipts] : held_) waiting_ -= receipts.size();
  held_.clear();
  waiting_ -= described_.size();
  described_.clear();
  unlisted_.clear();
  unlisted_count_ = 0;
  lists_due_.reset();
}

std::optional<storage::MessageRow> Receipts::sent_lately(const std::string& id) {
  auto message = find_sent(id);
  UnixMs window = std::chrono::duration_cast<std::chrono::milliseconds>(c_.settings.resend_window).count();
  if (message && message->chat.is_status()) window = std::min(window, status_lifetime_ms);
  if (!message || c_.now.unix_ms - message->created_at > window) return std::nullopt;
  return message;
}

std::optional<storage::MessageRow> Receipts::resendable(const protocol::RetryRequest& request, const Jid& requester,
                                                        UnixMs asked_at) {
  auto message = sent_lately(request.id);
  if (!message || !is_recipient(*message, request, requester, asked_at)) return std::nullopt;
  using storage::CopyHolder;
  const CopyHolder holder = directory_.is_own(requester) ? CopyHolder::own_account : CopyHolder::recipient;
  // Of a group it is not kept who has one.
  if (!message->chat.has_sender_keys() && c_.records.has_copy(message->row, holder, requester.device))
    return std::nullopt;
  // Whoever is given the key of a group and stands in no list counts as one who has left, and means another key for
  // everybody: what the account does not vouch for gets nothing, whatever keys it shows.
  if (message->chat.has_sender_keys()) return is_listed(requester) ? std::move(message) : std::nullopt;
  // A device that no list names may be new: its keys introduce it, else a fresh list must.
  const auto* listed = directory_.devices(requester.user_jid());
  if (listed == nullptr || std::find(listed->begin(), listed->end(), requester.device) != listed->end()) return message;
  if (request.keys) return message;
  directory_.forget_devices(requester.user_jid());
  return std::nullopt;
}

bool Receipts::is_listed(const Jid& requester) {
  const auto* listed = directory_.listed_devices(requester.user_jid());
  return listed != nullptr && std::find(listed->begin(), listed->end(), requester.device) != listed->end();
}

bool Receipts::wants_list(const protocol::RetryRequest& request, const Jid& requester, UnixMs asked_at) {
  const auto message = sent_lately(request.id);
  if (!message || !message->chat.has_sender_keys() || !is_recipient(*message, request, requester, asked_at))
    return false;
  if (is_listed(requester)) return false;
  std::erase_if(lists_asked_, [this](const auto& user) { return user.second.until <= c_.now.steady; });
  const auto asked = lists_asked_.find(requester.user_jid());
  // A list that has become stale since the answer is worth another question.
  const bool has_list = directory_.listed_devices(requester.user_jid()) != nullptr;
  if (asked != lists_asked_.end()) return asked->second.had && !has_list;
  return lists_asked_.size() < max_unlisted;
}

Receipts::RetryAnswer Receipts::wait_for_list(const Node& receipt, const Jid& user) {
  if (unlisted_count_ == max_unlisted) return RetryAnswer::later;  // it comes back at the next login
  ++unlisted_count_;
  auto& waiting = unlisted_[user];
  waiting.push_back(receipt);
  if (waiting.size() == 1) ask_for_list(user);
  return RetryAnswer::later;
}

void Receipts::ask_for_list(const Jid& user) {
  directory_.refresh_soon(user, [this, user](Directory::Told told) {
    const auto waiting = unlisted_.find(user);
    if (waiting == unlisted_.end() || !c_.link.up()) return;
    if (told == Directory::Told::nothing) {
      lists_due_ = in(c_, Outbox::ack_patience);
      return;
    }
    const std::vector<Node> receipts = std::move(waiting->second);
    unlisted_.erase(waiting);
    unlisted_count_ -= receipts.size();
    const Jid now = directory_.canonical_user(user);
    const bool had = directory_.listed_devices(now) != nullptr;
    lists_asked_[now] = {c_.now.steady + (had ? std::chrono::seconds(named_again) : listed_again), had};
    for (const Node& receipt : receipts) on_retry(receipt);
  });
}

bool Receipts::is_recipient(const storage::MessageRow& message, const protocol::RetryRequest& request,
                            const Jid& requester, UnixMs asked_at) {
  if (message.chat.is_status()) {
    return request.chat == message.chat && (directory_.is_own(requester) || audiences_.includes(message.id, requester));
  }
  if (message.chat.is_group()) {
    if (request.chat != message.chat) return false;
    if (directory_.is_own(requester)) return true;  // whatever the account says is for all of its devices
    const auto* member = rosters_.member(message.chat, requester.user_jid());
    // Who came later has no business with what was said before. When somebody came the server says: an own clock that
    // dated a message of which no ack has come may be days behind. Whoever asks for that one was brought it by then.
    const UnixMs said_at = message.ack >= storage::AckLevel::server ? message.timestamp : asked_at;
    const std::uint64_t joined = member ? member->joined_at.value_or(0) : 0;
    return member && (joined == 0 || stated_ms(joined, c_.now.unix_ms) <= said_at + joined_slack_ms);
  }
  return directory_.is_own(requester) || requester.user_jid() == message.chat;
}

bool Receipts::is_new_stranger(const protocol::RetryRequest& request, const Jid& requester) {
  if (!request.chat || !request.chat->is_group() || directory_.is_own(requester)) return false;
  const auto message = sent_lately(request.id);
  if (!message || message->chat != *request.chat) return false;
  const auto* known = rosters_.find(message->chat);
  if (known == nullptr || !known->member || rosters_.member(message->chat, requester.user_jid())) return false;
  return strangers_.size() < max_strangers && strangers_.emplace(message->chat, requester.user_jid()).second;
}

UnixMs Receipts::asked_at(const Node& receipt) const {
  return stated_ms(receipt.number("t").value_or(0), c_.server_ms());
}

Receipts::RetryAnswer Receipts::answer_retry(const Node& receipt) {
  const auto request = protocol::read_retry_request(receipt);
  if (!request || request->count >= c_.settings.max_retries) return RetryAnswer::done;
  const Jid requester = directory_.canonical_device(request->requester);
  // A row by its key, before anything that is linear in a group: whoever has had enough may ask without end.
  storage::ResendRow resends = c_.records.resends(requester, request->id);
  if (resends.count >= c_.settings.max_resends) return RetryAnswer::done;
  if (request->chat && request->chat->is_group() && groups_.standing(*request->chat).stale) {
    // Whether it is still for this device: asked for first. Not acked until then: a crash would lose the request. What
    // waits is bounded: of messages that were sent, and not many; the others come back at the next login.
    const auto message = sent_lately(request->id);
    if (!message || message->chat != *request->chat) return RetryAnswer::done;
    if (waiting_ == max_waiting) return RetryAnswer::later;
    ++waiting_;
    groups_.refresh(*request->chat, [this, receipt](Groups::Refreshed refreshed) {
      if (refreshed == Groups::Refreshed::later && c_.link.up()) {
        held_[*receipt.jid("from")].push_back(receipt);  // it is asked for again (GroupListing)
        return;
      }
      if (refreshed == Groups::Refreshed::yes && c_.link.up()) return described_.push_back(receipt);
      --waiting_;
      if (c_.link.up()) c_.send(protocol::ack_for(receipt, std::nullopt));
    });
    return RetryAnswer::later;
  }
  // Looked at before anything is counted, so that requests for what was never sent leave no trace.
  if (!resendable(*request, requester, asked_at(receipt))) {
    if (wants_list(*request, requester, asked_at(receipt))) return wait_for_list(receipt, requester.user_jid());
    if (!is_new_stranger(*request, requester)) return RetryAnswer::done;
    // The server has brought it a message of the group: rather is what we know of the group behind.
    groups_.mark_stale(*request->chat);
    return answer_retry(receipt);
  }
  if (on_proof) on_proof(request->id, stated_ms(receipt.number("t").value_or(0), c_.now.unix_ms));
  ++resends.count;

  auto* record = c_.keys.find(requester);
  if (request->keys) {
    // A bad bundle is refused and the old session kept. A request that comes again, not acked, brings the keys that the
    // session was begun on the first time.
    const bool has_begun = record != nullptr && record->awaits_reply_on(*request->keys);
    if (!has_begun && !fanout_.use_bundle(requester, *request->keys)) {
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
  if (fanout_.has_session(requester)) return resend(receipt, *request, requester, std::move(resends));
  count_resend(*request, requester, std::move(resends));
  fanout_.fetch_sessions({requester}, true, [this, receipt, request = *request, requester](bool ok) {
    if (!c_.link.up() || !ok) return;  // not acked: the server brings the request again
    const RetryAnswer answer = fanout_.has_session(requester)
                                   ? resend(receipt, request, requester, c_.records.resends(requester, request.id))
                                   : RetryAnswer::done;
    if (answer == RetryAnswer::done) c_.send(protocol::ack_for(receipt, std::nullopt));
  });
  return RetryAnswer::later;
}

void Receipts::count_resend(const protocol::RetryRequest& request, const Jid& requester, storage::ResendRow resends) {
  const auto window = std::chrono::duration_cast<std::chrono::milliseconds>(c_.settings.resend_window).count();
  c_.records.add(storage::PutResends{c_.id(), requester, request.id, std::move(resends), c_.now.unix_ms, window});
}

Receipts::RetryAnswer Receipts::resend(const Node& receipt, const protocol::RetryRequest& request, const Jid& requester,
                                       storage::ResendRow resends) {
  const auto message = find_sent(request.id);
  auto* record = c_.keys.find(requester);
  if (!message || message->content.empty() || record == nullptr) return RetryAnswer::done;
  // Keys were fetched meanwhile.
  if (!is_recipient(*message, request, requester, asked_at(receipt))) return RetryAnswer::done;
  const bool in_group = message->chat.has_sender_keys();
  const bool with_key = in_group && is_listed(requester) && group_fanout_.may_have_key(message->chat, requester);
  if (with_key) group_fanout_.give_again(message->chat, requester);
  resends.base_key = record->base_key();
  count_resend(request, requester, std::move(resends));
  const Resend what = resend_of(request, *message, with_key);
  auto sealed = protocol::encrypt(*record, fanout_.local(), protocol::pad_message(what.plaintext, c_.random));
  if (!sealed) return RetryAnswer::done;
  c_.keys.mark_changed(requester);
  const Bytes identity = sealed->kind == protocol::CiphertextKind::pre_key_message ? c_.device.account : Bytes();
  if (resent_.size() == max_resent) stop_waiting_for_oldest();
  resent_.push_back({receipt, in(c_, Outbox::ack_patience)});
  if (in_group) {
    InRoom name = name_in(message->chat, request, requester);
    c_.send(protocol::group_retry_stanza({request.id, message->chat, std::move(name.device), what.kind,
                                          std::move(name.addressing_mode), std::move(*sealed), request.count, identity,
                                          setting_of(*message)}));
  } else {
    c_.send(
        protocol::retry_stanza({request.id, request.requester, what.kind, std::move(*sealed), request.count,
                                what.recipient, identity, directory_.is_own(requester), tokens_.token_of(requester)}));
  }
  return RetryAnswer::later;
}

Receipts::InRoom Receipts::name_in(const Jid& room, const protocol::RetryRequest& request, const Jid& requester) {
  if (room.is_status()) return {request.requester, {}};
  using protocol::groups::AddressingMode;
  const auto* known = rosters_.find(room);
  const AddressingMode mode = known != nullptr ? known->metadata.addressing_mode : AddressingMode::lid;
  const bool by_lid = mode == AddressingMode::lid;
  InRoom out{request.requester, std::string(protocol::groups::name(mode))};
  const Jid& own = by_lid ? c_.device.lid : c_.device.jid;
  if (directory_.is_own(requester)) {
    if (!own.empty()) out.device = own.with_device(requester.device);
  } else if (const auto* member = rosters_.member(room, requester.user_jid())) {
    out.device = wire_user(*member, mode).with_device(requester.device);
    if (request.requester.server.starts_with(protocol::server::hosted))  // both of them
      out.device.server = out.device.is_lid() ? protocol::server::hosted_lid : protocol::server::hosted;
  }
  return out;
}

std::string Receipts::setting_of(const storage::MessageRow& message) const {
  const bool post = message.chat.is_status() && message.target_id.empty();
  return post ? audiences_.setting_of(message.id) : std::string();
}

Receipts::Resend Receipts::resend_of(const protocol::RetryRequest& request, const storage::MessageRow& message,
                                     bool with_key) {
  Bytes content = protocol::without_device_sent(message.content);
  Resend out;
  out.kind = protocol::stanza_kind(content);
  if (message.chat.has_sender_keys()) {
    // With the key that the next messages are read by.
    const auto key =
        with_key ? group_fanout_.distribution(message.chat) : Error(Errc::not_found, "not for this device");
    out.plaintext = key ? protocol::with_sender_key(content, message.chat, *key) : std::move(content);
  } else if (directory_.is_own(request.requester)) {
    // In the namespace that `to` has, as in the stanza that the device could not read (03 section 4.1 step 2).
    const auto addressing = request.requester.is_lid() ? Fanout::Addressing::lid : Fanout::Addressing::phone_number;
    out.recipient = fanout_.user_on_wire(message.chat, addressing).value_or(message.chat);
    out.plaintext = protocol::wrap_device_sent(content, *out.recipient);
  } else {
    out.plaintext = std::move(content);
  }
  return out;
}

}  // namespace wharf::sessions
