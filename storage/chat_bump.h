#pragma once
// What messages.cpp and chats.cpp need of each other. For storage/*.cpp only.

#include <optional>

#include "storage/messages.h"

namespace wharf::storage {

/// By row id: the last message of a chat.
std::optional<MessageRow> find_message_row(Database& db, std::int64_t row);

struct MessagePlace {
  UnixMs timestamp = 0;
  std::int64_t row = 0;
};
/// Of the messages of a chat, those included that are still filed under another (removal.h).
std::optional<MessagePlace> newest_message(Database& db, SessionId session, std::int64_t chat_id);

/// Before messages are deleted: their row ids stay used, because cursors and callers may still hold them.
Result<void> keep_message_rows_used(Database& db);
/// The highest message row ever used. For the writing connection.
std::int64_t last_message_row(Database& db);

/// A new message got its row number: creates its chat or bumps it.
Result<void> bump_chat(Database& db, const MessageRow& message, std::int64_t row, bool unread,
                       const std::optional<protocol::Jid>& alternate);
/// The time of a message changed: the chat's last message may be another one.
Result<void> refresh_chat(Database& db, SessionId session, std::int64_t message_row, UnixMs timestamp);
/// This message of the chat is gone. A chat without any stays, where it is.
Result<void> lose_last_message(Database& db, SessionId session, const protocol::Jid& chat, std::int64_t message_row);

}  // namespace wharf::storage
