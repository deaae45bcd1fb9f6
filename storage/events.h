#pragma once
// The event log, and the webhooks that read it: the one source of what happened.

#include <optional>
#include <string>
#include <vector>

#include "storage/ids.h"
#include "storage/store.h"

namespace wharf::storage {

struct EventFilter {
  std::optional<SessionId> session;  // nullopt = all
  EventId after = 0;
  std::size_t limit = 500;  // 1..5000
};
/// In id order.
std::vector<Event> read_events(Database& db, const EventFilter& filter);
EventId last_event_id(Database& db);

struct WebhookRow {
  std::string id;                    // public id, chosen by the caller
  std::optional<SessionId> session;  // nullopt: every session
  std::string url;
  std::vector<std::string> events;  // "*", exact names, "prefix_*"
  std::vector<std::pair<std::string, std::string>> headers;
  std::string secret;  // "" = unsigned
  UnixMs created_at = 0;
  EventId cursor = 0;  // everything up to here was delivered or is in webhook_delivery
  friend bool operator==(const WebhookRow&, const WebhookRow&) = default;
};
std::vector<WebhookRow> load_webhooks(Database& db);
/// Replaces a row of the same id; the cursor only moves forward, created_at stays.
void put_webhook(Changes& changes, WebhookRow row);
void remove_webhook(Changes& changes, std::string id);  // its deliveries follow in slices (removal.h)
void advance_webhook(Changes& changes, std::string id, EventId cursor);

/// One event that could not be delivered at the first try, or waits behind such a one of its lane.
struct DeliveryRow {
  std::string webhook;
  EventId event = 0;
  std::string lane;
  std::uint32_t attempts = 0;
  UnixMs next_try = 0;
  UnixMs first_try = 0;
  bool parked = false;  // given up after 7 days: only a redeliver call touches it
  std::string last_error;
};
/// The ones to be tried in event order, then the parked ones.
std::vector<DeliveryRow> load_deliveries(Database& db, const std::string& webhook, std::size_t limit);
/// Nothing when the webhook does not exist (any more).
void put_delivery(Changes& changes, DeliveryRow row);
void remove_delivery(Changes& changes, std::string webhook, EventId event);
std::optional<Event> find_event(Database& db, EventId id);

}  // namespace wharf::storage
