#include "daemon/process.h"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "protocol/crypto/hash.h"

namespace wharf::daemon {

SystemRandom::~SystemRandom() { protocol::wipe(block_); }

void SystemRandom::fill(std::span<std::uint8_t> out) {
  if (out.size() > block_.size()) return net::system_random(out);
  if (block_.size() - used_ < out.size()) {
    net::system_random(block_);
    used_ = 0;
  }
  std::memcpy(out.data(), block_.data() + used_, out.size());
  protocol::wipe(std::span(block_).subspan(used_, out.size()));  // handed out once, kept nowhere
  used_ += out.size();
}

void prepare_process() {
  std::signal(SIGPIPE, SIG_IGN);
  mallopt(M_ARENA_MAX, 2);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

std::size_t descriptor_limit() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
}

struct StopSignals::State {
  explicit State(net::asio::io_context& loop) : signals(loop, SIGTERM, SIGINT) {}
  net::asio::signal_set signals;
  std::function<void()> stop;
};

StopSignals::StopSignals(net::asio::io_context& loop, std::function<void()> stop)
    : state_(std::make_shared<State>(loop)) {
  state_->stop = std::move(stop);
  state_->signals.async_wait([state = state_](const boost::system::error_code& failed, int) {
    if (failed) return;
    state->signals.async_wait([state](const boost::system::error_code& again, int) {
      if (!again) std::_Exit(1);
    });
    state->stop();
  });
}

StopSignals::~StopSignals() {
  boost::system::error_code ignored;
  state_->signals.cancel(ignored);
}

}  // namespace wharf::daemon
