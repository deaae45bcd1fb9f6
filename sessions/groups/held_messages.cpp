#include "sessions/groups/held_messages.h"

#include <algorithm>
#include <utility>

#include "sessions/due.h"

namespace wharf::sessions {

bool HeldMessages::holds(const Jid& group, const Jid& user) const {
  const auto waiting = waiting_.find(group);
  return waiting != waiting_.end() && std::any_of(waiting->second.held.begin(), waiting->second.held.end(),
                                                  [&](const Held& one) { return one.user == user; });
}

bool HeldMessages::hold(const Node& message, const Jid& group, const Jid& user) {
  const std::size_t weight = protocol::weight(message);
  if (count_ == most || bytes_ + weight > most_bytes) return false;
  ++count_;
  bytes_ += weight;
  const bool first = !waiting_.contains(group);
  waiting_[group].held.push_back({user, message});
  if (first) ask(group);
  return true;
}

void HeldMessages::ask(const Jid& group) {
  waiting_.at(group).asked_again.reset();
  groups_.refresh(group, [this, group](Groups::Refreshed refreshed) {
    const auto waiting = waiting_.find(group);
    if (waiting == waiting_.end() || !c_.link.up()) return;
    if (refreshed == Groups::Refreshed::later) waiting->second.asked_again = c_.now.steady + asked_again_after;
    else let_go(group);
  });
}

void HeldMessages::let_go(const Jid& group) {
  const Waiting done = std::move(waiting_.extract(group).mapped());
  for (const Held& one : done.held) {
    --count_;
    bytes_ -= protocol::weight(one.message);
  }
  for (const Held& one : done.held) on_known(one.message);
}

void HeldMessages::on_link_down() {
  waiting_.clear();
  count_ = bytes_ = 0;
}

std::optional<net::SteadyTime> HeldMessages::due() const {
  std::optional<net::SteadyTime> first;
  for (const auto& [group, waiting] : waiting_) first = earliest({first, waiting.asked_again});
  return first;
}

void HeldMessages::on_due() {
  std::vector<Jid> again;
  for (const auto& [group, waiting] : waiting_)
    if (is_due(waiting.asked_again, c_.now.steady)) again.push_back(group);
  for (const Jid& group : again) ask(group);
}

}  // namespace wharf::sessions
