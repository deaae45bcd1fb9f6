#include "sandbox/network/pending_pairings.h"

#include <algorithm>
#include <utility>

namespace wharf::sandbox {

PendingPairing& PendingPairings::add(const protocol::PublicKey& noise_key, protocol::ParsedClientPayload payload,
                                     DevicePort& port) {
  const auto id = ++last_;
  auto& pairing = pairings_[id];
  pairing.connection.id = id;
  pairing.connection.noise_key = noise_key;
  pairing.connection.payload = std::move(payload);
  pairing.port = &port;
  return pairing;
}

PendingPairing* PendingPairings::find(std::uint64_t id) {
  const auto found = pairings_.find(id);
  return found == pairings_.end() ? nullptr : &found->second;
}

PendingPairing* PendingPairings::find_ref(std::string_view ref) {
  const auto known = refs_.find(ref);
  return known == refs_.end() ? nullptr : find(known->second);
}

const PairingConnection* PendingPairings::find_connection(std::string_view ref) const {
  const auto known = refs_.find(ref);
  if (known == refs_.end()) return nullptr;
  const auto found = pairings_.find(known->second);
  return found == pairings_.end() ? nullptr : &found->second.connection;
}

bool PendingPairings::claimed(std::string_view phone, std::uint16_t device) const {
  return std::any_of(pairings_.begin(), pairings_.end(), [&](const auto& entry) {
    const auto& success = entry.second.success;
    return success && success->phone == phone && success->device == device;
  });
}

std::string PendingPairings::add_ref(PendingPairing& pairing) {
  auto ref = "2@" + protocol::to_base64url(c_.random.bytes<48>());
  refs_.emplace(ref, pairing.connection.id);
  pairing.connection.refs.push_back(ref);
  return ref;
}

void PendingPairings::set_code(PendingPairing& pairing, const std::string& phone) {
  if (pairing.code) refs_.erase(pairing.code->ref);
  pairing.code = {"3@" + protocol::to_base64url(c_.random.bytes<24>()), phone};
  refs_.emplace(pairing.code->ref, pairing.connection.id);
}

void PendingPairings::drop(std::uint64_t id, protocol::Errc reason) {
  const auto found = pairings_.find(id);
  if (found == pairings_.end()) return;
  auto& pairing = found->second;
  for (const auto& ref : pairing.connection.refs) refs_.erase(ref);
  if (pairing.code) refs_.erase(pairing.code->ref);
  const auto done = pairing.success ? std::move(pairing.success->done) : nullptr;
  pairings_.erase(found);
  if (done) done(protocol::Error(reason, "the companion went away before it was linked"));
}

std::shared_ptr<void> PendingPairings::expire_after(std::uint64_t id, std::int64_t ms) {
  return c_.after(ms, [this, id] {
    auto* expired = find(id);
    if (expired == nullptr) return;
    auto* port = expired->port;
    drop(id, protocol::Errc::timed_out);
    port->disconnect();
  });
}

}  // namespace wharf::sandbox
