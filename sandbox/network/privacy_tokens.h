#pragma once
// Trusted-contact tokens: what an account gives to those whom it trusts, shown again by whoever addresses a restricted
// account or wants to see its presence. Specification 06 section 5.

#include <cstdint>

#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"

namespace wharf::sandbox {

class PrivacyTokens {
 public:
  /// Draws a secret; restore() replaces it by that of an earlier life.
  explicit PrivacyTokens(NetworkContext& context);

  Bytes make(const Party& issuer, const Party& holder, std::uint64_t t) const;
  /// Whether `holder` may show `token` as one that `issuer` gave it.
  bool valid(const Party& issuer, const Party& holder, ByteView token) const;

  // --- row: server
  const Bytes& secret() const { return secret_; }
  void restore(ByteView secret) { secret_ = protocol::to_bytes(secret); }

 private:
  NetworkContext& c_;
  Bytes secret_;
};

}  // namespace wharf::sandbox
