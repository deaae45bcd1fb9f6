#pragma once
// The WebSocket both sides share once the upgrade is done. Internal to net/.

#include <functional>
#include <memory>
#include <string>

#include "net/stream.h"
#include "net/websocket.h"
#include "net/websocket_frame.h"

namespace wharf::net {

struct WebSocketStart {
  std::unique_ptr<Stream> stream;
  WebSocketRole role = WebSocketRole::client;
  std::size_t max_message_bytes = 0;
  std::string received;                 // bytes that came behind the upgrade
  std::string to_send;                  // goes out first (the server's 101 answer)
  std::function<void()> socket_closed;  // once, when the socket is closed
};

std::shared_ptr<WebSocket> make_websocket(WebSocketStart start);

}  // namespace wharf::net
