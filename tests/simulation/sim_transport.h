#pragma once
// The daemon's way to the simulated network: each attempt takes its time, then fails or gives one side of a MemoryLink,
// whose other side goes to the server.

#include <functional>
#include <memory>
#include <vector>

#include "net/websocket.h"
#include "tests/simulation/memory_socket.h"

namespace wharf::simulation {

/// Of attempts; percent each. What is left over succeeds.
struct DialFaults {
  unsigned refused = 0;
  unsigned hanging = 0;   // no answer until the request's timeout
  unsigned cut_soon = 0;  // it succeeds and is reset within the first second: in the handshake or the login
  friend bool operator==(const DialFaults&, const DialFaults&) = default;
};

class SimTransport final : public net::Transport {
 public:
  using Accept = std::function<void(std::shared_ptr<net::WebSocket>)>;
  /// `accept` gets the server's side of each connection. All of it outlives this.
  SimTransport(MemoryLink::World world, Latency latency, const DialFaults& faults, std::uint64_t& last_number,
               Accept accept);

  std::unique_ptr<Attempt> connect(net::WebSocketRequest request,
                                   std::function<void(net::WebSocketResult)> done) override;

  /// The open ones, oldest first.
  std::vector<std::shared_ptr<MemoryLink>> links();
  /// The process is gone.
  void kill(bool in_flight_is_lost);

 private:
  class Dial;
  void open(const std::function<void(net::WebSocketResult)>& done);

  MemoryLink::World world_;
  Latency latency_;
  const DialFaults& faults_;
  std::uint64_t& last_number_;
  Accept accept_;
  std::vector<std::weak_ptr<MemoryLink>> links_;
};

}  // namespace wharf::simulation
