#pragma once
// AES-256 in the three modes the protocol uses. Through OpenSSL.

#include <array>
#include <cstdint>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace wharf::protocol {

using AesKey = std::array<std::uint8_t, 32>;
using GcmIv = std::array<std::uint8_t, 12>;
using BlockIv = std::array<std::uint8_t, 16>;

/// AES-256-GCM, 16-byte tag appended.
Bytes gcm_seal(const AesKey& key, const GcmIv& iv, ByteView plaintext, ByteView aad = {});
/// Errors: bad_mac (also for input shorter than the tag).
Result<Bytes> gcm_open(const AesKey& key, const GcmIv& iv, ByteView sealed, ByteView aad = {});

/// AES-256-CBC with PKCS#7.
Bytes cbc_encrypt(const AesKey& key, const BlockIv& iv, ByteView plaintext);
/// Errors: bad_mac for a length that is no multiple of 16 or bad padding (one code: no oracle).
Result<Bytes> cbc_decrypt(const AesKey& key, const BlockIv& iv, ByteView ciphertext);

/// AES-256-CTR with a 128-bit big-endian counter block; its own inverse.
Bytes ctr_crypt(const AesKey& key, const BlockIv& counter, ByteView input);

}  // namespace wharf::protocol
