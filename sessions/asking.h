#pragma once
// A question to WhatsApp that one answer ends: without a connection, without an answer and refused are told alike.

#include <type_traits>
#include <utility>

#include "sessions/context.h"
#include "sessions/server_refusal.h"

namespace wharf::sessions {

/// Sends `iq` and answers `reply` with what `read` makes of the answer: a Result<T>. Errors: not_ready (not connected),
/// timed_out (no answer), as server_refusal() has it of `subject`. `context` outlives the question.
template <class Read, class T>
void ask(Context& context, const Node& iq, Subject subject, Read read, Reply<T> reply) {
  if (!context.link.online()) return context.answer(std::move(reply), not_connected());
  context.query(iq, [&context, subject, read = std::move(read), reply = std::move(reply)](const Node* answer) mutable {
    if (answer == nullptr) return context.answer(std::move(reply), no_answer());
    auto result = read(*answer);
    if (!result) return context.answer(std::move(reply), server_refusal(answer, result.error(), subject));
    if constexpr (std::is_void_v<T>) context.answer(std::move(reply), Outcome<>());
    else context.answer(std::move(reply), std::move(*result));
  });
}

}  // namespace wharf::sessions
