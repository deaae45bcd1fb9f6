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
#include "sandbox/network/message_faults.h"
#include "sandbox/network/message_plan.h"
#include "sandbox/network/privacy_tokens.h"

namespace wharf::sandbox {

/// RowKind::server.
inline constexpr std::string_view reused_keys_row = "reused_keys";

class Routing {
 public:
  Routing(NetworkContext& context, Accounts& accounts, MessageFaults& delivery, DeliveryMemory& memory,
          Blocklist& blocklist, PrivacyTokens& tokens)
      : c_(context),
        accounts_(accounts),
        delivery_(delivery),
        memory_(memory),
        blocklist_(blocklist),
        tokens_(tokens) {}

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
  struct Refusal {
    unsigned code = 0;
    std::string why;
  };
  void refuse(const Origin& origin, const Node& message, const Refusal& refusal);
  /// What its sender may not do just now; `first_time`: nothing of this id was accepted yet.
  std::optional<Refusal> not_allowed(const Transit& transit, bool first_time);
  void open_chat(const Transit& transit);
  bool deliver_copies(const Transit& transit);
  void check_keys(const Transit& transit, const MessagePlan::Copy& copy);
  void acknowledge(const Transit& transit);
  /// The participant hash over the true device set, when the sender does not name it; "" when he does.
  static std::string corrected_phash(const Transit& transit);

  NetworkContext& c_;
  Accounts& accounts_;
  MessageFaults& delivery_;
  DeliveryMemory& memory_;
  Blocklist& blocklist_;
  PrivacyTokens& tokens_;
};

}  // namespace wharf::sandbox
