#include "api/webhook_rounds.h"

#include <algorithm>

namespace wharf::api {

void WebhookRounds::join(const std::string& webhook, Round round) {
  if (!standing_.insert(webhook).second) return;
  (round == Round::failing ? failing_ : healthy_).push_back(webhook);
}

std::optional<std::string> WebhookRounds::next() {
  if (in_flight_ >= slots_) return std::nullopt;
  const bool room_for_failing = failing_in_flight_ < std::max<std::size_t>(1, slots_ / 2);
  auto& round = !failing_.empty() && room_for_failing ? failing_ : healthy_;
  if (round.empty()) return std::nullopt;
  std::string webhook = std::move(round.front());
  round.pop_front();
  standing_.erase(webhook);
  return webhook;
}

void WebhookRounds::began(Round round) {
  ++in_flight_;
  if (round == Round::failing) ++failing_in_flight_;
}

void WebhookRounds::ended(Round round) {
  --in_flight_;
  if (round == Round::failing) --failing_in_flight_;
}

}  // namespace wharf::api
