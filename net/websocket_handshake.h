#pragma once
// Which requests the server takes for the opening handshake of RFC 6455 section 4: stricter than Beast, which answers
// them. Internal to net/.

#include <string_view>

#include "net/http_message_reader.h"

namespace wharf::net {

/// Whether a request asks for a WebSocket in a way we can accept.
bool is_upgrade_request(std::string_view method, bool http_1_1, const HttpHeaders& headers);
/// Whether the handshake sets this field itself, on either side.
bool handshake_field(std::string_view name);

}  // namespace wharf::net
