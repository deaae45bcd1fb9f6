#pragma once
// Answers and requests of IQs, judged in one way. Specification 05 sections 1 and 17.

#include <optional>
#include <string_view>

#include "protocol/stanzas/iq.h"

namespace wharf::protocol {

/// An error answer as an Error, nullopt when `answer` is none. 429 is rate_limited (its backoff: iq_error_of), 404
/// not_found, 409 conflict, 408 timed_out, 500 and 503 network (worth trying again), everything else refused. `what`
/// begins the detail, with code and text behind it.
std::optional<Error> iq_refusal(const Node& answer, std::string_view what);
/// The same judgement of a code that stands elsewhere than in an IQ's error.
Error refusal_of_code(std::uint64_t code, std::string_view text, std::string_view what);

/// Child `tag` of an answer. Errors: as iq_refusal; malformed when it is no result or the child is missing. The pointer
/// lives as long as `answer`.
Result<const Node*> result_child(const Node& answer, std::string_view tag, std::string_view what);
/// For answers that say nothing but that it was done.
Result<void> result_only(const Node& answer, std::string_view what);

/// Whether a client asks this: an iq of `type` get or set, with an id.
bool is_request(const Node& iq, std::string_view type, std::string_view xmlns);

}  // namespace wharf::protocol
