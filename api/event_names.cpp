#include "api/event_names.h"

#include <algorithm>
#include <array>

namespace wharf::api {

namespace {

// The fired ones first.
constexpr std::array<std::string_view, 29> names = {"qr",
                                                    "authenticated",
                                                    "ready",
                                                    "disconnected",
                                                    "session.status",
                                                    "message",
                                                    "message.sent",
                                                    "ack",
                                                    "contact.updated",
                                                    "message.edited",
                                                    "message.revoked",
                                                    "reaction",
                                                    "poll.vote",
                                                    "event.answer",
                                                    "chat.updated",
                                                    "message.pinned",
                                                    "message.starred",
                                                    "message.deleted",
                                                    "group_join",
                                                    "group_leave",
                                                    "group_update",
                                                    "group_join_request",
                                                    "presence",
                                                    "status.posted",
                                                    "status.deleted",
                                                    "status.viewed",
                                                    "channel_update",
                                                    "call",
                                                    "history.progress"};
constexpr std::size_t fired = 28;

// "*", a name of the list, or a prefix of one followed by "*".
bool names_one_of(std::string_view pattern, std::span<const std::string_view> list) {
  if (pattern == "*") return true;
  if (!pattern.ends_with('*')) return std::find(list.begin(), list.end(), pattern) != list.end();
  const std::string_view prefix = pattern.substr(0, pattern.size() - 1);
  return std::any_of(list.begin(), list.end(), [&](std::string_view name) { return name.starts_with(prefix); });
}

}  // namespace

std::span<const std::string_view> known_event_names() { return names; }
std::span<const std::string_view> fired_event_names() { return std::span(names).first(fired); }

EventNames::EventNames(const std::vector<std::string>& patterns) : all_(false) {
  for (const std::string& pattern : patterns) {
    if (pattern == "*") all_ = true;
    else if (pattern.ends_with('*')) prefixes_.push_back(pattern.substr(0, pattern.size() - 1));
    else exact_.push_back(pattern);
  }
}

bool EventNames::match(std::string_view name) const {
  if (all_ || std::find(exact_.begin(), exact_.end(), name) != exact_.end()) return true;
  return std::any_of(prefixes_.begin(), prefixes_.end(), [&](const std::string& p) { return name.starts_with(p); });
}

bool is_event_pattern(std::string_view pattern) { return names_one_of(pattern, known_event_names()); }
bool can_fire(std::string_view pattern) { return names_one_of(pattern, fired_event_names()); }

std::vector<std::string> split_names(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view part = list.substr(0, comma);
    if (!part.empty()) out.emplace_back(part);
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return out;
}

}  // namespace wharf::api
