#pragma once
// What goes wrong on purpose while somebody sends to a group. Each of the faults that count concerns companions alone.
// Specification 06 section 20.

#include <functional>

#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/groups/group.h"

namespace wharf::sandbox {

class GroupFaults {
 public:
  /// What happens to a group all at once, as if others had done it.
  struct Actions {
    std::function<void(Group&)> switch_addressing;
    /// Removes a member that is neither admin nor `spared`; nobody when there is none.
    std::function<void(Group&, const Party& spared)> remove_member;
  };
  GroupFaults(NetworkContext& context, Actions actions) : c_(context), actions_(std::move(actions)) {}

  /// A message of `origin` is about to be looked at.
  void before_message(const Origin& origin, Group& group);
  /// The message of somebody who is not in the group is taken, once.
  bool admits_stranger() { return take(c_.faults.admit_group_strangers); }
  /// The sender keys of a message get lost, once.
  bool loses_sender_keys() { return take(c_.faults.lose_sender_keys); }

 private:
  static bool take(unsigned& left) {
    if (left == 0) return false;
    --left;
    return true;
  }

  NetworkContext& c_;
  Actions actions_;
};

}  // namespace wharf::sandbox
