#pragma once
// Webhooks, and the deliveries that could not be made at once.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/ids.h"

namespace wharf::storage {

class Database;

struct WebhookRow {
  std::string id;  // public id, chosen by the caller
  OrgId org = default_org;
  std::optional<SessionId> session;  // nullopt: every session of the organisation
  std::string url;
  std::vector<std::string> events;  // "*", exact names, "prefix_*"
  std::vector<std::pair<std::string, std::string>> headers;
  std::string secret;  // "" = unsigned
  UnixMs created_at = 0;
  EventId cursor = 0;  // everything up to here was delivered or is in webhook_delivery
  friend bool operator==(const WebhookRow&, const WebhookRow&) = default;
};
std::vector<WebhookRow> load_webhooks(Database& db);
/// Replaces a row of the same id; the cursor only moves forward, created_at and org stay.
struct PutWebhook {
  WebhookRow row;
  friend bool operator==(const PutWebhook&, const PutWebhook&) = default;
};
/// Its deliveries follow in slices (removal.h).
struct RemoveWebhook {
  std::string id;
  friend bool operator==(const RemoveWebhook&, const RemoveWebhook&) = default;
};
struct AdvanceWebhook {
  std::string id;
  EventId cursor = 0;
  friend bool operator==(const AdvanceWebhook&, const AdvanceWebhook&) = default;
};

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
  friend bool operator==(const DeliveryRow&, const DeliveryRow&) = default;
};
/// The ones to be tried in event order, then the parked ones.
std::vector<DeliveryRow> load_deliveries(Database& db, const std::string& webhook, std::size_t limit);
/// Nothing when the webhook does not exist (any more).
struct PutDelivery {
  DeliveryRow row;
  friend bool operator==(const PutDelivery&, const PutDelivery&) = default;
};
struct RemoveDelivery {
  std::string webhook;
  EventId event = 0;
  friend bool operator==(const RemoveDelivery&, const RemoveDelivery&) = default;
};

}  // namespace wharf::storage
