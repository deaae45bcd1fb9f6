#include "net/loop.h"

#include <sys/random.h>

#include <boost/asio/basic_waitable_timer.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

namespace wharf::net {

std::int64_t SystemClock::unix_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

SteadyTime SystemClock::steady() const { return std::chrono::steady_clock::now(); }

// Cancelling an Asio timer cannot take back a completion that is already queued; `arming` tells a late one apart.
struct Timer::State {
  explicit State(Executor executor) : timer(executor) {}
  asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor> timer;
  std::uint64_t arming = 0;
  std::function<void()> callback;
};

Timer::Timer(Executor executor) : state_(std::make_shared<State>(executor)) {}
Timer::~Timer() { cancel(); }
Timer::Timer(Timer&&) noexcept = default;

Timer& Timer::operator=(Timer&& other) noexcept {
  if (this != &other) {
    cancel();
    state_ = std::move(other.state_);
  }
  return *this;
}

void Timer::after(std::chrono::milliseconds delay, std::function<void()> callback) {
  // The replaced callback may own the object that owns this timer: it must outlive the assignment.
  std::function<void()> replaced = std::exchange(state_->callback, std::move(callback));
  const std::uint64_t arming = ++state_->arming;
  state_->timer.expires_after(delay);  // cancels the earlier wait
  state_->timer.async_wait([state = state_, arming](boost::system::error_code) {
    if (state->arming != arming || !state->callback) return;
    std::function<void()> due = std::exchange(state->callback, nullptr);
    guard("timer", due);
  });
}

void Timer::cancel() {
  if (!state_) return;
  const std::shared_ptr<State> state = state_;  // the callback may own this timer
  ++state->arming;
  std::function<void()> dropped = std::exchange(state->callback, nullptr);
  if (dropped) state->timer.cancel();
}

void system_random(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace wharf::net
