#pragma once
// The two network clocks. LoopClock is the time of its scheduler plus an offset; VirtualClock
// stands still until a test advances it. Specification 06 section 18.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "net/scheduler.h"
#include "sandbox/network.h"

namespace wharf::sandbox {

/// Pending one-shot timers ordered by due time. A timer whose token is gone never fires.
class TimerList {
 public:
  std::shared_ptr<void> add(std::int64_t due_ms, std::function<void()> callback);
  /// Runs what is due at `now_ms`, earliest first, at most what was there when it began.
  void run_due(std::int64_t now_ms);
  /// The earliest live due time; a negative number without one.
  std::int64_t next_due();

 private:
  struct Entry {
    std::weak_ptr<void> alive;
    std::function<void()> callback;
  };
  std::multimap<std::int64_t, Entry> entries_;
};

class LoopClock final : public NetworkClock {
 public:
  explicit LoopClock(net::Scheduler& scheduler);
  std::int64_t unix_ms() const override;
  void advance(std::int64_t ms) override;
  std::shared_ptr<void> after(std::int64_t ms, std::function<void()> callback) override;

 private:
  void arm();
  net::Scheduler& scheduler_;
  net::Timer timer_;
  TimerList timers_;
  std::int64_t offset_ms_ = 0;
  std::int64_t armed_for_ = -1;
};

class VirtualClock final : public NetworkClock {
 public:
  explicit VirtualClock(std::int64_t unix_ms = 1'767'225'600'000) : now_ms_(unix_ms) {}
  std::int64_t unix_ms() const override { return now_ms_; }
  /// Steps from timer to timer, so that a callback sees its own due time.
  void advance(std::int64_t ms) override;
  std::shared_ptr<void> after(std::int64_t ms, std::function<void()> callback) override;

 private:
  TimerList timers_;
  std::int64_t now_ms_;
};

}  // namespace wharf::sandbox
