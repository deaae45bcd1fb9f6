#include "sessions/people/presence.h"

#include "events/event.h"
#include "sessions/due.h"
#include "sessions/server_refusal.h"

namespace wharf::sessions {

using protocol::ChatState;
using protocol::LastSeen;

// --- the own account

bool Presence::say(bool available) {
  auto* online = c_.link.while_online();
  if (online == nullptr || c_.device.push_name.empty()) return false;
  online->available = available;
  c_.send(protocol::presence(available ? "available" : "unavailable", c_.device.push_name));
  return true;
}

void Presence::on_online() {
  const bool available = wants_to_show();
  if (say(available) && available) subscribe_to_all();
}

void Presence::on_renamed() {
  if (const auto* online = c_.link.while_online()) static_cast<void>(say(online->available));
}

Outcome<> Presence::show(bool available) {
  if (!c_.link.online()) return not_connected();
  if (!say(available))
    return Error(Errc::not_ready, "WhatsApp has not told the name of this account yet, and takes no presence without");
  wish_ = available;
  if (available) {
    subscribe_to_all();
  } else {
    to_subscribe_.clear();  // subscriptions end with being available
    seen_.clear();
  }
  return {};
}

void Presence::on_config() {
  const auto* online = c_.link.while_online();
  if (online != nullptr && online->available != c_.config.shows_online) static_cast<void>(show(c_.config.shows_online));
  wish_.reset();
}

Outcome<> Presence::show_chat_state(const Jid& chat, ChatState state) {
  if (!c_.link.online()) return not_connected();
  c_.send(protocol::chat_state(chat.has_devices() ? directory_.canonical_user(chat) : chat.user_jid(), state));
  return {};
}

// --- others

PresenceView Presence::view(const Jid& who) {
  PresenceView view;
  view.who.jid = directory_.canonical_user(who);
  view.who.ids = directory_.person(view.who.jid);
  const auto row = c_.records.find_contact(view.who.jid);
  view.watched = row && row->watched;
  const auto seen = seen_.find(view.who.jid);
  if (seen == seen_.end()) return view;
  view.available = seen->second.available;
  view.last = seen->second.last;
  view.told_at = seen->second.at;
  return view;
}

Outcome<PresenceView> Presence::watch(const WatchPresence& wanted) {
  const Jid user = directory_.canonical_user(wanted.who);
  storage::ContactRow row = book_.find(user);
  if (row.watched != wanted.watch) {
    if (wanted.watch && c_.records.watched_contacts(max_watched).size() >= max_watched)
      return Refusal(Errc::rate_limited, Subject::contact,
                     "the presence of " + std::to_string(max_watched) + " people is watched already");
    row.watched = wanted.watch;
    book_.put(std::move(row));
  }
  const auto* online = c_.link.while_online();
  if (online != nullptr && online->available)
    c_.send(wanted.watch ? protocol::presence_subscription(user, tokens_.token_of(user))
                         : protocol::presence_unsubscription(user));
  if (!wanted.watch) {
    std::erase(to_subscribe_, user);
    seen_.erase(user);
  }
  return view(user);
}

void Presence::subscribe_to_all() {
  to_subscribe_ = c_.records.watched_contacts(max_watched);
  subscribe_some();
}

void Presence::subscribe_some() {
  for (std::size_t n = 0; n < subscriptions_at_once && !to_subscribe_.empty(); ++n) {
    c_.send(protocol::presence_subscription(to_subscribe_.back(), tokens_.token_of(to_subscribe_.back())));
    to_subscribe_.pop_back();
  }
  next_at_.reset();
  if (!to_subscribe_.empty()) next_at_ = in(c_, between_subscriptions);
}

void Presence::on_presence(const Node& presence) {
  const auto read = protocol::read_presence(presence, c_.unix_seconds());
  if (!read || !read->from.has_devices() || directory_.is_own(read->from)) return;
  const Jid user = directory_.canonical_user(read->from);
  if (!read->push_name.empty()) book_.hear_push_name(user, read->push_name);
  const auto before = seen_.find(user);
  if (before == seen_.end() && seen_.size() >= max_watched) return;
  if (before != seen_.end() && before->second.available == read->available && before->second.last == read->last) return;
  seen_[user] = Seen{read->available, read->last, c_.now.unix_ms};
  events::PresenceChanged told;
  told.chat = told.user = user;
  told.chat_ids = told.user_ids = directory_.person(user);
  told.state = read->available ? "available" : "unavailable";
  if (read->last.kind == LastSeen::Kind::at) told.last_seen = static_cast<UnixMs>(read->last.unix_seconds) * 1'000;
  told.last_seen_hidden = read->last.kind == LastSeen::Kind::hidden;
  told.at = c_.now.unix_ms;
  c_.emit(std::move(told));
}

void Presence::on_chat_state(const Node& stanza) {
  const auto read = protocol::read_chat_state(stanza);
  if (!read) return;
  const bool group = read->chat.is_group();
  if (group ? !read->participant || !read->participant->has_devices() : !read->chat.has_devices()) return;
  const Jid user = directory_.canonical_user(group ? *read->participant : read->chat);
  if (directory_.is_own(user)) return;
  const InChat who{group ? read->chat : user, user};
  if (read->state == ChatState::paused) {
    ends_.clear(who);
    if (writing_.erase(who) != 0) tell_chat_state(who, ChatState::paused);
    return;
  }
  const auto before = writing_.find(who);
  if (before == writing_.end() && writing_.size() >= most_writing) return;
  ends_.set(who, in(c_, std::chrono::seconds(protocol::composing_seconds)));
  if (before != writing_.end() && before->second == read->state) return;  // repeated while it lasts
  writing_[who] = read->state;
  tell_chat_state(who, read->state);
}

void Presence::tell_chat_state(const InChat& who, ChatState state) {
  events::PresenceChanged told;
  told.chat = who.first;
  told.user = who.second;
  told.user_ids = directory_.person(who.second);
  if (!told.chat.is_group()) told.chat_ids = told.user_ids;
  told.state = name(state);
  told.at = c_.now.unix_ms;
  c_.emit(std::move(told));
}

std::optional<net::SteadyTime> Presence::due() const { return earliest({ends_.earliest(), next_at_}); }

void Presence::on_due() {
  while (const auto who = ends_.take_due(c_.now.steady)) {
    if (writing_.erase(*who) != 0) tell_chat_state(*who, ChatState::paused);
  }
  if (is_due(next_at_, c_.now.steady)) subscribe_some();
}

void Presence::on_link_down() {
  // Nobody tells the end of it any more.
  for (const auto& [who, state] : writing_) tell_chat_state(who, ChatState::paused);
  writing_.clear();
  ends_.clear();
  seen_.clear();
  to_subscribe_.clear();
  next_at_.reset();
}

}  // namespace wharf::sessions
