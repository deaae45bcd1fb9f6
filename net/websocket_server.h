#pragma once
// The server's WebSockets: Beast's websocket::stream on our lean stream, without permessage-deflate. Internal to net/.
// Loop thread only.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/stream.h"
#include "net/websocket.h"

namespace wharf::net {

struct WebSocketAcceptance {
  std::unique_ptr<Stream> stream;
  std::string key;                                           // the request's Sec-WebSocket-Key
  std::vector<std::pair<std::string, std::string>> headers;  // of the 101; unusable ones are left out
  std::size_t max_message_bytes = 0;
  std::function<void(std::shared_ptr<WebSocket>)> accepted;  // once the 101 is written; never when that fails
  std::function<void()> socket_closed;                       // once, when the socket is closed
};

/// Answers an upgrade request that is_upgrade_request() found good.
void accept_websocket(WebSocketAcceptance acceptance);

}  // namespace wharf::net
