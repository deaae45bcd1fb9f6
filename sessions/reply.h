#pragma once
// An answer that somebody waits for. A command travels through mailboxes, turns and continuations, and any of them can
// die on the way: with a session that is rebuilt, with a connection, at shutdown. Whoever asked must hear of it, so the
// right to answer is a value of its own: moved along with what it belongs to, used up by answering, and an answer by
// itself when it dies.

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "net/loop_guard.h"
#include "sessions/refusal.h"

namespace wharf::sessions {

/// What is owed to whoever waits, for those who only may say that nothing comes of it: an actor keeps it of each
/// command in a turn. As long as somebody keeps it, a reply that died is not answered yet: a turn that ends with an
/// exception takes the replies with it, and its error is the better answer.
class Owed {
 public:
  Owed() = default;
  Owed(const Owed&) = delete;
  Owed& operator=(const Owed&) = delete;
  virtual ~Owed() = default;
  /// Nothing when the answer was given.
  virtual void fail(const protocol::Error& why) = 0;
};

/// The right to answer once. Move-only; loop thread only. What the handler throws is reported and ends there.
///
/// Code that runs inside a turn does not answer by itself: it hands the reply to Context::answer(), and the handler
/// runs when the turn is durable.
template <class T>
class Reply {
 public:
  /// Nobody waits.
  Reply() = default;
  Reply(Reply&&) noexcept = default;
  Reply& operator=(Reply&&) noexcept = default;  // what it was before dies
  ~Reply() = default;
  /// `handler` is called exactly once: with the answer, or with Errc::closed when the reply dies without one.
  template <class Handler>
    requires(!std::is_same_v<std::remove_cvref_t<Handler>, Reply> &&
             std::is_invocable_v<std::decay_t<Handler>&, Outcome<T>>)
  Reply(Handler&& handler)  // NOLINT(google-explicit-constructor): a lambda is what a caller has
      : debt_(std::make_shared<DebtTo<std::decay_t<Handler>>>(std::forward<Handler>(handler))) {}

  /// Uses it up: `std::move(reply)(answer)`. Nothing when it was moved from, or when an Owed has failed meanwhile.
  void operator()(Outcome<T> answer) && {
    if (const auto debt = std::exchange(debt_, nullptr)) debt->pay(std::move(answer));
  }
  std::shared_ptr<Owed> owed() const { return debt_; }

 private:
  struct Debt : Owed {
    virtual void pay(Outcome<T> answer) = 0;
    void fail(const protocol::Error& why) final { pay(why); }
  };
  template <class Handler>
  struct DebtTo final : Debt {
    template <class From>
    explicit DebtTo(From&& from) : creditor(std::forward<From>(from)) {}
    ~DebtTo() override {
      pay(protocol::Error(protocol::Errc::closed, "the session had to begin again before this was done; try again"));
    }
    void pay(Outcome<T> answer) override {
      if (!creditor) return;
      std::optional<Handler> once = std::move(creditor);
      creditor.reset();  // first: the handler may end what holds us
      net::guard("answer", [&] { (*once)(std::move(answer)); });
    }
    std::optional<Handler> creditor;
  };

  std::shared_ptr<Debt> debt_;  // shared with those who keep it as Owed
};

}  // namespace wharf::sessions
