#include "api/webhook_sender.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "api/event_id.h"
#include "api/iso_time.h"
#include "api/json_writer.h"
#include "sessions/log_value.h"

namespace wharf::api {

using protocol::Errc;
using protocol::Error;
using protocol::Result;
using sessions::log_value;

std::shared_ptr<const RenderedEvent> WebhookSender::text_of(storage::EventId id, DeliveryOutcome& lost) {
  try {
    auto text = texts_.remembered(id, dialect_);
    if (!text) {
      const auto event = storage::find_event(ports_.store.reader(), id);
      if (event) text = texts_.text(*event, dialect_);
    }
    lost.gone = !text;
    if (!text) lost.error = "the event is no longer in the log";
    return text;
  } catch (const storage::ReadFailure& unreadable) {
    lost.error = "the event cannot be read: " + unreadable.error.detail;
    return nullptr;
  }
}

void WebhookSender::send(const storage::WebhookRow& webhook, storage::EventId event, Done done) {
  DeliveryOutcome lost;
  const auto text = text_of(event, lost);
  const auto complete = [alive = std::weak_ptr(alive_), request_id = text ? text->request_id : std::string(),
                         done = std::move(done)](const DeliveryOutcome& outcome) {
    if (!alive.expired()) done(outcome, request_id);
  };
  if (!text) {
    spdlog::warn("webhook_event_missing webhook={} event={} error={}", webhook.id, event_id_text(event),
                 log_value(lost.error));
    return ports_.scheduler.post([complete, lost] { complete(lost); });
  }
  const auto finish = [this, alive = std::weak_ptr(alive_), complete](const net::OutgoingResult& result) {
    if (!alive.expired()) complete(outcome_of(result, now()));
  };
  auto request =
      webhook_request(webhook, {event_id_text(event), text->request_id, text->json}, now() / 1000, settings_);
  if (!request) {
    return ports_.scheduler.post([finish, message = request.error()] {
      finish(net::OutgoingFailure{net::OutgoingFailure::Kind::bad_address, message});
    });
  }
  ports_.http.send(std::move(*request), finish);
}

void WebhookSender::test(const storage::WebhookRow& webhook, const std::string& request_id,
                         std::function<void(Result<DeliveryOutcome>)> done) {
  const std::string event_id = "test-" + protocol::to_hex(ports_.random.bytes<8>());
  JsonWriter body;
  body.begin_object()
      .text("event", "test")
      .null("sessionId")
      .text("id", event_id)
      .text("timestamp", iso_millis(now()))
      .text_if("requestId", request_id);
  body.key("data").begin_object().text("webhookId", webhook.id).end_object().end_object();
  auto request = webhook_request(webhook, {event_id, request_id, body.take()}, now() / 1000, settings_);
  if (!request) return done(Error(Errc::malformed, request.error()));
  ports_.http.send(std::move(*request),
                   [this, alive = std::weak_ptr(alive_), done = std::move(done)](const net::OutgoingResult& result) {
                     if (!alive.expired()) done(outcome_of(result, now()));
                   });
}

}  // namespace wharf::api
