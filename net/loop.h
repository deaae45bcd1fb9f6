#pragma once
// The one event loop: executor type, and its side of the scheduler port. Everything in the process runs on this thread.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "net/loop_guard.h"
#include "net/scheduler.h"

namespace wharf::net {

namespace asio = boost::asio;
using Executor = asio::io_context::executor_type;

/// The scheduler of the daemon: real time. post() may be called from any thread; the rest belongs to the loop's.
class LoopScheduler final : public Scheduler {
 public:
  explicit LoopScheduler(asio::io_context& loop) : loop_(loop) {}
  std::int64_t unix_ms() const override { return clock_.unix_ms(); }
  SteadyTime steady() const override { return clock_.steady(); }
  void post(std::function<void()> run) override;
  std::shared_ptr<Alarm> new_alarm() override;

 private:
  asio::io_context& loop_;
  SystemClock clock_;
};

/// Runs the loop until it is stopped or has nothing left; an exception that reaches it costs the one entry.
void run_loop(asio::io_context& loop);

/// For timers inside net/, which stands on the loop itself.
std::shared_ptr<Alarm> new_alarm(Executor executor);

/// Random bytes from the kernel (getrandom). Thread safe.
void system_random(std::span<std::uint8_t> out);

}  // namespace wharf::net
