#pragma once
// WebSockets of both sides: Beast's websocket::stream on our lean stream, without permessage-deflate. Internal to net/.
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

struct WebSocketOpening {
  std::unique_ptr<Stream> stream;
  Url url;
  std::vector<std::pair<std::string, std::string>> headers;  // of the request; unusable ones are left out
  std::size_t max_message_bytes = 0;
  std::function<void(WebSocketResult)> opened;  // once, in a later turn of the loop; never after a cancel
};

/// Asks for the upgrade, for as long as it takes. What comes back cancels while it is under way, else does nothing.
[[nodiscard]] std::function<void()> open_websocket(WebSocketOpening opening);

}  // namespace wharf::net
