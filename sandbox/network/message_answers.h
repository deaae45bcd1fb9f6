#pragma once
// What the sender of a message hears: the ack, or the refusal that is one with an error. Specification 06 sections 8.3
// and 8.4.

#include <cstdint>
#include <string>

#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"

namespace wharf::sandbox {

/// Why a message is not taken: the code of the nack, and words for the log.
struct MessageRefusal {
  unsigned code = 0;
  std::string why;
};

class MessageAnswers {
 public:
  explicit MessageAnswers(NetworkContext& context) : c_(context) {}

  /// Class, id, and where it went; the rest is the caller's.
  static Node ack_of(const Node& message);
  void refuse(const Origin& origin, const Node& message, const MessageRefusal& refusal);
  /// The same with what the ack says beside the error.
  void refuse(const Origin& origin, Node ack, const Node& message, const MessageRefusal& refusal);
  /// `accepted`: unix seconds, those of the first time. `phash`: the true one when the sender's is another, else "".
  /// Lost with the fault drop_acks.
  void accept(const Origin& origin, Node ack, std::int64_t accepted, const std::string& phash);

 private:
  NetworkContext& c_;
};

}  // namespace wharf::sandbox
