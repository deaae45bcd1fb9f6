#include "sessions/calls/calls.h"

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "events/event.h"
#include "sessions/server_refusal.h"
#include "sessions/server_time.h"

namespace wharf::sessions {

using protocol::CallAccepted;
using protocol::CallEnded;
using protocol::CallHead;
using protocol::CallKnown;
using protocol::CallOffered;
using protocol::CallRejected;

namespace {

constexpr std::string_view ringing = "ringing", accepted = "accepted", accepted_elsewhere = "acceptedElsewhere",
                           rejected = "rejected", rejected_here = "rejectedHere",
                           rejected_elsewhere = "rejectedElsewhere", missed = "missed", ended = "ended";
constexpr std::array<std::string_view, 5> last_states = {rejected, rejected_here, rejected_elsewhere, missed, ended};

// No header value contains a line feed, so no Idempotency-Key of a request is one of these.
std::string told_key(const std::string& id) { return "call\n" + id; }
std::string text_key(const std::string& id) { return "callText\n" + id; }

bool says(std::string_view told, std::string_view state) {
  return told.find(" " + std::string(state) + " ") != std::string_view::npos;
}

bool has_last(std::string_view told) {
  return std::any_of(last_states.begin(), last_states.end(), [&](std::string_view state) { return says(told, state); });
}

/// An end of what never rang ends nothing: it is the caller who says it, and he may ring with the same id behind it.
bool is_over(std::string_view told) { return says(told, ringing) && has_last(told); }

/// Whether the stanza can be about a call of people: somebody calls, and it came from somebody or from a group.
bool is_usable(const CallHead& head) {
  return head.creator.has_devices() && (head.chat.has_devices() || head.chat.is_group());
}

}  // namespace

void Calls::on_call(const Node& call) {
  if (const auto answer = protocol::call_answer(call, c_.device.jid, c_.device.lid)) c_.send(*answer);
  auto event = protocol::read_call(call, c_.unix_seconds());
  if (!event) return;
  const auto listen = [this](auto& heard) {
    if constexpr (requires { heard.call; }) {
      bool of_group = heard.call.group.has_value();
      if constexpr (requires { heard.is_group; }) of_group = of_group || heard.is_group;
      if (!is_usable(heard.call) || !is_credible(heard.call, of_group)) return;
    }
    hear(heard);
  };
  std::visit(listen, *event);
}

bool Calls::is_credible(CallHead& head, bool of_group) {
  if (head.chat.is_group() || directory_.is_own(head.chat)) return true;
  const Jid from = directory_.canonical_user(head.chat);
  const CallOffered* known = ongoing_.find(head.call_id);
  if (known != nullptr && !known->is_group && !known->call.chat.is_group() && !directory_.is_own(known->call.chat) &&
      directory_.canonical_user(known->call.chat) != from)
    return false;  // a call of others
  if (directory_.is_own(head.creator) || directory_.canonical_user(head.creator) == from) return true;
  if (!of_group && (known == nullptr || !known->is_group)) return false;
  head.creator = known != nullptr ? known->call.creator : head.chat;
  head.creator_pn.reset();  // of whom it named
  return true;
}

// --- what is told

void Calls::hear(const CallOffered& offer) {
  const std::string before = told(offer.call.call_id);
  if (says(before, rejected_here)) {
    // It rings again, so our refusal may not have left.
    if (is_for_us_alone(offer) && protocol::may_reject(offer, c_.server_seconds())) refuse(offer);
    return;
  }
  if (is_over(before) || (says(before, ringing) && says(before, accepted_elsewhere))) return;
  const auto known = ongoing_.follow(offer, c_.server_seconds());
  tell(offer.call, known, ringing, {});
  if (!c_.config.calls.reject || !is_for_us_alone(offer)) return;
  const CallOffered* open = ongoing_.ringing(offer.call.call_id, c_.server_seconds());
  if (open == nullptr) return;
  const CallOffered refused = *open;
  refuse(refused);
  send_text(refused);
}

void Calls::hear(const CallAccepted& event) {
  const auto known = ongoing_.follow(event, c_.server_seconds());
  tell(event.call, known, directory_.is_own(event.call.chat) ? accepted_elsewhere : accepted, {});
}

void Calls::hear(const CallRejected& event) {
  if (event.device_only) return;
  const bool own = directory_.is_own(event.call.chat);
  const CallOffered* open = ongoing_.ringing(event.call.call_id, c_.server_seconds());
  const bool in_group =
      event.call.group.has_value() || event.call.chat.is_group() || (open != nullptr && open->is_group);
  if (in_group && !own) return;  // one member does not come; the call goes on
  const auto known = ongoing_.follow(event, c_.server_seconds());
  tell(event.call, known, own ? rejected_elsewhere : rejected, event.reason);
}

void Calls::hear(const CallEnded& event) {
  const auto known = ongoing_.follow(event, c_.server_seconds());
  std::string_view state = ended;
  switch (event.outcome) {
    case CallEnded::Outcome::answered_on_other_device: state = accepted_elsewhere; break;
    case CallEnded::Outcome::rejected_on_other_device: state = rejected_elsewhere; break;
    case CallEnded::Outcome::missed_if_not_answered: {
      // After a restart what was told is all that is known.
      const std::string before = told(event.call.call_id);
      const bool unanswered = says(before, ringing) && !says(before, accepted) && !says(before, accepted_elsewhere);
      const bool of_others = !directory_.is_own(event.call.creator);
      if (of_others && (known ? known->missed : unanswered)) state = missed;
      break;
    }
  }
  tell(event.call, known, state, event.reason);
}

std::string Calls::told(const std::string& id) const {
  const auto row = c_.records.find_idempotency(told_key(id), c_.now.unix_ms - storage::answers_kept_ms);
  return row ? row->request_hash : std::string();
}

void Calls::tell(const CallHead& head, const std::optional<CallKnown>& known, std::string_view state,
                 const std::string& reason) {
  std::string before = told(head.call_id);
  if (is_over(before) || says(before, state)) return;
  if (has_last(before)) {
    if (state != ringing) return;
    before.clear();  // it begins only now
  }
  storage::IdempotencyRow row;
  row.session = c_.id();
  row.key = told_key(head.call_id);
  row.request_hash = (before.empty() ? " " : before) + std::string(state) + " ";
  row.at = c_.now.unix_ms;
  c_.records.add(storage::PutIdempotency{std::move(row)});

  events::CallChanged event;
  event.id = head.call_id;
  event.caller = directory_.canonical_user(head.creator);
  event.caller_ids = directory_.person(event.caller);
  event.from_me = directory_.is_own(event.caller);
  const auto group = head.group ? head.group : known ? known->group : std::nullopt;
  if (group || head.chat.is_group()) {
    event.chat = group ? *group : head.chat;
  } else {
    event.chat = event.from_me ? directory_.canonical_user(head.chat) : event.caller;
    event.chat_ids = directory_.person(event.chat);
  }
  event.is_group = event.chat.is_group() || (known && known->is_group);
  event.video = known && known->video;
  event.state = state;
  event.reason = reason;
  event.offline = head.offline;
  if (const auto number = stated_number(event.caller, head.creator_pn ? head.creator_pn
                                                      : known         ? known->creator_pn
                                                                      : std::nullopt)) {
    event.caller_ids.pn = number;
    if (event.chat == event.caller) event.chat_ids.pn = number;
  }
  event.at = stated_ms(head.at.value_or(0), c_.now.unix_ms);
  c_.emit(std::move(event));
}

std::optional<Jid> Calls::stated_number(const Jid& caller, const std::optional<Jid>& stated) {
  if (!stated || !caller.is_lid() || directory_.is_own(caller) || directory_.person(caller).pn) return std::nullopt;
  const Jid number = stated->user_jid();
  const bool of_another =
      directory_.is_own(number) || directory_.canonical_user(number) != number || c_.records.has_chat(number);
  return of_another ? std::nullopt : std::optional(number);
}

// --- refusing

bool Calls::is_for_us_alone(const CallOffered& offer) const {
  return !offer.is_group && !offer.call.chat.is_group() && !directory_.is_own(offer.call.creator);
}

void Calls::refuse(const CallOffered& offer) {
  const Jid own = offer.call.creator.is_lid() ? c_.device.lid : c_.device.jid;
  // The server's ack says nothing that changes anything: nobody waits for it.
  c_.send(protocol::call_reject(c_.ids.next(), offer.call, own.empty() ? std::nullopt : std::optional(own.user_jid())));
  const auto known = CallKnown{offer.video, offer.is_group, offer.call.creator_pn, offer.call.group, false};
  tell(offer.call, known, rejected_here, {});
  ongoing_.end(std::string(offer.call.call_id));
}

void Calls::send_text(const CallOffered& offer) {
  if (c_.config.calls.text.empty()) return;
  SendMessage message;
  message.chat = directory_.canonical_user(offer.call.creator);
  message.content = c_.config.calls.text;
  message.idempotency_key = text_key(offer.call.call_id);
  acceptance_.accept(message, Reply<SentMessage>());
  const auto taken = c_.records.find_idempotency(*message.idempotency_key, c_.now.unix_ms - storage::answers_kept_ms);
  if (!taken && on_text_refused) on_text_refused(offer.call.call_id);
}

Outcome<> Calls::reject(const std::string& id) {
  if (!c_.link.online()) return not_connected();
  const CallOffered* open = ongoing_.ringing(id, c_.server_seconds());
  if (open == nullptr || directory_.is_own(open->call.creator))
    return Refusal(Errc::not_found, Subject::call, "no call with this id rings here");
  if (!is_for_us_alone(*open))
    return Refusal(Errc::not_implemented, Subject::call, "a call of a group cannot be rejected yet");
  const CallOffered refused = *open;
  refuse(refused);
  return {};
}

}  // namespace wharf::sessions
