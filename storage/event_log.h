#pragma once
// The writer's side of the event log: ids, appending, pruning. Reading is storage/events.h.
// Owned by the store, used where the writing connection is used.

#include <optional>
#include <vector>

#include "storage/store.h"

namespace wharf::storage {

class EventLog {
 public:
  explicit EventLog(std::int64_t max_events) : max_events_(max_events) {}

  /// Remembers names and organisations of the sessions of coming events. Throws ReadFailure.
  void learn_labels(Database& db, const std::vector<NewEvent>& coming);
  /// Inserts inside the caller's transaction and adds them, numbered, to `appended`.
  Result<void> append(Database& db, std::vector<NewEvent> events, std::vector<Event>& appended);
  /// After enough new events, deletes a bounded number of old ones inside the caller's transaction. Kept are the newest
  /// `max_events` ids, and what a webhook has not had yet, this up to twice as many; deliveries go with their events.
  Result<void> prune(Database& db);
  bool wants_pruning() const { return appended_since_prune_ >= prune_every_events && last_id_; }
  /// After a rollback: ids and counts are read again from the database.
  void forget() { last_id_.reset(); }

 private:
  static constexpr std::int64_t prune_every_events = 1'000;
  std::int64_t max_events_;
  std::optional<EventId> last_id_;
  std::int64_t appended_since_prune_ = 0;
  EventId prune_from_ = 0;  // the next pruning looks from here; protected rows below are not looked at every time
};

}  // namespace wharf::storage
