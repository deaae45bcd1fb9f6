#include "sessions/send_queue.h"

#include <algorithm>
#include <utility>

#include "events/event.h"
#include "protocol/messages/content.h"
#include "protocol/messages/message_id.h"
#include "protocol/noise/frame.h"
#include "sessions/due.h"
#include "sessions/server_time.h"

namespace wharf::sessions {

using std::chrono::milliseconds;
using storage::AckLevel;
using storage::MessageRow;
using storage::OutboxState;

namespace {

bool temporary(unsigned error) { return error == 408 || error == 429 || error == 500 || error == 503; }

std::string explain_ack_error(unsigned error) {
  const std::string code = " (" + std::to_string(error) + ")";
  switch (error) {
    case 400: return "the server found the message malformed" + code;
    case 401:
    case 403: return "not allowed to message this chat" + code;
    case 404: return "the recipient does not exist" + code;
    case 463: return "not allowed to message this contact yet" + code;
    case 475: return "the limit of new chats is reached" + code;
    case 479: return "the message failed the server's validation" + code;
    default: return "refused by the server" + code;
  }
}

/// A client-chosen id is remembered like an Idempotency-Key; no header value contains a line feed.
std::string chosen_id_key(const std::string& message_id) { return "messageId\n" + message_id; }

Refusal reused(Subject kind) {
  return Refusal(Errc::conflict, kind,
                 kind == Subject::message_id ? "a message with this id was accepted with other content"
                                             : "this key was used with another request");
}

}  // namespace

SendQueue::SendQueue(Context& context, Directory& directory, Fanout& fanout)
    : c_(context), directory_(directory), fanout_(fanout) {}

void SendQueue::load() {
  for (auto& row : c_.records.load_outbox()) {
    Item item;
    item.chat = row.chat;
    item.message_id = row.message_id;
    item.state = row.state;
    item.stanza = std::move(row.stanza);
    item.unanswered = row.attempts;
    by_id_[item.message_id] = row.row;
    if (item.state == OutboxState::waiting) {
      lanes_[item.chat].waiting.push_back(row.row);
    } else {
      ++in_flight_;
      in_flight_bytes_ += item.stanza.size();
    }
    items_.emplace(row.row, std::move(item));
  }
  last_row_ = c_.records.last_outbox_row();
}

// --- acceptance

SentMessage SendQueue::sent_message(const MessageRow& row, bool replayed) {
  SentMessage sent;
  sent.id = row.id;
  sent.chat = row.chat;
  sent.chat_ids = directory_.person(row.chat);
  sent.text = row.body;
  sent.timestamp = row.timestamp;
  sent.ack = row.ack;
  sent.error = row.error;
  sent.replayed = replayed;
  return sent;
}

Outcome<std::optional<SentMessage>> SendQueue::find_earlier_by_key(const SendText& request, const Jid& chat,
                                                                   const std::string& key, Subject kind) {
  constexpr UnixMs day_ms = 24 * 3'600'000;
  const auto earlier = c_.records.find_idempotency(key, c_.now.unix_ms - day_ms);
  if (!earlier) return std::optional<SentMessage>();
  if (earlier->request_hash != request.request_hash) return reused(kind);
  const auto row = c_.records.find_message_by_id(earlier->message_id, true);
  if (row && row->from_me && row->chat == chat) return std::optional(sent_message(*row, true));
  // The message was deleted since: the answer is the first one all the same, or a retry would send it again.
  SentMessage sent;
  sent.id = earlier->message_id;
  sent.chat = chat;
  sent.chat_ids = directory_.person(chat);
  sent.text = request.text;
  sent.timestamp = earlier->at;
  sent.replayed = true;
  return std::optional(std::move(sent));
}

Outcome<std::optional<SentMessage>> SendQueue::find_earlier(const SendText& request, const Jid& chat) {
  if (request.idempotency_key) {
    auto found = find_earlier_by_key(request, chat, *request.idempotency_key, Subject::idempotency_key);
    if (!found || *found) return found;
  }
  if (!request.message_id) return std::optional<SentMessage>();
  auto found = find_earlier_by_key(request, chat, chosen_id_key(*request.message_id), Subject::message_id);
  if (!found || *found) return found;
  const auto row = c_.records.find_message_by_id(*request.message_id, true);
  if (!row || !row->from_me) return std::optional<SentMessage>();
  if (row->chat != chat || row->body != request.text) return reused(Subject::message_id);
  return std::optional(sent_message(*row, true));
}

void SendQueue::remember(const SendText& request, const SentMessage& sent) {
  const auto keep = [&](std::string key) {
    storage::IdempotencyRow row;
    row.session = c_.id();
    row.key = std::move(key);
    row.request_hash = request.request_hash;
    row.message_id = sent.id;
    row.at = c_.now.unix_ms;
    c_.records.add(storage::PutIdempotency{std::move(row)});
  };
  if (request.idempotency_key) keep(*request.idempotency_key);
  if (request.message_id) keep(chosen_id_key(*request.message_id));
}

Outcome<protocol::Quote> SendQueue::quote_of(const Jid& chat, const std::string& id) {
  auto row = c_.records.find_message(chat, id);
  if (!row) return Refusal(Errc::not_found, Subject::quoted_message, "no message " + id + " in this chat");
  protocol::Quote quote;
  quote.id = row->id;
  quote.author = row->author;
  quote.message = protocol::quotable(row->content);  // one level, without its secret
  return quote;
}

void SendQueue::accept(const SendText& request, Reply<SentMessage> reply) {
  const auto refuse = [&](const Refusal& why) { c_.answer(std::move(reply), why); };
  if (!c_.linked()) return refuse(Error(Errc::not_ready, "the session is not linked to a WhatsApp account"));
  const Jid chat = directory_.canonical_user(request.chat);
  if (!chat.is_phone_number() && !chat.is_lid()) {
    return refuse(Error(Errc::not_implemented, "sending to " + chat.server + " chats is not implemented yet"));
  }
  auto earlier = find_earlier(request, chat);
  if (!earlier) return refuse(earlier.error());
  if (*earlier) return c_.answer(std::move(reply), std::move(**earlier));
  if (items_.size() >= c_.settings.max_queued_messages) {
    return refuse(Refusal(Errc::rate_limited, Subject::queue, "the queue of this session is full"));
  }

  protocol::TextContent content;
  content.text = request.text;
  for (const Jid& mention : request.mentions) content.mentions.push_back(directory_.canonical_user(mention));
  if (request.quoted_id) {
    auto quote = quote_of(chat, *request.quoted_id);
    if (!quote) return refuse(quote.error());
    content.quote = std::move(*quote);
  }
  auto message = protocol::build_text(content, c_.random);

  MessageRow row;
  row.session = c_.id();
  row.chat = chat;
  row.id = request.message_id ? *request.message_id
                              : protocol::new_message_id(c_.unix_seconds(), c_.device.jid.user_jid(), c_.random);
  row.from_me = true;
  row.author = directory_.canonical_user(c_.device.jid);
  row.kind = "text";
  row.body = std::move(content.text);
  if (content.quote) {
    row.quoted_id = content.quote->id;
    row.quoted_author = content.quote->author;
  }
  row.mentions = std::move(content.mentions);
  row.content = std::move(message.encoded);
  row.secret = protocol::to_bytes(message.secret);
  row.created_at = c_.now.unix_ms;
  // In whole seconds, as the server's ack will say: then the ack moves neither the message nor its chat in their order.
  row.timestamp = row.created_at - row.created_at % 1000;

  const std::int64_t outbox_row = ++last_row_;
  Item item;
  item.chat = chat;
  item.message_id = row.id;
  auto& lane = lanes_[chat];
  const PersonIds ids = directory_.person(chat);
  auto alternate = chat.is_lid() ? ids.pn : ids.lid;

  storage::OutboxRow stored;
  stored.row = outbox_row;
  stored.session = c_.id();
  stored.chat = chat;
  stored.message_id = row.id;
  stored.accepted_at = c_.now.unix_ms;

  // The common case seals in the same turn: one commit covers message, ratchets and stanza.
  const bool may_seal =
      c_.link.online() && lane.waiting.empty() && !lane.preparing && room_in_flight() && fanout_.prepared(chat);
  std::optional<std::string> unsealable;
  if (may_seal) {
    auto stanza = seal(item, row, fanout_.addressing(chat));
    if (!stanza) {
      unsealable = stanza.error().detail;
    } else {
      item.state = stored.state = OutboxState::sealed;
      stored.stanza = *stanza;
      item.stanza = std::move(*stanza);
    }
  }
  c_.emit(events::NewMessage{row, ids, directory_.person(row.author)});
  SentMessage sent = sent_message(row, false);
  remember(request, sent);
  c_.answer(std::move(reply), std::move(sent));
  c_.records.add(storage::InsertMessage{std::move(row), false, std::move(alternate)});
  c_.records.add(storage::InsertOutbox{std::move(stored)});

  by_id_[item.message_id] = outbox_row;
  Item& queued = items_.emplace(outbox_row, std::move(item)).first->second;
  if (queued.state == OutboxState::sealed) {
    ++in_flight_;
    in_flight_bytes_ += queued.stanza.size();
    transmit(outbox_row, queued);
  } else if (unsealable) {
    fail(outbox_row, *unsealable);
  } else {
    lane.waiting.push_back(outbox_row);
    return pump(chat);
  }
  if (lane.waiting.empty() && !lane.preparing) lanes_.erase(chat);
}

// --- sealing

bool SendQueue::room_in_flight() const {
  return in_flight_ < c_.settings.max_in_flight && in_flight_bytes_ < c_.settings.max_in_flight_bytes;
}

Result<Bytes> SendQueue::seal(const Item& item, Fanout::Addressing addressing) {
  const auto message = c_.records.find_message_by_id(item.message_id, true);
  if (!message) return Error(Errc::not_found, "the message was deleted before it was sent");
  return seal(item, *message, addressing);
}

Result<Bytes> SendQueue::seal(const Item& item, const MessageRow& message, Fanout::Addressing addressing) {
  const auto stanza = fanout_.seal(item.chat, item.message_id, message.content, message.secret, addressing);
  if (!stanza) return stanza.error();
  Bytes payload = protocol::encode_node(*stanza);
  // A frame cannot carry more, and the connection would not survive the try (01 section 2).
  if (payload.size() > protocol::max_payload_bytes) {
    return Error(Errc::too_large, "the message is too large: " + std::to_string(payload.size()) +
                                      " bytes encrypted for all devices of this chat, " +
                                      std::to_string(protocol::max_payload_bytes) + " are possible");
  }
  return payload;
}

void SendQueue::seal_head(std::int64_t row, Item& item) {
  auto stanza = seal(item, fanout_.addressing(item.chat));
  if (!stanza) return fail(row, stanza.error().detail);
  item.state = OutboxState::sealed;
  item.stanza = std::move(*stanza);
  ++in_flight_;
  in_flight_bytes_ += item.stanza.size();
  c_.records.add(storage::SealOutbox{c_.id(), row, item.stanza});
  transmit(row, item);
}

bool SendQueue::seal_again_as_phone_number(std::int64_t row, Item& item) {
  const auto refused = protocol::decode_node(item.stanza);
  const auto to = refused ? refused->jid("to") : std::nullopt;
  if (!to || !to->is_lid() || !directory_.person(item.chat).pn) return false;
  auto stanza = seal(item, Fanout::Addressing::phone_number);
  if (!stanza) return false;
  in_flight_bytes_ += stanza->size() - item.stanza.size();
  item.stanza = std::move(*stanza);
  item.readdressed = true;
  c_.records.add(storage::SealOutbox{c_.id(), row, item.stanza});
  transmit(row, item);
  return true;
}

void SendQueue::transmit(std::int64_t row, Item& item) {
  item.sent = true;
  answers_due_.set(row, in(c_, ack_patience));
  c_.send_payload(item.stanza);
}

void SendQueue::pump(const Jid& chat) {
  auto found = lanes_.find(chat);
  if (found == lanes_.end() || !c_.link.online()) return;
  // The chat may have become canonical under another JID since it was queued.
  if (const Jid canonical = directory_.canonical_user(chat); canonical != chat && !found->second.preparing) {
    auto node = lanes_.extract(found);
    lanes_due_.clear(chat);
    auto& target = lanes_[canonical];
    for (const std::int64_t row : node.mapped().waiting) {
      items_.at(row).chat = canonical;
      target.waiting.push_back(row);
    }
    std::sort(target.waiting.begin(), target.waiting.end());
    return pump(canonical);
  }
  Lane& lane = found->second;
  while (!lane.waiting.empty() && !lane.preparing && room_in_flight()) {
    if (lanes_due_.armed(chat)) return;
    if (!fanout_.prepared(chat)) {
      lane.preparing = true;
      fanout_.prepare(chat, [this, chat](Fanout::Prepared prepared) { on_prepared(chat, prepared); });
      return;  // on_prepared goes on, now or in a later turn
    }
    const std::int64_t row = lane.waiting.front();
    lane.waiting.pop_front();
    seal_head(row, items_.at(row));
  }
  if (lane.waiting.empty() && !lane.preparing) lanes_.erase(found);
}

void SendQueue::on_prepared(const Jid& chat, Fanout::Prepared prepared) {
  c_.cause.clear();  // texts of several requests wait for it: no name is better than a wrong one
  const auto it = lanes_.find(chat);
  if (it == lanes_.end()) return;
  Lane& lane = it->second;
  lane.preparing = false;
  if (prepared == Fanout::Prepared::nobody) {
    const auto unreachable = std::exchange(lane.waiting, {});
    for (const std::int64_t row : unreachable) fail(row, "the recipient is not on WhatsApp");
    lanes_.erase(chat);
    return;
  }
  if (prepared == Fanout::Prepared::yes && fanout_.prepared(directory_.canonical_user(chat))) {
    lane.failures = 0;
    return pump(chat);
  }
  // Answered, but not enough: a list went stale on the way, for example. Once more at once, as the state has moved.
  if (prepared == Fanout::Prepared::yes && lane.failures++ == 0) return pump(chat);
  // The server refused, did not answer or told only a part: later, and further apart each time.
  if (prepared == Fanout::Prepared::later) ++lane.failures;
  const unsigned step = std::min(lane.failures - 1, 6u);
  lanes_due_.set(chat, in(c_, milliseconds(1'000u << step)));
}

void SendQueue::pump_all() {
  std::vector<Jid> chats;
  chats.reserve(lanes_.size());
  for (const auto& [chat, lane] : lanes_) chats.push_back(chat);
  for (const Jid& chat : chats) pump(chat);
}

void SendQueue::on_online() {
  std::vector<std::int64_t> too_large;  // sealed by a version that did not look
  for (auto& [row, item] : items_) {
    if (item.state != OutboxState::sealed || item.sent) continue;
    if (item.stanza.size() > protocol::max_payload_bytes) {
      too_large.push_back(row);
    } else {
      transmit(row, item);
    }
  }
  for (const std::int64_t row : too_large)
    fail(row, "the message is too large once encrypted for all devices of this chat");
  pump_all();
}

void SendQueue::on_link_down() {
  for (auto& [row, item] : items_) item.sent = false;
  for (auto& [chat, lane] : lanes_) lane.preparing = false;
  resends_.clear();
  answers_due_.clear();
  lanes_due_.clear();
}

std::optional<net::SteadyTime> SendQueue::due() const {
  if (!c_.link.online()) return std::nullopt;
  return earliest({resends_.earliest(), answers_due_.earliest(), lanes_due_.earliest()});
}

void SendQueue::on_due() {
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

// --- acknowledgement

void SendQueue::drop(std::int64_t row) {
  const auto it = items_.find(row);
  if (it == items_.end()) return;
  if (it->second.state == OutboxState::sealed) {
    --in_flight_;
    in_flight_bytes_ -= it->second.stanza.size();
  } else if (const auto lane = lanes_.find(it->second.chat); lane != lanes_.end()) {
    std::erase(lane->second.waiting, row);
  }
  resends_.clear(row);
  answers_due_.clear(row);
  by_id_.erase(it->second.message_id);
  items_.erase(it);
  c_.records.add(storage::RemoveOutbox{c_.id(), row});
}

void SendQueue::fail(std::int64_t row, const std::string& why) {
  const Item& item = items_.at(row);
  c_.records.add(storage::RaiseAckById{c_.id(), item.message_id, AckLevel::error, why, std::nullopt});
  const PersonIds ids = directory_.person(item.chat);
  c_.emit(events::Ack{item.message_id, item.chat, ids, AckLevel::error, why, c_.now.unix_ms});
  drop(row);
}

void SendQueue::fail_all(const std::string& why) {
  while (!items_.empty()) fail(items_.begin()->first, why);
  lanes_.clear();
  lanes_due_.clear();
}

void SendQueue::forget_chat(const Jid& chat) {
  std::vector<std::int64_t> waiting;
  for (const auto& [row, item] : items_) {
    if (item.state == OutboxState::waiting && directory_.canonical_user(item.chat) == chat) waiting.push_back(row);
  }
  for (const std::int64_t row : waiting) fail(row, "cancelled: the chat was deleted before the message was sent");
  for (auto it = lanes_.begin(); it != lanes_.end();) {
    const bool done = it->second.waiting.empty() && !it->second.preparing;
    if (done) lanes_due_.clear(it->first);
    it = done ? lanes_.erase(it) : std::next(it);
  }
}

void SendQueue::on_silence(std::int64_t row) {
  Item& item = items_.at(row);
  c_.records.add(storage::CountOutboxAttempt{c_.id(), row});
  if (++item.unanswered < max_unanswered) return;
  fail(row, "the server did not acknowledge the message on " + std::to_string(max_unanswered) +
                " connections; it may have arrived all the same");
}

void SendQueue::confirm(std::int64_t row, UnixMs at) {
  const Item& item = items_.at(row);
  if (item.readdressed) fanout_.prefer_phone_numbers();
  c_.records.add(storage::RaiseAckById{c_.id(), item.message_id, AckLevel::server, "", at});
  c_.emit(events::Ack{item.message_id, item.chat, directory_.person(item.chat), AckLevel::server, "", at});
  const bool was_full = !room_in_flight();
  drop(row);
  if (was_full) pump_all();
}

void SendQueue::on_receipt(const std::string& message_id) {
  const auto known = by_id_.find(message_id);
  if (known == by_id_.end()) return;
  // Of one that never left, a receipt proves nothing.
  if (items_.at(known->second).state == OutboxState::sealed) confirm(known->second, c_.now.unix_ms);
}

void SendQueue::on_ack(const protocol::Ack& ack) {
  const auto known = by_id_.find(ack.id);
  if (known == by_id_.end()) return;
  const std::int64_t row = known->second;
  Item& item = items_.at(row);
  if (item.state != OutboxState::sealed) return;
  answers_due_.clear(row);
  if (ack.refresh_lid || !ack.phash.empty()) {
    directory_.forget_devices(item.chat);
    directory_.forget_devices(directory_.canonical_user(c_.device.jid));
  }
  if (ack.error != 0 && temporary(ack.error) && item.temporary_errors < max_resends) {
    item.sent = false;
    return resends_.set(row, in(c_, milliseconds(750) * ++item.temporary_errors));
  }
  if (ack.error == 400 && seal_again_as_phone_number(row, item)) return;
  if (ack.error != 0) {
    if (ack.error == 479 || ack.error == 404) directory_.forget_devices(item.chat);
    fail(row, explain_ack_error(ack.error));
    return pump_all();
  }
  confirm(row, stated_ms(ack.timestamp, c_.now.unix_ms));
}

}  // namespace wharf::sessions
