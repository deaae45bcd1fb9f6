#pragma once
// Times by key, each replaceable and removable, the earliest at hand: what waits for its own moment inside a part of
// which the session asks one due() (due.h). No alarm is overwritten by that of another key. Every operation is O(log
// n).

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "net/clock.h"

namespace wharf::sessions {

template <class Key, class Time = net::SteadyTime>
class Alarms {
 public:
  /// Replaces an earlier time of the same key.
  void set(const Key& key, Time at) {
    clear(key);
    at_[key] = at;
    order_.emplace(at, key);
  }
  void clear(const Key& key) {
    const auto known = at_.find(key);
    if (known == at_.end()) return;
    order_.erase({known->second, key});
    at_.erase(known);
  }
  void clear() {
    at_.clear();
    order_.clear();
  }
  bool armed(const Key& key) const { return at_.contains(key); }
  std::optional<Time> earliest() const {
    if (order_.empty()) return std::nullopt;
    return order_.begin()->first;
  }
  /// Takes the earliest key whose time has come.
  std::optional<Key> take_due(Time now) {
    if (order_.empty() || order_.begin()->first > now) return std::nullopt;
    Key key = order_.begin()->second;
    clear(key);
    return key;
  }

 private:
  std::map<Key, Time> at_;
  std::set<std::pair<Time, Key>> order_;
};

}  // namespace wharf::sessions
