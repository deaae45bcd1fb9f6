#pragma once
// Whose turn it is: the request slots, divided among webhooks. Webhooks that have something to send take turns, one
// request each; those whose last attempt failed have a round of their own and at most half of the slots, so that dead
// addresses never take the slots of living ones. Pure.

#include <deque>
#include <optional>
#include <string>
#include <unordered_set>

namespace wharf::api {

enum class Round { healthy, failing };

class WebhookRounds {
 public:
  /// `slots`: requests under way over all webhooks.
  explicit WebhookRounds(std::size_t slots) : slots_(slots) {}

  /// At the end of the round; nothing when the webhook stands in one already.
  void join(const std::string& webhook, Round round);
  /// The webhook to send next, which leaves its round: the failing first while they have a slot left. nullopt: no slot
  /// is free, or nobody stands.
  std::optional<std::string> next();
  /// A request of a webhook of that round is under way, and has ended.
  void began(Round round);
  void ended(Round round);
  std::size_t in_flight() const { return in_flight_; }

 private:
  std::size_t slots_;
  std::size_t in_flight_ = 0, failing_in_flight_ = 0;
  std::deque<std::string> healthy_, failing_;
  std::unordered_set<std::string> standing_;
};

}  // namespace wharf::api
