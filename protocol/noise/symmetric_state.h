#pragma once
// The Noise symmetric state: handshake hash, chaining key, AEAD key and counter. Specification 01 section 3.1.

#include <string_view>

#include "protocol/crypto/aes.h"
#include "protocol/crypto/curve25519.h"
#include "protocol/crypto/hash.h"

namespace wharf::protocol {

inline constexpr std::string_view noise_xx = "Noise_XX_25519_AESGCM_SHA256";
inline constexpr std::string_view noise_ik = "Noise_IK_25519_AESGCM_SHA256";
inline constexpr std::string_view noise_xx_fallback = "Noise_XXfallback_25519_AESGCM_SHA256";

/// 8 zero bytes and the counter.
GcmIv noise_iv(std::uint32_t counter);

class SymmetricState {
 public:
  /// A name of at most 32 bytes is padded with zeros and used raw, a longer one hashed. Mixes the prologue.
  SymmetricState(std::string_view protocol_name, ByteView prologue);
  ~SymmetricState();
  SymmetricState(const SymmetricState&) = default;
  SymmetricState& operator=(const SymmetricState&) = default;

  void mix_hash(ByteView data);
  /// The counter starts again.
  void mix_key(ByteView input);
  /// mix_key with the agreed secret. Errors: invalid_key.
  Result<void> mix_agreement(const PrivateKey& own, const PublicKey& peer);
  Bytes encrypt(ByteView plaintext);
  /// The hash takes in the ciphertext only when it verified. Errors: bad_mac.
  Result<Bytes> decrypt(ByteView sealed);

  struct Split {
    AesKey client_to_server{};
    AesKey server_to_client{};
  };
  Split split() const;
  const Digest32& hash() const { return hash_; }

 private:
  Digest32 hash_{};
  Key32 chaining_key_{};
  AesKey key_{};
  std::uint32_t counter_ = 0;
};

}  // namespace wharf::protocol
