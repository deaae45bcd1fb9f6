#include "sandbox/phone/account_keys.h"

#include <utility>

#include "protocol/pairing/adv.h"
#include "sandbox/row_values.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;

std::optional<protocol::PublicKey> PhoneAccountKeys::of(const std::string& phone) const {
  if (phone == c_.account.phone) return keys_.local().identity.pub;
  const auto found = identities_.find(phone);
  if (found == identities_.end()) return std::nullopt;
  return found->second;
}

protocol::Result<void> PhoneAccountKeys::check_companion(const DeviceKey& peer, ByteView device_identity,
                                                         const protocol::PublicKey& identity) const {
  if (device_identity.empty()) return Error(Errc::not_found, "a companion without device-identity");
  return protocol::verify_device_identity(device_identity, identity, of(peer.phone));
}

void PhoneAccountKeys::learn(const std::string& phone, const protocol::PublicKey& identity) {
  identities_[phone] = identity;
  c_.changed(RowKind::phone_account_key, phone);
}

void PhoneAccountKeys::forget(const std::string& phone) {
  identities_.erase(phone);
  c_.changed(RowKind::phone_account_key, phone);
}

void PhoneAccountKeys::clear() {
  for (const auto& [phone, key] : std::exchange(identities_, {})) c_.changed(RowKind::phone_account_key, phone);
}

std::optional<Bytes> PhoneAccountKeys::row(const std::string& phone) const {
  const auto found = identities_.find(phone);
  if (found == identities_.end()) return std::nullopt;
  return protocol::to_bytes(ByteView(found->second));
}

void PhoneAccountKeys::restore(const std::string& phone, ByteView row) { identities_[phone] = array_of<32>(row); }

}  // namespace wharf::sandbox
