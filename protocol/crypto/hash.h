#pragma once
// Hashes, MACs and key derivation. Through OpenSSL and libsodium.

#include <array>
#include <cstdint>
#include <span>

#include "protocol/bytes.h"

namespace wharf::protocol {

using Digest32 = std::array<std::uint8_t, 32>;

Digest32 sha256(ByteView message);
std::array<std::uint8_t, 20> sha1(ByteView message);
std::array<std::uint8_t, 16> md5(ByteView message);  // buildHash only: not a security use
Digest32 hmac_sha256(ByteView key, ByteView message);

/// RFC 5869 with SHA-256; fills `out` (at most 255 * 32 bytes). An empty salt means 32 zero bytes.
void hkdf_sha256(ByteView input, ByteView salt, ByteView info, std::span<std::uint8_t> out);
template <std::size_t N>
std::array<std::uint8_t, N> hkdf_sha256(ByteView input, ByteView salt, ByteView info) {
  std::array<std::uint8_t, N> out;
  hkdf_sha256(input, salt, info, out);
  return out;
}

/// Slow on purpose (131072 iterations take tens of milliseconds): never on the event loop.
Digest32 pbkdf2_sha256(ByteView password, ByteView salt, unsigned iterations);

/// Constant time for equal lengths.
bool equal_constant_time(ByteView a, ByteView b);

/// Overwrites secrets; never optimised away.
void wipe(std::span<std::uint8_t> secret);

}  // namespace wharf::protocol
