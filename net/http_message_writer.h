#pragma once
// The header part of HTTP/1.1 messages as text. Internal to net/.

#include <string>
#include <string_view>

#include "net/http_client.h"
#include "net/http_server.h"

namespace wharf::net {

struct ResponseFraming {
  bool close = false;     // the connection ends after this answer
  bool http_1_0 = false;  // the client needs to be told that the connection stays
  bool head = false;      // answer to HEAD: length, but no body follows
  bool streamed = false;  // the length is not known: chunks, or all until the end of the connection for HTTP/1.0
};

/// Status line to empty line. Framing fields come from here; unusable header fields are left out.
std::string make_response_header(const HttpResponse& response, const ResponseFraming& framing);
/// A piece of a streamed body with its framing; the last one of all when `last`.
std::string make_chunk(std::string_view bytes, bool last);
/// False for statuses that cannot have one (1xx, 204, 304).
bool status_has_body(unsigned status);

/// Request line to empty line. "" when a header field is unusable.
std::string make_request_header(const OutgoingRequest& request);

}  // namespace wharf::net
