#pragma once
// The id of a request: of the caller or made at the door. It stands in the answer's X-Request-Id, in log lines, in the
// events that the request causes and with their webhook deliveries.

#include <string>
#include <string_view>

#include "net/http_server.h"
#include "protocol/crypto/random.h"

namespace wharf::api {

/// 1-128 of letters, digits and . _ : - : it may stand bare in a header, in a log line and in JSON.
bool is_request_id(std::string_view text);
/// X-Request-Id of the caller when it is one, else a new one.
std::string request_id_of(const net::HttpRequest& request, protocol::Random& random);

}  // namespace wharf::api
