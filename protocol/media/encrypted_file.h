#pragma once
// Layout of a file on the media server: AES-256-CBC with PKCS#7, then the first 10 bytes of HMAC-SHA256 over IV and
// ciphertext. The IV comes from the key and is no part of the file. Specification 04 section 2.2.

#include <cstddef>
#include <cstdint>

namespace wharf::protocol {

inline constexpr std::size_t media_mac_bytes = 10;
inline constexpr std::size_t media_block_bytes = 16;
/// Our bound on lengths that a message states: far above what any server stores, far below where sums overflow.
inline constexpr std::uint64_t max_media_length = std::uint64_t{1} << 40;

/// Length of the ciphertext of `plain_length` (at most max_media_length) bytes, without the MAC.
constexpr std::uint64_t ciphertext_length(std::uint64_t plain_length) {
  return plain_length / media_block_bytes * media_block_bytes + media_block_bytes;
}
/// Length of the whole file.
constexpr std::uint64_t encrypted_length(std::uint64_t plain_length) {
  return ciphertext_length(plain_length) + media_mac_bytes;
}

}  // namespace wharf::protocol
