#include "storage/sender_keys.h"

#include "storage/apply.h"
#include "storage/removal.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

#define OF_GROUP " WHERE number = " WHARF_DEVICE(?1) " AND group_id = ?2 "

constexpr const char* select_key = "SELECT record FROM sender_key" OF_GROUP "AND author_id = ?3";
constexpr const char* select_keys_of =
    "SELECT k.author_id, k.record FROM jid j JOIN sender_key k ON k.author_id = j.id"
    " WHERE j.user = ?3 AND j.server = ?4 AND k.number = " WHARF_DEVICE(?1) " AND k.group_id = ?2 LIMIT ?5";
constexpr const char* put_key =
    "INSERT OR REPLACE INTO sender_key (number, group_id, author_id, record) VALUES (" WHARF_DEVICE(?1) ", ?2, ?3, ?4)";
constexpr const char* delete_keys = "DELETE FROM sender_key" OF_GROUP;

// As ratchets: storage/continuity.h.
#define CURRENT_EPOCH "(SELECT ratchet_epoch FROM continuity WHERE id = 1)"
constexpr const char* select_own = "SELECT record FROM own_sender_key" OF_GROUP "AND epoch = " CURRENT_EPOCH;
constexpr const char* put_own =
    "INSERT OR REPLACE INTO own_sender_key (number, group_id, record, epoch)"
    " VALUES (" WHARF_DEVICE(?1) ", ?2, ?3, " CURRENT_EPOCH ")";
#undef CURRENT_EPOCH
constexpr const char* delete_own = "DELETE FROM own_sender_key" OF_GROUP;

constexpr const char* select_copies = "SELECT device_id, state, kind, body, message_id FROM sender_key_copy" OF_GROUP;
constexpr const char* put_copy =
    "INSERT OR REPLACE INTO sender_key_copy (number, group_id, device_id, state, kind, body, message_id)"
    " VALUES (" WHARF_DEVICE(?1) ", ?2, ?3, ?4, ?5, ?6, ?7)";
constexpr const char* send_copies =
    "UPDATE sender_key_copy SET state = 1, body = x'', message_id = ?3" OF_GROUP "AND state = 0";
constexpr const char* hold_copies =
    "UPDATE sender_key_copy SET state = 2, message_id = ''" OF_GROUP "AND state = 1 AND message_id = ?3";
constexpr const char* doubt_copies =
    "UPDATE sender_key_copy SET state = 3, message_id = ''" OF_GROUP "AND state = 1 AND message_id = ?3";
constexpr const char* delete_copies = "DELETE FROM sender_key_copy" OF_GROUP;
// ?2, ?3: the user; ?4: the group or NULL; ?5: the number of the device or NULL.
constexpr const char* take_back =
    "UPDATE sender_key_copy SET state = 3, body = x'', message_id = '' WHERE number = " WHARF_DEVICE(?1)
    " AND device_id IN (SELECT id FROM jid WHERE user = ?2 AND server = ?3 AND (?5 IS NULL OR device = ?5))"
    " AND (?4 IS NULL OR group_id = ?4)";
#undef OF_GROUP

constexpr const char* select_devices_of = "SELECT id, device FROM jid WHERE user = ?1 AND server = ?2";
// ?2 -> ?3
constexpr const char* select_any_of =
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM sender_key WHERE number = " WHARF_DEVICE(?1) " AND author_id = ?2)"
    " OR EXISTS (SELECT 1 FROM sender_key_copy WHERE number = " WHARF_DEVICE(?1) " AND device_id = ?2)";
constexpr const char* move_keys =
    "UPDATE OR IGNORE sender_key SET author_id = ?3 WHERE number = " WHARF_DEVICE(?1) " AND author_id = ?2";
constexpr const char* delete_moved = "DELETE FROM sender_key WHERE number = " WHARF_DEVICE(?1) " AND author_id = ?2";
constexpr const char* move_copies =
    "UPDATE OR IGNORE sender_key_copy SET device_id = ?3 WHERE number = " WHARF_DEVICE(?1) " AND device_id = ?2";
constexpr const char* delete_moved_copies =
    "DELETE FROM sender_key_copy WHERE number = " WHARF_DEVICE(?1) " AND device_id = ?2";

Result<void> move_device(Database& db, SessionId session, std::int64_t from, const Jid& to) {
  for (const char* sql : {move_keys, move_copies})
    if (Result<void> done = Statement(db, sql).session(session).integer(from).jid(to).run(); !done) return done;
  for (const char* sql : {delete_moved, delete_moved_copies})
    if (Result<void> done = Statement(db, sql).session(session).integer(from).run(); !done) return done;
  return {};
}

}  // namespace

// --- keys of others

std::optional<protocol::Bytes> find_sender_key(Database& db, SessionId session, const protocol::Jid& group,
                                               const protocol::Jid& author) {
  Statement select(db, select_key);
  if (!select.session(session).jid(group).jid(author).next()) return std::nullopt;
  return select.blob();
}

std::vector<std::pair<protocol::Jid, protocol::Bytes>> sender_keys_of(Database& db, SessionId session,
                                                                      const protocol::Jid& group,
                                                                      const protocol::Jid& user, std::size_t most) {
  std::vector<std::pair<protocol::Jid, protocol::Bytes>> keys;
  std::vector<std::pair<std::int64_t, protocol::Bytes>> rows;
  {
    Statement select(db, select_keys_of);
    select.session(session).jid(group).text(user.user).text(user.server).number(most);
    while (select.next()) {
      const std::int64_t author = select.integer();
      rows.emplace_back(author, select.blob());
    }
  }
  for (auto& [author, record] : rows) keys.emplace_back(jid_of(db, author), std::move(record));
  return keys;
}

Result<void> apply(Database& db, const PutSenderKey& change) {
  return Statement(db, put_key).session(change.session).jid(change.group).jid(change.author).blob(change.record).run();
}

Result<void> apply(Database& db, const MoveSenderKeys& change) {
  std::vector<std::pair<std::int64_t, std::uint16_t>> devices;
  {
    Statement select(db, select_devices_of);
    select.text(change.from.user).text(change.from.server);
    while (select.next()) {
      const std::int64_t id = select.integer();
      devices.emplace_back(id, select.number<std::uint16_t>());
    }
  }
  for (const auto& [id, device] : devices) {
    // Most JIDs of the user never had keys in this session: no rows of table jid for nothing.
    const bool any = Statement(db, select_any_of).session(change.session).integer(id).next();
    if (!any) continue;
    if (Result<void> done = move_device(db, change.session, id, change.to.with_device(device)); !done) return done;
  }
  return {};
}

// --- the own key

std::optional<protocol::Bytes> find_own_sender_key(Database& db, SessionId session, const protocol::Jid& group) {
  Statement select(db, select_own);
  if (!select.session(session).jid(group).next()) return std::nullopt;
  return select.blob();
}

Result<void> apply(Database& db, const PutOwnSenderKey& change) {
  return Statement(db, put_own).session(change.session).jid(change.group).blob(change.record).run();
}

Result<void> apply(Database& db, const DropOwnSenderKey& change) {
  const Result<void> gone = Statement(db, delete_own).session(change.session).jid(change.group).run();
  if (!gone) return gone;
  return Statement(db, delete_copies).session(change.session).jid(change.group).run();
}

Result<void> apply(Database& db, const ForgetGroupKeys& change) {
  const Result<void> gone = apply(db, DropOwnSenderKey{change.session, change.group});
  if (!gone) return gone;
  return Statement(db, delete_keys).session(change.session).jid(change.group).run();
}

// --- its copies

std::vector<KeyCopy> load_key_copies(Database& db, SessionId session, const protocol::Jid& group) {
  std::vector<KeyCopy> copies;
  Statement select(db, select_copies);
  select.session(session).jid(group);
  while (select.next()) {
    KeyCopy& copy = copies.emplace_back();
    copy.device = select.jid();
    copy.state = static_cast<KeyCopy::State>(select.integer());
    copy.kind = static_cast<protocol::CiphertextKind>(select.integer());
    copy.body = select.blob();
    copy.message_id = select.text();
  }
  return copies;
}

Result<void> apply(Database& db, const PutKeyCopies& change) {
  for (const KeyCopy& copy : change.copies) {
    const Result<void> put = Statement(db, put_copy)
                                 .session(change.session)
                                 .jid(change.group)
                                 .jid(copy.device)
                                 .number(static_cast<int>(copy.state))
                                 .number(static_cast<int>(copy.kind))
                                 .blob(copy.body)
                                 .text(copy.message_id)
                                 .run();
    if (!put) return put;
  }
  return {};
}

Result<void> apply(Database& db, const SendKeyCopies& change) {
  return Statement(db, send_copies).session(change.session).jid(change.group).text(change.message_id).run();
}

Result<void> apply(Database& db, const SettleKeyCopies& change) {
  return Statement(db, change.arrived ? hold_copies : doubt_copies)
      .session(change.session)
      .jid(change.group)
      .text(change.message_id)
      .run();
}

Result<void> apply(Database& db, const TakeKeyCopiesBack& change) {
  Statement statement(db, take_back);
  statement.session(change.session).text(change.user.user).text(change.user.server);
  if (change.group) statement.jid(*change.group);
  else statement.null();
  if (change.device) statement.number(*change.device);
  else statement.null();
  return statement.run();
}

}  // namespace wharf::storage
