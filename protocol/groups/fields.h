#pragma once
// What group stanzas add to the fields that all rooms share: who can be in a group, names of groups, errors of rows;
// for the parsers of this room. Specification 05 section 17.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/stanzas/node_fields.h"

namespace wharf::protocol::groups {

/// Somebody who can be in a group: a person, a hosted account or a bot, without device.
std::optional<Jid> person_attr(const Node& node, std::string_view key);
/// `<digits>@g.us`, or of old ones `<digits>-<digits>@g.us`; not the server of all groups.
bool names_group(const Jid& jid);
/// A group, also where the server writes its user part alone.
std::optional<Jid> group_attr(const Node& node, std::string_view key);

/// One displayable line, cut at max_label_bytes; "" when absent.
std::string label_attr(const Node& node, std::string_view key);
/// `error`: nullopt when there is none. One that is no number is 0: a failure all the same.
std::optional<unsigned> error_attr(const Node& node);

/// Displayable text of several lines, before and after at most max_description_bytes; nullopt when it is longer.
std::optional<std::string> read_description_text(ByteView body);

/// The user part of a group, as `id` has it.
std::string_view group_id(const Jid& group);

}  // namespace wharf::protocol::groups
