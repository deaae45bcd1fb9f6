#pragma once
// X25519 keys, key agreement and XEdDSA signatures (specification 02 section 1.1, 03 section 1.7).
// Public keys are 32-byte Montgomery u-coordinates without a type byte.

#include <array>
#include <cstdint>

#include "protocol/bytes.h"
#include "protocol/crypto/random.h"
#include "protocol/result.h"

namespace wharf::protocol {

using Key32 = std::array<std::uint8_t, 32>;
using PublicKey = Key32;
using Signature = std::array<std::uint8_t, 64>;

/// A clamped X25519 scalar. Wiped when destroyed; never printed, never compared by content.
class PrivateKey {
 public:
  PrivateKey() = default;
  explicit PrivateKey(const Key32& scalar);  // clamps
  PrivateKey(const PrivateKey&) = default;
  PrivateKey& operator=(const PrivateKey&) = default;
  ~PrivateKey();
  ByteView view() const { return scalar_; }
  const Key32& scalar() const { return scalar_; }

 private:
  Key32 scalar_{};
};

struct KeyPair {
  PrivateKey secret;
  PublicKey pub{};

  static KeyPair generate(Random& random);
  static KeyPair from_secret(const Key32& scalar);
  /// By the public halves: secrets are never compared by content.
  friend bool operator==(const KeyPair& a, const KeyPair& b) { return a.pub == b.pub; }
};

/// X25519. Errors: invalid_key when the result is all zero (low-order peer key).
Result<Key32> agree(const PrivateKey& own, const PublicKey& peer);

/// XEdDSA in libsignal's variant: the Edwards sign bit of the public key is bit 7 of byte 63.
Signature xeddsa_sign(const KeyPair& key, ByteView message, Random& random);

/// Strict: rejects signatures that are not 64 bytes, S >= L, bits 5/6 of byte 63, low-order public keys.
bool xeddsa_verify(const PublicKey& key, ByteView message, ByteView signature);

/// 05 || key, the typed form inside Signal messages and prekey signatures.
std::array<std::uint8_t, 33> typed(const PublicKey& key);
/// Accepts exactly 05 || 32 bytes.
std::optional<PublicKey> untyped(ByteView bytes);

}  // namespace wharf::protocol
