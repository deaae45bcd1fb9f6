#pragma once
// From a device's queue to the device: the backlog protocol at login, live delivery after it, and the answers that take
// entries away. Specification 06 section 9.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/offline_queue.h"

namespace wharf::sandbox {

class Delivery {
 public:
  /// `overflowed`: the queue of a companion is full, as after long inactivity; it is to be unlinked. Called in a turn
  /// of its own: the device's stanza may be the one being handled when its queue runs over.
  Delivery(NetworkContext& context, Accounts& accounts, std::function<void(const DeviceKey&)> overflowed)
      : c_(context), accounts_(accounts), overflowed_(std::move(overflowed)) {}

  /// Nothing when there is no such device.
  void enqueue(const DeviceKey& target, Node stanza);

  // --- a connection: began (the device is attached), and ended
  void begin(const DeviceKey& key, bool passive);
  void begin_phone(const DeviceKey& key);  // needs no batches
  void end(const DeviceKey& key);
  /// Removes what `answer` names from the queue of its device; only what was delivered on this connection.
  void settle(const DeviceKey& key, std::string_view tag, const Node& answer);
  void on_offline_batch(const DeviceKey& key, std::uint64_t count);
  void set_passive(const DeviceKey& key, bool passive);
  /// Attached, and past its backlog: what is not queued may reach it.
  bool is_live(const DeviceKey& key) const;

  std::size_t queue_length(const DeviceKey& key) const;
  /// The device is gone.
  void forget(const DeviceKey& key);

  // --- rows: queued
  std::optional<Bytes> row(const DeviceKey& key, std::uint64_t number) const;
  void restore(const DeviceKey& key, std::uint64_t number, Node stanza);

 private:
  /// What was there at login, told as one.
  struct Backlog {
    std::uint64_t end = 0;  // its newest entry
    std::size_t total = 0;
    bool done = false;
    std::size_t batch_left = 0;
    unsigned batches_asked = 0;
    std::shared_ptr<void> timer;
  };
  struct DeviceQueue {
    OfflineQueue queue;
    std::shared_ptr<void> overflow_timer;  // the device is about to be unlinked
    // --- of the connection
    bool passive = false;    // before <active/>: only what the offline protocol delivers
    std::uint64_t next = 1;  // entries below were delivered on this connection
    /// Copies that a retry receipt of this connection settled: the plain ack that follows it means them, not the copy
    /// that the sender has sent again meanwhile. One entry (id and sender) for each such ack that is still to come.
    std::multiset<std::string> acks_to_come;
    Backlog backlog;
  };
  void begin_connection(DeviceQueue& device, bool passive);
  void tell_preview(const DeviceKey& key, const DeviceQueue& device);
  bool make_room(const DeviceKey& target, DeviceQueue& device);
  void pump(const DeviceKey& key, DeviceQueue& device);
  bool pump_backlog(const DeviceKey& key, DeviceQueue& device);
  void arm_unasked_batch(const DeviceKey& key, Backlog& backlog);
  void deliver(const DeviceKey& key, DeviceQueue& device, std::uint64_t number, OfflineQueue::Entry& entry);
  void settle_one(const DeviceKey& key, std::string_view tag, const Node& answer, std::string_view id);
  void row_changed(const DeviceKey& key, std::uint64_t number);

  NetworkContext& c_;
  Accounts& accounts_;
  std::function<void(const DeviceKey&)> overflowed_;
  std::map<DeviceKey, DeviceQueue> devices_;
};

}  // namespace wharf::sandbox
