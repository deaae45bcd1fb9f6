#include "sessions/outbox.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "events/event.h"
#include "protocol/messages/media_location.h"
#include "sessions/due.h"
#include "sessions/media/folder_copies.h"

namespace wharf::sessions {

using std::chrono::milliseconds;
using storage::AckLevel;
using storage::MessageRow;
using storage::OutboxState;

namespace {

bool in_flight(OutboxState state) { return state == OutboxState::sealed || state == OutboxState::completing; }
bool acknowledged(OutboxState state) { return state == OutboxState::incomplete || state == OutboxState::completing; }
bool unsealed(OutboxState state) { return state == OutboxState::waiting || state == OutboxState::uploading; }

}  // namespace

Outbox::Outbox(Context& context, Directory& directory, Sealer& sealer, AddOns& add_ons, Uploads& uploads)
    : c_(context), directory_(directory), sealer_(sealer), add_ons_(add_ons), uploads_(uploads) {
  uploads_.on_uploaded = [this](std::int64_t row, const protocol::UploadAnswer& answer) { on_uploaded(row, answer); };
  uploads_.on_known = [this](std::int64_t row, Bytes content) { on_known(row, std::move(content)); };
  uploads_.on_failed = [this](std::int64_t row, const std::string& why) { on_not_uploaded(row, why); };
}

void Outbox::resume(storage::OutboxRow row) {
  Item item;
  item.chat = row.chat;
  item.message_id = std::move(row.message_id);
  item.state = row.state;
  item.sealed = std::move(row.stanza);
  item.unanswered = row.attempts;
  item.terms = terms_of(row);
  if (item.terms.upload) uploads_.add(row.row, item.message_id);
  if (!in_flight(item.state)) {
    // The row may name the chat as it was known before its other messages.
    item.chat = directory_.canonical_user(row.chat);
    wait_in_lane(row.row, item);
  }
  insert(row.row, std::move(item));
}

void Outbox::count(Holdings& held) const {
  held.queued += items_.size();
  held.in_flight = in_flight_;
  held.in_flight_bytes = in_flight_bytes_;
  held.lanes = lanes_.size();
}

// --- in

void Outbox::take(const MessageRow& message, const SendingTerms& terms) {
  Item item = item_of(message, terms);
  const auto unsealable = seal_at_once(item, message);
  if (!item.terms.upload) copy_to_folder(c_, message);
  const std::int64_t row = new_row();
  c_.records.add(storage::InsertOutbox{row_of(row, item)});
  Item& queued = insert(row, std::move(item));
  if (unsealable) return fail(row, unsealable->detail);
  if (queued.state == OutboxState::sealed) return transmit(row, queued);
  wait_in_lane(row, queued);
  if (queued.state == OutboxState::uploading) return uploads_.add(row, queued.message_id);
  pump();
}

Outbox::Item Outbox::item_of(const MessageRow& message, const SendingTerms& terms) {
  Item item;
  item.chat = lane_of(message.chat);
  item.message_id = message.id;
  item.request_id = c_.cause;
  item.terms = terms;
  item.changes_message = changes_message(message);
  if (terms.upload) item.state = OutboxState::uploading;
  return item;
}

// The common case seals in the same turn: one commit covers message, ratchets and stanza.
std::optional<Error> Outbox::seal_at_once(Item& item, const MessageRow& message) {
  if (item.terms.upload || !may_go_at_once(item.chat, message)) return std::nullopt;
  auto sealed = sealer_.seal(item.chat, message);
  if (!sealed) return sealed.error();
  item.state = OutboxState::sealed;
  item.sealed = std::move(*sealed);
  return std::nullopt;
}

storage::OutboxRow Outbox::row_of(std::int64_t row, const Item& item) const {
  storage::OutboxRow stored = outbox_row(c_, row, item.chat, item.message_id, item.terms);
  stored.state = item.state;
  stored.stanza = item.sealed;
  return stored;
}

Outbox::Item& Outbox::insert(std::int64_t row, Item item) {
  Item& kept = items_.emplace(row, std::move(item)).first->second;
  by_id_[kept.message_id] = row;
  count(kept, true);
  if (kept.terms.expires_at != 0 && unsealed(kept.state)) expiries_.set(row, kept.terms.expires_at);
  return kept;
}

void Outbox::expire_due() {
  for (unsigned ended = 0; ended < max_expired_at_once; ++ended) {
    const auto row = expiries_.take_due(c_.now.unix_ms);
    if (!row) return;
    fail(*row, expired);
  }
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
  fail(row, why);
  pump();
}

void Outbox::on_uploaded(std::int64_t row, const protocol::UploadAnswer& answer) {
  const Item& item = items_.at(row);
  const UnderCause own(c_, item.request_id);
  const auto message = c_.records.find_message_by_id(item.message_id, true);
  if (!message || message->content.empty()) return on_not_uploaded(row, deleted);
  const bool posted = message->chat.is_channel();
  if (posted && answer.handle.empty()) return on_not_uploaded(row, "the media servers gave no handle for the file");
  // Of a plain file nobody may announce the upload in another chat: it counts as too old for that (stored_media.h).
  constexpr std::int64_t never_again_s = 1;
  const std::int64_t key_at = posted ? never_again_s : c_.now.unix_ms / 1000;
  const protocol::MediaPlace place{answer.url, answer.direct_path, answer.metadata_url, key_at};
  leave_upload(row, *message, protocol::with_media_place(message->content, place), true,
               posted ? std::string_view(answer.handle) : std::string_view());
}

void Outbox::on_known(std::int64_t row, Bytes content) {
  const Item& item = items_.at(row);
  const UnderCause own(c_, item.request_id);
  const auto message = c_.records.find_message_by_id(item.message_id, true);
  if (!message) return on_not_uploaded(row, deleted);
  leave_upload(row, *message, std::move(content), false);
}

void Outbox::leave_upload(std::int64_t row, const MessageRow& message, Bytes content, bool kept,
                          std::string_view handle) {
  Item& item = items_.at(row);
  copy_to_folder(c_, message);  // as it was kept for this message, whatever is announced
  c_.records.add(storage::PutContent{c_.id(), message.chat, message.id, true, std::move(content)});
  c_.records.add(storage::EndUpload{c_.id(), row});
  c_.release_file(*item.terms.upload, kept);
  item.terms.upload.reset();
  item.state = OutboxState::waiting;
  if (!handle.empty()) {
    item.sealed = protocol::to_bytes(handle);
    c_.records.add(storage::SealOutbox{c_.id(), row, item.sealed, OutboxState::waiting});
  }
  lanes_.make_ready(item.chat, row);
  pump();
}

void Outbox::release_files() {
  for (const auto& [row, item] : items_) {
    if (item.terms.upload) c_.release_file(*item.terms.upload, false);
  }
}

// --- lanes

bool Outbox::may_go_at_once(const Jid& chat, const MessageRow& message) {
  if (!c_.link.online() || !room_in_flight() || lanes_.contains(chat)) return false;
  sealer_.aim_at(chat, message);  // not before: what waits there may be being prepared
  return sealer_.prepared(chat);
}

void Outbox::aim_at(const Jid& chat, const Item& item) {
  if (!chat.is_status()) return;  // what a message is does not matter there
  if (const auto message = c_.records.find_message_by_id(item.message_id, true)) sealer_.aim_at(chat, *message);
}

Jid Outbox::lane_of(const Jid& chat) {
  if (!chat.is_lid()) return chat;
  const auto pn = directory_.person(chat).pn;
  if (!pn || !lanes_.contains(*pn)) return chat;
  if (lanes_.preparing(*pn)) return *pn;
  move_lane(*pn, chat);
  return chat;
}

void Outbox::wait_in_lane(std::int64_t row, const Item& item) {
  lanes_.add(item.chat, row, {item.terms.priority, item.state != OutboxState::uploading});
}

void Outbox::move_lane(const Jid& from, const Jid& canonical) {
  for (const std::int64_t row : lanes_.rename(from, canonical)) items_.at(row).chat = canonical;
}

void Outbox::pump() {
  if (pumping_) return;  // whoever does it goes on
  const Pumping until_the_end(pumping_);
  while (c_.link.online() && room_in_flight()) {
    const auto turn = lanes_.next();
    if (!turn) return;
    const Jid& chat = turn->chat;
    aim_at(chat, items_.at(turn->row));
    if (const Jid canonical = directory_.canonical_user(chat); canonical != chat) {
      move_lane(chat, canonical);
    } else if (!sealer_.prepared(chat)) {
      lanes_.begin_preparing(chat);
      sealer_.prepare(chat, [this, chat](Sealer::Prepared prepared) { on_prepared(chat, prepared); });
    } else {
      lanes_.remove(chat, turn->row);
      seal_head(turn->row, items_.at(turn->row));
    }
  }
}

void Outbox::on_prepared(const Jid& chat, Sealer::Prepared prepared) {
  // Messages of several requests wait for it: each names its own, and what else is asked for is of none.
  const UnderCause of_nobody(c_, {});
  unsigned* failures = lanes_.failures(chat);
  if (failures == nullptr) return;
  if (prepared == Sealer::Prepared::nobody) {
    for (const std::int64_t row : lanes_.take_all(chat)) fail(row, Sealer::nobody(chat));
  } else if (prepared == Sealer::Prepared::yes && sealer_.prepared(directory_.canonical_user(chat))) {
    *failures = 0;
  } else if (prepared == Sealer::Prepared::later || (*failures)++ > 0) {
    // The server refused, did not answer or told only a part.
    if (prepared == Sealer::Prepared::later) ++*failures;
    prepare_later(chat, *failures);
  }
  // Else it was answered, but not enough: a list went stale on the way, for example. Once more at once, as the state
  // has moved.
  lanes_.end_preparing(chat);
  pump();
}

// Further apart each time.
void Outbox::prepare_later(const Jid& chat, unsigned failures) {
  sealer_.put_off(chat);
  const unsigned step = std::min(failures - 1, 6u);
  lanes_.delay(chat, in(c_, milliseconds(1'000u << step)));
}

// --- in flight

bool Outbox::room_in_flight() const {
  return in_flight_ < c_.settings.max_in_flight && in_flight_bytes_ < c_.settings.max_in_flight_bytes;
}

void Outbox::seal_head(std::int64_t row, Item& item) {
  // Here too: a connection may come before the alarms of many have rung.
  if (item.state == OutboxState::waiting && item.terms.expires_at != 0 && item.terms.expires_at <= c_.now.unix_ms)
    return fail(row, expired);
  const auto message = c_.records.find_message_by_id(item.message_id, true);
  if (!message) return fail(row, deleted);
  if (message->content.empty()) return fail(row, "the message was deleted for everyone");
  const bool missed_some = item.state == OutboxState::incomplete;
  auto sealed = missed_some ? sealer_.seal_missed(item.chat, *message, item.sealed)
                            : sealer_.seal(item.chat, *message, item.sealed);
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
  expiries_.clear(row);
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
    const UnixMs expires_at = item.terms.expires_at;
    if (item.chat.is_status() && expires_at != 0 && expires_at <= c_.now.unix_ms) {
      unsendable.emplace_back(row, outlived);  // to who receives it now it would be a new post
      continue;
    }
    if (const auto sendable = Sealer::sendable(item.sealed); !sendable) {
      unsendable.emplace_back(row, sendable.error().detail);
    } else {
      transmit(row, item);
    }
  }
  for (const auto& [row, why] : unsendable) fail(row, why);
  pump();
  uploads_.go_on();
}

void Outbox::on_link_down() {
  for (auto& [row, item] : items_) {
    item.sent = false;
    item.expected_acks = 0;
  }
  lanes_.reset();
  resends_.clear();
  answers_due_.clear();
}

std::optional<net::SteadyTime> Outbox::due() const {
  const auto expires = by_clock(c_.now, expiries_.earliest());
  if (!c_.link.online()) return expires;
  return earliest({expires, resends_.earliest(), answers_due_.earliest(), lanes_.due()});
}

void Outbox::on_due() {
  expire_due();
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
  lanes_.on_due(c_.now.steady);
  pump();
}

// --- ends

bool Outbox::expects_ack(std::string_view message_id) const {
  const auto known = by_id_.find(message_id);
  return known != by_id_.end() && items_.at(known->second).expected_acks > 0;
}

std::string Outbox::cause_of(std::string_view message_id) const {
  const auto known = by_id_.find(message_id);
  return known == by_id_.end() ? std::string() : items_.at(known->second).request_id;
}

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
    return drop(row);  // a receipt was faster, and there is nobody else
  }
  if (!in_flight(item.state)) return;
  answers_due_.clear(row);
  sealer_.forget(verdict.stale, item.chat, accepted ? "refresh_lid" : "");  // of what is refused the next try needs it
  if (accepted) return on_accepted(row, item, *accepted);
  on_refused(row, item, std::get<Sealer::Refused>(verdict.outcome));
}

void Outbox::on_accepted(std::int64_t row, Item& item, const Sealer::Accepted& accepted) {
  sealer_.settle(item.chat, item.message_id, item.sealed, true);
  if (item.state == OutboxState::completing) return end(row);
  tell_accepted(item, accepted.at);
  if (sealer_.reached_all(item.sealed, accepted)) return end(row);
  sealer_.forget(Sealer::Stale::recipient_and_own, item.chat, accepted.device_hash);
  complete(row, item);
}

void Outbox::on_refused(std::int64_t row, Item& item, const Sealer::Refused& refused) {
  using Remedy = Sealer::Refused::Remedy;
  if (refused.remedy == Remedy::try_again && item.temporary_errors < max_resends) return try_again(row, item);
  if (refused.remedy == Remedy::readdress && item.state == OutboxState::sealed && readdress(row, item)) return;
  if (refused.remedy == Remedy::reseal && item.state == OutboxState::sealed && !item.chat.is_channel() &&
      !std::exchange(item.readdressed, true))
    return unseal(row, item);
  fail(row, refused.why);
  pump();
}

void Outbox::unseal(std::int64_t row, Item& item) {
  sealer_.settle(item.chat, item.message_id, item.sealed, false);
  put_sealed(row, item, Bytes(), OutboxState::waiting);
  if (item.terms.expires_at != 0) expiries_.set(row, item.terms.expires_at);
  answers_due_.clear(row);
  wait_in_lane(row, item);
  pump();
}

void Outbox::complete(std::int64_t row, Item& item) {
  put_sealed(row, item, Bytes(item.sealed), OutboxState::incomplete);
  item.chat = directory_.canonical_user(item.chat);
  item.temporary_errors = 0;
  answers_due_.clear(row);
  resends_.clear(row);
  wait_in_lane(row, item);
  pump();
}

void Outbox::on_receipt(std::string_view message_id, UnixMs at) {
  const auto known = by_id_.find(message_id);
  if (known == by_id_.end()) return;
  // Of one that never left, a receipt proves nothing.
  Item& item = items_.at(known->second);
  if (item.state != OutboxState::sealed) return;
  sealer_.settle(item.chat, item.message_id, item.sealed, true);
  tell_accepted(item, at);
  // Whether there are other devices, only the ack would have said. In a group the server brings the one ciphertext to
  // all of them anyway, and who has no key asks. What is known of the keys by now says who needs them for the next
  // message, not who missed this one: it would go to everybody once more, in other bytes.
  if (item.chat.has_sender_keys()) return end(known->second);
  sealer_.forget(Sealer::Stale::recipient_and_own, item.chat);
  complete(known->second, item);
}

void Outbox::tell_accepted(const Item& item, UnixMs at) {
  if (item.readdressed && !item.chat.has_sender_keys()) sealer_.prefer_other_address();
  c_.records.add(storage::RaiseAckById{c_.id(), item.message_id, AckLevel::server, "", at});
  if (const std::uint32_t receivers = sealer_.receivers(item.chat, item.message_id); receivers != 0) {
    const auto message = c_.records.find_message_by_id(item.message_id, true);
    if (message && message->row != 0) c_.records.add(storage::OpenReach{message->row, receivers});
  }
  c_.emit(events::Ack{item.message_id, item.chat, directory_.person(item.chat), AckLevel::server, "", at});
  if (!item.changes_message) return;
  // What it changes is told now, as of the request that asked for it.
  const UnderCause own(c_, item.request_id);
  add_ons_.on_at_server(item.message_id);
}

void Outbox::end(std::int64_t row) {
  const bool was_full = !room_in_flight();
  drop(row);
  if (was_full) pump();
}

void Outbox::fail(std::int64_t row, const std::string& why) {
  const UnderCause own(c_, std::move(items_.at(row).request_id));
  end_as_error(row, why);
}

void Outbox::cancel_row(std::int64_t row, const std::string& why) {
  if (c_.cause.empty()) return fail(row, why);
  end_as_error(row, why);
}

void Outbox::end_as_error(std::int64_t row, const std::string& why) {
  const Item& item = items_.at(row);
  if (in_flight(item.state)) sealer_.settle(item.chat, item.message_id, item.sealed, false);
  if (acknowledged(item.state)) return drop(row);  // sent: that some devices miss it is no error of the message
  const bool never_left = unsealed(item.state);
  c_.records.add(storage::RaiseAckById{c_.id(), item.message_id, AckLevel::error, why, std::nullopt, never_left});
  // Of one that never left, a receipt proves nothing: what it would change is not kept.
  const auto said =
      never_left && item.changes_message ? c_.records.find_message_by_id(item.message_id, true) : std::nullopt;
  if (said && changes_message(*said)) c_.records.add(storage::PutContent{c_.id(), said->chat, said->id, true, {}});
  const PersonIds ids = directory_.person(item.chat);
  c_.emit(events::Ack{item.message_id, item.chat, ids, AckLevel::error, why, c_.now.unix_ms});
  drop(row);
}

void Outbox::drop(std::int64_t row) {
  const auto it = items_.find(row);
  if (it == items_.end()) return;
  count(it->second, false);
  if (!in_flight(it->second.state)) lanes_.remove(it->second.chat, row);
  resends_.clear(row);
  answers_due_.clear(row);
  expiries_.clear(row);
  if (it->second.terms.upload) {
    uploads_.forget(row);
    c_.release_file(*it->second.terms.upload, false);
  }
  by_id_.erase(it->second.message_id);
  items_.erase(it);
  c_.records.add(storage::RemoveOutbox{c_.id(), row});
}

void Outbox::cancel_all(const std::string& why) {
  while (!items_.empty()) cancel_row(items_.begin()->first, why);
}

bool Outbox::is_unsealed(std::string_view message_id) const {
  const auto known = by_id_.find(message_id);
  return known != by_id_.end() && unsealed(items_.at(known->second).state);
}

Outbox::Cancelled Outbox::cancel(std::string_view message_id, const std::string& why) {
  const auto known = by_id_.find(message_id);
  if (known == by_id_.end()) return Cancelled::unknown;
  if (!unsealed(items_.at(known->second).state)) return Cancelled::too_late;
  cancel_row(known->second, why);
  pump();  // what waited behind it
  return Cancelled::yes;
}

std::size_t Outbox::cancel_chat(const Jid& chat, const std::string& why) {
  std::vector<std::int64_t> waiting;
  for (const auto& [row, item] : items_) {
    if (unsealed(item.state) && directory_.canonical_user(item.chat) == chat) waiting.push_back(row);
  }
  for (const std::int64_t row : waiting) cancel_row(row, why);
  return waiting.size();
}

}  // namespace wharf::sessions
