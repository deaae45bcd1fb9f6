#pragma once
// A WebSocket connection in memory, between two processes of a simulated world. It behaves like one over TCP: messages
// arrive in the order in which they were sent, each after a latency of its own; what a side does not read yet waits and
// pushes back; a side that closes is heard behind what it had sent. It can fail like one: reset (both sides hear it,
// what was under way is lost), gone silent (nothing arrives any more and nobody hears of it), stalled for a while.

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "net/websocket.h"
#include "protocol/crypto/random.h"
#include "tests/simulation/trace.h"
#include "tests/simulation/virtual_scheduler.h"

namespace wharf::simulation {

enum class Side : std::uint8_t { client = 0, server = 1 };
inline Side other(Side side) { return side == Side::client ? Side::server : Side::client; }

/// How long messages take: `base` and up to `jitter` more.
struct Latency {
  Micros base{20'000};
  Micros jitter{10'000};
};

class MemoryLink : public std::enable_shared_from_this<MemoryLink> {
 public:
  struct World {
    VirtualScheduler& client;
    VirtualScheduler& server;
    protocol::Random& random;
    Trace& trace;
  };
  MemoryLink(World world, std::uint64_t number, Latency latency);

  /// The socket of a side, once. Letting go of it without close() resets the link.
  std::shared_ptr<net::WebSocket> socket(Side side);

  // --- faults
  void reset(std::string_view why);
  void go_silent() { silent_ = true; }
  /// What is sent from now on arrives no earlier than this much later.
  void stall(Micros duration);
  /// The process of the client side is gone. What it had sent arrives, or is lost with it.
  void client_died(bool in_flight_is_lost);
  bool open() const { return !ends_[0].over && !ends_[1].over; }
  std::uint64_t number() const { return number_; }

 private:
  friend class MemorySocket;
  /// The kernel's buffers: what is under way beyond them is queued in the process.
  static constexpr std::size_t kernel_bytes = 256u << 10;

  struct Message {
    net::MessageType type = net::MessageType::binary;
    std::vector<std::uint8_t> payload;
    std::optional<std::string> end;  // no message: why the other side is gone
  };
  struct End {
    VirtualScheduler* scheduler = nullptr;  // nullptr: its process died
    std::shared_ptr<net::WebSocket::Callbacks> callbacks;
    bool paused = false;
    bool over = false;          // closed by its owner, or told of the end
    std::deque<Message> inbox;  // arrived and not read
    Micros last_arrival{0};
    Micros last_sent{-1};           // when that one was sent
    std::size_t under_way = 0;      // bytes towards this end that it did not read
    std::function<void()> drained;  // of the sender towards this end
  };
  End& end(Side side) { return ends_[static_cast<std::size_t>(side)]; }
  void start(Side side, net::WebSocket::Callbacks callbacks);
  void send(Side from, Message message);
  void travel(Side to, Message message, Micros not_before);
  void arrive(Side to, Message message);
  void read(Side side);
  void finish(Side side);
  std::size_t queued_bytes(Side from);
  void when_drained(Side from, std::function<void()> callback);
  void note(Side side, std::string_view what);

  World world_;
  std::uint64_t number_;
  Latency latency_;
  End ends_[2];
  bool silent_ = false;
  std::uint64_t era_ = 0;  // grows with a reset: what is under way from an earlier one is lost
  Micros held_until_{0};
};

}  // namespace wharf::simulation
