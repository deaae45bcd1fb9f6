#include "sandbox/clock.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace wharf::sandbox {

std::shared_ptr<void> TimerList::add(std::int64_t due_ms, std::function<void()> callback) {
  auto token = std::make_shared<char>();
  entries_.emplace(due_ms, Entry{token, std::move(callback)});
  return token;
}

void TimerList::run_due(std::int64_t now_ms) {
  std::vector<Entry> due;
  const auto end = entries_.upper_bound(now_ms);
  for (auto entry = entries_.begin(); entry != end; ++entry) due.push_back(std::move(entry->second));
  entries_.erase(entries_.begin(), end);
  for (auto& entry : due) {
    // The token is held during the call: a callback may drop its own.
    if (auto alive = entry.alive.lock()) entry.callback();
  }
}

std::int64_t TimerList::next_due() {
  while (!entries_.empty() && entries_.begin()->second.alive.expired()) entries_.erase(entries_.begin());
  return entries_.empty() ? -1 : entries_.begin()->first;
}

LoopClock::LoopClock(net::Scheduler& scheduler) : scheduler_(scheduler), timer_(scheduler) {}

std::int64_t LoopClock::unix_ms() const { return scheduler_.unix_ms() + offset_ms_; }

void LoopClock::advance(std::int64_t ms) {
  offset_ms_ += ms;
  armed_for_ = -1;
  arm();
}

std::shared_ptr<void> LoopClock::after(std::int64_t ms, std::function<void()> callback) {
  auto token = timers_.add(unix_ms() + std::max<std::int64_t>(ms, 0), std::move(callback));
  arm();
  return token;
}

void LoopClock::arm() {
  const auto due = timers_.next_due();
  if (due < 0 || (armed_for_ >= 0 && armed_for_ <= due)) return;
  armed_for_ = due;
  const auto wait = std::chrono::milliseconds(std::max<std::int64_t>(due - unix_ms(), 0));
  timer_.after(wait, [this] {
    armed_for_ = -1;
    timers_.run_due(unix_ms());
    arm();
  });
}

void VirtualClock::advance(std::int64_t ms) {
  const auto target = now_ms_ + ms;
  for (auto due = timers_.next_due(); due >= 0 && due <= target; due = timers_.next_due()) {
    now_ms_ = std::max(now_ms_, due);
    timers_.run_due(now_ms_);
  }
  now_ms_ = std::max(now_ms_, target);
}

std::shared_ptr<void> VirtualClock::after(std::int64_t ms, std::function<void()> callback) {
  return timers_.add(now_ms_ + std::max<std::int64_t>(ms, 0), std::move(callback));
}

}  // namespace wharf::sandbox
