#include "sessions/retry_keys_out.h"

namespace wharf::sessions {

bool RetryKeysOut::take(const protocol::Jid& user, net::SteadyTime now) {
  if (out_.size() >= max_users && !out_.contains(user)) {
    forget_old(now);
    if (out_.size() >= max_users) return false;
  }
  auto& out = out_[user];
  std::erase_if(out, [&](net::SteadyTime since) { return now - since >= patience; });
  if (out.size() >= max_per_user) return false;
  out.push_back(now);
  return true;
}

void RetryKeysOut::came_back(const protocol::Jid& user) {
  const auto known = out_.find(user);
  if (known == out_.end()) return;
  known->second.erase(known->second.begin());
  if (known->second.empty()) out_.erase(known);
}

void RetryKeysOut::forget_old(net::SteadyTime now) {
  std::erase_if(out_, [&](const auto& user) { return now - user.second.back() >= patience; });
}

}  // namespace wharf::sessions
