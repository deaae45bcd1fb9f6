#pragma once
// ClientPayload: what a client says of itself inside the handshake. Specification 01 section 4.

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "protocol/binary/jid.h"
#include "protocol/crypto/curve25519.h"
#include "protocol/result.h"

namespace wharf::protocol {

struct AppVersion {
  std::uint32_t primary = 2, secondary = 3000, tertiary = 1045649367;
  std::string to_string() const;                    // "2.3000.1045649367"
  std::array<std::uint8_t, 16> build_hash() const;  // MD5 of to_string()
  friend auto operator<=>(const AppVersion&, const AppVersion&) = default;
};

/// What the phone shows of this device; sent at registration only (01 section 4.4).
struct DeviceProperties {
  std::string os = "Wharf";
  struct OsVersion {
    std::uint32_t primary = 0, secondary = 0, tertiary = 0;
  };
  std::optional<OsVersion> os_version;  // not sent when nullopt
  std::uint32_t platform_type = 1;      // 1 Chrome
  bool require_full_sync = false;
};

struct ClientProfile {
  AppVersion version;
  std::string language = "en";
  std::string country = "US";
  DeviceProperties device;
};

struct LoginIdentity {
  Jid jid;                                  // PN with device > 0
  std::uint32_t login_counter = 0;          // lc
  std::uint32_t connect_attempt_count = 0;  // 0 on the first connect of the process
  bool lid_migrated = true;                 // lidDbMigrated
  bool passive = false;
};
Bytes login_payload(const ClientProfile& profile, const LoginIdentity& login);

struct RegistrationKeys {
  std::uint32_t registration_id = 0;
  PublicKey identity{};
  std::uint32_t signed_pre_key_id = 0;
  PublicKey signed_pre_key{};
  Signature signed_pre_key_signature{};
};
Bytes registration_payload(const ClientProfile& profile, const RegistrationKeys& keys);

/// What the network side reads (06 section 1.6). Fields that were absent are nullopt.
struct ParsedClientPayload {
  std::optional<std::uint64_t> username;
  std::optional<std::uint32_t> device;
  bool passive = false;
  bool pull = false;
  AppVersion version;
  std::uint32_t user_agent_platform = 14;
  struct Registration {
    RegistrationKeys keys;
    Bytes build_hash;
    Bytes device_props;  // serialised DeviceProps
    std::string os;
    std::uint32_t platform_type = 0;
    bool require_full_sync = false;
  };
  std::optional<Registration> registration;
};
/// Errors: malformed (undecodable, missing or wrong-sized registration fields, both kinds at once).
Result<ParsedClientPayload> parse_client_payload(ByteView payload);

}  // namespace wharf::protocol
