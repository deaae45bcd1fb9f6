#include "api/webhook_hook.h"

namespace wharf::api {

std::string_view name(DeliveryState state) {
  switch (state) {
    case DeliveryState::delivered: return "delivered";
    case DeliveryState::waiting: return "waiting";
    case DeliveryState::retrying: return "retrying";
    case DeliveryState::parked: return "parked";
  }
  return "waiting";
}

DeliveryView view_of(const storage::DeliveryRow& row) {
  DeliveryView view;
  view.event = row.event;
  view.state = row.parked ? DeliveryState::parked : row.attempts > 0 ? DeliveryState::retrying : DeliveryState::waiting;
  view.attempts = row.attempts;
  view.first_try = row.first_try;
  view.next_try = row.next_try;
  view.last_error = row.last_error;
  return view;
}

void WebhookHook::remember(storage::EventId event, const WebhookLanes::Settlement& settled,
                           const DeliveryOutcome& outcome, storage::UnixMs now) {
  DeliveryView view;
  view.event = event;
  view.state = DeliveryState::delivered;
  view.attempts = settled.attempts;
  view.first_try = settled.first_try;
  view.delivered_at = now;
  view.status = outcome.status;
  recent.push_front(std::move(view));
  if (recent.size() > recent_kept) recent.pop_back();
}

}  // namespace wharf::api
