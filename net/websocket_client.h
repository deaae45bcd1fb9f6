#pragma once
// Outgoing WebSockets over TCP and TLS, direct or through a proxy.

#include <functional>
#include <memory>

#include "net/loop.h"
#include "net/tls_trust.h"
#include "net/websocket.h"

namespace wharf::net {

/// Shared by all outgoing connections of a process: one TLS context (session cache off), one resolver cache.
class WebSocketClient final : public Transport {
 public:
  WebSocketClient(asio::io_context& loop, TlsTrust trust);
  ~WebSocketClient() override;

  [[nodiscard]] std::unique_ptr<Attempt> connect(WebSocketRequest request,
                                                 std::function<void(WebSocketResult)> done) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wharf::net
