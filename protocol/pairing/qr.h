#pragma once
// The QR text of a pairing. Specification 02 section 2.3.

#include <string>

#include "protocol/crypto/curve25519.h"
#include "protocol/result.h"

namespace wharf::protocol {

struct PairingQr {
  std::string ref;
  PublicKey noise{};
  PublicKey identity{};
  Key32 adv_secret{};
  char client_type = '1';  // '\0' when a four-field text was parsed
};

/// With the https://wa.me/settings/linked_devices# prefix.
std::string qr_text(const PairingQr& qr);
/// Both forms, four or five fields. Errors: malformed.
Result<PairingQr> parse_qr_text(std::string_view text);

/// The one-character client type of a DeviceProps platform type.
char client_type_of(std::uint32_t platform_type);

}  // namespace wharf::protocol
