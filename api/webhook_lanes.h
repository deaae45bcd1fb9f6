#pragma once
// The queue of one webhook, as decisions: what may be sent next, when a failed event is tried again, when it is given
// up, which rows keep what waits, and how far the durable cursor may move. Pure: time and randomness come in, rows to
// be written go out.
//
// A lane is a session and chat. Its events go out in order, one at a time; only the head of a lane is ever under way.
// When an attempt fails, the event and everything behind it in its lane become rows, so that the cursor may pass while
// the lane waits. Outstanding are the events that were read from the log and are neither delivered nor in a durable
// row: the cursor stays below the oldest of them.

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/webhook_request.h"
#include "storage/changes.h"

namespace wharf::api {

class WebhookLanes {
 public:
  /// `webhook` is the id that stands in the rows. `settings` outlive this.
  WebhookLanes(std::string webhook, storage::EventId cursor, const WebhookSettings& settings);

  /// What the caller commits. Once that is durable he hands `settled` to on_committed(); when the commit fails, to
  /// on_lost(), and the cursor stays below those events.
  struct Writes {
    storage::Changes rows;
    std::vector<storage::EventId> settled;
  };
  /// One request: the head of a lane.
  struct Attempt {
    std::string lane;
    storage::EventId event = 0;
  };
  /// What became of an attempt. `unknown`: the event is no longer in the lane.
  enum class Fate { unknown, delivered, retried, parked };
  struct Settlement {
    Fate fate = Fate::unknown;
    std::uint32_t attempts = 0;
    storage::UnixMs first_try = 0;
    std::chrono::milliseconds wait{0};  // retried: until the next attempt
    Writes writes;
  };

  // --- filling

  /// A row of the process before, in event order. When it lies behind the cursor, the log shows its event again, and
  /// accept() leaves it out then.
  void resume(storage::DeliveryRow row, storage::UnixMs now);
  /// Over `read_ahead` or `max_deferred`: accept nothing more until something was delivered.
  bool full() const;
  /// The next event of the log that the webhook wants.
  Writes accept(storage::EventId event, const std::string& lane, storage::UnixMs now);
  /// Puts the event at its place in its lane, to be tried at once; the one that is under way keeps its place.
  Writes redeliver(storage::EventId event, const std::string& lane, storage::UnixMs now);

  // --- sending

  /// A lane's head may go, and the webhook is not at its cap: `concurrency_per_webhook`, or one while it fails.
  bool sendable() const;
  /// The last attempt failed.
  bool failing() const { return failing_; }
  /// Takes the next attempt; nullopt unless sendable(). Each is settled once.
  std::optional<Attempt> begin();
  /// Failed attempts wait with exponential back-off, at least for what the receiver asked, until `give_up`.
  Settlement settle(const Attempt& attempt, const DeliveryOutcome& outcome, storage::UnixMs now,
                    protocol::Random& random);
  /// When wake() has something to do; nullopt while nothing waits.
  std::optional<storage::UnixMs> next_due() const;
  /// Lets the lanes go whose time has come.
  void wake(storage::UnixMs now);

  // --- the cursor

  void on_committed(storage::EventId event);
  /// The commit of what a Writes held failed: unblock() gives its row again.
  void on_lost(storage::EventId event);
  /// Everything up to here was delivered or is in a durable row. `looked_at`: how far the log was read.
  storage::EventId cursor(storage::EventId looked_at) const;
  /// The cursor of the last advance(), at first that of the row.
  storage::EventId durable() const { return durable_; }
  bool has_outstanding() const { return !outstanding_.empty(); }
  /// The cursor when it is beyond durable(), which it becomes.
  std::optional<storage::EventId> advance(storage::EventId looked_at);
  /// Called once a tick. An event that holds the cursor back since the last call, while later ones were delivered,
  /// becomes a row with all that are older than those: else a crash would repeat what was delivered behind it. Rows
  /// whose commit failed come again.
  Writes unblock();

 private:
  struct Item {
    storage::EventId event = 0;
    std::uint32_t attempts = 0;
    storage::UnixMs first_try = 0, next_try = 0;
    bool deferred = false;  // has a row in webhook_delivery
    std::string last_error;
  };
  struct Lane {
    std::deque<Item> items;  // by event id; the front is the one to try
    bool busy = false;       // the front is under way
    bool ready = false;      // stands in ready_
  };

  void offer(const std::string& key, Lane& lane, storage::UnixMs now);
  void put_row(const std::string& lane, Item& item, Writes& writes);
  void keep_row(storage::DeliveryRow row, Writes& writes);
  void drop(const Item& item, Writes& writes);
  void park(const std::string& lane, const Item& item, Writes& writes);
  void retry(const std::string& key, Lane& lane, Item& item, std::chrono::milliseconds wait, storage::UnixMs now,
             Writes& writes);

  std::string webhook_;
  const WebhookSettings& settings_;
  std::unordered_map<std::string, Lane> lanes_;
  std::deque<std::string> ready_;                          // lanes whose front may go
  std::set<std::pair<storage::UnixMs, std::string>> due_;  // (when, lane); may name lanes that are gone
  std::size_t in_flight_ = 0, deferred_ = 0;
  bool failing_ = false;
  storage::EventId durable_;
  storage::EventId delivered_top_ = 0;      // the newest delivered event
  storage::EventId blocker_ = 0;            // the oldest outstanding event at the last unblock()
  std::set<storage::EventId> outstanding_;  // see above
  std::set<storage::EventId> resumed_;      // rows of the process before that the log will show again
  std::map<storage::EventId, storage::DeliveryRow> unwritten_;  // rows of outstanding events, until they are durable
  std::set<storage::EventId> lost_;                             // of those: the commit failed
};

}  // namespace wharf::api
