#include "api/webhook_rows.h"

#include <spdlog/spdlog.h>

#include "sessions/log_value.h"

namespace wharf::api {

using protocol::Result;
using sessions::log_value;
using storage::Changes;
using storage::EventId;

void WebhookRows::write(WebhookHook& hook, WebhookLanes::Writes writes) {
  for (const EventId event : writes.settled) settled_by_commit_.emplace_back(hook.row.id, event);
  if (writes.rows.empty()) return;
  changes_.append(std::move(writes.rows));
  flush_later();
}

void WebhookRows::flush_later() {
  if (flush_posted_) return;
  flush_posted_ = true;
  scheduler_.post([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) flush();
  });
}

void WebhookRows::flush() {
  flush_posted_ = false;
  if (!cursors_under_way_) {
    for (const std::string& id : std::exchange(moved_, {}))
      if (WebhookHook* hook = registry_.find(id)) advance(*hook);
    // One at a time: while it is on its way to the disk, more deliveries gather for the next.
    cursors_under_way_ = !changes_.empty();
    if (cursors_under_way_) return commit(std::exchange(changes_, Changes()), true);
  }
  if (changes_.empty()) return;
  commit(std::exchange(changes_, Changes()), false);
}

void WebhookRows::commit(Changes turn, bool with_cursors) {
  auto settled = std::exchange(settled_by_commit_, {});
  store_.commit(std::move(turn),
                [this, alive = std::weak_ptr(alive_), with_cursors, settled = std::move(settled)](Result<void> result) {
                  if (alive.expired()) return;
                  if (with_cursors) cursors_under_way_ = false;
                  if (!result) {
                    // The events stay outstanding and the cursor below them, until the next tick writes their rows
                    // again.
                    spdlog::warn("webhook_rows_failed error={}", log_value(result.error().detail));
                    for (const auto& [id, event] : settled) {
                      if (WebhookHook* hook = registry_.find(id)) hook->lanes.on_lost(event);
                    }
                    return;
                  }
                  committed(settled);
                });
}

void WebhookRows::committed(const std::vector<std::pair<std::string, EventId>>& settled) {
  for (const auto& [id, event] : settled) {
    WebhookHook* hook = registry_.find(id);
    if (!hook) continue;
    hook->lanes.on_committed(event);
    note_cursor(*hook);
  }
  if (!moved_.empty()) flush_later();
}

// --- cursors

void WebhookRows::note_cursor(const WebhookHook& hook) {
  if (cursor_of(hook) <= hook.lanes.durable()) return;
  moved_.insert(hook.row.id);
  flush_later();
}

void WebhookRows::advance(WebhookHook& hook) {
  const auto cursor = hook.lanes.advance(hook.log.looked_at(head_));
  if (!cursor) return;
  hook.log.on_advanced(*cursor);
  changes_.add(storage::AdvanceWebhook{hook.row.id, *cursor});
}

void WebhookRows::write_cursors(Lag lag) {
  for (const auto& [id, hook] : registry_.all()) {
    const EventId durable = hook->lanes.durable();
    const bool idle = !hook->lanes.has_outstanding() && hook->log.position() <= durable;
    if (lag == Lag::busy_only && idle && cursor_of(*hook) - durable < settings_.max_cursor_lag) continue;
    advance(*hook);
  }
  flush();
}

}  // namespace wharf::api
