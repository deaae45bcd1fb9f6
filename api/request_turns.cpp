#include "api/request_turns.h"

#include <utility>

namespace wharf::api {

struct RequestTurns::State : std::enable_shared_from_this<State> {
  struct Held {
    Held(std::weak_ptr<State> in, std::string of) : state(std::move(in)), name(std::move(of)) {}
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() {
      if (const auto there = state.lock()) there->end(name);
    }
    std::weak_ptr<State> state;
    std::string name;
  };

  Turn turn_of(const std::string& name) { return std::make_shared<Held>(weak_from_this(), name); }

  void end(const std::string& name) {
    const auto found = by_name.find(name);
    if (found == by_name.end()) return;
    if (found->second.empty()) {
      by_name.erase(found);
      return;
    }
    const auto begin = std::move(found->second.front());
    found->second.pop_front();
    --waiting;
    begin(turn_of(name));
  }

  std::map<std::string, std::deque<std::function<void(Turn)>>> by_name;  // behind the one whose turn it is
  std::size_t waiting = 0;
};

RequestTurns::RequestTurns() : state_(std::make_shared<State>()) {}

RequestTurns::~RequestTurns() = default;

bool RequestTurns::take(const std::string& name, std::function<void(Turn)> begin) {
  const auto [at, first] = state_->by_name.try_emplace(name);
  if (first) {
    begin(state_->turn_of(name));
    return true;
  }
  if (state_->waiting >= max_waiting || at->second.size() >= max_waiting_of_name) return false;
  ++state_->waiting;
  at->second.push_back(std::move(begin));
  return true;
}

std::size_t RequestTurns::names() const { return state_->by_name.size(); }

}  // namespace wharf::api
