#pragma once
// The client's WebSocket once the upgrade is done: the link to the chat servers. Ours and not Beast's stream because a
// process holds one for each session (websocket_frame.h); the server's few stand on Beast (websocket_server.h).
// Internal to net/.

#include <memory>
#include <string>

#include "net/stream.h"
#include "net/websocket.h"

namespace wharf::net {

struct WebSocketStart {
  std::unique_ptr<Stream> stream;
  std::size_t max_message_bytes = 0;
  std::string received;  // bytes that came behind the upgrade
};

std::shared_ptr<WebSocket> make_websocket(WebSocketStart start);

}  // namespace wharf::net
