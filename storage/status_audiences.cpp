#include "storage/status_audiences.h"

#include "storage/apply.h"
#include "storage/packed.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

constexpr const char* select_audience =
    "SELECT setting, settled, users FROM status_audience WHERE session_id = ?1 AND post = ?2";
constexpr const char* put_audience =
    "INSERT OR REPLACE INTO status_audience (session_id, post, setting, settled, users) VALUES (?1, ?2, ?3, ?4, ?5)";
constexpr const char* delete_audience = "DELETE FROM status_audience WHERE session_id = ?1 AND post = ?2";

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
  row.settled = select.integer() != 0;
  const protocol::Bytes users = select.blob();
  PackedReader packed(users);
  while (const auto text = packed.text()) {
    if (auto jid = protocol::Jid::parse(*text)) row.users.push_back(std::move(*jid));
  }
  return row;
}

Result<void> apply(Database& db, const PutStatusAudience& change) {
  PackedWriter users;
  for (const protocol::Jid& user : change.row.users) users.text(user.to_string());
  return Statement(db, put_audience)
      .session(change.session)
      .text(change.row.post)
      .number(static_cast<int>(change.row.setting))
      .number(change.row.settled)
      .blob(users.bytes())
      .run();
}

Result<void> forget_status_audience(Database& db, SessionId session, const std::string& post) {
  return Statement(db, delete_audience).session(session).text(post).run();
}

}  // namespace wharf::storage
