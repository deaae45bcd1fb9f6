#pragma once
// A question to WhatsApp that one answer ends: without a connection, without an answer and refused are told alike.

#include <type_traits>
#include <utility>

#include "sessions/context.h"
#include "sessions/server_refusal.h"

namespace wharf::sessions {

/// Sends `iq` and answers `reply` with what `read` makes of the answer: a Result<T>. Errors: not_ready (not connected),
/// timed_out (no answer), as `judge` has it of the answer and of what `read` says against it. `context` outlives the
/// question.
template <class Read, class Judge, class T>
  requires std::is_invocable_r_v<Refusal, Judge, const Node*, const protocol::Error&>
void ask(Context& context, const Node& iq, Judge judge, Read read, Reply<T> reply) {
  if (!context.link.online()) return context.answer(std::move(reply), not_connected());
  context.query(iq, [&context, judge = std::move(judge), read = std::move(read),
                     reply = std::move(reply)](const Node* answer) mutable {
    if (answer == nullptr) return context.answer(std::move(reply), no_answer());
    auto result = read(*answer);
    if (!result) return context.answer(std::move(reply), judge(answer, result.error()));
    if constexpr (std::is_void_v<T>) context.answer(std::move(reply), Outcome<>());
    else context.answer(std::move(reply), std::move(*result));
  });
}
/// The same, where a refusal is about `subject` and no more than server_refusal() says.
template <class Read, class T>
void ask(Context& context, const Node& iq, Subject subject, Read read, Reply<T> reply) {
  const auto judge = [subject](const Node* answer, const protocol::Error& why) {
    return server_refusal(answer, why, subject);
  };
  ask(context, iq, judge, std::move(read), std::move(reply));
}

}  // namespace wharf::sessions
