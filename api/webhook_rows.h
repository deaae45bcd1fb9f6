#pragma once
// What the deliveries of all webhooks leave on the disk: rows of webhook_delivery, and cursors. Rows are committed with
// the others of their turn of the loop; cursors with them, one write under way at a time. Loop thread only.

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/webhook_registry.h"
#include "net/scheduler.h"
#include "storage/store.h"

namespace wharf::api {

class WebhookRows {
 public:
  /// `head`: the newest event of the log, as it grows.
  WebhookRows(net::Scheduler& scheduler, storage::Store& store, const WebhookRegistry& registry,
              const storage::EventId& head, const WebhookSettings& settings)
      : scheduler_(scheduler), store_(store), registry_(registry), head_(head), settings_(settings) {}

  void write(WebhookHook& hook, WebhookLanes::Writes writes);
  /// Commits what is gathered, without waiting for the end of the turn.
  void flush();
  /// Something of the webhook is settled: its cursor is written with the next rows.
  void note_cursor(const WebhookHook& hook);
  /// busy_only: an idle webhook's cursor is not worth a write until it lags far behind.
  enum class Lag { busy_only, any };
  void write_cursors(Lag lag);

 private:
  void flush_later();
  void commit(storage::Changes turn, bool with_cursors);
  void committed(const std::vector<std::pair<std::string, storage::EventId>>& settled);
  storage::EventId cursor_of(const WebhookHook& hook) const { return hook.lanes.cursor(hook.log.looked_at(head_)); }
  void advance(WebhookHook& hook);

  net::Scheduler& scheduler_;
  storage::Store& store_;
  const WebhookRegistry& registry_;
  const storage::EventId& head_;
  const WebhookSettings& settings_;
  storage::Changes changes_;                                                 // of this turn of the loop
  std::vector<std::pair<std::string, storage::EventId>> settled_by_commit_;  // told to the lanes when they are durable
  std::set<std::string> moved_;                                              // webhooks whose cursor may have moved
  bool flush_posted_ = false, cursors_under_way_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // what was posted and commits under way hold it weakly
};

}  // namespace wharf::api
