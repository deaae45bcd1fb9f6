#include "api/webhook_log_reader.h"

#include <utility>
#include <vector>

#include "storage/database.h"

namespace wharf::api {

using storage::Event;
using storage::EventId;

namespace {

constexpr std::size_t page_events = 100;

}  // namespace

bool WebhookLogReader::feed(const Event& event, const EventNames& names, bool full) {
  if (!live_ || event.id <= position_ || !names.match(event.name)) return false;
  live_ = !full;
  position_ = full ? event.id - 1 : event.id;
  return !full;
}

protocol::Result<void> WebhookLogReader::catch_up(storage::Database& db, const WebhookScope& scope,
                                                  const EventNames& names, EventId head, const Sink& sink) {
  while (!live_ && !sink.full()) {
    storage::EventFilter filter;
    if (const auto* session = std::get_if<storage::SessionId>(&scope)) filter.session = *session;
    filter.after = position_;
    filter.limit = page_events;
    std::vector<Event> page;
    try {
      page = storage::read_events(db, filter);
    } catch (const storage::ReadFailure& unreadable) {
      return unreadable.error;
    }
    for (const Event& event : page) {
      if (sink.full()) return {};
      if (covers(scope, event) && names.match(event.name)) sink.take(event);
      position_ = event.id;
    }
    if (page.size() == filter.limit) continue;
    position_ = std::max(position_, head);
    live_ = true;
  }
  return {};
}

bool WebhookLogReader::unreadable_is_news() { return std::exchange(unreadable_, position_) != position_; }

}  // namespace wharf::api
