#pragma once
// The edge of the loop. Whatever runs from the event loop (a timer, a posted function, a readiness of a socket, a
// completion of a worker) runs inside a guard: an exception is told to the log and ends what it belongs to, never the
// process. net/ guards its own entries; who owns more than one callback (an actor, a connection) guards itself inside
// and decides what to begin again. run_loop() (loop.h) is the last net, below entries nobody guarded.

#include <chrono>
#include <functional>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace wharf::net {

/// Told of each exception that an entry let out: `where` names the kind of entry ("timer", "http request"), `what` is
/// its what(). Any thread; must not throw. Set it before threads start; without one a line goes to stderr.
using EscapeReport = std::function<void(std::string_view where, std::string_view what)>;
void on_escape(EscapeReport report);

/// Inside a catch block: reports the exception that is being handled.
void report_escape(std::string_view where) noexcept;

/// Told of each entry of this thread that held it for `at_least` or longer, with all that it called; nothing else on
/// the loop could happen meanwhile. Only the thread that asks is watched. Empty: nobody is told.
struct HoldTime {
  std::chrono::microseconds held{0};
  /// What the thread computed of it; the rest it waited for a processor or the disk. Only with `processor_time`, which
  /// costs a system call before each entry.
  std::optional<std::chrono::microseconds> worked;
};
using HoldReport = std::function<void(std::string_view where, HoldTime time)>;
void on_hold(std::chrono::microseconds at_least, HoldReport report, bool processor_time = false);

/// Measures one entry, for guard(); of nested ones the outermost.
class Hold {
 public:
  explicit Hold(std::string_view where) noexcept;
  ~Hold();
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

 private:
  std::string_view where_;
  std::chrono::steady_clock::time_point begin_{};
  std::chrono::microseconds worked_before_{0};
  bool measures_ = false;
};

/// Runs `entry`. False when an exception ended it; it was reported.
template <class Entry>
bool guard(std::string_view where, Entry&& entry) noexcept {
  const Hold hold(where);
  try {
    std::forward<Entry>(entry)();
    return true;
  } catch (...) {
    report_escape(where);
    return false;
  }
}

/// The same, and `failed` runs after an exception: what the entry belongs to is closed or begun again there.
template <class Entry, class Failed>
bool guard(std::string_view where, Entry&& entry, Failed&& failed) noexcept {
  if (guard(where, std::forward<Entry>(entry))) return true;
  guard(where, std::forward<Failed>(failed));
  return false;
}

/// A callback for somebody else's hands: calls `callback` inside a guard. Returns nothing. `where` is a literal.
template <class Callback>
auto guarded(const char* where, Callback callback) {
  return [where, callback = std::move(callback)](auto&&... arguments) mutable {
    guard(where, [&] { callback(std::forward<decltype(arguments)>(arguments)...); });
  };
}

}  // namespace wharf::net
