#pragma once
// Internal to protocol/signal: the X3DH agreement that starts a session. Specification 03 section 1.3.

#include "protocol/crypto/curve25519.h"
#include "protocol/result.h"
#include "protocol/signal/ratchet_state.h"

namespace wharf::protocol::detail {

/// HKDF("WhisperText") over 32 x FF || DH1 || DH2 || DH3 [|| DH4]. Its second half would be a receiving chain for the
/// ratchet key "signed prekey", which the responder never sends with: it is not kept.
struct X3dhKeys {
  Secret32 root_key;
  Secret32 unused_chain_key;
};

/// Errors: invalid_key (an agreement is all zero).
Result<X3dhKeys> x3dh_initiator(const KeyPair& identity, const KeyPair& base, const PreKeyBundle& bundle);
/// `one_time` may be null. Errors: invalid_key.
Result<X3dhKeys> x3dh_responder(const KeyPair& identity, const KeyPair& signed_pre_key, const KeyPair* one_time,
                                const PublicKey& remote_identity, const PublicKey& remote_base);

}  // namespace wharf::protocol::detail
