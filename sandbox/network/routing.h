#pragma once
// The way of a message: refusals, the memory of what was accepted, one stanza per device, the ack with the true device
// set. Specification 06 section 8.

#include <cstdint>
#include <optional>
#include <string>

#include "sandbox/network/accounts.h"
#include "sandbox/network/blocklist.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery_memory.h"
#include "sandbox/network/groups/group_routing.h"
#include "sandbox/network/key_watch.h"
#include "sandbox/network/message_answers.h"
#include "sandbox/network/message_faults.h"
#include "sandbox/network/message_plan.h"
#include "sandbox/network/privacy_tokens.h"

namespace wharf::sandbox {

class Routing {
 public:
  Routing(NetworkContext& context, Accounts& accounts, MessageFaults& delivery, DeliveryMemory& memory,
          Blocklist& blocklist, PrivacyTokens& tokens, MessageAnswers& answers, KeyWatch& keys, GroupRouting& groups)
      : c_(context),
        accounts_(accounts),
        delivery_(delivery),
        memory_(memory),
        blocklist_(blocklist),
        tokens_(tokens),
        answers_(answers),
        keys_(keys),
        groups_(groups) {}

  void on_message(const Origin& origin, const Node& message);

 private:
  /// A valid message that is being handled.
  struct Transit {
    const Origin& origin;
    const Node& message;
    const std::string& id;
    const Address& to;
    const MessagePlan& plan;
    std::int64_t accepted = 0;  // unix seconds, the first time it came
  };
  /// What its sender may not do just now; `first_time`: nothing of this id was accepted yet.
  std::optional<MessageRefusal> not_allowed(const Transit& transit, bool first_time);
  void open_chat(const Transit& transit);
  bool deliver_copies(const Transit& transit);
  /// The participant hash over the true device set, when the sender does not name it; "" when he does.
  static std::string corrected_phash(const Transit& transit);

  NetworkContext& c_;
  Accounts& accounts_;
  MessageFaults& delivery_;
  DeliveryMemory& memory_;
  Blocklist& blocklist_;
  PrivacyTokens& tokens_;
  MessageAnswers& answers_;
  KeyWatch& keys_;
  GroupRouting& groups_;
};

}  // namespace wharf::sandbox
