#pragma once
// Fields of stanzas from a peer, each read within its bounds: the rules that all rooms share. Specification 05
// section 17.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/binary/node.h"

namespace wharf::protocol {

inline constexpr std::size_t max_list_rows = 1000;           // children of a list; one with more is not read at all
inline constexpr std::size_t max_line_bytes = 1024;          // names, and whatever else is one line
inline constexpr std::size_t max_paragraph_bytes = 8192;     // about texts, descriptions
inline constexpr std::size_t max_nesting = 16;               // levels of nodes below a notification
inline constexpr std::uint64_t max_expiration = 2147483647;  // 2^31 - 1
inline constexpr std::uint64_t day_seconds = 86'400;         // a time further ahead than this is not believed

/// A JID that names somebody, with its device: not a server alone.
std::optional<Jid> user_attr(const Node& node, std::string_view key);
/// An account at `@s.whatsapp.net`, or at `@lid`: without device.
std::optional<Jid> phone_attr(const Node& node, std::string_view key);
std::optional<Jid> lid_attr(const Node& node, std::string_view key);

/// An attribute as one displayable line, cut between characters; "" when absent.
std::string line_attr(const Node& node, std::string_view key, std::size_t max_bytes = max_line_bytes);
/// An id, version or enumeration: as it is when it is an acceptable id, else "".
std::string token_attr(const Node& node, std::string_view key);
/// Content as displayable text of several lines, cut between characters.
std::string paragraph(std::string_view text, std::size_t max_bytes = max_paragraph_bytes);
/// The content of child `tag` as one displayable line; "" when there is none.
std::string child_line(const Node& node, std::string_view tag, std::size_t max_bytes = max_line_bytes);

/// The same when it is no longer than `max_bytes`, else "": half an address or cursor leads elsewhere.
std::string whole_line(std::string_view text, std::size_t max_bytes = max_line_bytes);

/// Digits alone, up to 2^63 - 1, as Node::number() has it of an attribute.
std::optional<std::uint64_t> decimal(std::string_view digits);
/// How long a timer of disappearing messages runs, or when something ends, in seconds: nullopt when absent, no number
/// or over max_expiration.
std::optional<std::uint32_t> expiration_attr(const Node& node, std::string_view key = "expiration");

/// A time by a clock of a peer: one more than a day ahead of `now` counts as now, or it would be the newest for ever.
std::uint64_t believable(std::uint64_t unix_seconds, std::uint64_t now);
std::optional<std::uint64_t> time_attr(const Node& node, std::string_view key, std::uint64_t now);

/// Whether a list has no more rows than are read.
inline bool within_rows(const Node& list) { return list.children().size() <= max_list_rows; }
/// Whether the tree below `node` is deeper than `levels`.
bool deeper_than(const Node& node, std::size_t levels);

// --- building: what is absent or empty stays out
Node& put(Node& node, std::string_view key, std::string_view value);
Node& put(Node& node, std::string_view key, const std::optional<Jid>& value);
Node& put(Node& node, std::string_view key, const std::optional<std::uint64_t>& value);

}  // namespace wharf::protocol
