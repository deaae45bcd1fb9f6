#pragma once
// Which events a subscriber or webhook wants: "*", exact names, prefixes such as "group_*".

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wharf::api {

/// Every event name of the contract (docs/api.md "Events").
std::span<const std::string_view> known_event_names();
/// Those that this build fires; the others are part of the contract and come with their features.
std::span<const std::string_view> fired_event_names();

class EventNames {
 public:
  EventNames() = default;  // everything
  explicit EventNames(const std::vector<std::string>& patterns);
  bool match(std::string_view name) const;

 private:
  bool all_ = true;
  std::vector<std::string> exact_, prefixes_;
};

/// "*", a known name, or a prefix of at least one known name followed by "*".
bool is_event_pattern(std::string_view pattern);
/// False for a pattern that matches nothing this build fires.
bool can_fire(std::string_view pattern);
/// "message,ack" -> two names; empty parts are dropped.
std::vector<std::string> split_names(std::string_view list);

}  // namespace wharf::api
