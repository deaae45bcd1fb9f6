#include "storage/read_receipts.h"

#include "storage/apply.h"
#include "storage/packed.h"
#include "storage/removal.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

constexpr std::int64_t low_half = (std::int64_t{1} << 32) - 1;

constexpr const char* select_rows =
    "SELECT key, chat_id, author_id, ids, read_at, attempts FROM read_receipt WHERE key" WHARF_DEVICE_KEYS
    " ORDER BY key";
constexpr const char* insert_row =
    "INSERT INTO read_receipt (key, chat_id, author_id, ids, read_at, attempts) VALUES (" WHARF_DEVICE_KEY(?1) ", ?2, ?3, ?4, ?5, ?6)";
constexpr const char* count_attempt = "UPDATE read_receipt SET attempts = attempts + 1 WHERE key = " WHARF_DEVICE_KEY(?1);
constexpr const char* delete_row = "DELETE FROM read_receipt WHERE key = " WHARF_DEVICE_KEY(?1);

}  // namespace

std::vector<ReadReceiptRow> load_read_receipts(Database& db, SessionId session) {
  std::vector<ReadReceiptRow> rows;
  Statement select(db, select_rows);
  select.keys(session);
  while (select.next()) {
    ReadReceiptRow& row = rows.emplace_back();
    row.row = select.integer() & low_half;
    row.session = session;
    row.chat = select.jid();
    row.author = select.jid();
    PackedReader ids(select.blob_view());
    while (const auto id = ids.text()) row.ids.emplace_back(*id);
    row.read_at = select.integer();
    row.attempts = select.number<std::uint32_t>();
  }
  return rows;
}

Result<void> apply(Database& db, const InsertReadReceipt& change) {
  PackedWriter ids;
  for (const std::string& id : change.row.ids) ids.text(id);
  return Statement(db, insert_row)
      .key(change.row.session, change.row.row)
      .jid(change.row.chat)
      .jid(change.row.author)
      .blob(ids.bytes())
      .integer(change.row.read_at)
      .number(change.row.attempts)
      .run();
}

Result<void> apply(Database& db, const CountReadReceiptAttempt& change) {
  return Statement(db, count_attempt).key(change.session, change.row).run();
}

Result<void> apply(Database& db, const RemoveReadReceipt& change) {
  return Statement(db, delete_row).key(change.session, change.row).run();
}

}  // namespace wharf::storage
