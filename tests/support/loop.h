#pragma once
// Driving an io_context until something is true.

#include <boost/asio/io_context.hpp>
#include <chrono>

namespace wharf::test {

/// Far beyond what loopback and a loaded machine need; under it nothing depends on time.
inline constexpr std::chrono::seconds patience{60};

/// False only when `condition` did not become true within `patience`.
template <class Condition>
bool run_until(boost::asio::io_context& loop, Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    if (loop.stopped()) loop.restart();
    loop.run_one_for(std::chrono::milliseconds(50));
  }
  return true;
}

/// Runs what is ready now, without waiting.
inline void run_ready(boost::asio::io_context& loop) {
  if (loop.stopped()) loop.restart();
  loop.poll();
}

}  // namespace wharf::test
