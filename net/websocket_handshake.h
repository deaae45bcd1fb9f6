#pragma once
// The opening handshake of RFC 6455 section 4, without I/O: the client's, and which requests the server takes for one
// (stricter than Beast, which answers them). The client's is ours because its whole WebSocket is (websocket_frame.h).
// Internal to net/.

#include <string>
#include <string_view>

#include "net/http_message_reader.h"
#include "net/websocket.h"

namespace wharf::net {

/// Sec-WebSocket-Key: 16 random bytes.
std::string make_websocket_key();
/// Sec-WebSocket-Accept for a key.
std::string websocket_accept(std::string_view key);

/// A client's upgrade request. Our own fields cannot be replaced by `headers`; unusable ones are left out.
std::string make_upgrade_request(const Url& url, const HttpHeaders& headers, std::string_view key);
/// What is wrong with the answer to it, "" when the upgrade stands.
std::string check_upgrade_response(unsigned status, const HttpHeaders& headers, std::string_view key);

/// Whether a request asks for a WebSocket in a way we can accept.
bool is_upgrade_request(std::string_view method, bool http_1_1, const HttpHeaders& headers);
/// Whether the handshake sets this field itself, on either side.
bool handshake_field(std::string_view name);

}  // namespace wharf::net
