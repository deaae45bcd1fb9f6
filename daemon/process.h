#pragma once
// What both long-running subcommands need of the process: signals, descriptor limits, allocator settings, randomness.

#include <functional>
#include <memory>

#include "net/loop.h"
#include "protocol/crypto/random.h"

namespace wharf::daemon {

/// The kernel's generator behind the port of protocol/, read in blocks: keys of 32 bytes would cost a system call each.
class SystemRandom final : public protocol::Random {
 public:
  ~SystemRandom() override;
  void fill(std::span<std::uint8_t> out) override;

 private:
  std::array<std::uint8_t, 1024> block_{};
  std::size_t used_ = sizeof(block_);
};

/// SIGPIPE ignored, soft descriptor limit raised to the hard one, two malloc arenas.
void prepare_process();
/// The soft descriptor limit after prepare_process().
std::size_t descriptor_limit();

/// Calls back once at the first SIGTERM or SIGINT; a second one ends the process at once.
class StopSignals {
 public:
  StopSignals(net::asio::io_context& loop, std::function<void()> stop);
  ~StopSignals();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wharf::daemon
