#pragma once
// What passes between a phone and the server while a companion is linked. Specification 06 section 3.

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/crypto/curve25519.h"
#include "protocol/noise/client_payload.h"
#include "sandbox/account.h"

namespace wharf::sandbox {

/// An unregistered connection that shows QR refs or waits for a code.
struct PairingConnection {
  std::uint64_t id = 0;
  std::vector<std::string> refs;  // all live until the connection ends
  protocol::PublicKey noise_key{};
  protocol::ParsedClientPayload payload;  // with registration
};

/// What the phone uploads for a scanned companion (06 section 3.2 step 8).
struct PairDeviceUpload {
  std::string ref;
  Bytes device_identity;  // ADVSignedDeviceIdentityHMAC
  Bytes key_index_list;   // ADVSignedKeyIndexList
  std::uint64_t timestamp = 0;
  std::uint32_t key_index = 0;
};

/// A companion_hello relayed to the phone of the account (06 section 3.3).
struct LinkCodeHello {
  Bytes ref;
  Bytes wrapped_ephemeral;
  protocol::PublicKey companion_noise{};
  protocol::PublicKey companion_identity{};  // from the registration payload
  std::string display;
};
struct LinkCodeFinish {
  Bytes ref;
  Bytes wrapped_bundle;
  protocol::PublicKey companion_identity{};
};

}  // namespace wharf::sandbox
