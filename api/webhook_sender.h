#pragma once
// Performs one request of a webhook: the text of its event in the right dialect, signed, sent, its answer judged. Loop
// thread only.

#include <functional>
#include <memory>
#include <string>

#include "api/event_texts.h"
#include "api/webhook_request.h"
#include "net/outgoing_http.h"
#include "net/scheduler.h"
#include "storage/store.h"
#include "storage/webhooks.h"

namespace wharf::api {

class WebhookSender {
 public:
  struct Ports {
    net::Scheduler& scheduler;
    protocol::Random& random;
    storage::Store& store;
    net::OutgoingHttp& http;
  };
  WebhookSender(const Ports& ports, EventTexts& texts, Dialect dialect, const WebhookSettings& settings)
      : ports_(ports), texts_(texts), dialect_(dialect), settings_(settings) {}

  /// `request_id`: of the request behind the event; "" = none. Never called inside send(); not at all when the sender
  /// is gone.
  using Done = std::function<void(const DeliveryOutcome& outcome, const std::string& request_id)>;
  void send(const storage::WebhookRow& webhook, storage::EventId event, Done done);
  /// An event "test" that is not in the log, caused by that request.
  void test(const storage::WebhookRow& webhook, const std::string& request_id,
            std::function<void(protocol::Result<DeliveryOutcome>)> done);

 private:
  /// nullptr, and why in `lost`, when it is not to be had.
  std::shared_ptr<const RenderedEvent> text_of(storage::EventId event, DeliveryOutcome& lost);
  storage::UnixMs now() const { return ports_.scheduler.unix_ms(); }

  Ports ports_;
  EventTexts& texts_;
  Dialect dialect_;
  const WebhookSettings& settings_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // requests under way hold it weakly
};

}  // namespace wharf::api
