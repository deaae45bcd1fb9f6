#pragma once
// Answers to a client's IQ: same id, `from` = the request's `to`. And what ends its stream.

#include <string_view>

#include "protocol/binary/node.h"

namespace wharf::sandbox {

using protocol::Node;

inline constexpr unsigned rate_limit_backoff_seconds = 60;

Node result_of(const Node& iq);
/// `backoff`: seconds the client is asked to wait, 0 = not said.
Node error_of(const Node& iq, unsigned code, std::string_view text, unsigned backoff = 0);
/// An answer as protocol/ makes it, as a server sends it: from whom the request was for.
Node answer_of(const Node& iq, const Node& made);
/// <stream:error code> of 06 section 17.1; code "" omits it.
Node stream_error(std::string_view code, std::string_view conflict = {});

}  // namespace wharf::sandbox
