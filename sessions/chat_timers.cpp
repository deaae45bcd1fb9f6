#include "sessions/chat_timers.h"

#include <algorithm>

#include "events/event.h"

namespace wharf::sessions {

namespace {

/// Those of groups come with the group.
bool has_timer(const Jid& chat) { return chat.is_phone_number() || chat.is_lid(); }

/// Nobody can have set a timer after the server had what says so: it would outlast every true one. Not by the own
/// clock, which may be hours behind.
std::int64_t not_after(UnixMs at, std::int64_t unix_seconds) {
  return std::clamp<std::int64_t>(unix_seconds, 0, std::max<UnixMs>(at, 0) / 1000);
}

}  // namespace

void ChatTimers::put(const Jid& chat, storage::ChatTimer timer, UnixMs at) {
  const storage::ChatTimer known = c_.records.chat_timer(chat);
  if (timer == known) return;
  c_.records.add(storage::PutChatTimer{c_.id(), chat, timer});
  if (timer.seconds == known.seconds) return;
  c_.emit(events::ChatUpdated{chat, directory_.person(chat), timer.seconds, at});
}

void ChatTimers::on_set(const Jid& chat, const protocol::DisappearingTimer& timer, UnixMs at) {
  if (!has_timer(chat) || !protocol::is_disappearing_timer(timer.seconds)) return;
  const std::int64_t set_at = timer.set_at != 0 ? not_after(at, timer.set_at) : at / 1000;
  if (set_at < c_.records.chat_timer(chat).set_at) return;
  put(chat, {timer.seconds, set_at}, at);
}

void ChatTimers::on_message(const Jid& chat, const protocol::MessageTraits& traits, UnixMs at) {
  if (traits.expires_after_s == 0 && traits.expiry_set_at == 0) return;
  if (!has_timer(chat) || !protocol::is_disappearing_timer(traits.expires_after_s)) return;
  const std::int64_t set_at = not_after(at, traits.expiry_set_at), known = c_.records.chat_timer(chat).set_at;
  if (set_at == 0 ? known != 0 : set_at <= known) return;
  put(chat, {traits.expires_after_s, set_at}, at);
}

}  // namespace wharf::sessions
