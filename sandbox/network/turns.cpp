#include "sandbox/network/turns.h"

namespace wharf::sandbox {

void Turns::arrived(const Sender& from, const Node& stanza) {
  if (busy_) {
    inbox_.emplace_back(from, stanza);
    return;
  }
  Turn turn(*this);
  handle_(from, stanza);
}

Turn::~Turn() {
  if (!outermost_) return;
  while (!turns_.inbox_.empty()) {
    const auto [from, stanza] = std::move(turns_.inbox_.front());
    turns_.inbox_.pop_front();
    turns_.handle_(from, stanza);
  }
  turns_.busy_ = false;
}

}  // namespace wharf::sandbox
