#pragma once
// Messages to a group of somebody who is not in its list, while that is asked for again: he may have come unheard (a
// notification that was lost). Asked for his message once more he would send it at once, and be refused again until
// there is no try left. So it waits unread and unacked, and whatever ends the connection has the server bring it again.
// Specification 03 section 8.1.

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "sessions/context.h"
#include "sessions/groups/groups.h"

namespace wharf::sessions {

class HeldMessages {
 public:
  HeldMessages(Context& context, Groups& groups) : c_(context), groups_(groups) {}

  /// Of this user something waits already: what he says next comes behind it.
  bool holds(const Jid& group, const Jid& user) const;
  /// The message waits until the group is known, or the connection ends. False: there is no room.
  bool hold(const Node& message, const Jid& group, const Jid& user);
  /// The list that is known is asked for again: what it says of somebody is not the last word.
  bool is_asked_for(const Jid& group) const { return groups_.standing(group).stale; }
  /// Set by who reads them: it is its turn.
  std::function<void(const Node& message)> on_known;

  void on_link_down();
  std::optional<net::SteadyTime> due() const;
  void on_due();

 private:
  static constexpr std::size_t most = 64;                      // messages
  static constexpr std::size_t most_bytes = 1 << 20;           // of them together
  static constexpr std::chrono::minutes asked_again_after{1};  // a server that cannot tell now
  struct Held {
    Jid user;
    Node message;
  };
  struct Waiting {
    std::vector<Held> held;                      // in their order
    std::optional<net::SteadyTime> asked_again;  // nullopt: it is being asked for
  };
  void ask(const Jid& group);
  void let_go(const Jid& group);

  Context& c_;
  Groups& groups_;
  std::map<Jid, Waiting> waiting_;  // by group
  std::size_t count_ = 0, bytes_ = 0;
};

}  // namespace wharf::sessions
