#include "storage/status_audiences.h"

#include "storage/apply.h"
#include "storage/packed.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

constexpr const char* select_audience =
    "SELECT setting, settled, users, excluded FROM status_audience WHERE session_id = ?1 AND post = ?2";
constexpr const char* put_audience =
    "INSERT OR REPLACE INTO status_audience (session_id, post, setting, settled, users, excluded)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
constexpr const char* delete_audience = "DELETE FROM status_audience WHERE session_id = ?1 AND post = ?2";
// Of deletions of the post that do not wait for the server any more: those go with it.
constexpr const char* delete_audiences_about =
    "DELETE FROM status_audience WHERE session_id = ?1 AND post IN (SELECT id FROM message WHERE session_id = ?1"
    " AND target_id = ?2 AND target_id <> '' AND target_from_me = 1 AND NOT (from_me = 1 AND ack = 0))";

constexpr int settled_by_setting = 2;  // of the column `settled`; 0: it is not, 1: otherwise

protocol::Bytes packed(const std::vector<protocol::Jid>& users) {
  PackedWriter out;
  for (const protocol::Jid& user : users) out.text(user.to_string());
  return out.bytes();
}

std::vector<protocol::Jid> unpacked(const protocol::Bytes& bytes) {
  std::vector<protocol::Jid> users;
  PackedReader in(bytes);
  while (const auto text = in.text()) {
    if (auto jid = protocol::Jid::parse(*text)) users.push_back(std::move(*jid));
  }
  return users;
}

}  // namespace

std::optional<StatusAudienceRow> find_status_audience(Database& db, SessionId session, const std::string& post) {
  Statement select(db, select_audience);
  if (!select.session(session).text(post).next()) return std::nullopt;
  StatusAudienceRow row;
  row.post = post;
  // One that a later release wrote is taken for the narrowest.
  const std::int64_t setting = select.integer();
  row.setting = setting == 0   ? StatusSetting::contacts
                : setting == 1 ? StatusSetting::denylist
                               : StatusSetting::allowlist;
  const std::int64_t settled = select.integer();
  row.settled = settled != 0;
  row.by_setting = settled == settled_by_setting;
  row.users = unpacked(select.blob());
  row.excluded = unpacked(select.blob());
  return row;
}

Result<void> apply(Database& db, const PutStatusAudience& change) {
  return Statement(db, put_audience)
      .session(change.session)
      .text(change.row.post)
      .number(static_cast<int>(change.row.setting))
      .number(!change.row.settled     ? 0
              : change.row.by_setting ? settled_by_setting
                                      : 1)
      .blob(packed(change.row.users))
      .blob(packed(change.row.excluded))
      .run();
}

Result<void> forget_status_audience(Database& db, SessionId session, const std::string& post) {
  if (Result<void> done = Statement(db, delete_audiences_about).session(session).text(post).run(); !done) return done;
  return Statement(db, delete_audience).session(session).text(post).run();
}

}  // namespace wharf::storage
