#pragma once
// Pairing by an 8-character code. Specification 02 section 3; 06 section 3.3.

#include <optional>
#include <string>

#include "protocol/crypto/curve25519.h"
#include "protocol/result.h"

namespace wharf::protocol {

/// 8 characters of 123456789ABCDEFGHJKLMNPQRSTVWXYZ from 5 bytes.
std::string pairing_code(const std::array<std::uint8_t, 5>& random);
/// Upper case, hyphens and spaces dropped. Errors: malformed.
Result<std::string> normalise_pairing_code(std::string_view text);

/// PBKDF2 with 131072 iterations: tens of milliseconds, run it on a worker.
Key32 pairing_code_key(std::string_view code, const Key32& salt);

/// salt 32 || iv 16 || AES-256-CTR(key, iv, ephemeral public): 80 bytes.
Bytes wrap_pairing_ephemeral(const Key32& code_key, const Key32& salt, const std::array<std::uint8_t, 16>& iv,
                             const PublicKey& ephemeral);
/// The salt of a wrapped ephemeral, for pairing_code_key. Errors: malformed (length != 80).
Result<Key32> wrapped_ephemeral_salt(ByteView wrapped);
Result<PublicKey> unwrap_pairing_ephemeral(const Key32& code_key, ByteView wrapped);

/// Companion: 02 section 3.5 steps 2-7.
struct CompanionFinish {
  Bytes wrapped_bundle;  // 156 bytes
  Key32 adv_secret{};    // persist before the stanza is sent
};
Result<CompanionFinish> make_companion_finish(const KeyPair& identity, const KeyPair& ephemeral,
                                              const PublicKey& primary_ephemeral, const PublicKey& primary_identity,
                                              Random& random);

/// Phone: opens the bundle. Errors: malformed, bad_mac (wrong code), conflict (identities inside do not match),
/// invalid_key. Gives the ADV secret.
Result<Key32> open_companion_finish(ByteView wrapped_bundle, const KeyPair& primary_identity,
                                    const KeyPair& primary_ephemeral, const PublicKey& companion_ephemeral,
                                    const PublicKey& companion_identity);

}  // namespace wharf::protocol
