#include "storage/resends.h"

#include <algorithm>
#include <array>
#include <utility>

#include "storage/apply.h"
#include "storage/removal.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

constexpr const char* select_resends =
    "SELECT count, base_key FROM resend WHERE session_id = " WHARF_DEVICE(?1) " AND message_id = ?2 AND device_id = ?3";
constexpr const char* replace_resends =
    "INSERT INTO resend (session_id, message_id, device_id, count, base_key, at) VALUES (" WHARF_DEVICE(?1) ", ?2, ?3, ?4, ?5, ?6)"
    " ON CONFLICT (session_id, message_id, device_id) DO UPDATE SET"
    " count = excluded.count, base_key = excluded.base_key, at = excluded.at";
constexpr const char* sweep_resends =
    "DELETE FROM resend WHERE at <= min(?1 - 1, (SELECT max(at) FROM (SELECT at FROM resend ORDER BY at LIMIT 100)))";

// Two bytes a device: who, and its number. Devices on the wire are numbered 0 to 255 (01 section 5).
constexpr std::size_t entry_bytes = 2;
constexpr const char* select_copies = "SELECT delivered_to FROM message WHERE row = ?1";
constexpr const char* update_copies = "UPDATE message SET delivered_to = ?2 WHERE row = ?1";

using Entry = std::array<std::uint8_t, entry_bytes>;
std::optional<Entry> entry_of(CopyHolder holder, std::uint16_t device) {
  if (device > 255) return std::nullopt;
  return Entry{static_cast<std::uint8_t>(holder), static_cast<std::uint8_t>(device)};
}

bool contains(ByteView entries, const Entry& wanted) {
  for (std::size_t i = 0; i + entry_bytes <= entries.size(); i += entry_bytes) {
    if (std::equal(wanted.begin(), wanted.end(), entries.begin() + static_cast<std::ptrdiff_t>(i))) return true;
  }
  return false;
}

}  // namespace

std::optional<ResendRow> find_resends(Database& db, SessionId session, const protocol::Jid& device,
                                      const std::string& id) {
  Statement select(db, select_resends);
  if (!select.session(session).text(id).jid(device).next()) return std::nullopt;
  ResendRow row;
  row.count = select.number<std::uint32_t>();
  row.base_key = select.blob();
  return row;
}

Result<void> apply(Database& db, const PutResends& change) {
  const Result<void> put = Statement(db, replace_resends)
                               .session(change.session)
                               .text(change.id)
                               .jid(change.device)
                               .number(change.row.count)
                               .blob(change.row.base_key)
                               .integer(change.at)
                               .run();
  if (!put) return put;
  return Statement(db, sweep_resends).integer(change.at - change.kept_ms).run();
}

bool has_copy(Database& db, std::int64_t message_row, CopyHolder holder, std::uint16_t device) {
  const auto entry = entry_of(holder, device);
  Statement select(db, select_copies);
  return entry && select.integer(message_row).next() && contains(select.blob_view(), *entry);
}

Result<void> apply(Database& db, const NoteCopy& change) {
  const auto entry = entry_of(change.holder, change.device);
  if (!entry) return {};
  Bytes entries;
  {
    Statement select(db, select_copies);
    if (!select.integer(change.message_row).next()) return {};
    entries = select.blob();
  }
  if (contains(entries, *entry)) return {};
  entries.insert(entries.end(), entry->begin(), entry->end());
  return Statement(db, update_copies).integer(change.message_row).blob(entries).run();
}

}  // namespace wharf::storage
