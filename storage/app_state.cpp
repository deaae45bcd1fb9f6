#include "storage/app_state.h"

#include "storage/apply.h"
#include "storage/removal.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

#define OF_COLLECTION "WHERE number = " WHARF_DEVICE(?1) " AND collection = ?2"
#define RECORD "SELECT index_mac, value_mac, key_id, action FROM app_state_record "
constexpr const char* select_state =
    "SELECT version, hash, heard, whole_is_wanted, diverged FROM app_state " OF_COLLECTION;
constexpr const char* select_record = RECORD OF_COLLECTION " AND index_mac = ?3";
constexpr const char* select_of_action =
    RECORD "INDEXED BY app_state_by_action " OF_COLLECTION " AND action = ?3 LIMIT 16";
constexpr const char* select_under =
    RECORD "INDEXED BY app_state_by_action " OF_COLLECTION " AND action >= ?3 AND action < ?4 ORDER BY action LIMIT ?5";
constexpr const char* select_after = RECORD OF_COLLECTION " AND index_mac > ?3 ORDER BY index_mac LIMIT ?4";
constexpr const char* select_wishes =
    "SELECT action, remove, value, version, at FROM app_state_wish " OF_COLLECTION " ORDER BY action LIMIT ?3";
constexpr const char* select_key_ids = "SELECT key_id FROM app_state_key WHERE session_id = " WHARF_DEVICE(?1) " LIMIT 1000";
constexpr const char* put_state =
    "INSERT OR REPLACE INTO app_state (number, collection, version, hash, heard, whole_is_wanted, diverged) VALUES (" WHARF_DEVICE(
        ?1) ", ?2, ?3, ?4, ?5, ?6, ?7)";
constexpr const char* put_record =
    "INSERT OR REPLACE INTO app_state_record (number, collection, index_mac, value_mac, key_id, action) VALUES (" WHARF_DEVICE(
        ?1) ", ?2, ?3, ?4, ?5, ?6)";
constexpr const char* put_wish =
    "INSERT OR REPLACE INTO app_state_wish (number, collection, action, remove, value, version, at) VALUES (" WHARF_DEVICE(
        ?1) ", ?2, ?3, ?4, ?5, ?6, ?7)";
constexpr const char* remove_record = "DELETE FROM app_state_record " OF_COLLECTION " AND index_mac = ?3";
constexpr const char* remove_wish = "DELETE FROM app_state_wish " OF_COLLECTION " AND action = ?3";
#undef RECORD
#undef OF_COLLECTION

protocol::Digest32 digest(Statement& select) {
  // A row of ours: of another length it is damaged, and fails where its MAC is compared.
  return protocol::exactly<32>(select.blob_view()).value_or(protocol::Digest32{});
}

AppStateRecord read_record(Statement& select) {
  AppStateRecord record;
  record.index_mac = digest(select);
  record.value_mac = digest(select);
  record.key_id = select.blob();
  record.action = select.text();
  return record;
}

}  // namespace

std::optional<AppStateRow> find_app_state(Database& db, SessionId session, const std::string& collection) {
  Statement select(db, select_state);
  if (!select.session(session).text(collection).next()) return std::nullopt;
  AppStateRow row;
  row.collection = collection;
  row.version = select.number<std::uint64_t>();
  row.hash = select.blob();
  row.heard = select.number<std::uint64_t>();
  row.whole_is_wanted = select.integer() != 0;
  row.diverged = select.integer() != 0;
  return row;
}

std::optional<AppStateRecord> find_app_state_record(Database& db, SessionId session, const std::string& collection,
                                                    const protocol::Digest32& index_mac) {
  Statement select(db, select_record);
  if (!select.session(session).text(collection).blob(index_mac).next()) return std::nullopt;
  return read_record(select);
}

std::vector<AppStateRecord> app_state_records_of(Database& db, SessionId session, const std::string& collection,
                                                 const std::string& action) {
  std::vector<AppStateRecord> records;
  Statement select(db, select_of_action);
  select.session(session).text(collection).text(action);
  while (select.next()) records.push_back(read_record(select));
  return records;
}

std::vector<AppStateRecord> app_state_records_after(Database& db, SessionId session, const std::string& collection,
                                                    protocol::ByteView after, std::size_t most) {
  std::vector<AppStateRecord> records;
  Statement select(db, select_after);
  select.session(session).text(collection).blob(after).number(most);
  while (select.next()) records.push_back(read_record(select));
  return records;
}

std::vector<AppStateRecord> app_state_records_under(Database& db, SessionId session, const std::string& collection,
                                                    std::string_view start, std::size_t most) {
  std::vector<AppStateRecord> records;
  std::string end(start);  // the first text behind all that begin so
  ++end.back();
  Statement select(db, select_under);
  select.session(session).text(collection).text(start).text(end).number(most);
  while (select.next()) records.push_back(read_record(select));
  return records;
}

std::vector<AppStateWish> app_state_wishes(Database& db, SessionId session, const std::string& collection,
                                           std::size_t most) {
  std::vector<AppStateWish> wishes;
  Statement select(db, select_wishes);
  select.session(session).text(collection).number(most);
  while (select.next()) {
    AppStateWish& wish = wishes.emplace_back();
    wish.collection = collection;
    wish.action = select.text();
    wish.remove = select.integer() != 0;
    wish.value = select.blob();
    wish.version = select.number<std::int32_t>();
    wish.at = select.integer();
  }
  return wishes;
}

std::vector<protocol::Bytes> app_state_key_ids(Database& db, SessionId session) {
  std::vector<protocol::Bytes> ids;
  Statement select(db, select_key_ids);
  select.session(session);
  while (select.next()) ids.push_back(select.blob());
  return ids;
}

Result<void> apply(Database& db, const PutAppState& change) {
  const AppStateRow& row = change.row;
  return Statement(db, put_state)
      .session(change.session)
      .text(row.collection)
      .number(row.version)
      .blob(row.hash)
      .number(row.heard)
      .number(row.whole_is_wanted)
      .number(row.diverged)
      .run();
}

Result<void> apply(Database& db, const PutAppStateRecord& change) {
  const AppStateRecord& record = change.record;
  return Statement(db, put_record)
      .session(change.session)
      .text(change.collection)
      .blob(record.index_mac)
      .blob(record.value_mac)
      .blob(record.key_id)
      .text(record.action)
      .run();
}

Result<void> apply(Database& db, const PutAppStateWish& change) {
  const AppStateWish& wish = change.wish;
  return Statement(db, put_wish)
      .session(change.session)
      .text(wish.collection)
      .text(wish.action)
      .number(wish.remove)
      .blob(wish.value)
      .number(wish.version)
      .integer(wish.at)
      .run();
}

Result<void> apply(Database& db, const RemoveAppStateRecord& change) {
  return Statement(db, remove_record).session(change.session).text(change.collection).blob(change.index_mac).run();
}

Result<void> apply(Database& db, const RemoveAppStateWish& change) {
  return Statement(db, remove_wish).session(change.session).text(change.collection).text(change.action).run();
}

}  // namespace wharf::storage
