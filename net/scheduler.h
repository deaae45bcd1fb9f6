#pragma once
// The port between what Wharf decides and when it runs: the event loop of the daemon (loop.h), or the virtual time of a
// simulated world (tests/simulation). What stands on it (sessions, events, webhooks, the sandbox) knows no Asio and
// sees the same order of callbacks again when the same things happen at the same times.
//
// Every callback runs inside a guard (loop_guard.h): an exception is reported and ends there. One thread.

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "net/clock.h"

namespace wharf::net {

/// What a Timer stands on. Only the last arming counts: a callback that was cancelled or replaced never runs.
class Alarm {
 public:
  virtual ~Alarm() = default;
  virtual void after(std::chrono::milliseconds delay, std::function<void()> callback) = 0;
  virtual void cancel() = 0;
};

class Scheduler : public Clock {
 public:
  /// Runs `run` on a later round, never inside this call; in the order of the calls.
  virtual void post(std::function<void()> run) = 0;
  virtual std::shared_ptr<Alarm> new_alarm() = 0;
  /// `object` may be calling us right now: it dies on a later round.
  template <class Object>
  void retire(Object object) {
    post([held = std::make_shared<Object>(std::move(object))] {});
  }
};

/// A one-shot timer that can be re-armed. Destroying or re-arming cancels it for sure (no late call), and the callback
/// may do either.
class Timer {
 public:
  explicit Timer(Scheduler& scheduler) : alarm_(scheduler.new_alarm()) {}
  explicit Timer(std::shared_ptr<Alarm> alarm) : alarm_(std::move(alarm)) {}
  ~Timer() { cancel(); }
  Timer(Timer&&) noexcept = default;
  Timer& operator=(Timer&& other) noexcept {
    if (this != &other) {
      cancel();
      alarm_ = std::move(other.alarm_);
    }
    return *this;
  }
  void after(std::chrono::milliseconds delay, std::function<void()> callback) {
    alarm_->after(delay, std::move(callback));
  }
  void cancel() {
    if (const auto held = alarm_) held->cancel();  // the callback may own this timer
  }

 private:
  std::shared_ptr<Alarm> alarm_;
};

}  // namespace wharf::net
