#pragma once
// ADV identities: how the phone vouches for its companions. Specification 02 sections 2.5, 8.1, 8.4; 06 section 3.2.

#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/crypto/curve25519.h"
#include "protocol/result.h"

namespace wharf::protocol {

// --- companion side

struct PairSuccessIdentity {
  Bytes account;            // full ADVSignedDeviceIdentity, all four fields: persist it
  Bytes reply;              // the same without accountSignatureKey: goes into pair-device-sign
  PublicKey account_key{};  // identity of the own account's device 0
  std::uint32_t key_index = 0;
};
/// Checks container HMAC and account signature and countersigns. Errors carry the reply code of 02 section 2.5:
/// malformed -> 500 internal-error; bad_mac -> 401 hmac-mismatch; bad_signature / invalid_key -> 401
/// signature-mismatch.
Result<PairSuccessIdentity> accept_pair_success(ByteView container, const Key32& adv_secret, const KeyPair& identity,
                                                Random& random);

/// The account key of a stored PairSuccessIdentity::account; nullopt when there is none in it.
std::optional<PublicKey> account_key_of(ByteView account);

/// Validates the device-identity of a companion (bundle or pkmsg): both signatures over `identity`. `known_account_key`
/// is the stored identity of that user's device 0, used when field 2 is absent; nullopt = unknown. When both are there
/// they must agree. Errors: malformed, bad_signature, invalid_key; not_found when no account key is known at all, which
/// is no verdict on the identity: 02 section 8.4 proceeds and logs.
Result<void> verify_device_identity(ByteView signed_identity, const PublicKey& identity,
                                    const std::optional<PublicKey>& known_account_key);

struct KeyIndexList {
  std::uint32_t raw_id = 0;
  std::uint64_t timestamp = 0;
  std::uint32_t current_index = 0;
  std::vector<std::uint32_t> valid_indexes;
};
/// ADVSignedKeyIndexList, at most 16 KiB and 2048 indexes. With a key (argument or embedded) the signature is verified.
/// Errors: malformed, bad_signature.
Result<KeyIndexList> read_key_index_list(ByteView signed_list, const std::optional<PublicKey>& account_key);

// --- phone and server side (simulated network)

struct DeviceIdentityDetails {
  std::uint32_t raw_id = 0;
  std::uint64_t timestamp = 0;
  std::uint32_t key_index = 0;
};
/// ADVSignedDeviceIdentityHMAC as the phone makes it for a scanned companion.
Bytes issue_device_identity(const KeyPair& account, const PublicKey& companion_identity,
                            const DeviceIdentityDetails& details, const Key32& adv_secret, Random& random);
/// Checks the companion's pair-device-sign reply; gives back the full four-field identity. `container` is what was
/// issued. Errors: malformed, bad_signature, conflict (another accountSignatureKey than the issued one, details
/// differ).
Result<Bytes> complete_device_identity(ByteView reply, ByteView container, const PublicKey& companion_identity);
Bytes issue_key_index_list(const KeyPair& account, const KeyIndexList& list, Random& random);

}  // namespace wharf::protocol
