#pragma once
// The one event loop: executor type, clocks and timers. Everything in the process runs on this thread.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "net/loop_guard.h"

namespace wharf::net {

namespace asio = boost::asio;
using Executor = asio::io_context::executor_type;
using SteadyTime = std::chrono::steady_clock::time_point;

/// Wall clock in unix milliseconds and a monotonic clock. Handed in, so that tests and the sandbox can move it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t unix_ms() const = 0;
  virtual SteadyTime steady() const = 0;
};
class SystemClock final : public Clock {
 public:
  std::int64_t unix_ms() const override;
  SteadyTime steady() const override;
};

/// A one-shot timer that can be re-armed. The callback runs on the loop; destroying or re-arming cancels it for sure
/// (no late call). An exception of the callback is reported (loop_guard.h) and ends there.
class Timer {
 public:
  explicit Timer(Executor executor);
  ~Timer();
  Timer(Timer&&) noexcept;
  Timer& operator=(Timer&&) noexcept;
  void after(std::chrono::milliseconds delay, std::function<void()> callback);
  void cancel();

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the pending completion only
};

/// Random bytes from the kernel (getrandom). Thread safe.
void system_random(std::span<std::uint8_t> out);

}  // namespace wharf::net
