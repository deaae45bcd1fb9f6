#pragma once
// One webhook's place in the event log. A webhook that keeps up is fed with the committed events ("live"); one that had
// no room, or whose process has just begun, reads the log itself, in pages, until it is at the head again.
// Loop thread only.

#include <algorithm>
#include <functional>
#include <optional>

#include "api/event_names.h"
#include "api/webhook_scope.h"
#include "protocol/result.h"
#include "storage/events.h"

namespace wharf::api {

class WebhookLogReader {
 public:
  /// Begins behind `cursor`, not live.
  explicit WebhookLogReader(storage::EventId cursor) : position_(cursor) {}

  /// Where events go. `full` is asked before each: a full webhook stops reading at that event.
  struct Sink {
    std::function<bool()> full;
    std::function<void(const storage::Event&)> take;
  };

  bool live() const { return live_; }
  /// Everything up to here was looked at. `head`: the newest event of the log.
  storage::EventId looked_at(storage::EventId head) const { return live_ ? std::max(position_, head) : position_; }
  /// The newest event that was taken, or where the log was read to or the cursor was written at.
  storage::EventId position() const { return position_; }

  /// A committed event of its scope, in id order: true when the webhook takes it now. A full one is live no longer.
  bool feed(const storage::Event& event, const EventNames& names, bool full);
  /// Reads on until the head is reached or the sink is full. Errors: a page could not be read. Nothing was skipped:
  /// it may be readable again.
  protocol::Result<void> catch_up(storage::Database& db, const WebhookScope& scope, const EventNames& names,
                                  storage::EventId head, const Sink& sink);
  /// The cursor was written: nothing up to here is read again.
  void on_advanced(storage::EventId cursor) { position_ = std::max(position_, cursor); }
  /// True once for each position at which the log cannot be read: what is told to operators.
  bool unreadable_is_news();

 private:
  storage::EventId position_;
  storage::EventId unreadable_ = -1;
  bool live_ = false;
};

}  // namespace wharf::api
