#include "protocol/groups/fields.h"

#include <algorithm>

#include "protocol/groups/limits.h"
#include "protocol/text.h"

namespace wharf::protocol::groups {

std::optional<Jid> person_attr(const Node& node, std::string_view key) {
  const auto jid = node.jid(key);
  if (!jid || jid->user.empty()) return std::nullopt;
  Jid person = jid->user_jid();
  const bool can_join = person.has_devices() || person.server == server::bot || person.server == server::interop;
  if (!can_join) return std::nullopt;
  return person;
}

bool names_group(const Jid& jid) {
  return jid.is_group() && !jid.user.empty() &&
         std::all_of(jid.user.begin(), jid.user.end(), [](char c) { return (c >= '0' && c <= '9') || c == '-'; });
}

std::optional<Jid> group_attr(const Node& node, std::string_view key) {
  if (!node.has(key)) return std::nullopt;
  auto jid = node.jid(key);
  if (!jid) jid = Jid(node.attr(key), server::group);
  return names_group(*jid) && jid->user.size() <= max_id_bytes ? jid : std::nullopt;
}

std::string label_attr(const Node& node, std::string_view key) { return line_attr(node, key, max_label_bytes); }

std::optional<unsigned> error_attr(const Node& node) {
  if (!node.has("error")) return std::nullopt;
  return static_cast<unsigned>(std::min<std::uint64_t>(node.number("error").value_or(0), 9999));
}

std::optional<std::string> read_description_text(ByteView body) {
  if (body.size() > max_description_bytes) return std::nullopt;
  std::string text = displayable(as_text(body));  // three bytes for a broken one
  if (text.size() > max_description_bytes) return std::nullopt;
  return text;
}

std::string_view group_id(const Jid& group) { return group.user; }

}  // namespace wharf::protocol::groups
