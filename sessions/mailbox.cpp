#include "sessions/mailbox.h"

#include <utility>

namespace wharf::sessions {

namespace {

std::size_t weight_of(const Input& input) {
  const auto* arrived = std::get_if<StanzaArrived>(&input);
  return arrived ? arrived->weight : 0;
}

}  // namespace

bool Mailbox::can_wait(const Input& input) {
  const auto* arrived = std::get_if<StanzaArrived>(&input);
  if (!arrived) return false;
  const Node& node = arrived->node;
  return node.tag == "ack" || (node.tag == "receipt" && node.attr("type") != "retry");
}

void Mailbox::push(Input input) {
  bytes_ += weight_of(input);
  if (!can_wait(input)) ++urgent_;
  waiting_.push_back(std::move(input));
}

std::vector<Input> Mailbox::take() {
  std::vector<Input> taken;
  std::size_t bytes = 0;
  while (!waiting_.empty() && taken.size() < max_inputs_per_turn && bytes < max_bytes_per_turn) {
    bytes += weight_of(waiting_.front());
    if (!can_wait(waiting_.front())) --urgent_;
    taken.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  bytes_ -= bytes;
  return taken;
}

std::deque<Input> Mailbox::drain() {
  bytes_ = urgent_ = 0;
  return std::exchange(waiting_, {});
}

}  // namespace wharf::sessions
