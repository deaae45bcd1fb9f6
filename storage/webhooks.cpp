
#include "storage/webhooks.h"
#include "storage/apply.h"
#include "storage/packed.h"
#include "storage/removal.h"
#include "storage/secret_blob.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

constexpr const char* select_webhooks =
    "SELECT id, org, session_id, url, events, headers, secret, created_at, cursor FROM webhook WHERE removed = 0"
    " ORDER BY row";
// A cursor never goes back: a row that was read before the latest advance would repeat deliveries.
constexpr const char* put_row =
    "INSERT INTO webhook (id, org, session_id, url, events, headers, secret, created_at, cursor)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO UPDATE SET"
    " session_id = excluded.session_id, url = excluded.url, events = excluded.events, headers = excluded.headers,"
    " secret = excluded.secret, cursor = max(cursor, excluded.cursor)";
constexpr const char* advance_row = "UPDATE webhook SET cursor = ?2 WHERE id = ?1 AND cursor < ?2";

constexpr const char* select_deliveries =
    "SELECT d.event_id, d.lane, d.attempts, d.next_try, d.first_try, d.parked, d.last_error FROM webhook_delivery d"
    " WHERE d.webhook_row = (SELECT row FROM webhook WHERE id = ?1 AND removed = 0) ORDER BY d.parked, d.event_id "
    "LIMIT ?2";
// From a SELECT: a webhook that was removed meanwhile gets no orphans.
constexpr const char* put_delivery_row =
    "INSERT INTO webhook_delivery (webhook_row, event_id, lane, attempts, next_try, first_try, parked, last_error)"
    " SELECT row, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM webhook WHERE id = ?1 AND removed = 0"
    " ON CONFLICT (webhook_row, event_id) DO UPDATE SET lane = excluded.lane, attempts = excluded.attempts,"
    " next_try = excluded.next_try, first_try = excluded.first_try, parked = excluded.parked,"
    " last_error = excluded.last_error";
constexpr const char* delete_delivery =
    "DELETE FROM webhook_delivery WHERE webhook_row = (SELECT row FROM webhook WHERE id = ?1) AND event_id = ?2";

Bytes pack(const std::vector<std::string>& events) {
  PackedWriter packed;
  for (const std::string& event : events) packed.text(event);
  return packed.bytes();
}

Bytes pack(const std::vector<std::pair<std::string, std::string>>& headers) {
  PackedWriter packed;
  for (const auto& [name, value] : headers) {
    packed.text(name);
    packed.text(value);
  }
  return packed.bytes();
}

WebhookRow read_row(Statement& select) {
  WebhookRow row;
  row.id = select.text();
  row.org = OrgId{select.integer()};
  const std::int64_t session = select.integer();
  if (session != 0) row.session = SessionId{session};
  row.url = select.text();
  PackedReader events(select.blob_view());
  while (const auto event = events.text()) row.events.emplace_back(*event);
  PackedReader headers(select.blob_view());
  while (const auto name = headers.text()) row.headers.emplace_back(*name, headers.text().value_or(""));
  row.secret = std::string(protocol::as_text(open_secret(select.blob_view())));
  row.created_at = select.integer();
  row.cursor = select.integer();
  return row;
}

}  // namespace

std::vector<WebhookRow> load_webhooks(Database& db) {
  std::vector<WebhookRow> rows;
  Statement select(db, select_webhooks);
  while (select.next()) rows.push_back(read_row(select));
  return rows;
}

Result<void> apply(Database& db, const PutWebhook& change) {
  const SecretBlob secret(protocol::as_bytes(change.row.secret));
  const Bytes events = pack(change.row.events), headers = pack(change.row.headers);
  Statement put(db, put_row);
  put.text(change.row.id).integer(change.row.org.value);
  if (change.row.session) {
    put.session(*change.row.session);
  } else {
    put.null();
  }
  put.text(change.row.url)
      .blob(events)
      .blob(headers)
      .blob(secret.view())
      .integer(change.row.created_at)
      .integer(change.row.cursor);
  return put.run();
}

Result<void> apply(Database& db, const RemoveWebhook& change) { return bury_webhook(db, change.id); }

Result<void> apply(Database& db, const AdvanceWebhook& change) {
  return Statement(db, advance_row).text(change.id).integer(change.cursor).run();
}

std::vector<DeliveryRow> load_deliveries(Database& db, const std::string& webhook, std::size_t limit) {
  std::vector<DeliveryRow> rows;
  Statement select(db, select_deliveries);
  select.text(webhook).number(limit);
  while (select.next()) {
    DeliveryRow& row = rows.emplace_back();
    row.webhook = webhook;
    row.event = select.integer();
    row.lane = select.text();
    row.attempts = select.number<std::uint32_t>();
    row.next_try = select.integer();
    row.first_try = select.integer();
    row.parked = select.integer() != 0;
    row.last_error = select.text();
  }
  return rows;
}

Result<void> apply(Database& db, const PutDelivery& change) {
  return Statement(db, put_delivery_row)
      .text(change.row.webhook)
      .integer(change.row.event)
      .text(change.row.lane)
      .number(change.row.attempts)
      .integer(change.row.next_try)
      .integer(change.row.first_try)
      .number(change.row.parked)
      .text(change.row.last_error)
      .run();
}

Result<void> apply(Database& db, const RemoveDelivery& change) {
  return Statement(db, delete_delivery).text(change.webhook).integer(change.event).run();
}

}  // namespace wharf::storage
