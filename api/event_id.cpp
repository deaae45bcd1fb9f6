#include "api/event_id.h"

#include <algorithm>
#include <charconv>

namespace wharf::api {

std::string event_id_text(storage::EventId id) { return std::to_string(id); }

std::optional<storage::EventId> parse_event_id(std::string_view text) {
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (text.empty() || !digits || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  storage::EventId id = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

}  // namespace wharf::api
