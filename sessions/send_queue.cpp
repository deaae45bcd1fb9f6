#include "sessions/send_queue.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "protocol/messages/content.h"
#include "protocol/messages/message_id.h"
#include "sessions/event_json.h"

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

}  // namespace

SendQueue::SendQueue(Context& context, Directory& directory, Fanout& fanout)
    : c_(context), directory_(directory), fanout_(fanout) {}

void SendQueue::load() {
  for (auto& row : storage::load_outbox(c_.db, c_.id())) {
    Item item;
    item.chat = row.chat;
    item.message_id = row.message_id;
    item.state = row.state;
    item.stanza = std::move(row.stanza);
    by_id_[item.message_id] = row.row;
    if (item.state == OutboxState::waiting) lanes_[item.chat].waiting.push_back(row.row);
    items_.emplace(row.row, std::move(item));
  }
  last_row_ = storage::last_outbox_row(c_.db, c_.id());
}

// --- acceptance --------------------------------------------------------------------------------------------------------

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

Result<SentMessage> SendQueue::find_earlier(const SendText& request, const Jid& chat, bool& found) {
  found = false;
  std::string id = request.message_id.value_or("");
  if (request.idempotency_key) {
    constexpr UnixMs day_ms = 24 * 3'600'000;
    const auto earlier = storage::find_idempotency(c_.db, c_.id(), *request.idempotency_key, c_.now.unix_ms - day_ms);
    if (earlier) {
      if (earlier->request_hash != request.request_hash) {
        return Error(Errc::conflict, "this Idempotency-Key was used with another request");
      }
      id = earlier->message_id;
    }
  }
  if (id.empty()) return SentMessage();
  const auto row = storage::find_message_by_id(c_.db, c_.id(), id, true);
  if (!row || !row->from_me) return SentMessage();
  if (row->chat != chat) return Error(Errc::conflict, "this messageId was used for another chat");
  found = true;
  return sent_message(*row, true);
}

bool SendQueue::replay_of_this_turn(const SendText& request, const Done<SentMessage>& done) {
  auto found = accepted_now_.end();
  if (request.idempotency_key) found = accepted_now_.find("k" + *request.idempotency_key);
  if (found == accepted_now_.end() && request.message_id) found = accepted_now_.find("i" + *request.message_id);
  if (found == accepted_now_.end()) return false;
  if (request.idempotency_key && found->second.request_hash != request.request_hash) {
    done(Error(Errc::conflict, "this Idempotency-Key was used with another request"));
    return true;
  }
  c_.answer([done, sent = found->second.sent](const Error* failure) {
    if (failure) return done(*failure);
    SentMessage again = sent;
    again.replayed = true;
    done(std::move(again));
  });
  return true;
}

Result<protocol::Quote> SendQueue::quote_of(const Jid& chat, const std::string& id) {
  auto row = storage::find_message(c_.db, c_.id(), chat, id);
  if (!row) return Error(Errc::not_found, "quotedMessageId: no message " + id + " in this chat");
  protocol::Quote quote;
  quote.id = row->id;
  quote.author = row->author;
  quote.message = std::move(row->content);
  return quote;
}

void SendQueue::accept(SendText request, Done<SentMessage> done) {
  if (!c_.linked()) return done(Error(Errc::not_ready, "the session is not linked to a WhatsApp account"));
  const Jid chat = directory_.canonical_user(request.chat);
  if (!chat.is_phone_number() && !chat.is_lid()) {
    return done(Error(Errc::not_implemented, "sending to " + chat.server + " chats is not implemented yet"));
  }
  bool found = false;
  auto earlier = find_earlier(request, chat, found);
  if (!earlier) return done(earlier.error());
  if (found) return done(std::move(*earlier));
  if (replay_of_this_turn(request, done)) return;
  if (items_.size() >= c_.settings.max_queued_messages) {
    return done(Error(Errc::rate_limited, "the queue of this session is full"));
  }

  protocol::TextContent content;
  content.text = std::move(request.text);
  for (const Jid& mention : request.mentions) content.mentions.push_back(directory_.canonical_user(mention));
  if (request.quoted_id) {
    auto quote = quote_of(chat, *request.quoted_id);
    if (!quote) return done(quote.error());
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
  row.timestamp = row.created_at = c_.now.unix_ms;

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
  const bool may_seal = c_.online && lane.waiting.empty() && !lane.preparing &&
                        in_flight_ < c_.settings.max_in_flight && fanout_.prepared(chat);
  std::optional<std::string> unsealable;
  if (may_seal) {
    const auto stanza = fanout_.seal(chat, row.id, row.content, row.secret);
    if (!stanza) {
      unsealable = stanza.error().detail;
    } else {
      item.state = stored.state = OutboxState::sealed;
      item.stanza = protocol::encode_node(*stanza);
      stored.stanza = item.stanza;
    }
  }
  if (request.idempotency_key) {
    storage::IdempotencyRow key;
    key.session = c_.id();
    key.key = *request.idempotency_key;
    key.request_hash = request.request_hash;
    key.message_id = row.id;
    key.at = c_.now.unix_ms;
    storage::put_idempotency(c_.turn.changes, std::move(key));
  }
  c_.emit("message.sent", chat.to_string(),
          message_event_json(row, ids, directory_.person(row.author), c_.metadata()));
  const SentMessage sent = sent_message(row, false);
  if (request.idempotency_key) accepted_now_["k" + *request.idempotency_key] = {request.request_hash, sent};
  if (request.message_id) accepted_now_["i" + *request.message_id] = {request.request_hash, sent};
  c_.answer([done = std::move(done), sent](const Error* failure) {
    if (failure) return done(*failure);
    done(sent);
  });
  storage::insert_message(c_.turn.changes, std::move(row), false, std::move(alternate));
  storage::insert_outbox(c_.turn.changes, std::move(stored));

  by_id_[item.message_id] = outbox_row;
  if (item.state == OutboxState::sealed) {
    item.sent = true;
    ++in_flight_;
    c_.send_payload(item.stanza);
    items_.emplace(outbox_row, std::move(item));
    if (lane.waiting.empty() && !lane.preparing) lanes_.erase(chat);
  } else if (unsealable) {
    // Failed now: a later look in this turn would not find its row and ask for another look without end.
    items_.emplace(outbox_row, std::move(item));
    fail(outbox_row, *unsealable);
    if (lane.waiting.empty() && !lane.preparing) lanes_.erase(chat);
  } else {
    items_.emplace(outbox_row, std::move(item));
    lane.waiting.push_back(outbox_row);
    pump(chat);
  }
}

// --- sealing -----------------------------------------------------------------------------------------------------------

bool SendQueue::seal_head(std::int64_t row, Item& item) {
  const auto message = storage::find_message_by_id(c_.db, c_.id(), item.message_id, true);
  if (!message) {
    // Accepted in this very turn: its row is readable in the next one.
    // Not due in this turn: it takes every due deadline before it ends.
    c_.deadlines.set(Deadline::resend, in(c_, milliseconds(1)));
    return false;
  }
  const auto stanza = fanout_.seal(item.chat, item.message_id, message->content, message->secret);
  if (!stanza) {
    fail(row, stanza.error().detail);
    return true;
  }
  item.state = OutboxState::sealed;
  item.stanza = protocol::encode_node(*stanza);
  item.sent = true;
  ++in_flight_;
  storage::seal_outbox(c_.turn.changes, c_.id(), row, item.stanza);
  c_.send_payload(item.stanza);
  return true;
}

void SendQueue::pump(const Jid& chat) {
  auto found = lanes_.find(chat);
  if (found == lanes_.end() || !c_.online) return;
  // The chat may have become canonical under another JID since it was queued.
  if (const Jid canonical = directory_.canonical_user(chat); canonical != chat && !found->second.preparing) {
    auto node = lanes_.extract(found);
    auto& target = lanes_[canonical];
    for (const std::int64_t row : node.mapped().waiting) {
      items_.at(row).chat = canonical;
      target.waiting.push_back(row);
    }
    std::sort(target.waiting.begin(), target.waiting.end());
    return pump(canonical);
  }
  Lane& lane = found->second;
  while (!lane.waiting.empty() && !lane.preparing && in_flight_ < c_.settings.max_in_flight) {
    if (lane.retry_at > c_.now.steady) return;
    if (!fanout_.prepared(chat)) {
      lane.preparing = true;
      fanout_.prepare(chat, [this, chat](bool ok) { on_prepared(chat, ok); });
      return;  // on_prepared goes on, now or in a later turn
    }
    const std::int64_t row = lane.waiting.front();
    if (!seal_head(row, items_.at(row))) return;
    if (!lane.waiting.empty() && lane.waiting.front() == row) lane.waiting.pop_front();
  }
  if (lane.waiting.empty() && !lane.preparing) lanes_.erase(found);
}

void SendQueue::on_prepared(const Jid& chat, bool ok) {
  const auto it = lanes_.find(chat);
  if (it == lanes_.end()) return;
  Lane& lane = it->second;
  lane.preparing = false;
  const Jid canonical = directory_.canonical_user(chat);
  if (ok && directory_.devices(canonical) == nullptr) {
    const auto unreachable = std::exchange(lane.waiting, {});
    for (const std::int64_t row : unreachable) fail(row, "the recipient is not on WhatsApp");
    lanes_.erase(chat);
    return;
  }
  if (ok && fanout_.prepared(canonical)) {
    lane.failures = 0;
    return pump(chat);
  }
  // The server refused, did not answer or told only a part: later, and further apart each time.
  const unsigned step = std::min(lane.failures++, 6u);
  lane.retry_at = in(c_, milliseconds(1'000u << step));
  c_.deadlines.set(Deadline::resend, lane.retry_at);
}

void SendQueue::pump_all() {
  std::vector<Jid> chats;
  chats.reserve(lanes_.size());
  for (const auto& [chat, lane] : lanes_) chats.push_back(chat);
  for (const Jid& chat : chats) pump(chat);
}

void SendQueue::on_online() {
  in_flight_ = 0;
  for (auto& [row, item] : items_) {
    if (item.state != OutboxState::sealed) continue;
    ++in_flight_;
    if (!std::exchange(item.sent, true)) c_.send_payload(item.stanza);
  }
  pump_all();
}

void SendQueue::on_link_down() {
  in_flight_ = 0;
  for (auto& [row, item] : items_) item.sent = false;
  for (auto& [chat, lane] : lanes_) {
    lane.preparing = false;
    lane.retry_at = {};
  }
  c_.deadlines.clear(Deadline::resend);
}

void SendQueue::on_deadline() {
  if (!c_.online) return;
  for (auto& [row, item] : items_) {
    if (item.state == OutboxState::sealed && !std::exchange(item.sent, true)) c_.send_payload(item.stanza);
  }
  pump_all();
}

// --- acknowledgement ------------------------------------------------------------------------------------------------------

void SendQueue::drop(std::int64_t row) {
  const auto it = items_.find(row);
  if (it == items_.end()) return;
  if (it->second.state == OutboxState::sealed && in_flight_ > 0) --in_flight_;
  if (it->second.state == OutboxState::waiting) {
    if (const auto lane = lanes_.find(it->second.chat); lane != lanes_.end()) std::erase(lane->second.waiting, row);
  }
  by_id_.erase(it->second.message_id);
  items_.erase(it);
  storage::remove_outbox(c_.turn.changes, c_.id(), row);
}

void SendQueue::fail(std::int64_t row, const std::string& why) {
  const Item& item = items_.at(row);
  storage::raise_ack_by_id(c_.turn.changes, c_.id(), item.message_id, AckLevel::error, why, std::nullopt);
  c_.emit("ack", item.chat.to_string(),
          ack_event_json(item.message_id, item.chat, directory_.person(item.chat), AckLevel::error, why, c_.now.unix_ms,
                         c_.metadata()));
  drop(row);
}

void SendQueue::fail_all(const std::string& why) {
  while (!items_.empty()) fail(items_.begin()->first, why);
  lanes_.clear();
}

void SendQueue::on_ack(const protocol::MessageAck& ack) {
  const auto known = by_id_.find(ack.id);
  if (known == by_id_.end()) return;
  const std::int64_t row = known->second;
  Item& item = items_.at(row);
  if (ack.refresh_lid || !ack.phash.empty()) {
    directory_.forget_devices(item.chat);
    directory_.forget_devices(directory_.canonical_user(c_.device.jid));
  }
  if (ack.error != 0 && temporary(ack.error) && item.temporary_errors < max_resends) {
    item.sent = false;
    const auto delay = milliseconds(750) * ++item.temporary_errors;
    return c_.deadlines.set(Deadline::resend, in(c_, delay));
  }
  if (ack.error != 0) {
    if (ack.error == 479 || ack.error == 404) directory_.forget_devices(item.chat);
    fail(row, explain_ack_error(ack.error));
    return pump_all();
  }
  const UnixMs at = ack.timestamp ? static_cast<UnixMs>(ack.timestamp) * 1000 : c_.now.unix_ms;
  storage::raise_ack_by_id(c_.turn.changes, c_.id(), item.message_id, AckLevel::server, "", at);
  c_.emit("ack", item.chat.to_string(),
          ack_event_json(item.message_id, item.chat, directory_.person(item.chat), AckLevel::server, "", at, c_.metadata()));
  const bool was_full = in_flight_ >= c_.settings.max_in_flight;
  drop(row);
  if (was_full) pump_all();
}

}  // namespace wharf::sessions
