#pragma once
// Standard base64 (RFC 4648 section 4), for the headers net/ writes itself: OpenSSL's encoder behind spans. Internal to
// net/.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace wharf::net {

std::string base64_encode(std::span<const std::uint8_t> bytes);

/// "Basic …" (RFC 7617).
std::string basic_authorization(std::string_view username, std::string_view password);

}  // namespace wharf::net
