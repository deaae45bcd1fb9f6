#include "storage/folder_removals.h"

#include "storage/apply.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

constexpr const char* select_removals =
    "SELECT number, session, message_id, from_me, sent_at, created_at FROM folder_removal WHERE number > ?1"
    " ORDER BY number LIMIT ?2";
constexpr const char* select_removals_of =
    "SELECT number, session, message_id, from_me, sent_at, created_at FROM folder_removal"
    " WHERE session = ?1 AND message_id IN ('', ?2) AND (message_id = '' OR from_me = ?3) ORDER BY number LIMIT ?4";
constexpr const char* insert_removal =
    "INSERT INTO folder_removal (session, message_id, from_me, sent_at, created_at) VALUES (?1, ?2, ?3, ?4, ?5)";
constexpr const char* delete_removal = "DELETE FROM folder_removal WHERE number = ?1";
constexpr const char* insert_folder = "INSERT INTO media_folder (path) VALUES (?1) ON CONFLICT DO NOTHING";

std::vector<NumberedRemoval> read_removals(Statement& select) {
  std::vector<NumberedRemoval> out;
  while (select.next()) {
    NumberedRemoval& row = out.emplace_back();
    row.number = select.integer();
    row.removal.session = select.text();
    row.removal.message_id = select.text();
    row.removal.from_me = select.integer() != 0;
    row.removal.sent_at = select.integer();
    row.removal.created_at = select.integer();
  }
  return out;
}

}  // namespace

std::vector<NumberedRemoval> load_folder_removals(Database& db, std::int64_t after, std::size_t most) {
  Statement select(db, select_removals);
  select.integer(after).integer(static_cast<std::int64_t>(most));
  return read_removals(select);
}

std::vector<NumberedRemoval> load_folder_removals_of(Database& db, const std::string& session,
                                                     const std::string& message_id, bool from_me, std::size_t most) {
  Statement select(db, select_removals_of);
  select.text(session).text(message_id).number(from_me).integer(static_cast<std::int64_t>(most));
  return read_removals(select);
}

std::int64_t last_folder_removal(Database& db) {
  Statement select(db, "SELECT ifnull(max(number), 0) FROM folder_removal");
  return select.next() ? select.integer() : 0;
}

std::string installation_id(Database& db) {
  Statement select(db, "SELECT id FROM installation");
  return select.next() ? select.text() : std::string();
}

bool remembers_folder(Database& db, const std::string& path) {
  Statement select(db, "SELECT 1 FROM media_folder WHERE path = ?1");
  return select.text(path).next();
}

Result<void> apply(Database& db, const PutFolderRemoval& change) {
  const FolderRemoval& removal = change.removal;
  Statement insert(db, insert_removal);
  insert.text(removal.session).text(removal.message_id).number(removal.from_me);
  return insert.integer(removal.sent_at).integer(removal.created_at).run();
}

Result<void> apply(Database& db, const EndFolderRemoval& change) {
  return Statement(db, delete_removal).integer(change.number).run();
}

Result<void> apply(Database& db, const RememberFolder& change) {
  return Statement(db, insert_folder).text(change.path).run();
}

}  // namespace wharf::storage
