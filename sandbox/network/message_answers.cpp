#include "sandbox/network/message_answers.h"

#include <utility>

namespace wharf::sandbox {

Node MessageAnswers::ack_of(const Node& message) {
  Node ack("ack");
  ack.set("class", "message").set("id", message.attr("id"));
  if (const auto to = message.jid("to")) ack.set("from", *to);
  return ack;
}

void MessageAnswers::refuse(const Origin& origin, const Node& message, const MessageRefusal& refusal) {
  refuse(origin, ack_of(message), message, refusal);
}

void MessageAnswers::refuse(const Origin& origin, Node ack, const Node& message, const MessageRefusal& refusal) {
  c_.complain("message " + message.attr("id") + " of " + origin.key.phone + " refused with " +
              std::to_string(refusal.code) + ": " + refusal.why);
  c_.send(origin.key, ack.set("t", c_.unix_seconds()).set("error", std::uint64_t{refusal.code}));
}

void MessageAnswers::accept(const Origin& origin, Node ack, std::int64_t accepted, const std::string& phash) {
  if (c_.faults.drop_acks > 0) {
    --c_.faults.drop_acks;
    return;
  }
  ack.set("t", static_cast<std::uint64_t>(accepted));
  if (!phash.empty()) ack.set("phash", phash);
  c_.send(origin.key, ack);
}

}  // namespace wharf::sandbox
