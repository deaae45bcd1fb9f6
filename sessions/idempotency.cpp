#include "sessions/idempotency.h"

#include <algorithm>
#include <utility>

#include "sessions/channels/channel_posting.h"
#include "sessions/message_details.h"
#include "storage/outbox.h"

namespace wharf::sessions {

using storage::MessageRow;

namespace {

/// A client-chosen id is remembered like an Idempotency-Key; no header value contains a line feed.
std::string chosen_id_key(const std::string& message_id) { return "messageId\n" + message_id; }

/// The name of one of several messages; that of the first is the name of the request.
std::string part_key(const std::string& key, std::size_t part) {
  return part == 0 ? key : "part\n" + std::to_string(part) + "\n" + key;
}

bool is_of(const storage::IdempotencyRow& earlier, const SendMessage& request) {
  const auto& others = request.other_hashes;
  return earlier.request_hash == request.request_hash ||
         std::find(others.begin(), others.end(), earlier.request_hash) != others.end();
}

Refusal reused(Subject kind) {
  return Refusal(Errc::conflict, kind,
                 kind == Subject::message_id ? "a message with this id was accepted with other content"
                                             : "this key was used with another request");
}

}  // namespace

SentMessage sent_message(const MessageRow& row, PersonIds chat_ids) {
  SentMessage sent;
  sent.id = row.id;
  sent.chat = row.chat;
  sent.chat_ids = std::move(chat_ids);
  sent.text = row.body;
  if (has_preview(row)) sent.details = row.details;
  if (row.target_id != storage::about_the_chat) sent.target_id = row.target_id;
  sent.timestamp = row.timestamp;
  sent.ack = row.ack;
  sent.error = row.error;
  if (row.chat.is_channel()) sent.server_id = server_id_in(row.details).value_or(0);
  return sent;
}

SentMessage Idempotency::replayed(const MessageRow& row) {
  SentMessage sent = sent_message(row, directory_.person(row.chat));
  sent.replayed = true;
  return sent;
}

Outcome<std::optional<SentMessage>> Idempotency::find_by_key(const SendMessage& request, const Jid& chat,
                                                             const std::string& key, Subject kind) {
  const auto earlier = c_.records.find_idempotency(key, c_.now.unix_ms - storage::answers_kept_ms);
  if (!earlier) return std::optional<SentMessage>();
  if (!is_of(*earlier, request)) return reused(kind);
  return std::optional(first_answer(*earlier, chat, request.content));
}

SentMessage Idempotency::first_answer(const storage::IdempotencyRow& earlier, const Jid& chat,
                                      const Sendable& content) {
  const auto row = c_.records.find_message_by_id(earlier.message_id, true);
  if (row && row->from_me && row->chat == chat) return replayed(*row);
  // The message was deleted since: the answer is the first one all the same, or a retry would send it again.
  SentMessage sent;
  sent.id = earlier.message_id;
  sent.chat = chat;
  sent.chat_ids = directory_.person(chat);
  sent.text = shown_text(content);
  sent.timestamp = earlier.at;
  sent.replayed = sent.deleted = true;
  return sent;
}

Outcome<std::optional<SentMessage>> Idempotency::find(const SendMessage& request, const Jid& chat) {
  if (const auto claimed = claim_of(request); claimed && claimed->request_hash != request.whole->request_hash)
    return reused(Subject::idempotency_key);
  if (request.idempotency_key) {
    auto found = find_by_key(request, chat, *request.idempotency_key, Subject::idempotency_key);
    if (!found || *found) return found;
  }
  if (!request.message_id) return std::optional<SentMessage>();
  auto found = find_by_key(request, chat, chosen_id_key(*request.message_id), Subject::message_id);
  if (!found || *found) return found;
  const auto row = c_.records.find_message_by_id(*request.message_id, true);
  if (!row || !row->from_me) return std::optional<SentMessage>();
  if (row->chat != chat || row->body != shown_text(request.content)) return reused(Subject::message_id);
  return std::optional(replayed(*row));
}

Outcome<std::vector<SentMessage>> Idempotency::find_all(const std::vector<SendMessage>& messages, const Jid& chat) {
  const SendMessage& request = messages.front();
  auto first = find(request, chat);
  if (!first) return first.error();
  std::vector<SentMessage> out;
  if (!*first) return out;
  out.push_back(std::move(**first));
  for (std::size_t part = 1; part < messages.size(); ++part) {
    std::optional<storage::IdempotencyRow> earlier;
    const auto look = [&](const std::string& key) {
      if (!earlier)
        earlier = c_.records.find_idempotency(part_key(key, part), c_.now.unix_ms - storage::answers_kept_ms);
    };
    if (request.idempotency_key) look(*request.idempotency_key);
    if (request.message_id) look(chosen_id_key(*request.message_id));
    // After a day the first is known by its id alone, and nobody knows what stood beside it.
    if (!earlier) return reused(Subject::message_id);
    out.push_back(first_answer(*earlier, chat, messages[part].content));
  }
  return out;
}

std::optional<storage::IdempotencyRow> Idempotency::claim_of(const SendMessage& request) const {
  if (!request.whole) return std::nullopt;
  return c_.records.find_idempotency(request.whole->idempotency_key, c_.now.unix_ms - storage::answers_kept_ms);
}

void Idempotency::remember(const SendMessage& request, const std::string& message_id, std::size_t part) {
  const auto put = [&](const std::string& key, const std::string& hash) {
    storage::IdempotencyRow row;
    row.session = c_.id();
    row.key = key;
    row.request_hash = hash;
    row.message_id = message_id;
    row.at = c_.now.unix_ms;
    c_.records.add(storage::PutIdempotency{std::move(row)});
  };
  const auto keep = [&](const std::string& key) { put(part_key(key, part), request.request_hash); };
  if (request.whole && !claim_of(request)) put(request.whole->idempotency_key, request.whole->request_hash);
  if (request.idempotency_key) keep(*request.idempotency_key);
  if (request.message_id) keep(chosen_id_key(*request.message_id));
}

}  // namespace wharf::sessions
