#pragma once
// One open WebSocket, client or server side, over TCP or TLS. Type-erased: Beast stays in the .cpp files.
// Loop thread only. Callbacks may destroy the owner's reference; none runs after close() was called by the owner.
// Letting go of the last reference without close() aborts the connection.

#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/proxy.h"
#include "net/url.h"

namespace wharf::net {

enum class MessageType { binary, text };

class WebSocket {
 public:
  virtual ~WebSocket() = default;

  struct Callbacks {
    /// One complete message; the view is valid during the call.
    std::function<void(MessageType, std::span<const std::uint8_t>)> message;
    /// The end, exactly once unless the owner closed: what happened, for logs ("closed by peer 1000", "read: …").
    std::function<void(const std::string& reason)> closed;
  };
  /// Starts reading. Until then nothing is read (back-pressure by the kernel).
  virtual void start(Callbacks callbacks) = 0;
  /// Queues one message; messages leave in order. After close() or the end it is dropped.
  virtual void send(MessageType type, std::vector<std::uint8_t> payload) = 0;
  /// Bytes queued and not yet accepted by the kernel.
  virtual std::size_t queued_bytes() const = 0;
  /// Calls back once when queued_bytes() falls to 0 (at once when it is 0).
  virtual void when_drained(std::function<void()> callback) = 0;
  /// Sends a ping frame: keeps middleboxes open and lets the kernel notice a peer that vanished. Nothing waits for the
  /// pong. Fakes may ignore it.
  virtual void ping() {}
  /// Stops reading for a while (true) or goes on (false): back-pressure towards the peer.
  virtual void pause(bool paused) = 0;
  /// Sends a close frame after what is queued, then closes; gives up after 5 s. Callbacks are dropped at once.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  /// Drops the connection now (RST), callbacks are dropped.
  virtual void abort() = 0;
  virtual std::string remote_address() const = 0;
};

struct WebSocketRequest {
  Url url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<Proxy> proxy;
  std::chrono::milliseconds timeout{20'000};  // resolve to upgrade, all together
  std::size_t max_message_bytes = 16u << 20;
};

struct ConnectFailure {
  std::string message;       // for logs and the session's reason
  unsigned http_status = 0;  // of a refused upgrade, else 0
  bool proxy = false;        // the proxy could not be reached or made no tunnel
  bool proxy_login = false;  // the proxy does not accept our user name and password
};
using WebSocketResult = boost::system::result<std::shared_ptr<WebSocket>, ConnectFailure>;

/// The port to the network: opens WebSockets. WebSocketClient in the daemon, memory in a simulated world.
class Transport {
 public:
  virtual ~Transport() = default;
  /// A running attempt; destroying it cancels (the callback does not run any more).
  class Attempt {
   public:
    virtual ~Attempt() = default;
  };
  [[nodiscard]] virtual std::unique_ptr<Attempt> connect(WebSocketRequest request,
                                                         std::function<void(WebSocketResult)> done) = 0;
};

}  // namespace wharf::net
