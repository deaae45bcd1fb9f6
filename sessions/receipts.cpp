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
#include "protocol/stanzas/group_message.h"
#include "sessions/add_ons.h"
#include "sessions/due.h"
#include "sessions/outbox.h"
#include "sessions/server_time.h"
#include "sessions/status_events.h"

namespace wharf::sessions {

using storage::AckLevel;

namespace {

constexpr std::size_t newest_looked_at = 256;
constexpr UnixMs joined_slack_ms = 60'000;  // between when a message was accepted and when its members were counted

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

namespace {

/// nullopt: it says nothing of how far a message got.
std::optional<AckLevel> level_of(const std::string& type) {
  if (type == "read") return AckLevel::read;
  if (type == "played") return AckLevel::played;
  if (type.empty() || type == "delivery" || type == "inactive") return AckLevel::delivered;
  return std::nullopt;
}

}  // namespace

void Receipts::on_peer_receipt(const protocol::IncomingReceipt& receipt) {
  if (receipt.feature_incapable) return;
  if (receipt.from.has_sender_keys()) return on_group_receipt(receipt);
  const auto level = level_of(receipt.type);
  if (!level) return;
  const UnixMs at = stated_ms(receipt.timestamp, c_.now.unix_ms);
  std::size_t handled = 0;
  for (const std::string& id : receipt.ids) {
    if (++handled > max_ids) break;
    raise(id, receipt.from, *level, at);
  }
}

void Receipts::on_group_receipt(const protocol::IncomingReceipt& receipt) {
  using User = protocol::IncomingReceipt::User;
  std::size_t handled = 0;
  const auto hear = [&](const std::string& id, std::vector<User> who) {
    handled += who.size();
    if (handled > max_member_receipts) return;
    for (User& user : who)
      if (user.type.empty()) user.type = receipt.type;
    raise_in_group(id, receipt.from, who);
  };
  if (receipt.participant) {
    for (const std::string& id : receipt.ids) hear(id, {User{*receipt.participant, receipt.timestamp, {}}});
  }
  for (const auto& [id, users] : receipt.together) hear(id, users);
}

// A row stays under the identity that was canonical when it was written.
AckLevel Receipts::said_by(std::int64_t message_row, const Jid& user) {
  const PersonIds ids = directory_.person(user);
  AckLevel level = AckLevel::server;
  for (const auto& one : {ids.pn, ids.lid})
    if (one) level = std::max(level, c_.records.member_level(message_row, *one));
  return level;
}

void Receipts::note_member(std::int64_t message_row, const Jid& user, AckLevel level, UnixMs at) {
  if (level <= c_.records.member_level(message_row, user)) return;  // of another of its devices, or repeated
  storage::NoteMember note{message_row, user, level, at};
  const PersonIds ids = directory_.person(user);
  const auto& other = user.is_lid() ? ids.pn : ids.lid;
  if (other && c_.records.member_level(message_row, *other) > AckLevel::server) note.other = other;
  c_.records.add(std::move(note));
}

bool Receipts::unite_speakers(std::int64_t message_row, const storage::GroupReach& reach) {
  bool any = false;
  for (const Jid& number : c_.records.speakers_by_number(message_row, storage::max_speakers(reach))) {
    const Jid now = directory_.canonical_user(number);
    const AckLevel level = now == number ? AckLevel::server : c_.records.member_level(message_row, now);
    if (level == AckLevel::server || c_.records.member_level(message_row, number) == AckLevel::server) continue;
    c_.records.add(storage::NoteMember{message_row, now, level, 0, number});
    any = true;
  }
  return any;
}

void Receipts::raise_in_group(const std::string& id, const Jid& group,
                              const std::vector<protocol::IncomingReceipt::User>& who) {
  const auto message = find_sent(id);
  if (!message || message->chat != group) return;
  UnixMs last = 0;
  for (const auto& user : who) {
    const auto level = level_of(user.type);
    if (!level || directory_.is_own(user.jid)) continue;
    if (group.is_status() && !audiences_.includes(id, user.jid)) continue;  // it went to others
    const UnixMs at = stated_ms(user.timestamp, c_.now.unix_ms);
    if (last == 0 && on_proof) on_proof(id, at);
    last = std::max(last, at);
    const Jid member = directory_.canonical_user(user.jid);
    // The row that says so is what keeps it from being told again. A deletion is nothing to be seen.
    const bool may_show = group.is_status() && message->target_id.empty() && *level >= AckLevel::read;
    const bool is_first = may_show && said_by(message->row, member) < AckLevel::read;
    note_member(message->row, member, *level, at);
    if (is_first && said_by(message->row, member) >= AckLevel::read) tell_status_viewed(c_, directory_, id, member, at);
  }
  auto reach = last == 0 ? std::nullopt : c_.records.find_reach(message->row);
  if (!reach) return;
  // Before it is told: a pair that was learnt since moves no rows.
  if (reach->level() > message->ack && unite_speakers(message->row, *reach))
    reach = c_.records.find_reach(message->row);
  // What all of them have reached; of one that was given up, a single member's receipt proves that it was sent.
  const AckLevel level = reach->level();
  if (level <= message->ack || level == AckLevel::server) return;
  c_.records.add(storage::RaiseAck{c_.id(), message->row, level, "", std::nullopt, 0});
  c_.emit(events::Ack{id, message->chat, {}, level, "", last});
}

std::optional<storage::MessageRow> Receipts::find_sent(const std::string& id) {
  auto message = c_.records.find_message_by_id(id, true);
  // Whoever guesses the id of one that was not sent yet, or never was, gets nothing by it.
  if (!message || message->row == 0 || !events::in_conversation(message->ack) || message->never_left)
    return std::nullopt;
  return is_unsealed && is_unsealed(id) ? std::nullopt : std::move(message);
}

void Receipts::raise(const std::string& id, const Jid& from, AckLevel level, UnixMs at) {
  const auto message = find_sent(id);
  // A receipt raises only what was sent to the chat it comes from.
  if (!message || directory_.canonical_user(from) != message->chat) return;
  if (on_proof) on_proof(id, at);
  c_.records.add(storage::NoteCopy{message->row, storage::CopyHolder::recipient, from.device});
  if (level <= message->ack) return;
  // It was given up (logged out; its ack never came), so nobody has heard yet when it changed something.
  const bool changes_late = message->ack == AckLevel::error && changes_message(*message);
  // A receipt is as old as the recipient's phone was away: what was said counts from when it was composed, by the
  // server's clock.
  const UnixMs composed = message->timestamp + c_.server_ms() - c_.now.unix_ms;
  const auto sent_at = changes_late ? std::optional(std::min(at, composed)) : std::nullopt;
  c_.records.add(storage::RaiseAck{c_.id(), message->row, level, "", sent_at, at});
  c_.emit(events::Ack{id, message->chat, directory_.person(message->chat), level, "", at});
  if (changes_late && on_late_proof) on_late_proof(id);
}

void Receipts::on_statuses_seen(const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    const auto post = c_.records.find_message(protocol::status_jid(), id, false);
    if (!post || post->ack >= AckLevel::read) continue;
    if (post->row == 0) c_.records.add(storage::ReadReceived{c_.id(), post->chat, id});
    else c_.records.add(storage::RaiseAck{c_.id(), post->row, AckLevel::read, "", std::nullopt});
  }
}

void Receipts::on_own_receipt(const protocol::IncomingReceipt& receipt) {
  const std::string& type = receipt.type;
  if (type == "read" || type == "read-self" || type == "played" || type == "played-self") {
    // Of a group it comes from the group itself (03 section 7.3.3).
    const bool shared = protocol::has_participants(receipt.from);
    if (!receipt.recipient && !shared) return;
    if (receipt.from.is_status()) return on_statuses_seen(receipt.ids);
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

namespace {

/// What the server says of a resend that it does not take now, and may take another time (03 section 4.8).
bool is_temporary(unsigned error) { return error == 408 || error == 429 || error == 500 || error == 503; }

}  // namespace

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
    const UnixMs said_at = message.ack >= AckLevel::server ? message.timestamp : asked_at;
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
