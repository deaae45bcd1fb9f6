#pragma once
// Answers echo attributes of what they answer exactly as they came: a JID stays a JID with its device, text stays text.

#include <string_view>

#include "protocol/binary/node.h"

namespace wharf::protocol {

/// Copies attribute `key` of `from` as `as`; nothing when it is absent.
void copy_attr(Node& to, std::string_view as, const Node& from, std::string_view key);
inline void copy_attr(Node& to, const Node& from, std::string_view key) { copy_attr(to, key, from, key); }

}  // namespace wharf::protocol
