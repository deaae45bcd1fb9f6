#pragma once
// Webhooks as readers of the event log: at least once, in order per lane (session and chat), and no webhook or lane
// ever waits for another.
//
// A webhook reads the log with a cursor. An event it wants joins the queue of its lane; only the head of a lane is ever
// under way. When a first attempt fails, the event and everything behind it in its lane become rows of
// webhook_delivery, so that the cursor may move on while the lane waits for its retry. The durable cursor therefore
// means: everything up to here was delivered or is in webhook_delivery. It is written when a delivery moves it, one
// write under way at a time; an event that holds it back for longer than a tick, while later ones are delivered,
// becomes a row too. A crash repeats what was delivered since the last write.
//
// What is decided stands in three pure parts: webhook_lanes.h (one webhook's queue and cursor), webhook_rounds.h (whose
// turn it is) and, as far as reading goes, webhook_log_reader.h. What performs: webhook_registry.h (which webhooks
// there are), webhook_rows.h (what deliveries leave on the disk), webhook_sender.h (one request), and here what joins
// them: events in, attempts out, times.
//
// Bounds: `read_ahead` events in memory and `max_deferred` rows per webhook; a webhook over either stops reading the
// log (which keeps its events) and catches up from it later. Webhooks whose last attempt failed share half of the
// request slots, one each, so that dead addresses never take the slots of living ones. Loop thread only.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/event_texts.h"
#include "api/webhook_registry.h"
#include "api/webhook_request.h"
#include "api/webhook_scope.h"
#include "api/webhook_sender.h"
#include "net/outgoing_http.h"
#include "net/scheduler.h"
#include "storage/store.h"
#include "storage/webhooks.h"

namespace wharf::api {

class WebhookDispatcher {
 public:
  using Ports = WebhookSender::Ports;
  WebhookDispatcher(Ports ports, EventTexts& texts, Dialect dialect, WebhookSettings settings);
  ~WebhookDispatcher();

  /// Loads the webhooks and goes on where the last process stopped.
  void start();
  /// Committed events, in id order.
  void on_events(const std::vector<storage::Event>& events);

  using Registered = WebhookRegistry::Registered;
  /// Durable when `done` runs. The cursor begins at the newest event. One URL is one webhook of its scope: when it is
  /// there already, `done` gets that one and nothing changes.
  void add(storage::WebhookRow row, Registered done);
  /// Changes url, events, headers or secret; what waits for delivery goes out as changed. Durable when `done` runs.
  /// Errors: not_found, conflict (the URL is another webhook of the scope), storage*.
  void update(const std::string& id, const std::function<void(storage::WebhookRow&)>& change, Registered done);
  /// Errors: not_found, storage*.
  void remove(const std::string& id, std::function<void(protocol::Result<void>)> done);
  /// Its rows are gone with the session's.
  void session_removed(storage::SessionId session);
  const storage::WebhookRow* find(const std::string& id) const;
  /// Those registered for exactly this scope, by creation.
  std::vector<const storage::WebhookRow*> list(const WebhookScope& scope) const;

  /// Open and parked ones from the disk, then the newest delivered ones of this process.
  std::vector<DeliveryView> deliveries(const std::string& id, std::size_t limit) const;
  /// Puts the event back at its place in its lane, to be tried at once. Errors: not_found (webhook, or no such event of
  /// it).
  void redeliver(const std::string& id, storage::EventId event, std::function<void(protocol::Result<void>)> done);
  /// Sends an event "test" that is not in the log, caused by that request; one attempt.
  void test(const std::string& id, const std::string& request_id,
            std::function<void(protocol::Result<DeliveryOutcome>)> done);

  /// Starts what is due. Called by its own timer; by tests after they moved the clock.
  void wake();
  /// Starts nothing more, waits for requests under way, writes the cursors.
  void drain(std::function<void()> done);

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with requests under way, which hold it weakly
};

}  // namespace wharf::api
