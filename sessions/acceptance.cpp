#include "sessions/acceptance.h"

#include <algorithm>
#include <utility>

#include "events/event.h"
#include "protocol/messages/content.h"
#include "sessions/channels/channel_posting.h"
#include "sessions/message_details.h"
#include "sessions/status_audiences.h"
#include "sessions/status_events.h"

namespace wharf::sessions {

using std::chrono::milliseconds;
using storage::AckLevel;
using storage::MessageRow;
using storage::OutboxState;

namespace {

std::optional<MediaName> file_of(const SendMessage& request) {
  const auto* media = std::get_if<SendMedia>(&request.content);
  return media ? media->upload : std::nullopt;
}

}  // namespace

Acceptance::Acceptance(Context& context, Directory& directory, Sealer& sealer, AddOns& add_ons, Outbox& outbox)
    : c_(context),
      directory_(directory),
      sealer_(sealer),
      add_ons_(add_ons),
      outbox_(outbox),
      idempotency_(context, directory) {}

void Acceptance::load() {
  for (auto& row : c_.records.load_outbox()) {
    if (row.state != OutboxState::scheduled) {
      outbox_.resume(std::move(row));
      continue;
    }
    schedule_.add({row.row, row.chat, row.message_id, {}, row.send_at, terms_of(row)});
  }
  outbox_.number_from(c_.records.last_outbox_row());
}

void Acceptance::count(Holdings& held) const { held.queued += schedule_.size(); }

// --- acceptance

bool Acceptance::has_room_for(std::size_t messages) const {
  return outbox_.size() + schedule_.size() + messages <= c_.settings.max_queued_messages;
}

Outcome<Jid> Acceptance::open_chat(const SendMessage& request) {
  if (const auto linked = sealer_.can_send(); !linked) return linked.error();
  auto chat = sealer_.chat_of(request);
  if (!chat) return chat;
  // Who only follows a channel may say what this build does not: that it does not comes first.
  if (chat->is_channel() && about_message(request.content) != nullptr)
    if (const auto possible = can_be_said(c_, request, *chat); !possible) return possible.error();
  if (const auto possible = sealer_.can_send_to(*chat); !possible) return possible.error();
  return chat;
}

void Acceptance::accept(const SendMessage& request, Reply<SentMessage> reply) {
  const auto refuse = [&](const Refusal& why) { c_.answer(std::move(reply), why); };
  const auto chat = open_chat(request);
  if (!chat) return refuse(chat.error());
  auto earlier = idempotency_.find(request, *chat);
  if (!earlier) return refuse(earlier.error());
  if (*earlier) return c_.answer(std::move(reply), std::move(**earlier));
  if (auto done = unpinned_by(request, *chat)) {
    idempotency_.remember(request, done->id);
    return c_.answer(std::move(reply), std::move(*done));
  }
  const bool withdraws = is_of_waiting_post(request, *chat);
  if (!withdraws && !has_room_for(1)) {
    return refuse(Refusal(Errc::rate_limited, Subject::queue, "the queue of this session is full"));
  }
  auto message = compose(request, *chat);
  if (!message) return refuse(message.error());
  if (withdraws && message->target_from_me && message->ack != AckLevel::scheduled)
    return withdraw_post(request, *message, std::move(reply));
  // All that it takes back has room, or nothing is taken back: whoever asks is told of the head alone.
  const auto album = revoked_album(request);
  auto revokes = album ? revokes_of_members(*album, *chat) : std::vector<Composed>();
  if (!has_room_for(1 + revokes.size())) {
    return refuse(Refusal(Errc::rate_limited, Subject::queue,
                          "the queue of this session has no room for the deletion of all that belongs to the album"));
  }
  idempotency_.remember(request, message->id);
  c_.answer(std::move(reply), sent_message(*message, directory_.person(message->chat)));
  if (album) end_members(*album, "cancelled: the album was deleted for everyone before this was sent");
  for (Composed& revoke : revokes) take_in(revoke.request, std::move(revoke.message));
  take_in(request, std::move(*message));
}

std::optional<SentMessage> Acceptance::unpinned_by(const SendMessage& request, const Jid& chat) const {
  const auto* pin = std::get_if<PinMessage>(&request.content);
  if (pin == nullptr || pin->pinned || request.message_id) return std::nullopt;
  const auto target = c_.records.find_message(chat, pin->message);
  if (!target || target->revoked_at != 0) return std::nullopt;
  constexpr std::size_t newest_looked_at = 64;  // further back it is said once more
  const auto said = c_.records.add_ons(chat, target->id, target->from_me, newest_looked_at);
  const auto own_pin = [](const MessageRow& row) {
    return row.from_me && row.kind == protocol::name(protocol::MessageKind::pin) && !events::has_failed(row.ack);
  };
  const auto last = std::find_if(said.rbegin(), said.rend(), own_pin);
  if (last == said.rend()) return std::nullopt;
  const auto content = protocol::parse_message(last->content);
  const auto* told = content ? std::get_if<protocol::Pin>(&content->body) : nullptr;
  if (told == nullptr || told->pinned) return std::nullopt;
  // One that the server has not yet ends every pin that is there by then.
  if (target->pinned_until != 0 && last->ack >= AckLevel::server) return std::nullopt;
  SentMessage sent = sent_message(*last, directory_.person(last->chat));
  sent.replayed = true;
  return sent;
}

bool Acceptance::is_of_waiting_post(const SendMessage& request, const Jid& chat) const {
  const auto* revoke = std::get_if<RevokeSent>(&request.content);
  return revoke != nullptr && chat.is_status() && outbox_.is_unsealed(revoke->message);
}

// All of it is of one turn: a process that ends before its commit has a post that waits, one behind it none. That the
// deletion has no row is what a repetition under its key says too (Idempotency::first_answer).
void Acceptance::withdraw_post(const SendMessage& request, const MessageRow& revoke, Reply<SentMessage> reply) {
  idempotency_.remember(request, revoke.id);
  SentMessage done = sent_message(revoke, directory_.person(revoke.chat));
  done.deleted = true;
  c_.answer(std::move(reply), std::move(done));
  outbox_.cancel(revoke.target_id, Outbox::deleted);
  if (const auto content = protocol::parse_message(revoke.content)) add_ons_.take_effect(revoke, content->body);
}

std::optional<MessageRow> Acceptance::revoked_album(const SendMessage& request) const {
  const auto* revoke = std::get_if<RevokeSent>(&request.content);
  auto head = revoke ? c_.records.find_message_by_id(revoke->message, true) : std::nullopt;
  return head && is_album(*head) ? std::move(head) : std::nullopt;
}

std::vector<Acceptance::Composed> Acceptance::revokes_of_members(const MessageRow& head, const Jid& chat) {
  std::vector<Composed> revokes;
  for (const std::string& member : c_.records.album_members(head)) {
    if (outbox_.is_unsealed(member)) continue;  // it ends with the head
    SendMessage also;
    also.chat = chat;
    also.content = RevokeSent{member};
    auto message = compose(also, chat);  // refused where nobody has it
    if (message) revokes.push_back({std::move(also), std::move(*message)});
  }
  return revokes;
}

void Acceptance::accept(const SendMessages& several, Reply<std::vector<SentMessage>> reply) {
  const auto refuse = [&](const Refusal& why) { c_.answer(std::move(reply), why); };
  auto earlier = find(FindSent{several.messages});
  if (!earlier) return refuse(earlier.error());
  if (!earlier->empty()) return c_.answer(std::move(reply), std::move(*earlier));
  if (!has_room_for(several.messages.size()))
    return refuse(Refusal(Errc::rate_limited, Subject::queue, "the queue of this session has no room for all of them"));
  std::vector<MessageRow> composed;  // all of them before the first is taken in: none is refused behind another
  const bool album = std::holds_alternative<protocol::Album>(several.messages.front().content);
  for (SendMessage request : several.messages) {
    const auto chat = open_chat(request);
    if (!chat) return refuse(chat.error());
    if (album && !composed.empty()) request.album = composed.front().id;
    auto message = compose(request, *chat);
    if (!message) return refuse(message.error());
    composed.push_back(std::move(*message));
  }
  std::vector<SentMessage> sent;
  for (std::size_t i = 0; i < composed.size(); ++i) {
    idempotency_.remember(several.messages.front(), composed[i].id, i);
    sent.push_back(sent_message(composed[i], directory_.person(composed[i].chat)));
  }
  c_.answer(std::move(reply), std::move(sent));
  for (std::size_t i = 0; i < composed.size(); ++i) take_in(several.messages[i], std::move(composed[i]));
}

Outcome<std::vector<SentMessage>> Acceptance::find(const FindSent& wanted) {
  if (wanted.messages.empty()) return Error(Errc::malformed, "there is no message to be sent");
  const auto chat = open_chat(wanted.messages.front());
  if (!chat) return chat.error();
  return idempotency_.find_all(wanted.messages, *chat);
}

Outcome<MessageRow> Acceptance::compose(const SendMessage& request, const Jid& chat) {
  constexpr UnixMs clock_behind = 60'000;  // of whoever asks
  if (request.send_at != 0 && request.send_at < c_.now.unix_ms - clock_behind)
    return Refusal(Errc::malformed, Subject::send_at, "must not be in the past");
  if (request.expires_at != 0 && request.expires_at <= c_.now.unix_ms)
    return Refusal(Errc::malformed, Subject::expires_at, "must not be in the past");
  auto message = sealer_.compose(request, chat);
  if (message && request.send_at > c_.now.unix_ms) {
    message->ack = AckLevel::scheduled;
    message->timestamp = request.send_at;
  }
  return message;
}

void Acceptance::take_in(const SendMessage& request, MessageRow message) {
  const bool post = message.chat.is_status() && message.target_id.empty();
  if (message.chat.is_status()) sealer_.open_audience(request, message);
  if (message.ack == AckLevel::scheduled) return put_off(request, std::move(message));
  tell_new(message);
  SendingTerms terms{request.priority, request.expires_at, file_of(request)};
  // A day is what it would be shown for.
  if (post && terms.expires_at == 0) terms.expires_at = c_.now.unix_ms + status_lifetime_ms;
  outbox_.take(message, terms);
}

std::optional<Jid> Acceptance::announce(const MessageRow& message) {
  PersonIds ids = directory_.person(message.chat);
  const events::Message& told = message;
  if (message.chat.is_status()) {
    tell_status_posted(c_, directory_, told);
    return std::nullopt;
  }
  c_.emit(events::NewMessage{told, ids, directory_.person(message.author), directory_.mentioned(told.mentions)});
  return std::move(message.chat.is_lid() ? ids.pn : ids.lid);
}

void Acceptance::tell_new(const MessageRow& message) {
  if (message.target_id.empty()) {
    auto alternate = announce(message);
    c_.records.add(storage::InsertMessage{message, false, std::move(alternate)});
    return;
  }
  c_.records.add(storage::InsertMessage{message, false, std::nullopt});
  if (changes_message(message)) return;
  if (const auto content = protocol::parse_message(message.content)) add_ons_.take_effect(message, content->body);
}

// --- later

// The message stands beside the conversation until its time: no page and no event shows it.
void Acceptance::put_off(const SendMessage& request, MessageRow message) {
  const UnixMs late = std::chrono::duration_cast<milliseconds>(c_.settings.max_lateness).count();
  const bool by_setting = request.expires_at == 0 && late > 0;
  const SendingTerms terms{request.priority, by_setting ? request.send_at + late : request.expires_at,
                           file_of(request)};
  Schedule::Item item{outbox_.new_row(), message.chat, message.id, c_.cause, request.send_at, terms};
  c_.records.add(storage::InsertMessage{std::move(message), false, std::nullopt});
  storage::OutboxRow stored = outbox_row(c_, item.row, item.chat, item.message_id, item.terms);
  stored.state = OutboxState::scheduled;
  stored.send_at = item.send_at;
  c_.records.add(storage::InsertOutbox{std::move(stored)});
  schedule_.add(std::move(item));
}

std::optional<net::SteadyTime> Acceptance::due() const { return by_clock(c_.now, schedule_.earliest()); }

void Acceptance::on_due() {
  for (unsigned released = 0; released < max_released_at_once; ++released) {
    auto item = schedule_.take_due(c_.now.unix_ms);
    if (!item) return;
    release(std::move(*item));
  }
}

void Acceptance::release(Schedule::Item scheduled) {
  const UnderCause own(c_, std::move(scheduled.request_id));
  const UnixMs expires_at = scheduled.terms.expires_at;
  if (expires_at != 0 && expires_at <= c_.now.unix_ms) return withdraw(scheduled, Outbox::expired);
  auto message = c_.records.find_message_by_id(scheduled.message_id, true);
  if (!message || message->content.empty()) return withdraw(scheduled, Outbox::deleted);
  c_.records.add(storage::RemoveOutbox{c_.id(), scheduled.row});
  message->ack = AckLevel::pending;
  message->timestamp = c_.now.unix_ms - c_.now.unix_ms % 1000;  // as composed
  auto alternate = announce(*message);
  c_.records.add(
      storage::ReleaseMessage{c_.id(), message->chat, message->id, message->timestamp, std::move(alternate)});
  outbox_.take(*message, scheduled.terms);
}

// --- ends

void Acceptance::withdraw(const Schedule::Item& scheduled, const std::string& why) {
  const UnderCause told(c_, c_.cause.empty() ? scheduled.request_id : c_.cause);
  c_.records.add(storage::RemoveOutbox{c_.id(), scheduled.row});
  if (scheduled.terms.upload) c_.release_file(*scheduled.terms.upload, false);
  const Jid chat = directory_.canonical_user(scheduled.chat);
  c_.records.add(storage::WithdrawMessage{c_.id(), chat, scheduled.message_id, why});
  c_.emit(events::Ack{scheduled.message_id, chat, directory_.person(chat), AckLevel::error, why, c_.now.unix_ms});
}

void Acceptance::cancel(const CancelMessage& request, Reply<SentMessage> reply) {
  const auto refuse = [&](Errc code, const char* why) {
    c_.answer(std::move(reply), Refusal(code, Subject::message, why));
  };
  constexpr const char* cancelled = "cancelled before it was sent";
  if (request.chat && !c_.records.find_message(directory_.canonical_user(*request.chat), request.message, true))
    return refuse(Errc::not_found, "it is not in the queue");
  const Outbox::Cancelled ended = end(request.message, cancelled);
  if (ended == Outbox::Cancelled::unknown) return refuse(Errc::not_found, "it is not in the queue");
  if (ended == Outbox::Cancelled::too_late)
    return refuse(Errc::conflict, "it is on its way already; a message that was sent can be deleted for everyone");
  const auto message = c_.records.find_message_by_id(request.message, true);
  if (!message) return refuse(Errc::not_found, "it waits no more");
  end_members(*message, cancelled);
  c_.answer(std::move(reply), sent_message(*message, directory_.person(message->chat)));
}

void Acceptance::cancel_all(const std::string& why) {
  outbox_.cancel_all(why);
  while (schedule_.size() > 0) withdraw(*schedule_.take(schedule_.items().begin()->second.message_id), why);
}

Outbox::Cancelled Acceptance::end(const std::string& id, const std::string& why) {
  const auto scheduled = schedule_.take(id);
  if (!scheduled) return outbox_.cancel(id, why);
  withdraw(*scheduled, why);
  return Outbox::Cancelled::yes;
}

// The last one first: one that ends lets what waits behind it go, and that shall be none of them.
void Acceptance::end_members(const MessageRow& head, const std::string& why) {
  if (!is_album(head)) return;
  const auto members = c_.records.album_members(head);
  for (auto member = members.rbegin(); member != members.rend(); ++member) end(*member, why);
}

void Acceptance::forget_message(const std::string& id) {
  end(id, "cancelled: the message was deleted before it was sent");
}

bool Acceptance::forget_chat(const Jid& chat) {
  constexpr const char* why = "cancelled: the chat was deleted before the message was sent";
  const std::size_t cancelled = outbox_.cancel_chat(chat, why);
  std::vector<std::string> scheduled;
  for (const auto& [row, item] : schedule_.items()) {
    if (directory_.canonical_user(item.chat) == chat) scheduled.push_back(item.message_id);
  }
  for (const std::string& id : scheduled) withdraw(*schedule_.take(id), why);
  return cancelled + scheduled.size() > 0;
}

void Acceptance::release_files() {
  outbox_.release_files();
  for (const auto& [row, item] : schedule_.items()) {
    if (item.terms.upload) c_.release_file(*item.terms.upload, false);
  }
}

}  // namespace wharf::sessions
