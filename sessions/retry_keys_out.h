#pragma once
// One-time keys of retry receipts that are out and may still come back: how many of them a user may hold at once. A
// sender that gets keys begins a session anew, so a burst of messages that cannot be read needs the keys once, not once
// a message: what is asked for without them comes on the session that the ones before have begun. And a key for each
// of hundreds would push the earlier ones out of the store before their resends are here (RetryKeyLimits). In memory
// only: after a restart a few keys more go out. Specification 03 sections 8.1, 8.2.

#include <map>
#include <vector>

#include "net/clock.h"
#include "protocol/binary/jid.h"

namespace wharf::sessions {

class RetryKeysOut {
 public:
  static constexpr std::size_t max_per_user = 8;  // some may go with messages that their sender no longer has
  static constexpr std::size_t max_users = 256;
  /// A key that has not come back by then is not waited for.
  static constexpr std::chrono::seconds patience{30};

  /// Counts a key that goes out now. False: too many of this user's are out already.
  bool take(const protocol::Jid& user, net::SteadyTime now);
  /// One of them opened a message.
  void came_back(const protocol::Jid& user);

 private:
  void forget_old(net::SteadyTime now);
  std::map<protocol::Jid, std::vector<net::SteadyTime>> out_;  // since when, oldest first
};

}  // namespace wharf::sessions
