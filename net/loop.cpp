#include "net/loop.h"

#include <sys/random.h>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

namespace wharf::net {

std::int64_t SystemClock::unix_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

SteadyTime SystemClock::steady() const { return std::chrono::steady_clock::now(); }

namespace {

// Cancelling an Asio timer cannot take back a completion that is already queued; `arming_` tells a late one apart.
class LoopAlarm final : public Alarm, public std::enable_shared_from_this<LoopAlarm> {
 public:
  explicit LoopAlarm(Executor executor) : timer_(executor) {}

  void after(std::chrono::milliseconds delay, std::function<void()> callback) override {
    // The replaced callback may own the object that owns the timer: it must outlive the assignment.
    std::function<void()> replaced = std::exchange(callback_, std::move(callback));
    const std::uint64_t arming = ++arming_;
    timer_.expires_after(delay);  // cancels the earlier wait
    timer_.async_wait([self = shared_from_this(), arming](boost::system::error_code) {
      if (self->arming_ != arming || !self->callback_) return;
      std::function<void()> due = std::exchange(self->callback_, nullptr);
      guard("timer", due);
    });
  }

  void cancel() override {
    ++arming_;
    std::function<void()> dropped = std::exchange(callback_, nullptr);
    if (dropped) timer_.cancel();
  }

 private:
  asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor> timer_;
  std::uint64_t arming_ = 0;
  std::function<void()> callback_;
};

}  // namespace

// Not guard(): this is no entry, and nothing would be measured below it.
void run_loop(asio::io_context& loop) {
  for (;;) {
    try {
      loop.run();
      return;
    } catch (...) {
      report_escape("loop");
    }
  }
}

void LoopScheduler::post(std::function<void()> run) {
  asio::post(loop_, [run = std::move(run)] { guard("posted call", run); });
}

std::shared_ptr<Alarm> LoopScheduler::new_alarm() { return net::new_alarm(loop_.get_executor()); }

std::shared_ptr<Alarm> new_alarm(Executor executor) { return std::make_shared<LoopAlarm>(executor); }

void system_random(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace wharf::net
