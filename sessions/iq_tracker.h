#pragma once
// Outstanding IQs of one connection: matched by id, each with a deadline. Specification 01 section 7.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "net/clock.h"
#include "protocol/binary/node.h"
#include "sessions/unique_function.h"

namespace wharf::sessions {

class IqTracker {
 public:
  static constexpr std::chrono::seconds default_timeout{60};
  static constexpr std::size_t max_pending = 256;

  /// `answer` is nullptr on a timeout or when the connection ended.
  using Continuation = UniqueFunction<void(const protocol::Node* answer)>;

  void expect(std::string id, net::SteadyTime due, Continuation continuation);
  /// Runs the continuation of this answer; false when nobody waits for the id.
  bool answer(const protocol::Node& node);
  void expire(net::SteadyTime now);
  /// The connection ended: every continuation runs with nullptr.
  void fail_all();
  std::optional<net::SteadyTime> earliest() const;
  std::size_t size() const { return pending_.size(); }
  bool full() const { return pending_.size() >= max_pending; }

 private:
  struct Pending {
    net::SteadyTime due;
    Continuation continuation;
  };
  std::map<std::string, Pending> pending_;
};

}  // namespace wharf::sessions
