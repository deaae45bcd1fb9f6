#include "storage/sessions.h"

#include "storage/apply.h"
#include "storage/removal.h"
#include "storage/secret_blob.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

constexpr const char* select_sessions =
    "SELECT id, org, name, status, config, metadata, reason, stopped, created_at, last_activity FROM session ORDER BY "
    "id";
constexpr const char* select_session =
    "SELECT id, org, name, status, config, metadata, reason, stopped, created_at, last_activity FROM session"
    " WHERE id = ?1";
constexpr const char* insert_row =
    "INSERT INTO session (id, org, name, status, config, metadata, reason, stopped, created_at, last_activity)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
constexpr const char* keep_last_id =
    "INSERT INTO counter (name, value) VALUES ('session', ?1)"
    " ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)";
constexpr const char* select_last_id = "SELECT value FROM counter WHERE name = 'session'";
constexpr const char* update_row =
    "UPDATE session SET status = ?2, config = ?3, metadata = ?4, reason = ?5, stopped = ?6, last_activity = ?7"
    " WHERE id = ?1";
constexpr const char* touch_row = "UPDATE session SET last_activity = ?2 WHERE id = ?1 AND last_activity < ?2";

constexpr const char* select_device =
    "SELECT noise, identity, adv_secret, registration_id, signed_pre_key_id, signed_pre_key_at, next_pre_key_id,"
    " first_unuploaded, server_has_prekeys, account, jid_id, lid_id, push_name, platform, business_name, login_counter,"
    " routing_info, server_not_before, server_not_after, server_static, groups_listed, reads_shown"
    " FROM device WHERE session_id = ?1";
constexpr const char* replace_device =
    "INSERT OR REPLACE INTO device (session_id, noise, identity, adv_secret, registration_id, signed_pre_key_id,"
    " signed_pre_key_at, next_pre_key_id, first_unuploaded, server_has_prekeys, account, jid_id, lid_id, push_name,"
    " platform, business_name, login_counter, routing_info, server_not_before, server_not_after, server_static,"
    " groups_listed, reads_shown)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, "
    "?23)";

Result<void> write_device(Database& db, const DeviceRow& row) {
  const SecretBlob noise(row.noise), identity(row.identity), adv_secret(row.adv_secret);
  Statement put(db, replace_device);
  put.session(row.session).blob(noise.view()).blob(identity.view()).blob(adv_secret.view());
  put.number(row.registration_id).number(row.signed_pre_key_id).integer(row.signed_pre_key_at);
  put.number(row.next_pre_key_id).number(row.first_unuploaded).number(row.server_has_prekeys);
  put.blob(row.account).jid(row.jid).jid(row.lid);
  put.text(row.push_name).text(row.platform).text(row.business_name);
  put.number(row.login_counter).blob(row.routing_info);
  put.number(row.server_not_before).number(row.server_not_after);
  if (row.server_static) {
    put.blob(*row.server_static);
  } else {
    put.null();
  }
  put.number(row.groups_listed).number(static_cast<std::uint8_t>(row.reads_shown));
  return put.run();
}

}  // namespace

namespace {

SessionRow read_session(Statement& select) {
  SessionRow row;
  row.id = SessionId{select.integer()};
  row.org = OrgId{select.integer()};
  row.name = select.text();
  row.status = select.text();
  row.config = select.text();
  row.metadata = select.text();
  row.reason = select.text();
  row.stopped = select.integer() != 0;
  row.created_at = select.integer();
  row.last_activity = select.integer();
  return row;
}

}  // namespace

std::vector<SessionRow> load_sessions(Database& db) {
  std::vector<SessionRow> rows;
  Statement select(db, select_sessions);
  while (select.next()) rows.push_back(read_session(select));
  return rows;
}

std::optional<SessionRow> load_session(Database& db, SessionId session) {
  Statement select(db, select_session);
  if (!select.session(session).next()) return std::nullopt;
  return read_session(select);
}

Result<void> apply(Database& db, const InsertSession& change) {
  if (change.row.id.value <= 0 || !row_key(change.row.id, 0))
    return Error(Errc::malformed, "session ids are 1 to 2^31 - 1");
  if (Result<void> kept = Statement(db, keep_last_id).session(change.row.id).run(); !kept) return kept;
  return Statement(db, insert_row)
      .session(change.row.id)
      .integer(change.row.org.value)
      .text(change.row.name)
      .text(change.row.status)
      .text(change.row.config)
      .text(change.row.metadata)
      .text(change.row.reason)
      .number(change.row.stopped)
      .integer(change.row.created_at)
      .integer(change.row.last_activity)
      .run();
}

Result<void> apply(Database& db, const UpdateSession& change) {
  return Statement(db, update_row)
      .session(change.row.id)
      .text(change.row.status)
      .text(change.row.config)
      .text(change.row.metadata)
      .text(change.row.reason)
      .number(change.row.stopped)
      .integer(change.row.last_activity)
      .run();
}

Result<void> apply(Database& db, const TouchSession& change) {
  return Statement(db, touch_row).session(change.session).integer(change.at).run();
}

Result<void> apply(Database& db, const RemoveSession& change) { return bury_session(db, change.session); }

std::int64_t last_session_id(Database& db) {
  Statement select(db, select_last_id);
  return select.next() ? select.integer() : 0;
}

std::optional<DeviceRow> load_device(Database& db, SessionId session) {
  Statement select(db, select_device);
  if (!select.session(session).next()) return std::nullopt;
  DeviceRow row;
  row.session = session;
  row.noise = open_key_pair(select.blob_view());
  row.identity = open_key_pair(select.blob_view());
  const std::optional<protocol::Key32> adv_secret = protocol::exactly<32>(open_secret(select.blob_view()));
  if (!adv_secret) throw ReadFailure(Error(Errc::unsupported, "the stored ADV secret has the wrong length"));
  row.adv_secret = *adv_secret;
  row.registration_id = select.number<std::uint32_t>();
  row.signed_pre_key_id = select.number<protocol::PreKeyId>();
  row.signed_pre_key_at = select.integer();
  row.next_pre_key_id = select.number<protocol::PreKeyId>();
  row.first_unuploaded = select.number<protocol::PreKeyId>();
  row.server_has_prekeys = select.integer() != 0;
  row.account = select.blob();
  row.jid = select.jid();
  row.lid = select.jid();
  row.push_name = select.text();
  row.platform = select.text();
  row.business_name = select.text();
  row.login_counter = select.number<std::uint32_t>();
  row.routing_info = select.blob();
  row.server_not_before = select.number<std::uint64_t>();
  row.server_not_after = select.number<std::uint64_t>();
  row.server_static = protocol::exactly<32>(select.blob_view());
  row.groups_listed = select.integer() != 0;
  const std::int64_t reads_shown = select.integer();
  if (reads_shown == 1) row.reads_shown = ReadsShown::yes;
  if (reads_shown == 2) row.reads_shown = ReadsShown::no;
  return row;
}

Result<void> apply(Database& db, const PutDevice& change) { return write_device(db, change.row); }

Result<void> apply(Database& db, const WipeDevice& change) { return bury_device(db, change.session); }

}  // namespace wharf::storage
