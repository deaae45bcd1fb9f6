#pragma once
// The scenarios that play, and the results of those that have ended. In memory: a restart knows none of them.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "protocol/result.h"
#include "sandbox/script.h"

namespace wharf::sandbox {

class Network;

class Scripts {
 public:
  static constexpr std::size_t max_playing = 16;
  static constexpr std::size_t max_ended = 32;  // kept; the eldest go

  /// Answers a request to the control API. Called in turns of the network's clock.
  using Act = std::function<void(net::HttpRequest, net::Responder)>;
  Scripts(Network& network, Phones& phones, Act act);
  ~Scripts();
  Scripts(const Scripts&) = delete;
  Scripts& operator=(const Scripts&) = delete;

  /// Begins a scenario; its first step is played in a later turn. Without a seed of its own it gets one of the
  /// network's. `client_gone` as in Script::start(). `ended` is called once, with what it came to. Errors: rate_limited
  /// (so many play already), closed (the network ends).
  using Ended = std::function<void(const Script& script)>;
  protocol::Result<std::shared_ptr<Script>> play(Scenario scenario, std::function<bool()> client_gone, Ended ended);

  std::vector<std::shared_ptr<Script>> all() const;  // the newest first
  std::shared_ptr<Script> find(std::uint64_t number) const;
  /// It is known no more; one that plays is stopped before.
  void forget(std::uint64_t number);
  /// All that play are stopped, and none begins any more.
  void end(const std::string& why);
  bool closed() const { return closed_; }

 private:
  void forget_ended();
  Network& network_;
  Phones& phones_;
  Act act_;
  std::uint64_t last_ = 0;
  bool closed_ = false;
  std::map<std::uint64_t, std::shared_ptr<Script>> scripts_;
};

}  // namespace wharf::sandbox
