#pragma once
// Two rules of RFC 6455 that Beast leaves to its user: what a close frame may say. Internal to net/.

#include <cstdint>
#include <span>

namespace wharf::net {

/// A close reason is UTF-8 (RFC 6455 5.5.1); ours are cut at a length.
bool valid_utf8(std::span<const std::uint8_t> text);
/// Whether a peer may send this code in a close frame (RFC 6455 7.4).
bool valid_close_code(std::uint16_t code);

}  // namespace wharf::net
