#pragma once
// What vouches for other people's companions: the identity of each account's device 0, as this phone last saw it.
// Specification 02 section 8.

#include <map>
#include <optional>
#include <string>

#include "sandbox/phone/context.h"
#include "sandbox/phone/keys.h"

namespace wharf::sandbox {

class PhoneAccountKeys {
 public:
  PhoneAccountKeys(PhoneContext& context, PhoneKeys& keys) : c_(context), keys_(keys) {}

  /// The own identity for the own account.
  std::optional<protocol::PublicKey> of(const std::string& phone) const;
  /// Checks a companion's device-identity against its account. Errors: not_found (none sent), bad_signature, malformed.
  protocol::Result<void> check_companion(const DeviceKey& peer, ByteView device_identity,
                                         const protocol::PublicKey& identity) const;
  /// Of a device 0.
  void learn(const std::string& phone, const protocol::PublicKey& identity);
  void forget(const std::string& phone);
  void clear();

  // --- row: phone_account_key
  std::optional<Bytes> row(const std::string& phone) const;
  void restore(const std::string& phone, ByteView row);

 private:
  PhoneContext& c_;
  PhoneKeys& keys_;
  std::map<std::string, protocol::PublicKey> identities_;  // by phone
};

}  // namespace wharf::sandbox
