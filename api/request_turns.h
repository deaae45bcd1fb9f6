#pragma once
// Requests under one name (an Idempotency-Key or a messageId of a session) that have to get something first, one after
// the other: when the second begins, it is known whether the first was accepted, and nothing is fetched twice. Loop
// thread only.

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace wharf::api {

class RequestTurns {
 public:
  static constexpr std::size_t max_waiting = 64, max_waiting_of_name = 8;  // of all names, of one
  /// Held while the request goes on; its end begins the next one of its name.
  using Turn = std::shared_ptr<const void>;

  RequestTurns();
  ~RequestTurns();  // who waits is forgotten
  /// `begin` runs inside the call when nobody of that name is before it, else inside the end of the turn before. false:
  /// too many wait, and it never runs.
  bool take(const std::string& name, std::function<void(Turn)> begin);
  std::size_t names() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // the turns that are held know whether it is there
};

}  // namespace wharf::api
