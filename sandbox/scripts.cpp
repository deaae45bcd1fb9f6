#include "sandbox/scripts.h"

#include <algorithm>
#include <utility>

#include "sandbox/network.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;

Scripts::Scripts(Network& network, Phones& phones, Act act)
    : network_(network), phones_(phones), act_(std::move(act)) {}

Scripts::~Scripts() = default;

protocol::Result<std::shared_ptr<Script>> Scripts::play(Scenario scenario, std::function<bool()> client_gone,
                                                        Ended ended) {
  if (closed_) return Error(Errc::closed, "the network ends");
  const auto playing = std::count_if(scripts_.begin(), scripts_.end(),
                                     [](const auto& entry) { return entry.second->state() == Script::State::playing; });
  if (static_cast<std::size_t>(playing) >= max_playing)
    return Error(Errc::rate_limited, std::to_string(max_playing) + " scenarios play already: one must end first");
  forget_ended();
  const std::uint64_t seed = scenario.seed ? *scenario.seed : network_.random().u32();
  auto script =
      std::make_shared<Script>(Script::Ports{network_.clock(), phones_, act_}, ++last_, std::move(scenario), seed);
  scripts_.emplace(script->number(), script);
  script->start(std::move(client_gone), [weak = std::weak_ptr(script), ended = std::move(ended)] {
    if (const auto alive = weak.lock(); alive && ended) ended(*alive);
  });
  return script;
}

void Scripts::forget_ended() {
  auto ended = static_cast<std::size_t>(std::count_if(scripts_.begin(), scripts_.end(), [](const auto& entry) {
    return entry.second->state() != Script::State::playing;
  }));
  for (auto entry = scripts_.begin(); entry != scripts_.end() && ended >= max_ended;) {
    if (entry->second->state() == Script::State::playing) {
      ++entry;
      continue;
    }
    entry = scripts_.erase(entry);
    --ended;
  }
}

std::vector<std::shared_ptr<Script>> Scripts::all() const {
  std::vector<std::shared_ptr<Script>> out;
  for (auto entry = scripts_.rbegin(); entry != scripts_.rend(); ++entry) out.push_back(entry->second);
  return out;
}

std::shared_ptr<Script> Scripts::find(std::uint64_t number) const {
  const auto found = scripts_.find(number);
  return found == scripts_.end() ? nullptr : found->second;
}

void Scripts::forget(std::uint64_t number) {
  const auto script = find(number);
  if (!script) return;
  scripts_.erase(number);
  script->stop("it was taken away");
}

void Scripts::end(const std::string& why) {
  closed_ = true;
  for (const auto& script : all()) script->stop(why);
}

}  // namespace wharf::sandbox
