#include "sessions/iq_tracker.h"

#include <utility>

namespace wharf::sessions {

void IqTracker::expect(std::string id, net::SteadyTime due, Continuation continuation) {
  pending_.insert_or_assign(std::move(id), Pending{due, std::move(continuation)});
}

bool IqTracker::answer(const protocol::Node& node) {
  const auto found = pending_.find(node.attr("id"));
  if (found == pending_.end()) return false;
  Continuation continuation = std::move(found->second.continuation);
  pending_.erase(found);  // before the call: the continuation may ask again
  continuation(&node);
  return true;
}

void IqTracker::expire(net::SteadyTime now) {
  std::vector<Continuation> late;
  for (auto it = pending_.begin(); it != pending_.end();) {
    if (it->second.due <= now) {
      late.push_back(std::move(it->second.continuation));
      it = pending_.erase(it);
    } else {
      ++it;
    }
  }
  for (Continuation& continuation : late) continuation(nullptr);
}

void IqTracker::fail_all() {
  auto all = std::exchange(pending_, {});
  for (auto& [id, pending] : all) pending.continuation(nullptr);
}

std::optional<net::SteadyTime> IqTracker::earliest() const {
  std::optional<net::SteadyTime> first;
  for (const auto& [id, pending] : pending_) {
    if (!first || pending.due < *first) first = pending.due;
  }
  return first;
}

}  // namespace wharf::sessions
