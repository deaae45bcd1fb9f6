#include "storage/chat_timers.h"

#include "storage/apply.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

constexpr const char* select_timer = "SELECT seconds, set_at FROM chat_timer WHERE session_id = ?1 AND chat_id = ?2";
constexpr const char* select_any = "SELECT 1 FROM chat_timer WHERE session_id = ?1 LIMIT 1";
constexpr const char* put_timer =
    "INSERT INTO chat_timer (session_id, chat_id, seconds, set_at) VALUES (?1, ?2, ?3, ?4)"
    " ON CONFLICT (session_id, chat_id) DO UPDATE SET seconds = excluded.seconds, set_at = excluded.set_at";

}  // namespace

ChatTimer find_chat_timer(Database& db, SessionId session, const protocol::Jid& chat) {
  ChatTimer timer;
  Statement select(db, select_timer);
  if (!select.session(session).jid(chat).next()) return timer;
  timer.seconds = select.number<std::uint32_t>();
  timer.set_at = select.integer();
  return timer;
}

bool has_chat_timers(Database& db, SessionId session) { return Statement(db, select_any).session(session).next(); }

Result<void> apply(Database& db, const PutChatTimer& change) {
  return Statement(db, put_timer)
      .session(change.session)
      .jid(change.chat)
      .number(change.timer.seconds)
      .integer(change.timer.set_at)
      .run();
}

}  // namespace wharf::storage
