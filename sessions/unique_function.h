#pragma once
// A function that is moved, never copied, so that it can own what must not be copied: a Reply, another one of its kind.
// Stands in for std::move_only_function, which GCC 12 has only with C++23.

#include <memory>
#include <type_traits>
#include <utility>

namespace wharf::sessions {

template <class Signature>
class UniqueFunction;

/// Empty or callable. Calling an empty or a moved-from one is a broken invariant of the caller.
template <class R, class... Arguments>
class UniqueFunction<R(Arguments...)> {
 public:
  UniqueFunction() = default;
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, UniqueFunction> && std::is_invocable_r_v<R, F&, Arguments...>)
  UniqueFunction(F&& function)  // NOLINT(google-explicit-constructor): as std::function
      : held_(std::make_unique<Holds<std::decay_t<F>>>(std::forward<F>(function))) {}

  R operator()(Arguments... arguments) { return held_->call(std::forward<Arguments>(arguments)...); }
  explicit operator bool() const { return held_ != nullptr; }

 private:
  struct Held {
    virtual ~Held() = default;
    virtual R call(Arguments... arguments) = 0;
  };
  template <class F>
  struct Holds final : Held {
    template <class From>
    explicit Holds(From&& from) : function(std::forward<From>(from)) {}
    R call(Arguments... arguments) override { return function(std::forward<Arguments>(arguments)...); }
    F function;
  };
  std::unique_ptr<Held> held_;
};

}  // namespace wharf::sessions
