#include "storage/statement.h"

#include <sqlite3.h>

#include "storage/recall.h"

namespace wharf::storage {

namespace {

constexpr const char* select_jid_id =
    "SELECT id FROM jid WHERE user = ?1 AND server = ?2 AND device = ?3 AND integrator = ?4";
constexpr const char* insert_jid = "INSERT INTO jid (user, server, device, integrator) VALUES (?1, ?2, ?3, ?4)";
constexpr const char* select_jid = "SELECT user, server, device, integrator FROM jid WHERE id = ?1";

constexpr std::int64_t low_limit = std::int64_t{1} << 32;
constexpr std::int64_t session_limit = std::int64_t{1} << 31;

}  // namespace

std::optional<std::int64_t> row_key(SessionId session, std::int64_t low) {
  if (session.value < 0 || session.value >= session_limit || low < 0 || low >= low_limit) return std::nullopt;
  return session.value * low_limit + low;
}

Statement::Statement(Database& db, const char* sql) : db_(db), statement_(db.prepared(sql)) {
  if (!statement_) error_ = db.last_error("prepare");
}

Statement::~Statement() {
  if (statement_) sqlite3_reset(statement_);
}

void Statement::check(int code) {
  if (code != SQLITE_OK && error_.code == Errc::none) error_ = db_.last_error("bind");
}

Statement& Statement::integer(std::int64_t value) {
  if (statement_) check(sqlite3_bind_int64(statement_, ++parameter_, value));
  return *this;
}

Statement& Statement::null() {
  if (statement_) check(sqlite3_bind_null(statement_, ++parameter_));
  return *this;
}

Statement& Statement::text(std::string_view value) {
  // A null pointer would bind NULL where the empty text is meant.
  const char* bytes = value.data() ? value.data() : "";
  if (statement_) {
    check(sqlite3_bind_text64(statement_, ++parameter_, bytes, value.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  return *this;
}

Statement& Statement::blob(ByteView value) {
  const void* bytes = value.data() ? static_cast<const void*>(value.data()) : "";
  if (statement_) check(sqlite3_bind_blob64(statement_, ++parameter_, bytes, value.size(), SQLITE_STATIC));
  return *this;
}

Statement& Statement::jid(const Jid& jid) {
  if (jid.empty()) return integer(0);
  if (!db_.in_transaction()) {
    const std::optional<std::int64_t> id = find_jid_id(db_, jid);
    return id ? integer(*id) : null();
  }
  Result<std::int64_t> id = jid_id(db_, jid);
  if (id) return integer(*id);
  if (error_.code == Errc::none) error_ = id.error();
  return null();
}

Statement& Statement::key(SessionId session, const Jid& jid) {
  if (!db_.in_transaction()) {
    const std::optional<std::int64_t> id = find_jid_id(db_, jid);
    return id ? key(session, *id) : null();
  }
  Result<std::int64_t> id = jid_id(db_, jid);
  if (id) return key(session, *id);
  if (error_.code == Errc::none) error_ = id.error();
  return null();
}

Statement& Statement::key(SessionId session, std::int64_t low) {
  if (const std::optional<std::int64_t> key = row_key(session, low)) return integer(*key);
  if (error_.code == Errc::none) error_ = Error(Errc::too_large, "a session or row id leaves its 32 bits");
  return null();
}

Statement& Statement::keys(SessionId session) { return key(session, 0).key(session, low_limit - 1); }

Result<void> Statement::run() {
  if (error_.code != Errc::none) return error_;
  const int code = sqlite3_step(statement_);
  // Taken before the reset, which would repeat the failure but costs the message.
  if (code != SQLITE_DONE && code != SQLITE_ROW) return db_.last_error("write");
  sqlite3_reset(statement_);
  parameter_ = 0;
  return {};
}

bool Statement::next() {
  if (error_.code != Errc::none) throw ReadFailure(error_);
  const int code = sqlite3_step(statement_);
  column_ = 0;
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  throw ReadFailure(db_.last_error("read"));
}

std::int64_t Statement::integer() { return sqlite3_column_int64(statement_, column_++); }

std::string Statement::text() {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column_));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column_++));
  return bytes ? std::string(bytes, size) : std::string();
}

ByteView Statement::blob_view() {
  const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column_));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column_++));
  return bytes ? ByteView(bytes, size) : ByteView();
}

Bytes Statement::blob() { return protocol::to_bytes(blob_view()); }

Jid Statement::jid() { return jid_of(db_, integer()); }

bool Statement::is_null() const { return sqlite3_column_type(statement_, column_) == SQLITE_NULL; }

std::int64_t changed_rows(Database& db) { return sqlite3_changes64(db.handle()); }

std::optional<std::int64_t> find_jid_id(Database& db, const Jid& jid) {
  if (jid.empty()) return std::nullopt;
  if (const std::optional<std::int64_t> known = db.recall().jids.find(jid)) return known;
  Statement select(db, select_jid_id);
  select.text(jid.user).text(jid.server).number(jid.device).number(jid.integrator);
  if (!select.next()) return std::nullopt;
  const std::int64_t id = select.integer();
  db.recall().jids.put(jid, id);
  return id;
}

Result<std::int64_t> jid_id(Database& db, const Jid& jid) {
  if (jid.empty()) return Error(Errc::malformed, "a row needs a JID");
  if (const std::optional<std::int64_t> known = find_jid_id(db, jid)) return *known;
  const Result<void> inserted =
      Statement(db, insert_jid).text(jid.user).text(jid.server).number(jid.device).number(jid.integrator).run();
  if (!inserted) return inserted.error();
  const std::int64_t id = sqlite3_last_insert_rowid(db.handle());
  db.recall().jids.put(jid, id);
  return id;
}

Jid jid_of(Database& db, std::int64_t id) {
  if (id == 0) return {};
  if (const Jid* known = db.recall().jids.find(id)) return *known;
  Statement select(db, select_jid);
  select.integer(id);
  if (!select.next()) return {};
  Jid jid;
  jid.user = select.text();
  jid.server = select.text();
  jid.device = select.number<std::uint16_t>();
  jid.integrator = select.number<std::uint16_t>();
  db.recall().jids.put(jid, id);
  return jid;
}

}  // namespace wharf::storage
