#include "sessions/outbox.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "events/event.h"
#include "protocol/messages/media_location.h"
#include "sessions/due.h"

namespace wharf::sessions {

using std::chrono::milliseconds;
using storage::AckLevel;
using storage::MessageRow;
using storage::OutboxState;

namespace {

bool in_flight(OutboxState state) { return state == OutboxState::sealed || state == OutboxState::completing; }
bool acknowledged(OutboxState state) { return state == OutboxState::incomplete || state == OutboxState::completing; }

}  // namespace

Outbox::Outbox(Context& context, Directory& directory, Sealer& sealer, AddOns& add_ons, Uploads& uploads)
    : c_(context),
      directory_(directory),
      sealer_(sealer),
      add_ons_(add_ons),
      uploads_(uploads),
      idempotency_(context, directory) {
  uploads_.on_uploaded = [this](std::int64_t row, const protocol::UploadAnswer& answer) { on_uploaded(row, answer); };
  uploads_.on_failed = [this](std::int64_t row, const std::string& why) { on_not_uploaded(row, why); };
}

void Outbox::load() {
  for (auto& row : c_.records.load_outbox()) {
    Item item;
    item.chat = row.chat;
    item.message_id = std::move(row.message_id);
    item.state = row.state;
    item.sealed = std::move(row.stanza);
    item.unanswered = row.attempts;
    if (row.upload.size() == MediaName().size()) {
      std::copy(row.upload.begin(), row.upload.end(), item.upload.emplace().begin());
      uploads_.add(row.row, item.message_id);
    }
    if (!in_flight(item.state)) lanes_[item.chat].waiting.push_back(row.row);
    insert(row.row, std::move(item));
  }
  last_row_ = c_.records.last_outbox_row();
}

void Outbox::count(Holdings& held) const {
  held.queued = items_.size();
  held.in_flight = in_flight_;
  held.in_flight_bytes = in_flight_bytes_;
  held.lanes = lanes_.size();
}

// --- acceptance

void Outbox::accept(const SendMessage& request, Reply<SentMessage> reply) {
  const auto refuse = [&](const Refusal& why) { c_.answer(std::move(reply), why); };
  if (const auto linked = sealer_.can_send(); !linked) return refuse(linked.error());
  const auto found = sealer_.chat_of(request);
  if (!found) return refuse(found.error());
  const Jid& chat = *found;
  if (const auto possible = sealer_.can_send_to(chat); !possible) return refuse(possible.error());
  auto earlier = idempotency_.find(request, chat);
  if (!earlier) return refuse(earlier.error());
  if (*earlier) return c_.answer(std::move(reply), std::move(**earlier));
  if (items_.size() >= c_.settings.max_queued_messages) {
    return refuse(Refusal(Errc::rate_limited, Subject::queue, "the queue of this session is full"));
  }
  auto message = sealer_.compose(request, chat);
  if (!message) return refuse(message.error());
  take_in(request, std::move(*message), std::move(reply));
}

void Outbox::take_in(const SendMessage& request, MessageRow message, Reply<SentMessage> reply) {
  const std::int64_t row = ++last_row_;
  Item item;
  item.chat = lane_of(message.chat);
  item.message_id = message.id;
  item.request_id = c_.cause;
  item.changes_message = message.kind == protocol::name(protocol::MessageKind::edit) ||
                         message.kind == protocol::name(protocol::MessageKind::revoke);
  if (const auto* media = std::get_if<SendMedia>(&request.content); media != nullptr && media->upload) {
    item.upload = media->upload;
    item.state = OutboxState::uploading;
  }
  const auto unsealable = item.upload ? std::nullopt : seal_at_once(item, message);
  write_rows(request, row, item, std::move(message), std::move(reply));
  Item& queued = insert(row, std::move(item));
  if (queued.state == OutboxState::uploading) {
    lanes_[queued.chat].waiting.push_back(row);
    return uploads_.add(row, queued.message_id);
  }
  if (queued.state == OutboxState::waiting && !unsealable) return wait_in_lane(row, queued.chat);
  drop_lane_if_idle(queued.chat);
  if (unsealable) return fail(row, unsealable->detail);
  transmit(row, queued);
}

// The common case seals in the same turn: one commit covers message, ratchets and stanza.
std::optional<Error> Outbox::seal_at_once(Item& item, const MessageRow& message) {
  if (!may_go_at_once(item.chat)) return std::nullopt;
  auto sealed = sealer_.seal(item.chat, message);
  if (!sealed) return sealed.error();
  item.state = OutboxState::sealed;
  item.sealed = std::move(*sealed);
  return std::nullopt;
}

void Outbox::write_rows(const SendMessage& request, std::int64_t row, const Item& item, MessageRow message,
                        Reply<SentMessage> reply) {
  const PersonIds ids = directory_.person(message.chat);
  auto alternate = message.chat.is_lid() ? ids.pn : ids.lid;
  idempotency_.remember(request, message.id);
  c_.answer(std::move(reply), sent_message(message, ids));
  if (message.target_id.empty()) {
    const events::Message& told = message;
    c_.emit(events::NewMessage{told, ids, directory_.person(message.author)});
    c_.records.add(storage::InsertMessage{std::move(message), false, std::move(alternate)});
  } else {
    const MessageRow said = message;
    c_.records.add(storage::InsertMessage{std::move(message), false, std::nullopt});
    // An edit or a revoke that nobody gets changes nothing here either: it waits for the server.
    if (!item.changes_message) {
      if (const auto content = protocol::parse_message(said.content)) add_ons_.take_effect(said, content->body);
    }
  }
  storage::OutboxRow stored;
  stored.row = row;
  stored.session = c_.id();
  stored.chat = item.chat;
  stored.message_id = item.message_id;
  stored.state = item.state;
  stored.stanza = item.sealed;
  if (item.upload) stored.upload = protocol::to_bytes(*item.upload);
  stored.accepted_at = c_.now.unix_ms;
  c_.records.add(storage::InsertOutbox{std::move(stored)});
}

Outbox::Item& Outbox::insert(std::int64_t row, Item item) {
  Item& kept = items_.emplace(row, std::move(item)).first->second;
  by_id_[kept.message_id] = row;
  count(kept, true);
  return kept;
}

void Outbox::count(const Item& item, bool enters) {
  const auto change = [enters](std::size_t& total, std::size_t by) { total = enters ? total + by : total - by; };
  if (in_flight(item.state)) {
    change(in_flight_, 1);
    change(in_flight_bytes_, item.sealed.size());
  }
  if (acknowledged(item.state)) change(acknowledged_, 1);
}

// --- files

void Outbox::on_not_uploaded(std::int64_t row, const std::string& why) {
  const Jid chat = items_.at(row).chat;
  fail(row, why);
  pump(chat);
}

void Outbox::on_uploaded(std::int64_t row, const protocol::UploadAnswer& answer) {
  Item& item = items_.at(row);
  const UnderCause own(c_, item.request_id);
  const auto message = c_.records.find_message_by_id(item.message_id, true);
  if (!message || message->content.empty()) return on_not_uploaded(row, "the message was deleted before it was sent");
  const protocol::MediaPlace place{answer.url, answer.direct_path, answer.metadata_url};
  c_.records.add(storage::PutContent{c_.id(), message->chat, message->id, true,
                                     protocol::with_media_place(message->content, place)});
  c_.records.add(storage::EndUpload{c_.id(), row});
  c_.release_file(*item.upload, true);
  item.upload.reset();
  item.state = OutboxState::waiting;
  pump(Jid(item.chat));
}

void Outbox::release_files() {
  for (const auto& [row, item] : items_) {
    if (item.upload) c_.release_file(*item.upload, false);
  }
}

// --- lanes

bool Outbox::may_go_at_once(const Jid& chat) {
  if (!c_.link.online() || !room_in_flight()) return false;
  const auto lane = lanes_.find(chat);
  return (lane == lanes_.end() || lane->second.idle()) && sealer_.prepared(chat);
}

Jid Outbox::lane_of(const Jid& chat) {
  if (!chat.is_lid()) return chat;
  const auto pn = directory_.person(chat).pn;
  const auto earlier = pn ? lanes_.find(*pn) : lanes_.end();
  if (earlier == lanes_.end()) return chat;
  if (earlier->second.preparing) return *pn;
  move_lane(earlier, chat);
  return chat;
}

void Outbox::wait_in_lane(std::int64_t row, const Jid& chat) {
  lanes_[chat].waiting.push_back(row);
  pump(Jid(chat));  // a copy: the item may end in it
}

void Outbox::move_lane(Lanes::iterator from, const Jid& canonical) {
  auto node = lanes_.extract(from);
  lanes_due_.clear(node.key());
  auto& waiting = lanes_[canonical].waiting;
  for (const std::int64_t row : node.mapped().waiting) {
    items_.at(row).chat = canonical;
    waiting.push_back(row);
  }
  std::sort(waiting.begin(), waiting.end());
}

void Outbox::drop_lane_if_idle(const Jid& chat) {
  const auto lane = lanes_.find(chat);
  if (lane != lanes_.end() && lane->second.idle()) lanes_.erase(lane);
}

void Outbox::pump(const Jid& chat) {
  const auto found = lanes_.find(chat);
  if (found == lanes_.end() || !c_.link.online()) return;
  Lane& lane = found->second;
  if (const Jid canonical = directory_.canonical_user(chat); canonical != chat && !lane.preparing) {
    move_lane(found, canonical);
    return pump(canonical);
  }
  while (!lane.waiting.empty() && !lane.preparing && room_in_flight()) {
    if (lanes_due_.armed(chat)) return;
    if (items_.at(lane.waiting.front()).state == OutboxState::uploading) return;  // on_uploaded goes on
    if (!sealer_.prepared(chat)) {
      lane.preparing = true;
      sealer_.prepare(chat, [this, chat](Sealer::Prepared prepared) { on_prepared(chat, prepared); });
      return;  // on_prepared goes on, now or in a later turn
    }
    const std::int64_t row = lane.waiting.front();
    lane.waiting.pop_front();
    seal_head(row, items_.at(row));
  }
  if (lane.idle()) lanes_.erase(found);
}

void Outbox::pump_all() {
  std::vector<Jid> chats;
  chats.reserve(lanes_.size());
  for (const auto& [chat, lane] : lanes_) chats.push_back(chat);
  for (const Jid& chat : chats) pump(chat);
}

void Outbox::on_prepared(const Jid& chat, Sealer::Prepared prepared) {
  // Messages of several requests wait for it: each names its own, and what else is asked for is of none.
  const UnderCause of_nobody(c_, {});
  const auto it = lanes_.find(chat);
  if (it == lanes_.end()) return;
  Lane& lane = it->second;
  lane.preparing = false;
  if (prepared == Sealer::Prepared::nobody) {
    const auto unreachable = std::exchange(lane.waiting, {});
    for (const std::int64_t row : unreachable) fail(row, Sealer::nobody);
    lanes_.erase(chat);
    return;
  }
  if (prepared == Sealer::Prepared::yes && sealer_.prepared(directory_.canonical_user(chat))) {
    lane.failures = 0;
    return pump(chat);
  }
  // Answered, but not enough: a list went stale on the way, for example. Once more at once, as the state has moved.
  if (prepared == Sealer::Prepared::yes && lane.failures++ == 0) return pump(chat);
  prepare_later(chat, lane, prepared);
}

// The server refused, did not answer or told only a part: later, and further apart each time.
void Outbox::prepare_later(const Jid& chat, Lane& lane, Sealer::Prepared prepared) {
  if (prepared == Sealer::Prepared::later) ++lane.failures;
  const unsigned step = std::min(lane.failures - 1, 6u);
  lanes_due_.set(chat, in(c_, milliseconds(1'000u << step)));
}

// --- in flight

bool Outbox::room_in_flight() const {
  return in_flight_ < c_.settings.max_in_flight && in_flight_bytes_ < c_.settings.max_in_flight_bytes;
}

void Outbox::seal_head(std::int64_t row, Item& item) {
  const auto message = c_.records.find_message_by_id(item.message_id, true);
  if (!message) return fail(row, "the message was deleted before it was sent");
  if (message->content.empty()) return fail(row, "the message was deleted for everyone");
  const bool missed_some = item.state == OutboxState::incomplete;
  auto sealed = missed_some ? sealer_.seal_missed(item.chat, *message, item.sealed) : sealer_.seal(item.chat, *message);
  if (!sealed) return fail(row, sealed.error().detail);
  put_sealed(row, item, std::move(*sealed), missed_some ? OutboxState::completing : OutboxState::sealed);
  transmit(row, item);
}

void Outbox::put_sealed(std::int64_t row, Item& item, Bytes sealed, OutboxState state) {
  count(item, false);
  item.state = state;
  item.sealed = std::move(sealed);
  item.unanswered = 0;
  count(item, true);
  c_.records.add(storage::SealOutbox{c_.id(), row, item.sealed, state});
}

bool Outbox::readdress(std::int64_t row, Item& item) {
  const auto message = c_.records.find_message_by_id(item.message_id, true);
  if (!message || message->content.empty()) return false;
  auto sealed = sealer_.readdress(item.chat, *message, item.sealed);
  if (!sealed) return false;
  put_sealed(row, item, std::move(*sealed), OutboxState::sealed);
  item.readdressed = true;
  transmit(row, item);
  return true;
}

void Outbox::transmit(std::int64_t row, Item& item) {
  item.sent = true;
  ++item.expected_acks;
  answers_due_.set(row, in(c_, ack_patience));
  c_.send_payload(item.sealed);
}

void Outbox::try_again(std::int64_t row, Item& item) {
  item.sent = false;
  resends_.set(row, in(c_, milliseconds(750) * ++item.temporary_errors));
}

void Outbox::on_silence(std::int64_t row) {
  Item& item = items_.at(row);
  c_.records.add(storage::CountOutboxAttempt{c_.id(), row});
  if (++item.unanswered < max_unanswered) return;
  fail(row, "the server did not acknowledge the message on " + std::to_string(max_unanswered) +
                " connections; it may have arrived all the same");
}

void Outbox::on_online() {
  std::vector<std::pair<std::int64_t, std::string>> unsendable;
  for (auto& [row, item] : items_) {
    if (!in_flight(item.state) || item.sent) continue;
    if (const auto sendable = Sealer::sendable(item.sealed); !sendable) {
      unsendable.emplace_back(row, sendable.error().detail);
    } else {
      transmit(row, item);
    }
  }
  for (const auto& [row, why] : unsendable) fail(row, why);
  pump_all();
  uploads_.go_on();
}

void Outbox::on_link_down() {
  for (auto& [row, item] : items_) {
    item.sent = false;
    item.expected_acks = 0;
  }
  for (auto& [chat, lane] : lanes_) lane.preparing = false;
  resends_.clear();
  answers_due_.clear();
  lanes_due_.clear();
}

std::optional<net::SteadyTime> Outbox::due() const {
  if (!c_.link.online()) return std::nullopt;
  return earliest({resends_.earliest(), answers_due_.earliest(), lanes_due_.earliest()});
}

void Outbox::on_due() {
  if (!c_.link.online()) return;
  while (const auto row = resends_.take_due(c_.now.steady)) transmit(*row, items_.at(*row));
  bool swallowed = false;
  while (const auto row = answers_due_.take_due(c_.now.steady)) {
    on_silence(*row);
    swallowed = true;
  }
  if (swallowed) {
    // Other sends may have been answered: the connection is not mute, but it does not do what it must.
    if (on_unanswered) on_unanswered();
    return;
  }
  while (const auto chat = lanes_due_.take_due(c_.now.steady)) pump(*chat);
}

// --- ends

bool Outbox::would_accept(std::string_view message_id) const {
  const auto known = by_id_.find(message_id);
  if (known == by_id_.end()) return false;
  const OutboxState state = items_.at(known->second).state;
  return in_flight(state) && state != OutboxState::completing;
}

void Outbox::on_verdict(std::string_view message_id, const Sealer::Verdict& verdict) {
  const auto known = by_id_.find(message_id);
  if (known == by_id_.end()) return;
  const std::int64_t row = known->second;
  Item& item = items_.at(row);
  if (item.expected_acks > 0) --item.expected_acks;
  // Of the stanza before: whether this one arrived is not known yet.
  if (item.state == OutboxState::completing && item.expected_acks > 0) return;
  const auto* accepted = std::get_if<Sealer::Accepted>(&verdict.outcome);
  if (item.state == OutboxState::incomplete && accepted && sealer_.reached_all(item.sealed, *accepted)) {
    const Jid chat = item.chat;  // a receipt was faster, and there is nobody else
    drop(row);
    return drop_lane_if_idle(chat);
  }
  if (!in_flight(item.state)) return;
  answers_due_.clear(row);
  sealer_.forget(verdict.stale, item.chat);
  if (accepted) return on_accepted(row, item, *accepted);
  on_refused(row, item, std::get<Sealer::Refused>(verdict.outcome));
}

void Outbox::on_accepted(std::int64_t row, Item& item, const Sealer::Accepted& accepted) {
  if (item.state == OutboxState::completing) return end(row);
  tell_accepted(item, accepted.at);
  if (sealer_.reached_all(item.sealed, accepted)) return end(row);
  sealer_.forget(Sealer::Stale::recipient_and_own, item.chat);
  complete(row, item);
}

void Outbox::on_refused(std::int64_t row, Item& item, const Sealer::Refused& refused) {
  using Remedy = Sealer::Refused::Remedy;
  if (refused.remedy == Remedy::try_again && item.temporary_errors < max_resends) return try_again(row, item);
  if (refused.remedy == Remedy::readdress && item.state == OutboxState::sealed && readdress(row, item)) return;
  fail(row, refused.why);
  pump_all();
}

void Outbox::complete(std::int64_t row, Item& item) {
  put_sealed(row, item, Bytes(item.sealed), OutboxState::incomplete);
  item.chat = directory_.canonical_user(item.chat);
  item.temporary_errors = 0;
  answers_due_.clear(row);
  resends_.clear(row);
  auto& waiting = lanes_[item.chat].waiting;
  waiting.insert(std::lower_bound(waiting.begin(), waiting.end(), row), row);
  pump_all();
}

void Outbox::on_receipt(std::string_view message_id, UnixMs at) {
  const auto known = by_id_.find(message_id);
  if (known == by_id_.end()) return;
  // Of one that never left, a receipt proves nothing.
  Item& item = items_.at(known->second);
  if (item.state != OutboxState::sealed) return;
  tell_accepted(item, at);
  // Whether there are other devices, only the ack would have said.
  sealer_.forget(Sealer::Stale::recipient_and_own, item.chat);
  complete(known->second, item);
}

void Outbox::tell_accepted(const Item& item, UnixMs at) {
  if (item.readdressed) sealer_.prefer_other_address();
  c_.records.add(storage::RaiseAckById{c_.id(), item.message_id, AckLevel::server, "", at});
  c_.emit(events::Ack{item.message_id, item.chat, directory_.person(item.chat), AckLevel::server, "", at});
  if (item.changes_message) change_message(item);
}

void Outbox::change_message(const Item& item) {
  const auto said = c_.records.find_message_by_id(item.message_id, true);
  if (!said || said->target_id.empty()) return;
  const auto content = protocol::parse_message(said->content);
  const bool changes = content && (std::holds_alternative<protocol::Edit>(content->body) ||
                                   std::holds_alternative<protocol::Revoke>(content->body));
  if (changes) add_ons_.take_effect(*said, content->body);
}

void Outbox::end(std::int64_t row) {
  const bool was_full = !room_in_flight();
  drop(row);
  if (was_full) pump_all();
}

void Outbox::fail(std::int64_t row, const std::string& why) {
  const UnderCause own(c_, std::move(items_.at(row).request_id));
  end_as_error(row, why);
}

void Outbox::cancel(std::int64_t row, const std::string& why) {
  if (c_.cause.empty()) return fail(row, why);
  end_as_error(row, why);
}

void Outbox::end_as_error(std::int64_t row, const std::string& why) {
  const Item& item = items_.at(row);
  if (acknowledged(item.state)) return drop(row);  // sent: that some devices miss it is no error of the message
  c_.records.add(storage::RaiseAckById{c_.id(), item.message_id, AckLevel::error, why, std::nullopt});
  const PersonIds ids = directory_.person(item.chat);
  c_.emit(events::Ack{item.message_id, item.chat, ids, AckLevel::error, why, c_.now.unix_ms});
  drop(row);
}

void Outbox::drop(std::int64_t row) {
  const auto it = items_.find(row);
  if (it == items_.end()) return;
  count(it->second, false);
  const auto lane = in_flight(it->second.state) ? lanes_.end() : lanes_.find(it->second.chat);
  if (lane != lanes_.end()) std::erase(lane->second.waiting, row);
  resends_.clear(row);
  answers_due_.clear(row);
  if (it->second.upload) {
    uploads_.forget(row);
    c_.release_file(*it->second.upload, false);
  }
  by_id_.erase(it->second.message_id);
  items_.erase(it);
  c_.records.add(storage::RemoveOutbox{c_.id(), row});
}

void Outbox::cancel_all(const std::string& why) {
  while (!items_.empty()) cancel(items_.begin()->first, why);
  lanes_.clear();
  lanes_due_.clear();
}

void Outbox::forget_chat(const Jid& chat) {
  std::vector<std::int64_t> waiting;
  for (const auto& [row, item] : items_) {
    const bool unsealed = item.state == OutboxState::waiting || item.state == OutboxState::uploading;
    if (unsealed && directory_.canonical_user(item.chat) == chat) waiting.push_back(row);
  }
  for (const std::int64_t row : waiting) cancel(row, "cancelled: the chat was deleted before the message was sent");
  for (auto it = lanes_.begin(); it != lanes_.end();) {
    const bool done = it->second.idle();
    if (done) lanes_due_.clear(it->first);
    it = done ? lanes_.erase(it) : std::next(it);
  }
}

}  // namespace wharf::sessions
