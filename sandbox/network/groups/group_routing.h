#pragma once
// The way of a message to a group: who may, one stanza for every device of every member, the ack with the true device
// set. Specification 06 section 8.

#include <cstdint>
#include <optional>
#include <string>

#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery_memory.h"
#include "sandbox/network/groups/group_faults.h"
#include "sandbox/network/groups/group_plan.h"
#include "sandbox/network/groups/group_store.h"
#include "sandbox/network/groups/group_views.h"
#include "sandbox/network/key_watch.h"
#include "sandbox/network/message_answers.h"
#include "sandbox/network/message_faults.h"

namespace wharf::sandbox {

class GroupRouting {
 public:
  /// Who does what a routed message needs.
  struct Parts {
    NetworkContext& context;
    Accounts& accounts;
    GroupStore& store;
    const GroupViews& views;
    GroupFaults& faults;
    MessageFaults& delivery;
    DeliveryMemory& memory;
    MessageAnswers& answers;
    KeyWatch& keys;
  };
  explicit GroupRouting(const Parts& parts) : p_(parts) {}

  void on_message(const Origin& origin, const Node& message, const Jid& to);

 private:
  struct Transit {
    const Origin& origin;
    const Node& message;
    const std::string& id;
    const Group& group;
    const GroupPlan& plan;
    std::int64_t accepted = 0;  // unix seconds, the first time it came
  };
  /// What is refused before the stanza is looked into.
  std::optional<MessageRefusal> not_admitted(const Origin& origin, const Node& message, const Group& group);
  std::optional<MessageRefusal> not_allowed(const Origin& origin, const Node& message, const Group& group,
                                            bool first_time);
  /// True when a device got what it did not have.
  bool deliver(const Transit& transit);
  /// Whether `target` already has what the message holds for it.
  bool has_it(const Transit& transit, const DeviceKey& target);
  void watch_keys(const Transit& transit);
  void compare_bytes(const Transit& transit, bool reached_somebody);
  /// The stanza without what single devices get.
  Node envelope(const Transit& transit) const;
  std::string corrected_phash(const Transit& transit) const;

  Parts p_;
};

}  // namespace wharf::sandbox
