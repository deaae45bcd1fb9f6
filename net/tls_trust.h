#pragma once
// Whom outgoing TLS connections trust.

#include <string>

namespace wharf::net {

/// System roots are always trusted; verification is always on.
struct TlsTrust {
  std::string extra_ca_pem;  // "" = none
};

}  // namespace wharf::net
