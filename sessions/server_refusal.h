#pragma once
// What the server's refusal of a request means for who asked. Specification 05 sections 1 and 17.

#include "protocol/binary/node.h"
#include "sessions/refusal.h"

namespace wharf::sessions {

/// The code that an error of the server has in our words: 401, 403 and 405 forbidden, 404 and 410 not_found, 400 and
/// 406 malformed, 409 conflict, 408 timed_out, 429 rate_limited; any other, also 0, refused.
protocol::Errc errc_of_server(std::uint64_t code);

/// What a server said of when to ask again, within a day.
std::int64_t bounded_backoff_s(std::uint64_t said);

/// `why` as a reader judged `answer` (nullptr: none came), with the server's own code where it gave one.
Refusal server_refusal(const protocol::Node* answer, const protocol::Error& why, Subject about);
/// That no answer came.
Refusal no_answer();
Refusal not_connected();

}  // namespace wharf::sessions
