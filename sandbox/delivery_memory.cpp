#include "sandbox/delivery_memory.h"

#include <algorithm>
#include <string>

#include "protocol/crypto/hash.h"

namespace wharf::sandbox {

namespace {

void add(std::string& text, const DeviceKey& device) {
  text.append(device.phone).push_back(':');
  text.append(std::to_string(device.device)).push_back('\0');
}

Fingerprint fingerprint(std::string_view text) {
  const auto digest = protocol::sha256(protocol::as_bytes(text));
  Fingerprint out;
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

Fingerprint of_message(const DeviceKey& sender, std::string_view id) {
  std::string text;
  add(text, sender);
  return fingerprint(text.append(id));
}

Fingerprint of_target(const DeviceKey& sender, std::string_view id, const DeviceKey& target) {
  std::string text;
  add(text, sender);
  add(text, target);
  return fingerprint(text.append(id));
}

}  // namespace

std::optional<std::int64_t> DeliveryMemory::accepted_at(const DeviceKey& sender, std::string_view id) {
  const auto* known = accepted_.find(of_message(sender, id));
  if (!known) return std::nullopt;
  return known->at;
}

void DeliveryMemory::accept(const DeviceKey& sender, std::string_view id, std::int64_t now_seconds) {
  while (!accepted_.empty() && accepted_.oldest().at + remembered_seconds < now_seconds) accepted_.pop();
  accepted_.insert(of_message(sender, id), Accepted{now_seconds});
}

DeliveryMemory::Target DeliveryMemory::target(const DeviceKey& sender, std::string_view id, const DeviceKey& target) {
  const auto* known = targets_.find(of_target(sender, id, target));
  return known ? *known : Target::unknown;
}

void DeliveryMemory::delivered(const DeviceKey& sender, std::string_view id, const DeviceKey& target) {
  targets_.insert(of_target(sender, id, target), Target::delivered);
}

void DeliveryMemory::ask_again(const DeviceKey& sender, std::string_view id, const DeviceKey& target) {
  targets_.insert(of_target(sender, id, target), Target::asked_again);
}

bool DeliveryMemory::key_reused(const DeviceKey& sender, const DeviceKey& target, protocol::ByteView ratchet_key,
                                std::uint32_t counter, protocol::ByteView ciphertext) {
  std::string text;
  add(text, sender);
  add(text, target);
  text.append(protocol::as_text(ratchet_key)).append(std::to_string(counter));
  const auto key = fingerprint(text);
  const auto digest = protocol::sha256(ciphertext);
  std::uint64_t seen;
  std::memcpy(&seen, digest.data(), sizeof seen);
  if (const auto* known = keys_.find(key)) return *known != seen;
  keys_.insert(key, seen);
  return false;
}

}  // namespace wharf::sandbox
