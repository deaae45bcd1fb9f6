#include "storage/removal.h"

#include <array>
#include <vector>

#include "storage/chat_bump.h"
#include "storage/recall.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

constexpr const char* delete_session = "DELETE FROM session WHERE id = ?1";
constexpr const char* delete_device = "DELETE FROM device WHERE session_id = ?1";  // its secrets go at once
constexpr const char* mark_session = "INSERT OR IGNORE INTO removed_session (session_id) VALUES (?1)";
constexpr const char* mark_own_device = "INSERT OR IGNORE INTO removed_device (number) VALUES (?1)";
constexpr const char* mark_device = "INSERT OR IGNORE INTO removed_device (number) SELECT " WHARF_DEVICE(?1);
constexpr const char* count_device =
    "INSERT INTO counter (name, value) VALUES ('device', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1";
constexpr const char* next_device =
    "INSERT OR REPLACE INTO device_number (session_id, number) SELECT ?1, -value FROM counter WHERE name = 'device'";
constexpr const char* delete_number = "DELETE FROM device_number WHERE session_id = ?1";
constexpr const char* mark_webhooks = "UPDATE webhook SET removed = 1 WHERE session_id = ?1";
constexpr const char* mark_webhook = "UPDATE webhook SET removed = 1 WHERE id = ?1";
constexpr const char* mark_chat =
    "INSERT INTO removed_chat (session_id, chat_id, through_row) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (session_id, chat_id) DO UPDATE SET through_row = excluded.through_row";
constexpr const char* delete_chat = "DELETE FROM chat WHERE session_id = ?1 AND chat_id = ?2";
constexpr const char* end_merges = "DELETE FROM merged_chat WHERE session_id = ?1 AND to_id = ?2";
constexpr const char* mark_merge =
    "INSERT INTO merged_chat (session_id, from_id, to_id, after_row, through_row) SELECT ?1, ?2, ?3,"
    " ifnull((SELECT through_row FROM removed_chat WHERE session_id = ?1 AND chat_id = ?2), 0), ?4";
constexpr const char* delete_left_message =
    "DELETE FROM message WHERE session_id = ?1 AND id = ?2 AND chat_id = ?3 AND from_me = ?4"
    " AND " WHARF_CHAT_OF(message) " IS NULL";

// What we say about a message and the server does not have yet is sent all the same: "delete for everyone" above all.
#define WHARF_MAY_GO_WITH_ITS_TARGET " NOT (from_me = 1 AND ack = 0) "
constexpr const char* mark_message =
    "INSERT OR IGNORE INTO removed_message (session_id, chat_id, id, from_me) VALUES (?1, ?2, ?3, ?4)";
constexpr const char* divert_messages =
    "UPDATE OR REPLACE removed_message SET chat_id = ?3 WHERE session_id = ?1 AND chat_id = ?2";
constexpr const char* select_message = "SELECT session_id, chat_id, id, from_me FROM removed_message LIMIT 1";
// Slices of message are read first, each row with the size of its text: the index of words follows every one of them.
#define SIZED_ROWS "SELECT row, length(body) + length(details) FROM message "
constexpr const char* delete_row = "DELETE FROM message WHERE row = ?1";
constexpr const char* slice_of_message = SIZED_ROWS
    "WHERE session_id = ?1 AND target_id = ?3 AND target_id <> '' AND target_from_me = ?4"
    " AND" WHARF_MAY_GO_WITH_ITS_TARGET "AND " WHARF_CHAT_OF(message) " = ?2 LIMIT ?5";
constexpr const char* delete_message_mark =
    "DELETE FROM removed_message WHERE session_id = ?1 AND chat_id = ?2 AND id = ?3 AND from_me = ?4";

constexpr const char* select_session = "SELECT session_id FROM removed_session LIMIT 1";
constexpr const char* select_device = "SELECT number FROM removed_device LIMIT 1";
// Those of one chat in the order of their rows: what lies before after_row is filed elsewhere or left behind.
constexpr const char* select_merge =
    "SELECT session_id, from_id, to_id, after_row, through_row FROM merged_chat"
    " ORDER BY session_id, from_id, through_row LIMIT 1";
constexpr const char* select_mark = "SELECT through_row FROM removed_chat WHERE session_id = ?1 AND chat_id = ?2";
constexpr const char* select_chat = "SELECT session_id, chat_id, through_row FROM removed_chat LIMIT 1";
constexpr const char* select_webhook = "SELECT row FROM webhook WHERE removed = 1 LIMIT 1";
constexpr const char* select_any =
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM removed_session) OR EXISTS (SELECT 1 FROM removed_device)"
    " OR EXISTS (SELECT 1 FROM removed_chat) OR EXISTS (SELECT 1 FROM merged_chat) OR EXISTS (SELECT 1 FROM webhook "
    "WHERE removed = 1) OR EXISTS (SELECT 1 FROM removed_message) OR EXISTS (SELECT 1 FROM removed_reach)";

// ?1 is the device number, ?2 the most rows.
constexpr std::array slices_of_device = {
    "DELETE FROM pre_key WHERE key IN (SELECT key FROM pre_key WHERE key BETWEEN ?1 << 32 AND ?1 << 32 | 0xffffffff "
    "LIMIT ?2)",
    "DELETE FROM signed_pre_key WHERE key IN (SELECT key FROM signed_pre_key WHERE key BETWEEN ?1 << 32 AND ?1 << 32 | "
    "0xffffffff LIMIT ?2)",
    "DELETE FROM ratchet WHERE key IN (SELECT key FROM ratchet WHERE key BETWEEN ?1 << 32 AND ?1 << 32 | 0xffffffff "
    "LIMIT ?2)",
    "DELETE FROM identity WHERE key IN (SELECT key FROM identity WHERE key BETWEEN ?1 << 32 AND ?1 << 32 | 0xffffffff "
    "LIMIT ?2)",
    "DELETE FROM device_list WHERE key IN (SELECT key FROM device_list WHERE key BETWEEN ?1 << 32 AND ?1 << 32 | "
    "0xffffffff LIMIT ?2)",
    "DELETE FROM retry_pre_key WHERE key IN (SELECT key FROM retry_pre_key WHERE key BETWEEN ?1 << 32 AND ?1 << 32 | "
    "0xffffffff LIMIT ?2)",
    "DELETE FROM read_receipt WHERE key IN (SELECT key FROM read_receipt WHERE key BETWEEN ?1 << 32 AND ?1 << 32 | "
    "0xffffffff LIMIT ?2)",
    "DELETE FROM app_state_key WHERE rowid IN (SELECT rowid FROM app_state_key WHERE session_id = ?1 LIMIT ?2)",
    "DELETE FROM retry WHERE rowid IN (SELECT rowid FROM retry WHERE session_id = ?1 LIMIT ?2)",
    "DELETE FROM resend WHERE session_id = ?1 AND (message_id, device_id) IN"
    " (SELECT message_id, device_id FROM resend WHERE session_id = ?1 LIMIT ?2)",
    "DELETE FROM contact WHERE rowid IN (SELECT rowid FROM contact WHERE number = ?1 LIMIT ?2)",
    "DELETE FROM trusted_token WHERE rowid IN (SELECT rowid FROM trusted_token WHERE number = ?1 LIMIT ?2)",
    "DELETE FROM app_state WHERE rowid IN (SELECT rowid FROM app_state WHERE number = ?1 LIMIT ?2)",
    "DELETE FROM app_state_record WHERE rowid IN (SELECT rowid FROM app_state_record WHERE number = ?1 LIMIT ?2)",
    "DELETE FROM app_state_wish WHERE rowid IN (SELECT rowid FROM app_state_wish WHERE number = ?1 LIMIT ?2)",
    "DELETE FROM channel WHERE rowid IN (SELECT rowid FROM channel WHERE number = ?1 LIMIT ?2)",
    "DELETE FROM chat_group WHERE rowid IN (SELECT rowid FROM chat_group WHERE number = ?1 LIMIT ?2)",
    "DELETE FROM sender_key WHERE rowid IN (SELECT rowid FROM sender_key WHERE number = ?1 LIMIT ?2)",
    "DELETE FROM own_sender_key WHERE rowid IN (SELECT rowid FROM own_sender_key WHERE number = ?1 LIMIT ?2)",
    "DELETE FROM sender_key_copy WHERE number = ?1 AND (group_id, device_id) IN"
    " (SELECT group_id, device_id FROM sender_key_copy WHERE number = ?1 LIMIT ?2)",
};
// ?1 is the session, ?2 the most rows.
constexpr std::array slices_of_session = {
    "DELETE FROM lid_of WHERE key IN (SELECT key FROM lid_of WHERE key BETWEEN ?1 << 32 AND ?1 << 32 | 0xffffffff "
    "LIMIT ?2)",
    "DELETE FROM pn_of WHERE key IN (SELECT key FROM pn_of WHERE key BETWEEN ?1 << 32 AND ?1 << 32 | 0xffffffff LIMIT "
    "?2)",
    "DELETE FROM outbox WHERE key IN (SELECT key FROM outbox WHERE key BETWEEN ?1 << 32 AND ?1 << 32 | 0xffffffff "
    "LIMIT ?2)",
    "DELETE FROM upload WHERE session_id = ?1 AND (file_sha256, kind) IN"
    " (SELECT file_sha256, kind FROM upload WHERE session_id = ?1 LIMIT ?2)",
    "DELETE FROM status_audience WHERE rowid IN (SELECT rowid FROM status_audience WHERE session_id = ?1 LIMIT ?2)",
    "DELETE FROM idempotency WHERE rowid IN (SELECT rowid FROM idempotency WHERE session_id = ?1 LIMIT ?2)",
    "DELETE FROM chat WHERE row IN (SELECT row FROM chat WHERE session_id = ?1 LIMIT ?2)",
    "DELETE FROM chat_timer WHERE (session_id, chat_id) IN"
    " (SELECT session_id, chat_id FROM chat_timer WHERE session_id = ?1 LIMIT ?2)",
    "DELETE FROM merged_chat WHERE (session_id, from_id, through_row) IN"
    " (SELECT session_id, from_id, through_row FROM merged_chat WHERE session_id = ?1 LIMIT ?2)",
    "DELETE FROM removed_message WHERE (session_id, chat_id, id, from_me) IN"
    " (SELECT session_id, chat_id, id, from_me FROM removed_message WHERE session_id = ?1 LIMIT ?2)",
    "DELETE FROM removed_chat WHERE (session_id, chat_id) IN"
    " (SELECT session_id, chat_id FROM removed_chat WHERE session_id = ?1 LIMIT ?2)",
};
constexpr const char* slice_of_messages = SIZED_ROWS "WHERE session_id = ?1 LIMIT ?2";
// The next ?5 messages of merge ?1 ?2 ?3 ?4: session, chat, after and through. By time, which is the order of the
// index.
constexpr const char* slice_of_merge =
    SIZED_ROWS "WHERE session_id = ?1 AND chat_id = ?2 AND +row > ?3 AND +row <= ?4 ORDER BY timestamp, row LIMIT ?5";
constexpr const char* delete_doubled =
    "DELETE FROM message WHERE row = ?1 AND EXISTS (SELECT 1 FROM message t WHERE t.session_id = message.session_id"
    " AND t.id = message.id AND t.chat_id = ?2 AND t.from_me = message.from_me)";
constexpr const char* file_message = "UPDATE message SET chat_id = ?2 WHERE row = ?1";
constexpr const char* slice_of_chat = SIZED_ROWS "WHERE session_id = ?1 AND chat_id = ?2 AND row <= ?3 LIMIT ?4";
#undef SIZED_ROWS
constexpr const char* slice_of_webhook =
    "DELETE FROM webhook_delivery WHERE rowid IN (SELECT rowid FROM webhook_delivery WHERE webhook_row = ?1 LIMIT ?2)";

constexpr const char* select_reach = "SELECT message_row FROM removed_reach LIMIT 1";
constexpr const char* slice_of_reach =
    "DELETE FROM group_receipt WHERE message_row = ?1 AND user_id IN"
    " (SELECT user_id FROM group_receipt WHERE message_row = ?1 LIMIT ?2)";
constexpr const char* delete_reach_mark = "DELETE FROM removed_reach WHERE message_row = ?1";

constexpr const char* delete_session_mark = "DELETE FROM removed_session WHERE session_id = ?1";
constexpr const char* delete_chat_mark = "DELETE FROM removed_chat WHERE session_id = ?1 AND chat_id = ?2";
constexpr const char* delete_webhook = "DELETE FROM webhook WHERE row = ?1";

constexpr const char* delete_device_mark = "DELETE FROM removed_device WHERE number = ?1";
constexpr const char* nothing_before =
    "UPDATE merged_chat SET after_row = 0 WHERE session_id = ?1 AND from_id = ?2 AND through_row = ?3";
constexpr const char* delete_merge =
    "DELETE FROM merged_chat WHERE session_id = ?1 AND from_id = ?2 AND through_row = ?3";

/// How many rows this slice may still touch, and how much text of messages.
class Allowance {
 public:
  Allowance(std::size_t rows, std::size_t bytes)
      : left_(static_cast<std::int64_t>(rows)), bytes_left_(static_cast<std::int64_t>(bytes)) {}
  std::int64_t left() const { return left_; }
  bool used_up() const { return left_ <= 0 || bytes_left_ <= 0; }
  /// Books the next messages of a slice, with the one that reaches the bytes, and answers which they are.
  std::vector<std::int64_t> take(Statement& sized_rows) {
    std::vector<std::int64_t> rows;
    while (!used_up() && sized_rows.next()) {
      rows.push_back(sized_rows.integer());
      bytes_left_ -= sized_rows.integer();
      --left_;
    }
    return rows;
  }
  /// Books what the statement deleted or changed.
  Result<void> book(Database& db, Result<void> done) {
    if (done) left_ -= changed_rows(db);
    return done;
  }

 private:
  std::int64_t left_, bytes_left_;
};

Result<void> delete_messages(Database& db, const std::vector<std::int64_t>& rows) {
  for (const std::int64_t row : rows)
    if (Result<void> done = Statement(db, delete_row).integer(row).run(); !done) return done;
  return {};
}

template <std::size_t N>
Result<void> purge_tables(Database& db, const std::array<const char*, N>& slices, std::int64_t owner,
                          const char* delete_mark, Allowance& rows) {
  for (const char* sql : slices) {
    if (rows.used_up()) return {};
    if (auto done = rows.book(db, Statement(db, sql).integer(owner).integer(rows.left()).run()); !done) return done;
  }
  if (rows.used_up()) return {};
  return Statement(db, delete_mark).integer(owner).run();
}

/// Rows up to `through`.
Result<void> delete_slice_of_chat(Database& db, SessionId session, std::int64_t chat, std::int64_t through,
                                  Allowance& rows) {
  std::vector<std::int64_t> slice;
  {
    Statement select(db, slice_of_chat);
    slice = rows.take(select.session(session).integer(chat).integer(through).integer(rows.left()));
  }
  return delete_messages(db, slice);
}

Result<void> purge_session(Database& db, SessionId session, Allowance& rows) {
  std::vector<std::int64_t> slice;
  {
    Statement select(db, slice_of_messages);
    slice = rows.take(select.session(session).integer(rows.left()));
  }
  if (Result<void> done = delete_messages(db, slice); !done || rows.used_up()) return done;
  return purge_tables(db, slices_of_session, session.value, delete_session_mark, rows);
}

Result<void> purge_chat(Database& db, SessionId session, std::int64_t chat, std::int64_t through, Allowance& rows) {
  Result<void> done = delete_slice_of_chat(db, session, chat, through, rows);
  if (!done || rows.used_up()) return done;
  return Statement(db, delete_chat_mark).session(session).integer(chat).run();
}

std::optional<std::int64_t> tombstone(Database& db, SessionId session, std::int64_t chat) {
  Statement select(db, select_mark);
  if (!select.session(session).integer(chat).next()) return std::nullopt;
  return select.integer();
}

struct Merge {
  SessionId session;
  std::int64_t from = 0, to = 0, after = 0, through = 0;
};

Result<void> purge_merge(Database& db, const Merge& merge, Allowance& rows) {
  // Older rows are filed in the target: under its tombstone nobody would read them.
  if (const auto through = tombstone(db, merge.session, merge.to))
    return purge_chat(db, merge.session, merge.to, *through, rows);
  const auto with_merge = [&](const char* sql) {
    return Statement(db, sql).session(merge.session).integer(merge.from).integer(merge.through).run();
  };
  if (merge.after != 0) {
    Result<void> done = delete_slice_of_chat(db, merge.session, merge.from, merge.after, rows);
    if (!done || rows.used_up()) return done;
    return with_merge(nothing_before);  // no further slice looks for them among the many that stay
  }
  std::vector<std::int64_t> slice;
  {
    Statement select(db, slice_of_merge);
    select.session(merge.session).integer(merge.from).integer(merge.after).integer(merge.through);
    slice = rows.take(select.integer(rows.left()));
  }
  for (const std::int64_t row : slice) {
    if (Result<void> done = Statement(db, delete_doubled).integer(row).integer(merge.to).run(); !done) return done;
    if (changed_rows(db) != 0) continue;
    if (Result<void> done = Statement(db, file_message).integer(row).integer(merge.to).run(); !done) return done;
  }
  if (rows.used_up()) return {};
  return with_merge(delete_merge);
}

Result<void> purge_webhook(Database& db, std::int64_t webhook, Allowance& rows) {
  Result<void> done = rows.book(db, Statement(db, slice_of_webhook).integer(webhook).integer(rows.left()).run());
  if (!done || rows.used_up()) return done;
  return Statement(db, delete_webhook).integer(webhook).run();
}

struct LeftAddOns {
  SessionId session;
  std::int64_t chat = 0;
  std::string id;
  std::int64_t from_me = 0;
};
std::optional<LeftAddOns> left_add_ons(Database& db) {
  Statement select(db, select_message);
  if (!select.next()) return std::nullopt;
  LeftAddOns left;
  left.session = SessionId{select.integer()};
  left.chat = select.integer();
  left.id = select.text();
  left.from_me = select.integer();
  return left;
}

Result<void> purge_add_ons(Database& db, const LeftAddOns& left, Allowance& rows) {
  std::vector<std::int64_t> slice;
  {
    Statement select(db, slice_of_message);
    select.session(left.session).integer(left.chat).text(left.id).integer(left.from_me);
    slice = rows.take(select.integer(rows.left()));
  }
  if (Result<void> done = delete_messages(db, slice); !done || rows.used_up()) return done;
  Statement end(db, delete_message_mark);
  return end.session(left.session).integer(left.chat).text(left.id).integer(left.from_me).run();
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
  std::optional<std::int64_t> device;
  {
    Statement select(db, select_device);
    if (select.next()) device = select.integer();
  }
  if (device) return purge_tables(db, slices_of_device, *device, delete_device_mark, rows);
  if (const auto left = left_add_ons(db)) return purge_add_ons(db, *left, rows);
  std::optional<Merge> merge;
  {
    Statement select(db, select_merge);
    if (select.next()) {
      merge.emplace();
      merge->session = SessionId{select.integer()};
      for (std::int64_t* field : {&merge->from, &merge->to, &merge->after, &merge->through}) *field = select.integer();
    }
  }
  if (merge) return purge_merge(db, *merge, rows);
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
  std::optional<std::int64_t> reach;
  {
    Statement select(db, select_reach);
    if (select.next()) reach = select.integer();
  }
  if (reach) return purge_tables(db, std::array{slice_of_reach}, *reach, delete_reach_mark, rows);
  return std::nullopt;
}

}  // namespace

Result<void> bury_session(Database& db, SessionId session) {
  db.recall().removals_wait = true;
  for (const char* sql :
       {mark_device, delete_number, mark_own_device, delete_session, delete_device, mark_webhooks, mark_session}) {
    if (Result<void> done = Statement(db, sql).session(session).run(); !done) return done;
  }
  return {};
}

Result<void> bury_device(Database& db, SessionId session) {
  db.recall().removals_wait = true;
  if (Result<void> done = Statement(db, mark_device).session(session).run(); !done) return done;
  if (Result<void> done = Statement(db, count_device).run(); !done) return done;
  if (Result<void> done = Statement(db, next_device).session(session).run(); !done) return done;
  return Statement(db, delete_device).session(session).run();
}

Result<void> bury_chat(Database& db, SessionId session, const protocol::Jid& chat) {
  db.recall().removals_wait = true;
  const std::int64_t through = last_message_row(db);
  if (Result<void> done = Statement(db, mark_chat).session(session).jid(chat).integer(through).run(); !done)
    return done;
  if (Result<void> done = Statement(db, end_merges).session(session).jid(chat).run(); !done) return done;
  return Statement(db, delete_chat).session(session).jid(chat).run();
}

Result<void> bury_add_ons(Database& db, SessionId session, const protocol::Jid& chat, const std::string& id,
                          bool from_me) {
  db.recall().removals_wait = true;
  return Statement(db, mark_message).session(session).jid(chat).text(id).number(from_me).run();
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

Result<void> divert_chat(Database& db, SessionId session, std::int64_t from, std::int64_t to) {
  db.recall().removals_wait = true;
  db.recall().may_have_merges = true;
  const std::int64_t through = last_message_row(db);
  const Result<void> diverted =
      Statement(db, mark_merge).session(session).integer(from).integer(to).integer(through).run();
  if (!diverted) return diverted;
  if (Result<void> done = Statement(db, divert_messages).session(session).integer(from).integer(to).run(); !done)
    return done;
  return Statement(db, mark_chat).session(session).integer(from).integer(through).run();
}

Result<bool> purge_removed(Database& db, std::size_t rows, std::size_t bytes) {
  Allowance allowance(rows, bytes);
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
