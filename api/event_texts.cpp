#include "api/event_texts.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "api/event_id.h"
#include "events/event.h"
#include "sessions/log_value.h"

namespace wharf::api {

namespace {

std::size_t index_of(Dialect dialect) { return dialect == Dialect::gateway ? 1 : 0; }

}  // namespace

std::shared_ptr<const RenderedEvent> EventTexts::remembered(storage::EventId id, Dialect dialect) const {
  const auto known = known_.find(id);
  return known == known_.end() ? nullptr : known->second.texts[index_of(dialect)];
}

std::shared_ptr<const RenderedEvent> EventTexts::text(const storage::Event& event, Dialect dialect) {
  const auto [at, added] = known_.try_emplace(event.id);
  if (added) order_.push_back(event.id);
  Known& known = at->second;
  auto& text = known.texts[index_of(dialect)];
  if (text) return text;
  const auto value = told(event, known);
  const auto image = [this](const std::string& qr) { return images_.data_url(qr); };
  text = std::make_shared<const RenderedEvent>(
      RenderedEvent{event_text(event, value.get(), dialect, image), value ? value->request_id : std::string()});
  const bool complete = std::all_of(known.texts.begin(), known.texts.end(), [](const auto& t) { return t != nullptr; });
  if (complete) known.decoded.reset();

  const auto size = [](const auto& t) { return t ? t->json.size() : 0; };
  bytes_ -= known.bytes;
  known.bytes = size(known.texts[0]) + size(known.texts[1]) + (known.decoded ? event.data.size() : 0);
  bytes_ += known.bytes;
  auto shared = text;  // the oldest may be this one
  while (bytes_ > max_bytes_ && order_.size() > 1) forget_oldest();
  return shared;
}

std::shared_ptr<const events::Event> EventTexts::told(const storage::Event& event, Known& known) {
  if (event.value) return event.value;
  if (known.decoded) return known.decoded;
  auto decoded = storage::value_of(event);
  if (!decoded) {
    spdlog::error("event_unreadable id={} name={} detail={}", event_id_text(event.id), sessions::log_value(event.name),
                  sessions::log_value(decoded.error().detail));
    return nullptr;
  }
  return known.decoded = std::move(*decoded);
}

void EventTexts::forget_oldest() {
  const auto oldest = known_.find(order_.front());
  bytes_ -= oldest->second.bytes;
  known_.erase(oldest);
  order_.pop_front();
}

}  // namespace wharf::api
