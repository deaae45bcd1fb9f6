#pragma once
// One registered webhook in memory: its row, where it reads the log, its lanes, and what was delivered lately.

#include <deque>
#include <optional>
#include <string_view>
#include <utility>

#include "api/event_names.h"
#include "api/webhook_lanes.h"
#include "api/webhook_log_reader.h"
#include "api/webhook_request.h"
#include "storage/webhooks.h"

namespace wharf::api {

enum class DeliveryState { delivered, waiting, retrying, parked };
std::string_view name(DeliveryState state);

struct DeliveryView {
  storage::EventId event = 0;
  DeliveryState state = DeliveryState::waiting;
  std::uint32_t attempts = 0;
  storage::UnixMs first_try = 0, next_try = 0, delivered_at = 0;  // 0 = none
  unsigned status = 0;                                            // of a delivered one
  std::string last_error;
};
/// Of one that is open or parked.
DeliveryView view_of(const storage::DeliveryRow& row);

struct WebhookHook {
  static constexpr std::size_t recent_kept = 10;

  WebhookHook(storage::WebhookRow r, const WebhookSettings& settings)
      : row(std::move(r)), wanted(row), names(row.events), log(row.cursor), lanes(row.id, row.cursor, settings) {}
  storage::WebhookRow row;
  storage::WebhookRow wanted;  // with the change that is being committed
  bool changing = false;       // there is one
  EventNames names;
  WebhookLogReader log;
  WebhookLanes lanes;
  std::optional<storage::UnixMs> due;  // where it stands in the dispatcher's order of times
  std::deque<DeliveryView> recent;     // newest first

  void remember(storage::EventId event, const WebhookLanes::Settlement& settled, const DeliveryOutcome& outcome,
                storage::UnixMs now);
};

}  // namespace wharf::api
