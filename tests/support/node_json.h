#pragma once
// Stanzas in the vector files: JSON trees to nodes, and comparison where attribute and child order are free.

#include <boost/json/value.hpp>
#include <string>

#include "protocol/binary/node.h"

namespace wharf::test {

/// {tag, attrs, content}; content is a list, text, {text}, {base64}, {hex}, {bytes_hex} or {bytes} (a placeholder, or
/// "hex:…"). JSON does not say which attributes are JIDs: those holding '@' that parse become one, "@server" is a
/// server JID.
protocol::Node node_from_json(const boost::json::value& value);

/// One line per element, attributes and children sorted, JIDs marked as such: equal for equal stanzas whatever the
/// order.
std::string canonical(const protocol::Node& node);

/// The node of a hex string as encode_node writes it (throws when it does not decode).
protocol::Node node_from_hex(const boost::json::value& value);

/// A copy without its direct children of this tag.
protocol::Node without_child(const protocol::Node& node, std::string_view tag);

}  // namespace wharf::test
