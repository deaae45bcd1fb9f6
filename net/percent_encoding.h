#pragma once
// Percent-encoding (RFC 3986 section 2.1) of targets, queries and credentials.

#include <optional>
#include <string>
#include <string_view>

namespace wharf::net {

/// What '+' means: itself (paths, credentials), or a space (queries, as forms write them).
enum class Plus { literal, space };
/// nullopt for a broken escape or an escaped NUL byte.
std::optional<std::string> percent_decode(std::string_view text, Plus plus);

}  // namespace wharf::net
