#include "storage/removal.h"

#include <array>

#include "storage/chat_bump.h"
#include "storage/recall.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

constexpr const char* delete_session = "DELETE FROM session WHERE id = ?1";
constexpr const char* delete_device = "DELETE FROM device WHERE session_id = ?1";  // its secrets go at once
constexpr const char* mark_session = "INSERT OR IGNORE INTO removed_session (session_id) VALUES (?1)";
constexpr const char* mark_webhooks = "UPDATE webhook SET removed = 1 WHERE session_id = ?1";
constexpr const char* mark_webhook = "UPDATE webhook SET removed = 1 WHERE id = ?1";
constexpr const char* mark_chat =
    "INSERT INTO removed_chat (session_id, chat_id, through_row) SELECT session_id, chat_id, ?3 FROM chat"
    " WHERE session_id = ?1 AND chat_id = ?2"
    " ON CONFLICT (session_id, chat_id) DO UPDATE SET through_row = excluded.through_row";
constexpr const char* delete_chat = "DELETE FROM chat WHERE session_id = ?1 AND chat_id = ?2";
constexpr const char* delete_left_message =
    "DELETE FROM message WHERE session_id = ?1 AND id = ?2 AND chat_id = ?3 AND from_me = ?4 AND row <="
    " (SELECT through_row FROM removed_chat r WHERE r.session_id = ?1 AND r.chat_id = ?3)";

constexpr const char* select_session = "SELECT session_id FROM removed_session LIMIT 1";
constexpr const char* select_chat = "SELECT session_id, chat_id, through_row FROM removed_chat LIMIT 1";
constexpr const char* select_webhook = "SELECT row FROM webhook WHERE removed = 1 LIMIT 1";
constexpr const char* select_any =
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM removed_session) OR EXISTS (SELECT 1 FROM removed_chat)"
    " OR EXISTS (SELECT 1 FROM webhook WHERE removed = 1)";

// ?1 to ?2 are the row keys of the session, ?3 the most rows.
constexpr std::array slices_by_key = {
    "DELETE FROM pre_key WHERE key IN (SELECT key FROM pre_key WHERE key BETWEEN ?1 AND ?2 LIMIT ?3)",
    "DELETE FROM signed_pre_key WHERE key IN (SELECT key FROM signed_pre_key WHERE key BETWEEN ?1 AND ?2 LIMIT ?3)",
    "DELETE FROM ratchet WHERE key IN (SELECT key FROM ratchet WHERE key BETWEEN ?1 AND ?2 LIMIT ?3)",
    "DELETE FROM identity WHERE key IN (SELECT key FROM identity WHERE key BETWEEN ?1 AND ?2 LIMIT ?3)",
    "DELETE FROM device_list WHERE key IN (SELECT key FROM device_list WHERE key BETWEEN ?1 AND ?2 LIMIT ?3)",
    "DELETE FROM lid_of WHERE key IN (SELECT key FROM lid_of WHERE key BETWEEN ?1 AND ?2 LIMIT ?3)",
    "DELETE FROM pn_of WHERE key IN (SELECT key FROM pn_of WHERE key BETWEEN ?1 AND ?2 LIMIT ?3)",
    "DELETE FROM outbox WHERE key IN (SELECT key FROM outbox WHERE key BETWEEN ?1 AND ?2 LIMIT ?3)",
    "DELETE FROM retry_pre_key WHERE key IN (SELECT key FROM retry_pre_key WHERE key BETWEEN ?1 AND ?2 LIMIT ?3)",
    "DELETE FROM read_receipt WHERE key IN (SELECT key FROM read_receipt WHERE key BETWEEN ?1 AND ?2 LIMIT ?3)",
};
// ?1 is the session, ?2 the most rows.
constexpr std::array slices_by_session = {
    "DELETE FROM app_state_key WHERE rowid IN (SELECT rowid FROM app_state_key WHERE session_id = ?1 LIMIT ?2)",
    "DELETE FROM retry WHERE rowid IN (SELECT rowid FROM retry WHERE session_id = ?1 LIMIT ?2)",
    "DELETE FROM resend WHERE (session_id, message_id, device_id) IN"
    " (SELECT session_id, message_id, device_id FROM resend WHERE session_id = ?1 LIMIT ?2)",
    "DELETE FROM idempotency WHERE rowid IN (SELECT rowid FROM idempotency WHERE session_id = ?1 LIMIT ?2)",
    "DELETE FROM chat WHERE row IN (SELECT row FROM chat WHERE session_id = ?1 LIMIT ?2)",
    "DELETE FROM message WHERE row IN (SELECT row FROM message WHERE session_id = ?1 LIMIT ?2)",
    "DELETE FROM removed_chat WHERE (session_id, chat_id) IN"
    " (SELECT session_id, chat_id FROM removed_chat WHERE session_id = ?1 LIMIT ?2)",
};
constexpr const char* slice_of_chat =
    "DELETE FROM message WHERE row IN"
    " (SELECT row FROM message WHERE session_id = ?1 AND chat_id = ?2 AND row <= ?3 LIMIT ?4)";
constexpr const char* slice_of_webhook =
    "DELETE FROM webhook_delivery WHERE rowid IN (SELECT rowid FROM webhook_delivery WHERE webhook_row = ?1 LIMIT ?2)";

constexpr const char* delete_session_mark = "DELETE FROM removed_session WHERE session_id = ?1";
constexpr const char* delete_chat_mark = "DELETE FROM removed_chat WHERE session_id = ?1 AND chat_id = ?2";
constexpr const char* delete_webhook = "DELETE FROM webhook WHERE row = ?1";

constexpr const char* select_mark = "SELECT through_row FROM removed_chat WHERE session_id = ?1 AND chat_id = ?2";
constexpr const char* delete_left_messages = "DELETE FROM message WHERE session_id = ?1 AND chat_id = ?2 AND row <= ?3";

/// What is left to delete in this slice.
class Allowance {
 public:
  explicit Allowance(std::size_t rows) : left_(static_cast<std::int64_t>(rows)) {}
  std::int64_t left() const { return left_; }
  bool used_up() const { return left_ <= 0; }
  /// Books what the statement deleted.
  Result<void> book(Database& db, Result<void> done) {
    if (done) left_ -= changed_rows(db);
    return done;
  }

 private:
  std::int64_t left_;
};

Result<void> purge_session(Database& db, SessionId session, Allowance& rows) {
  for (const char* sql : slices_by_key) {
    if (rows.used_up()) return {};
    if (auto done = rows.book(db, Statement(db, sql).keys(session).integer(rows.left()).run()); !done) return done;
  }
  for (const char* sql : slices_by_session) {
    if (rows.used_up()) return {};
    if (auto done = rows.book(db, Statement(db, sql).session(session).integer(rows.left()).run()); !done) return done;
  }
  if (rows.used_up()) return {};
  return Statement(db, delete_session_mark).session(session).run();
}

Result<void> purge_chat(Database& db, SessionId session, std::int64_t chat, std::int64_t through, Allowance& rows) {
  Result<void> done = rows.book(
      db, Statement(db, slice_of_chat).session(session).integer(chat).integer(through).integer(rows.left()).run());
  if (!done || rows.used_up()) return done;
  return Statement(db, delete_chat_mark).session(session).integer(chat).run();
}

Result<void> purge_webhook(Database& db, std::int64_t webhook, Allowance& rows) {
  Result<void> done = rows.book(db, Statement(db, slice_of_webhook).integer(webhook).integer(rows.left()).run());
  if (!done || rows.used_up()) return done;
  return Statement(db, delete_webhook).integer(webhook).run();
}

/// One tombstone; nullopt: there is none.
std::optional<Result<void>> purge_one(Database& db, Allowance& rows) {
  // Each look-up is over before its rows are deleted: a Statement that is being read pins them.
  std::optional<SessionId> session;
  {
    Statement select(db, select_session);
    if (select.next()) session = SessionId{select.integer()};
  }
  if (session) return purge_session(db, *session, rows);
  std::optional<std::array<std::int64_t, 3>> chat;
  {
    Statement select(db, select_chat);
    if (select.next()) {
      const std::int64_t owner = select.integer(), id = select.integer();
      chat = {owner, id, select.integer()};
    }
  }
  if (chat) return purge_chat(db, SessionId{(*chat)[0]}, (*chat)[1], (*chat)[2], rows);
  std::optional<std::int64_t> webhook;
  {
    Statement select(db, select_webhook);
    if (select.next()) webhook = select.integer();
  }
  if (webhook) return purge_webhook(db, *webhook, rows);
  return std::nullopt;
}

}  // namespace

Result<void> bury_session(Database& db, SessionId session) {
  db.recall().removals_wait = true;
  for (const char* sql : {delete_session, delete_device, mark_webhooks, mark_session}) {
    if (Result<void> done = Statement(db, sql).session(session).run(); !done) return done;
  }
  return {};
}

Result<void> bury_chat(Database& db, SessionId session, const protocol::Jid& chat) {
  db.recall().removals_wait = true;
  const std::int64_t through = last_message_row(db);
  if (Result<void> done = Statement(db, mark_chat).session(session).jid(chat).integer(through).run(); !done)
    return done;
  return Statement(db, delete_chat).session(session).jid(chat).run();
}

Result<void> bury_webhook(Database& db, const std::string& id) {
  db.recall().removals_wait = true;
  return Statement(db, mark_webhook).text(id).run();
}

Result<bool> exhume_message(Database& db, SessionId session, const protocol::Jid& chat, const std::string& id,
                            bool from_me) {
  if (Result<void> kept = keep_message_rows_used(db); !kept) return kept.error();
  const Result<void> gone =
      Statement(db, delete_left_message).session(session).text(id).jid(chat).number(from_me).run();
  if (!gone) return gone.error();
  return changed_rows(db) != 0;
}

Result<void> finish_chat(Database& db, SessionId session, std::int64_t chat_id) {
  std::int64_t through = 0;
  {
    Statement select(db, select_mark);
    if (!select.session(session).integer(chat_id).next()) return {};
    through = select.integer();
  }
  if (Result<void> done = keep_message_rows_used(db); !done) return done;
  if (Result<void> done = Statement(db, delete_left_messages).session(session).integer(chat_id).integer(through).run();
      !done)
    return done;
  return Statement(db, delete_chat_mark).session(session).integer(chat_id).run();
}

Result<bool> purge_removed(Database& db, std::size_t rows) {
  Allowance allowance(rows);
  if (Result<void> kept = keep_message_rows_used(db); !kept) return kept.error();
  // A tombstone without rows costs no allowance, so their number is bounded as well.
  for (std::size_t looked = 0; !allowance.used_up() && looked < rows; ++looked) {
    const std::optional<Result<void>> done = purge_one(db, allowance);
    if (!done) return false;
    if (!*done) return done->error();
  }
  return true;
}

bool has_removed(Database& db) {
  Statement select(db, select_any);
  return select.next();
}

}  // namespace wharf::storage
