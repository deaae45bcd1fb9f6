#pragma once
// HMAC-SHA512, which only app state uses. Through libsodium.

#include <array>
#include <cstdint>

#include "protocol/bytes.h"

namespace wharf::protocol {

std::array<std::uint8_t, 64> hmac_sha512(ByteView key, ByteView message);

}  // namespace wharf::protocol
