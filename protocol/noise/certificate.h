#pragma once
// The two-level certificate chain by which the chat server proves its static key. Specification 01 section 3.5.

#include <cstdint>
#include <optional>

#include "protocol/crypto/curve25519.h"
#include "protocol/result.h"

namespace wharf::protocol {

/// Validity of both certificates together, unix seconds.
struct CertificateWindow {
  std::uint64_t not_before = 0;
  std::uint64_t not_after = 0;
  bool contains(std::uint64_t now) const { return not_before <= now && now <= not_after; }
};

/// The production root key and its serial.
extern const PublicKey whatsapp_root_key;
inline constexpr std::uint32_t root_serial = 0;

/// Checks 1-7 always, 8 (validity) against `now` (unix seconds) when given. `server_static` is the decrypted
/// static key of the handshake. Errors: bad_certificate, with the failed check in the detail.
Result<CertificateWindow> verify_certificate_chain(ByteView chain, const PublicKey& root,
                                                   const PublicKey& server_static, std::optional<std::uint64_t> now);

/// For the simulated network: a chain root -> intermediate (serial 1) -> leaf (serial 2, key = server_static).
struct CertificateAuthority {
  KeyPair root;
  KeyPair intermediate;
};
Bytes issue_certificate_chain(const CertificateAuthority& authority, const PublicKey& server_static,
                              CertificateWindow window, Random& random);

}  // namespace wharf::protocol
