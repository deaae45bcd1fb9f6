#pragma once
// An answer that is owed exactly once. A request travels through mailboxes, turns and continuations, and any of them
// can die on the way: with a session that is rebuilt, with a connection, at shutdown. Whoever asked must hear of it.

#include <exception>
#include <memory>
#include <utility>

#include "net/loop_guard.h"
#include "sessions/session_view.h"

namespace wharf::sessions {

/// Wraps `done` so that it is called once: a second answer is dropped, and when the last copy dies unanswered it hears
/// Errc::closed. Loop thread only; what `done` throws is reported and ends there.
template <class T>
Done<T> owed(Done<T> done) {
  class Debt {
   public:
    explicit Debt(Done<T> creditor) : creditor_(std::move(creditor)) {}
    Debt(const Debt&) = delete;
    Debt& operator=(const Debt&) = delete;
    ~Debt() {
      if (!creditor_) return;
      pay(protocol::Error(protocol::Errc::closed, "the session had to begin again before this was done; try again"));
    }
    void pay(Result<T> answer) {
      if (!creditor_) return;
      const auto creditor = std::exchange(creditor_, nullptr);
      net::guard("answer", [&] { creditor(std::move(answer)); });
    }

   private:
    Done<T> creditor_;
  };
  auto debt = std::make_shared<Debt>(std::move(done));
  return [debt](Result<T> answer) { debt->pay(std::move(answer)); };
}

}  // namespace wharf::sessions
