// What receipts say. The requests among them to send a message again: retry_requests.cpp.
#include "sessions/receipts.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "events/event.h"
#include "protocol/stanzas/ack.h"
#include "sessions/add_ons.h"
#include "sessions/server_time.h"
#include "sessions/status_events.h"

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

}  // namespace wharf::sessions
