#pragma once
// Chats: one person is one chat. The chat JID is canonical (LID when a mapping is known, else the phone number); the
// alternate identity is a column.

#include <optional>
#include <string>
#include <vector>

#include "storage/messages.h"

namespace wharf::storage {

struct ChatRow {
  protocol::Jid chat;                      // canonical
  std::optional<protocol::Jid> alternate;  // the other identity of the person, when known
  std::string name;
  std::uint32_t unread = 0;
  std::uint32_t expires_after_s = 0;  // its disappearing timer (chat_timers.h); 0: messages stay
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
/// By so many, to 0 at most; nothing when the chat does not exist.
struct LowerUnread {
  SessionId session;
  protocol::Jid chat;
  std::uint32_t by = 0;
  friend bool operator==(const LowerUnread&, const LowerUnread&) = default;
};
/// Local only: the chat and its messages are gone at once; their rows go in bounded slices behind later batches
/// (removal.h). The send queue is left alone.
struct RemoveChat {
  SessionId session;
  protocol::Jid chat;
  friend bool operator==(const RemoveChat&, const RemoveChat&) = default;
};
/// A mapping was learnt: everything of chat `from` (PN) is of chat `to` (LID) at once; the rows of the messages move in
/// bounded slices behind later batches (removal.h). Idempotent; message duplicates are dropped. Other kinds of JIDs are
/// an error.
struct MergeChats {
  SessionId session;
  protocol::Jid from, to;
  friend bool operator==(const MergeChats&, const MergeChats&) = default;
};

}  // namespace wharf::storage
