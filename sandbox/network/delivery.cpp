#include "sandbox/network/delivery.h"

#include <algorithm>
#include <utility>

namespace wharf::sandbox {

namespace {

constexpr std::size_t primer_stanzas = 5;
constexpr std::uint64_t max_batch = 1'000;
constexpr std::size_t unasked_batch = 500;
constexpr std::int64_t unasked_pause_ms = 1'000;
constexpr std::size_t max_acks_to_come = 1'000;

std::string row_name(const DeviceKey& key, std::uint64_t number) {
  return row_number(key.device, 2) + row_number(number, 8);
}

}  // namespace

void Delivery::row_changed(const DeviceKey& key, std::uint64_t number) {
  c_.changes.changed(RowKind::queued, key.phone, row_name(key, number));
}

void Delivery::enqueue(const DeviceKey& target, Node stanza) {
  if (!accounts_.find_device(target)) return;
  auto& device = devices_[target];
  if (!make_room(target, device)) return;
  const auto number = device.queue.push(std::move(stanza));
  c_.changes.created(RowKind::queued, target.phone, row_name(target, number));
  pump(target, device);
}

bool Delivery::make_room(const DeviceKey& target, DeviceQueue& device) {
  if (device.queue.size() < c_.settings.max_queued_per_device) return true;
  if (target.device == 0) {
    if (const auto dropped = device.queue.drop_oldest()) row_changed(target, *dropped);
    return true;
  }
  if (!device.overflow_timer) {
    device.overflow_timer = c_.after(0, [this, target] {
      c_.complain("queue overflow: unlinking " + text_of(target));
      overflowed_(target);
    });
  }
  return false;
}

// --- the connection

void Delivery::begin_connection(DeviceQueue& device, bool passive) {
  device.passive = passive;
  device.next = 1;
  device.acks_to_come.clear();
  device.backlog.end = device.queue.newest();
}

void Delivery::begin(const DeviceKey& key, bool passive) {
  auto& device = devices_[key];
  begin_connection(device, passive);
  auto& backlog = device.backlog;
  backlog.total = device.queue.size();
  backlog.done = false;
  backlog.batch_left = primer_stanzas;
  backlog.batches_asked = 0;
  if (backlog.total > 0) tell_preview(key, device);
  pump(key, device);
}

void Delivery::begin_phone(const DeviceKey& key) {
  auto& device = devices_[key];
  begin_connection(device, false);
  device.backlog.done = true;
  pump(key, device);
}

void Delivery::end(const DeviceKey& key) {
  if (const auto found = devices_.find(key); found != devices_.end()) found->second.backlog.timer.reset();
}

void Delivery::tell_preview(const DeviceKey& key, const DeviceQueue& device) {
  std::uint64_t messages = 0, receipts = 0, notifications = 0, calls = 0;
  for (const auto& [number, entry] : device.queue.entries()) {
    messages += entry.stanza.is("message");
    receipts += entry.stanza.is("receipt");
    notifications += entry.stanza.is("notification");
    calls += entry.stanza.is("call");
  }
  Node preview("offline_preview");
  preview.set("count", std::uint64_t{device.backlog.total}).set("message", messages).set("receipt", receipts);
  preview.set("notification", notifications).set("appdata", std::uint64_t{0}).set("call", calls);
  c_.send(key, Node("ib").set("from", protocol::server_jid()).add(std::move(preview)));
}

void Delivery::deliver(const DeviceKey& key, DeviceQueue& device, std::uint64_t number, OfflineQueue::Entry& entry) {
  device.next = number + 1;
  ++entry.deliveries;
  if (entry.stanza.is("message")) ++c_.stats.messages_delivered;
  if (number > device.backlog.end) return c_.send(key, entry.stanza);
  Node again = entry.stanza;
  c_.send(key, again.set("offline", std::uint64_t{entry.deliveries}));
}

void Delivery::pump(const DeviceKey& key, DeviceQueue& device) {
  if (!c_.live.contains(key)) return;
  if (!device.backlog.done && !pump_backlog(key, device)) return;
  if (device.passive) return;
  std::uint64_t number = 0;
  for (auto* entry = device.queue.next(device.next, number); entry && c_.live.contains(key);
       entry = device.queue.next(device.next, number)) {
    deliver(key, device, number, *entry);
  }
}

/// True when nothing of the backlog is left.
bool Delivery::pump_backlog(const DeviceKey& key, DeviceQueue& device) {
  auto& backlog = device.backlog;
  std::uint64_t number = 0;
  auto* entry = device.queue.next(device.next, number);
  while (c_.live.contains(key) && entry && number <= backlog.end && backlog.batch_left > 0) {
    --backlog.batch_left;
    backlog.timer.reset();  // it counts from the last delivered stanza
    deliver(key, device, number, *entry);
    entry = device.queue.next(device.next, number);
  }
  if (entry && number <= backlog.end) {
    arm_unasked_batch(key, backlog);
    return false;
  }
  backlog.done = true;
  backlog.timer.reset();
  Node end("offline");
  end.set("count", std::uint64_t{backlog.total});
  c_.send(key, Node("ib").set("from", protocol::server_jid()).add(std::move(end)));
  return true;
}

/// Clients that do not ask (whatsmeow) or ask once (Baileys) get the rest all the same, unless told otherwise.
void Delivery::arm_unasked_batch(const DeviceKey& key, Backlog& backlog) {
  if (backlog.batch_left > 0 || c_.faults.offline_strict || backlog.batches_asked >= 2) return;
  if (backlog.timer) return;  // what arrives meanwhile does not put it off
  backlog.timer = c_.after(unasked_pause_ms, [this, key] {
    const auto waiting = devices_.find(key);
    if (waiting == devices_.end() || !c_.live.contains(key) || waiting->second.backlog.done) return;
    waiting->second.backlog.timer.reset();
    waiting->second.backlog.batch_left = unasked_batch;
    pump(key, waiting->second);
  });
}

void Delivery::on_offline_batch(const DeviceKey& key, std::uint64_t count) {
  auto& device = devices_[key];
  auto& backlog = device.backlog;
  if (backlog.done) return;
  ++backlog.batches_asked;
  backlog.batch_left += std::min(count, max_batch);
  backlog.timer.reset();
  pump(key, device);
}

void Delivery::set_passive(const DeviceKey& key, bool passive) {
  auto& device = devices_[key];
  device.passive = passive;
  pump(key, device);
}

bool Delivery::is_live(const DeviceKey& key) const {
  const auto found = devices_.find(key);
  return found != devices_.end() && c_.live.contains(key) && found->second.backlog.done && !found->second.passive;
}

// --- answers

void Delivery::settle(const DeviceKey& key, std::string_view tag, const Node& answer) {
  settle_one(key, tag, answer, answer.attr("id"));
  if (const auto* list = answer.child("list")) {
    for (const auto* item : list->children("item")) settle_one(key, tag, answer, item->attr("id"));
  }
  if (const auto error = answer.number("error"); error && *error != 0) {
    c_.complain("nack " + std::to_string(*error) + " of " + std::string(tag) + " " + answer.attr("id") + " by " +
                text_of(key));
  }
}

void Delivery::settle_one(const DeviceKey& key, std::string_view tag, const Node& answer, std::string_view id) {
  auto& device = devices_[key];
  const auto from = answer.attr("to");
  const auto type = answer.attr("type");
  const std::string copy = std::string(id) + '\0' + from;
  if (tag == "message" && answer.is("ack")) {
    if (const auto due = device.acks_to_come.find(copy); due != device.acks_to_come.end()) {
      device.acks_to_come.erase(due);
      return;
    }
  }
  const auto number = device.queue.settle(tag, id, {from, type, answer.attr("participant")}, device.next);
  if (!number) return;
  row_changed(key, *number);
  const bool asks_again = tag == "message" && answer.is("receipt") && type == "retry";
  if (asks_again && device.acks_to_come.size() < max_acks_to_come) device.acks_to_come.insert(copy);
}

// --- the queue itself

std::size_t Delivery::queue_length(const DeviceKey& key) const {
  const auto found = devices_.find(key);
  return found == devices_.end() ? 0 : found->second.queue.size();
}

void Delivery::forget(const DeviceKey& key) {
  const auto found = devices_.find(key);
  if (found == devices_.end()) return;
  for (const auto& [number, entry] : found->second.queue.entries()) row_changed(key, number);
  devices_.erase(found);
}

std::optional<Bytes> Delivery::row(const DeviceKey& key, std::uint64_t number) const {
  const auto found = devices_.find(key);
  if (found == devices_.end()) return std::nullopt;
  const auto entry = found->second.queue.entries().find(number);
  if (entry == found->second.queue.entries().end()) return std::nullopt;
  return protocol::encode_node(entry->second.stanza);
}

void Delivery::restore(const DeviceKey& key, std::uint64_t number, Node stanza) {
  devices_[key].queue.restore(number, std::move(stanza));
}

}  // namespace wharf::sandbox
