#pragma once
// The disappearing timer of each chat that has or had one: what is sent into it carries the timer. A fact of the chat
// at WhatsApp, not of its stored copy: it stays when that is deleted, and is there before the first message.

#include "protocol/binary/jid.h"
#include "storage/ids.h"

namespace wharf::storage {

class Database;

struct ChatTimer {
  std::uint32_t seconds = 0;  // 0: messages stay
  std::int64_t set_at = 0;    // unix seconds, of whoever set it; 0 = not known
  friend bool operator==(const ChatTimer&, const ChatTimer&) = default;
};
/// Replaces the one there is. A merge of chats keeps the one that was set later.
struct PutChatTimer {
  SessionId session;
  protocol::Jid chat;  // canonical
  ChatTimer timer;
  friend bool operator==(const PutChatTimer&, const PutChatTimer&) = default;
};
/// All zero when nothing is known.
ChatTimer find_chat_timer(Database& db, SessionId session, const protocol::Jid& chat);
/// Any of this session.
bool has_chat_timers(Database& db, SessionId session);

}  // namespace wharf::storage
