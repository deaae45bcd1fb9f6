#pragma once
// Attributes of group stanzas from a peer, each read within its bounds; for the parsers of this room. Specification 05
// section 17.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/binary/node.h"

namespace wharf::protocol::groups {

/// Somebody who can be in a group: a person, a hosted account or a bot, without device.
std::optional<Jid> person_attr(const Node& node, std::string_view key);
/// The same at `@s.whatsapp.net`, or at `@lid`.
std::optional<Jid> phone_attr(const Node& node, std::string_view key);
std::optional<Jid> lid_attr(const Node& node, std::string_view key);
/// `<digits>@g.us`, or of old ones `<digits>-<digits>@g.us`; not the server of all groups.
bool names_group(const Jid& jid);
/// A group, also where the server writes its user part alone.
std::optional<Jid> group_attr(const Node& node, std::string_view key);

/// One displayable line, cut at max_label_bytes; "" when absent.
std::string label_attr(const Node& node, std::string_view key);
/// An id, version or enumeration: as it is when it is an acceptable id, else "".
std::string token_attr(const Node& node, std::string_view key);
/// A time of disappearing messages or of an end, up to 2^31 - 1.
std::optional<std::uint32_t> expiration_attr(const Node& node, std::string_view key = "expiration");
/// `error`: nullopt when there is none. One that is no number is 0: a failure all the same.
std::optional<unsigned> error_attr(const Node& node);

/// Displayable text of several lines, before and after at most max_description_bytes; nullopt when it is longer.
std::optional<std::string> read_description_text(ByteView body);

/// Whether the tree below `node` is deeper than `levels`.
bool deeper_than(const Node& node, std::size_t levels);

// --- building: what is absent stays out
void put(Node& node, std::string_view key, const std::optional<Jid>& value);
void put(Node& node, std::string_view key, std::string_view value);
void put(Node& node, std::string_view key, const std::optional<std::uint64_t>& value);
/// The user part of a group, as `id` has it.
std::string_view group_id(const Jid& group);

}  // namespace wharf::protocol::groups
