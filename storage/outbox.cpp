#include "storage/outbox.h"

#include <algorithm>

#include "storage/apply.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

constexpr std::int64_t low_half = (std::int64_t{1} << 32) - 1;

constexpr const char* select_queue =
    "SELECT key, chat_id, message_id, state, accepted_at, attempts, priority, send_at, expires_at, stanza, upload"
    " FROM outbox WHERE key BETWEEN ?1 AND ?2 ORDER BY key";
constexpr const char* insert_row =
    "INSERT INTO outbox (key, chat_id, message_id, state, accepted_at, attempts, priority, send_at, expires_at,"
    " stanza, upload) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
// Without the stanza, which may lie in pages of its own. ?3 comes after, ?4 chat or 0, ?5 bits of the states.
constexpr const char* select_page =
    "SELECT key, chat_id, message_id, state, accepted_at, attempts, priority, send_at, expires_at FROM outbox"
    " WHERE key BETWEEN max(?1, ?3) AND ?2 AND (?4 = 0 OR chat_id = ?4) AND (1 << state) & ?5 ORDER BY key LIMIT ?6";
constexpr const char* seal_row = "UPDATE outbox SET state = ?3, stanza = ?2, attempts = 0 WHERE key = ?1";
constexpr const char* end_upload = "UPDATE outbox SET state = ?2, upload = x'' WHERE key = ?1";
constexpr const char* select_uploads =
    "SELECT upload FROM outbox WHERE upload <> x'' AND key >> 32 IN (SELECT id FROM session)";
constexpr const char* count_attempt = "UPDATE outbox SET attempts = attempts + 1 WHERE key = ?1";
constexpr const char* delete_row = "DELETE FROM outbox WHERE key = ?1";
constexpr const char* select_last = "SELECT max(key) FROM outbox WHERE key BETWEEN ?1 AND ?2";

constexpr const char* select_answer =
    "SELECT request_hash, message_id, at FROM idempotency WHERE session_id = ?1 AND key = ?2 AND at >= ?3";
constexpr const char* put_answer =
    "INSERT INTO idempotency (session_id, key, request_hash, message_id, at) VALUES (?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT (session_id, key) DO UPDATE SET"
    " request_hash = excluded.request_hash, message_id = excluded.message_id, at = excluded.at";
constexpr const char* sweep_answers =
    "DELETE FROM idempotency WHERE rowid IN (SELECT rowid FROM idempotency WHERE at < ?1 ORDER BY at LIMIT 100)";
constexpr std::size_t max_page = 1'000;

constexpr unsigned bit(OutboxState state) { return 1u << static_cast<int>(state); }
// What is acknowledged stays for devices that it was not sealed for: of the message nothing waits.
constexpr unsigned shown =
    bit(OutboxState::waiting) | bit(OutboxState::sealed) | bit(OutboxState::uploading) | bit(OutboxState::scheduled);

void read_head(Statement& select, SessionId session, OutboxRow& row) {
  row.row = select.integer() & low_half;
  row.session = session;
  row.chat = select.jid();
  row.message_id = select.text();
  row.state = select.number<OutboxState>();
  row.accepted_at = select.integer();
  row.attempts = select.number<std::uint32_t>();
  row.priority = select.number<Priority>();
  row.send_at = select.integer();
  row.expires_at = select.integer();
}

}  // namespace

std::vector<OutboxRow> load_outbox(Database& db, SessionId session) {
  std::vector<OutboxRow> rows;
  Statement select(db, select_queue);
  select.keys(session);
  while (select.next()) {
    OutboxRow& row = rows.emplace_back();
    read_head(select, session, row);
    row.stanza = select.blob();
    row.upload = select.blob();
  }
  return rows;
}

Result<void> apply(Database& db, const InsertOutbox& change) {
  return Statement(db, insert_row)
      .key(change.row.session, change.row.row)
      .jid(change.row.chat)
      .text(change.row.message_id)
      .number(change.row.state)
      .integer(change.row.accepted_at)
      .number(change.row.attempts)
      .number(change.row.priority)
      .integer(change.row.send_at)
      .integer(change.row.expires_at)
      .blob(change.row.stanza)
      .blob(change.row.upload)
      .run();
}

Result<void> apply(Database& db, const SealOutbox& change) {
  return Statement(db, seal_row).key(change.session, change.row).blob(change.stanza).number(change.state).run();
}

Result<void> apply(Database& db, const EndUpload& change) {
  return Statement(db, end_upload).key(change.session, change.row).number(OutboxState::waiting).run();
}

Result<void> apply(Database& db, const CountOutboxAttempt& change) {
  return Statement(db, count_attempt).key(change.session, change.row).run();
}

Result<void> apply(Database& db, const RemoveOutbox& change) {
  return Statement(db, delete_row).key(change.session, change.row).run();
}

std::int64_t last_outbox_row(Database& db, SessionId session) {
  Statement select(db, select_last);
  return select.keys(session).next() ? select.integer() & low_half : 0;
}

QueuePage page_queue(Database& db, SessionId session, const QueueFilter& filter, std::size_t limit,
                     std::int64_t after) {
  QueuePage page;
  if (after < 0 || after >= low_half) return page;
  limit = std::clamp<std::size_t>(limit, 1, max_page);
  std::int64_t chat = 0;
  if (filter.chat) {
    const auto known = find_jid_id(db, *filter.chat);
    if (!known) return page;
    chat = *known;
  }
  unsigned states = filter.states.empty() ? shown : 0;
  for (const OutboxState state : filter.states) states |= bit(state) & shown;
  const auto first = row_key(session, after + 1);
  if (!first) return page;
  Statement select(db, select_page);
  select.keys(session).integer(*first).integer(chat).number(states).number(limit + 1);
  while (select.next()) {
    if (page.rows.size() == limit) {
      page.next = page.rows.back().row;
      break;
    }
    read_head(select, session, page.rows.emplace_back());
  }
  return page;
}

std::vector<protocol::Bytes> pending_uploads(Database& db) {
  std::vector<protocol::Bytes> names;
  Statement select(db, select_uploads);
  while (select.next()) names.push_back(select.blob());
  return names;
}

std::optional<IdempotencyRow> find_idempotency(Database& db, SessionId session, const std::string& key,
                                               UnixMs not_before) {
  Statement select(db, select_answer);
  if (!select.session(session).text(key).integer(not_before).next()) return std::nullopt;
  IdempotencyRow row;
  row.session = session;
  row.key = key;
  row.request_hash = select.text();
  row.message_id = select.text();
  row.at = select.integer();
  return row;
}

Result<void> apply(Database& db, const PutIdempotency& change) {
  const Result<void> put = Statement(db, put_answer)
                               .session(change.row.session)
                               .text(change.row.key)
                               .text(change.row.request_hash)
                               .text(change.row.message_id)
                               .integer(change.row.at)
                               .run();
  if (!put) return put;
  return Statement(db, sweep_answers).integer(change.row.at - answers_kept_ms).run();
}

}  // namespace wharf::storage
