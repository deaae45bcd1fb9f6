#include "storage/uploads.h"

#include "storage/apply.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

constexpr const char* select_upload =
    "SELECT message_id FROM upload WHERE session_id = ?1 AND file_sha256 = ?2 AND kind = ?3";
constexpr const char* put_upload =
    "INSERT INTO upload (session_id, file_sha256, kind, message_id, at) VALUES (?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT (session_id, file_sha256, kind) DO UPDATE SET message_id = excluded.message_id, at = excluded.at";
constexpr const char* delete_upload = "DELETE FROM upload WHERE session_id = ?1 AND file_sha256 = ?2 AND kind = ?3";
constexpr const char* sweep_uploads =
    "DELETE FROM upload WHERE at <= min(?1 - 1, (SELECT max(at) FROM (SELECT at FROM upload ORDER BY at LIMIT 100)))";
constexpr const char* delete_uploads_of = "DELETE FROM upload WHERE session_id = ?1 AND message_id = ?2";

}  // namespace

std::optional<std::string> find_upload(Database& db, SessionId session, const UploadKey& key) {
  Statement select(db, select_upload);
  if (!select.session(session).blob(key.file_sha256).number(key.kind).next()) return std::nullopt;
  return select.text();
}

Result<void> apply(Database& db, const PutUpload& change) {
  const Result<void> put = Statement(db, put_upload)
                               .session(change.session)
                               .blob(change.key.file_sha256)
                               .number(change.key.kind)
                               .text(change.message_id)
                               .integer(change.at)
                               .run();
  if (!put) return put;
  return Statement(db, sweep_uploads).integer(change.at - uploads_known_ms).run();
}

Result<void> forget_uploads_of(Database& db, SessionId session, const std::string& message_id) {
  return Statement(db, delete_uploads_of).session(session).text(message_id).run();
}

Result<void> apply(Database& db, const ForgetUpload& change) {
  return Statement(db, delete_upload)
      .session(change.session)
      .blob(change.key.file_sha256)
      .number(change.key.kind)
      .run();
}

}  // namespace wharf::storage
