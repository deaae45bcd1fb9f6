#pragma once
// The keys and the certificate authority behind vectors noise-xx.json.

#include <stdexcept>
#include <string_view>

#include "protocol/noise/handshake.h"
#include "tests/support/vectors.h"

namespace wharf::test {

inline protocol::KeyPair noise_key(std::string_view name) {
  const auto& entry = vectors("noise-xx").at("keys").at(name);
  const auto scalar = protocol::exactly<32>(hex(entry.at("private")));
  protocol::KeyPair pair = protocol::KeyPair::from_secret(scalar.value());
  if (protocol::to_hex(pair.pub) != std::string_view(entry.at("public").as_string()))
    throw std::runtime_error("the key pair of the vectors does not belong together");
  return pair;
}

inline protocol::CertificateAuthority noise_authority() {
  return {noise_key("cert-root"), noise_key("cert-intermediate")};
}

/// From 2023-11-14 to 2033-05-18.
inline constexpr protocol::CertificateWindow noise_window{1'700'000'000, 2'000'000'000};

inline protocol::Bytes noise_chain() { return hex(vectors("noise-xx").at("xx").at("certificate").at("cert_chain")); }

}  // namespace wharf::test
