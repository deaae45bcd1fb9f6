#pragma once
// Invite links: https://chat.whatsapp.com/ and a code. Specification 05 sections 2.7 and 17.

#include <optional>
#include <string>
#include <string_view>

namespace wharf::protocol::groups {

/// `[A-Za-z0-9_-]{10,64}`; nothing else is a code, wherever it comes from.
bool is_invite_code(std::string_view code);

/// The code in what a user gave: a link or the bare code. Scheme, host, `invite/`, query string and fragment are left
/// out. nullopt when what remains is no code, or when the host is another.
std::optional<std::string> invite_code(std::string_view link_or_code);

std::string invite_link(std::string_view code);

}  // namespace wharf::protocol::groups
