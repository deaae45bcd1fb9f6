#pragma once
// Chats and messages: the stored copy of the conversations. One person is one chat: the chat JID is canonical (LID when
// a mapping is known, else the phone number); the alternate identity is a column.

#include <optional>
#include <string>
#include <vector>

#include "protocol/binary/jid.h"
#include "protocol/bytes.h"
#include "storage/ids.h"
#include "storage/store.h"

namespace wharf::storage {

/// In the API: -1 error, 0 pending, 1 server, 2 delivered, 3 read, 4 played. Levels only rise, except to error.
enum class AckLevel : int { error = -1, pending = 0, server = 1, delivered = 2, read = 3, played = 4 };

struct MessageRow {
  std::int64_t row = 0;  // growing within the database; 0 before insertion
  SessionId session;
  protocol::Jid chat;  // canonical
  std::string id;      // WhatsApp id
  bool from_me = false;
  protocol::Jid author;   // user JID (own user when from_me)
  std::string push_name;  // of the author when it was received
  std::string kind;       // "text", ...
  std::string body;       // text or caption
  std::string quoted_id;
  protocol::Jid quoted_author;
  std::vector<protocol::Jid> mentions;
  protocol::Bytes content;  // encoded Message: resends, quotes, media
  protocol::Bytes secret;   // 32 or 0 bytes
  AckLevel ack = AckLevel::pending;
  std::string error;      // of AckLevel::error
  UnixMs timestamp = 0;   // of WhatsApp (server time)
  UnixMs created_at = 0;  // of this row
};

/// Ignored when (session, chat, id, from_me) exists. Also creates or bumps the chat: last message, timestamp, name
/// (push name of the author when not from_me and no better name is stored), unread + 1 when `unread`.
void insert_message(Changes& changes, MessageRow row, bool unread, std::optional<protocol::Jid> chat_alternate);
std::optional<MessageRow> find_message(Database& db, SessionId session, const protocol::Jid& chat,
                                       const std::string& id);
/// Any chat, the newest first: WhatsApp ids collide only on purpose. `from_me` says which side's messages count.
std::optional<MessageRow> find_message_by_id(Database& db, SessionId session, const std::string& id, bool from_me);
bool has_message(Database& db, SessionId session, const protocol::Jid& chat, const std::string& id);
/// Raises the level (or sets error); `timestamp` replaces the message time when set (server ack).
void raise_ack(Changes& changes, SessionId session, std::int64_t message_row, AckLevel level, std::string error,
               std::optional<UnixMs> timestamp);
/// Of an own message when the id names one, else of the received one.
void raise_ack_by_id(Changes& changes, SessionId session, std::string id, AckLevel level, std::string error,
                     std::optional<UnixMs> timestamp);

struct MessagePage {
  std::vector<MessageRow> messages;  // newest first
  std::optional<std::int64_t> next;  // cursor: row of the last message, when there are more
};
/// Order: (timestamp, row) descending. `before_row`: strictly older than that row. `limit` 1..1000.
MessagePage page_messages(Database& db, SessionId session, const protocol::Jid& chat, std::size_t limit,
                          std::optional<std::int64_t> before_row);

struct ChatRow {
  protocol::Jid chat;                      // canonical
  std::optional<protocol::Jid> alternate;  // the other identity of the person, when known
  std::string name;
  std::uint32_t unread = 0;
  UnixMs last_at = 0;
  std::optional<MessageRow> last_message;
};
struct ChatPage {
  std::vector<ChatRow> chats;       // newest first
  std::optional<std::string> next;  // opaque cursor
};
/// A cursor that is not valid gives an empty page. `limit` 1..1000.
bool valid_chat_cursor(const std::string& cursor);
ChatPage page_chats(Database& db, SessionId session, std::size_t limit, const std::optional<std::string>& cursor);
std::optional<ChatRow> find_chat(Database& db, SessionId session, const protocol::Jid& chat);
/// Nothing when the chat does not exist.
void set_unread(Changes& changes, SessionId session, const protocol::Jid& chat, std::uint32_t unread);
/// By so many, to 0 at most.
void lower_unread(Changes& changes, SessionId session, const protocol::Jid& chat, std::uint32_t by);
/// Local only: the chat and its messages are gone at once; their rows go in bounded slices behind later batches
/// (removal.h). The send queue is left alone.
void remove_chat(Changes& changes, SessionId session, const protocol::Jid& chat);
/// A mapping was learnt: everything of chat `from` (PN) is of chat `to` (LID) at once; the rows of the messages move in
/// bounded slices behind later batches (removal.h). Idempotent; message duplicates are dropped. Other kinds of JIDs are
/// an error.
void merge_chats(Changes& changes, SessionId session, const protocol::Jid& from, const protocol::Jid& to);

// --- the send queue
/// waiting: accepted; sealed: encrypted, the stanza is stored and may be (re)sent unchanged until the ack comes.
enum class OutboxState : int { waiting = 0, sealed = 1 };
struct OutboxRow {
  std::int64_t row = 0;  // order of acceptance
  SessionId session;
  protocol::Jid chat;  // canonical at acceptance
  std::string message_id;
  OutboxState state = OutboxState::waiting;
  protocol::Bytes stanza;  // encoded node when sealed
  UnixMs accepted_at = 0;
  std::uint32_t attempts = 0;  // sends of the sealed stanza
};
/// In order of acceptance.
std::vector<OutboxRow> load_outbox(Database& db, SessionId session);
/// `row` is chosen by the caller (growing per session; last_outbox_row() + 1 at start).
void insert_outbox(Changes& changes, OutboxRow row);
void seal_outbox(Changes& changes, SessionId session, std::int64_t row, protocol::Bytes stanza);
void count_outbox_attempt(Changes& changes, SessionId session, std::int64_t row);
void remove_outbox(Changes& changes, SessionId session, std::int64_t row);
std::int64_t last_outbox_row(Database& db, SessionId session);

// --- Idempotency-Key
struct IdempotencyRow {
  SessionId session;
  std::string key;           // at most 255 bytes
  std::string request_hash;  // the same key with another body is a conflict
  std::string message_id;
  UnixMs at = 0;
};
std::optional<IdempotencyRow> find_idempotency(Database& db, SessionId session, const std::string& key,
                                               UnixMs not_before);
void put_idempotency(Changes& changes, IdempotencyRow row);  // also sweeps rows older than 24 h

}  // namespace wharf::storage
