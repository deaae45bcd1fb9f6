#pragma once
// The header of an outgoing request as text: the client writes it in one go with the body, the one serialisation it
// needs. Responses go through Beast's serializer (http_connection.cpp). Internal to net/.

#include <string>

#include "net/http_client.h"

namespace wharf::net {

/// Request line to empty line. "" when a header field is unusable.
std::string make_request_header(const OutgoingRequest& request);

}  // namespace wharf::net
