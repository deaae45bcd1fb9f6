#include "api/webhook_lanes.h"

#include <algorithm>

namespace wharf::api {

using storage::EventId;
using storage::UnixMs;

WebhookLanes::WebhookLanes(std::string webhook, EventId cursor, const WebhookSettings& settings)
    : webhook_(std::move(webhook)), settings_(settings), durable_(cursor) {}

// --- filling

void WebhookLanes::resume(storage::DeliveryRow row, UnixMs now) {
  if (row.event > durable_) resumed_.insert(row.event);
  if (row.parked) return;
  Item item;
  item.event = row.event;
  item.attempts = row.attempts;
  item.first_try = row.first_try;
  item.next_try = row.next_try;
  item.deferred = true;
  item.last_error = std::move(row.last_error);
  Lane& lane = lanes_[row.lane];
  lane.items.push_back(std::move(item));
  ++deferred_;
  offer(row.lane, lane, now);
}

bool WebhookLanes::full() const {
  return outstanding_.size() >= settings_.read_ahead || deferred_ >= settings_.max_deferred;
}

WebhookLanes::Writes WebhookLanes::accept(EventId event, const std::string& key, UnixMs now) {
  Writes writes;
  if (resumed_.erase(event) != 0) return writes;
  Lane& lane = lanes_[key];
  Item item;
  item.event = event;
  item.first_try = now;
  outstanding_.insert(event);
  // Behind a waiting retry: a row, so that the cursor can pass.
  if (!lane.items.empty() && lane.items.front().deferred) put_row(key, item, writes);
  lane.items.push_back(std::move(item));
  offer(key, lane, now);
  return writes;
}

WebhookLanes::Writes WebhookLanes::redeliver(EventId event, const std::string& key, UnixMs now) {
  Writes writes;
  Lane& lane = lanes_[key];
  auto at = std::lower_bound(lane.items.begin(), lane.items.end(), event,
                             [](const Item& item, EventId e) { return item.event < e; });
  if (at == lane.items.end() || at->event != event) {
    // The front of a busy lane is under way and keeps its place.
    if (at == lane.items.begin() && lane.busy) ++at;
    Item item;
    item.event = event;
    item.first_try = now;
    put_row(key, item, writes);
    lane.items.insert(at, std::move(item));
  } else if (!lane.busy || at != lane.items.begin()) {
    at->next_try = 0;
  }
  offer(key, lane, now);
  return writes;
}

// --- sending

// The lane's front may go now: the lane joins the ready ones, or is noted for when it may.
void WebhookLanes::offer(const std::string& key, Lane& lane, UnixMs now) {
  if (lane.busy || lane.ready || lane.items.empty()) return;
  if (const UnixMs at = lane.items.front().next_try; at > now) {
    due_.emplace(at, key);
    return;
  }
  lane.ready = true;
  ready_.push_back(key);
}

bool WebhookLanes::sendable() const {
  return !ready_.empty() && in_flight_ < (failing_ ? 1 : settings_.concurrency_per_webhook);
}

std::optional<WebhookLanes::Attempt> WebhookLanes::begin() {
  if (!sendable()) return std::nullopt;
  Attempt attempt;
  attempt.lane = std::move(ready_.front());
  ready_.pop_front();
  Lane& lane = lanes_.at(attempt.lane);  // a ready lane is not empty, and only empty ones go
  lane.ready = false;
  lane.busy = true;
  ++in_flight_;
  Item& item = lane.items.front();
  ++item.attempts;
  attempt.event = item.event;
  return attempt;
}

WebhookLanes::Settlement WebhookLanes::settle(const Attempt& attempt, const DeliveryOutcome& outcome, UnixMs now,
                                              protocol::Random& random) {
  Settlement out;
  --in_flight_;
  failing_ = !outcome.delivered;
  const auto found = lanes_.find(attempt.lane);
  if (found == lanes_.end()) return out;
  Lane& lane = found->second;
  lane.busy = false;
  const auto at =
      std::find_if(lane.items.begin(), lane.items.end(), [&](const Item& item) { return item.event == attempt.event; });
  if (at == lane.items.end()) return out;
  out.attempts = at->attempts;
  out.first_try = at->first_try;
  at->last_error = outcome.error;
  if (outcome.delivered) {
    out.fate = Fate::delivered;
    drop(*at, out.writes);
    lane.items.erase(at);
  } else if (outcome.gone || now - at->first_try >= settings_.give_up.count()) {
    out.fate = Fate::parked;
    park(attempt.lane, *at, out.writes);
    lane.items.erase(at);
  } else {
    out.fate = Fate::retried;
    out.wait =
        std::max(retry_delay(at->attempts, settings_, random),
                 std::min(outcome.retry_after.value_or(std::chrono::milliseconds(0)), settings_.max_retry_after));
    retry(attempt.lane, lane, *at, out.wait, now, out.writes);
  }
  if (lane.items.empty()) lanes_.erase(found);
  else offer(attempt.lane, lane, now);
  return out;
}

// No row is needed any more.
void WebhookLanes::drop(const Item& item, Writes& writes) {
  delivered_top_ = std::max(delivered_top_, item.event);
  outstanding_.erase(item.event);
  unwritten_.erase(item.event);
  lost_.erase(item.event);
  if (!item.deferred) return;
  --deferred_;
  writes.rows.add(storage::RemoveDelivery{webhook_, item.event});
  writes.settled.push_back(item.event);
}

// Given up: the row stays for a redeliver call.
void WebhookLanes::park(const std::string& lane, const Item& item, Writes& writes) {
  if (item.deferred) --deferred_;
  keep_row({webhook_, item.event, lane, item.attempts, 0, item.first_try, true, item.last_error}, writes);
  writes.settled.push_back(item.event);
}

void WebhookLanes::retry(const std::string& key, Lane& lane, Item& item, std::chrono::milliseconds wait, UnixMs now,
                         Writes& writes) {
  item.next_try = now + wait.count();
  put_row(key, item, writes);
  for (Item& behind : lane.items)
    if (!behind.deferred) put_row(key, behind, writes);
}

void WebhookLanes::put_row(const std::string& lane, Item& item, Writes& writes) {
  if (!item.deferred) {
    item.deferred = true;
    ++deferred_;
    writes.settled.push_back(item.event);
  }
  keep_row({webhook_, item.event, lane, item.attempts, item.next_try, item.first_try, false, item.last_error}, writes);
}

// The row of an event that holds the cursor is kept until it is durable: its commit may fail, and the event may have
// left its lane by then.
void WebhookLanes::keep_row(storage::DeliveryRow row, Writes& writes) {
  if (outstanding_.contains(row.event)) unwritten_[row.event] = row;
  writes.rows.add(storage::PutDelivery{std::move(row)});
}

std::optional<UnixMs> WebhookLanes::next_due() const {
  return due_.empty() ? std::nullopt : std::optional<UnixMs>(due_.begin()->first);
}

void WebhookLanes::wake(UnixMs now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    const std::string key = due_.begin()->second;
    due_.erase(due_.begin());
    if (const auto lane = lanes_.find(key); lane != lanes_.end()) offer(key, lane->second, now);
  }
}

// --- the cursor

EventId WebhookLanes::cursor(EventId looked_at) const {
  return outstanding_.empty() ? looked_at : *outstanding_.begin() - 1;
}

std::optional<EventId> WebhookLanes::advance(EventId looked_at) {
  const EventId reached = cursor(looked_at);
  if (reached <= durable_) return std::nullopt;
  durable_ = reached;
  return reached;
}

void WebhookLanes::on_committed(EventId event) {
  outstanding_.erase(event);
  unwritten_.erase(event);
  lost_.erase(event);
}

void WebhookLanes::on_lost(EventId event) {
  if (unwritten_.contains(event)) lost_.insert(event);
}

WebhookLanes::Writes WebhookLanes::unblock() {
  Writes writes;
  for (const EventId event : std::exchange(lost_, {})) {
    writes.rows.add(storage::PutDelivery{unwritten_.at(event)});
    writes.settled.push_back(event);
  }
  const EventId oldest = outstanding_.empty() ? 0 : *outstanding_.begin();
  const bool blocks = oldest != 0 && oldest == blocker_ && oldest < delivered_top_;
  blocker_ = oldest;
  if (!blocks) return writes;
  for (auto& [key, lane] : lanes_)
    for (Item& item : lane.items)
      if (!item.deferred && item.event < delivered_top_) put_row(key, item, writes);
  return writes;
}

}  // namespace wharf::api
