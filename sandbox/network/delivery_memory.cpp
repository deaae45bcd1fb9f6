#include "sandbox/network/delivery_memory.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "protocol/crypto/hash.h"
#include "sandbox/rows.h"

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

Fingerprint of_device(const DeviceKey& device) {
  std::string text;
  add(text, device);
  return fingerprint(text);
}

std::uint64_t short_hash(ByteView bytes) {
  return protocol::from_big_endian(ByteView(protocol::sha256(bytes)).first(8));
}

std::string name_of(const Fingerprint& message) { return std::string(protocol::as_text(message)); }

template <class Targets>
auto place_of(Targets& targets, const Fingerprint& device) {
  return std::lower_bound(targets.begin(), targets.end(), device,
                          [](const auto& entry, const Fingerprint& wanted) { return entry.device < wanted; });
}

}  // namespace

DeliveryMemory::Accepted::Copy* DeliveryMemory::Accepted::find(const DeviceKey& target) {
  const auto device = of_device(target);
  const auto place = place_of(targets, device);
  return place != targets.end() && place->device == device ? &*place : nullptr;
}

std::optional<std::int64_t> DeliveryMemory::accepted_at(const DeviceKey& sender, std::string_view id) {
  const auto* known = accepted_.find(of_message(sender, id));
  if (!known) return std::nullopt;
  return known->at;
}

void DeliveryMemory::accept(const DeviceKey& sender, std::string_view id, std::int64_t now_seconds) {
  const auto message = of_message(sender, id);
  accepted_.insert(message, Accepted{now_seconds, {}});
  changed_(name_of(message));
  while (accepted_.over_limit() || accepted_.oldest().at + remembered_seconds < now_seconds) {
    changed_(name_of(accepted_.oldest_key()));
    accepted_.pop();
  }
}

DeliveryMemory::Target DeliveryMemory::target(const DeviceKey& sender, std::string_view id, const DeviceKey& target) {
  auto* known = accepted_.find(of_message(sender, id));
  const auto* copy = known ? known->find(target) : nullptr;
  return copy ? copy->state : Target::unknown;
}

void DeliveryMemory::set(const DeviceKey& sender, std::string_view id, const DeviceKey& target, Target state) {
  const auto message = of_message(sender, id);
  auto* known = accepted_.find(message);
  if (!known) return;
  if (auto* copy = known->find(target)) {
    copy->state = state;
  } else {
    const auto device = of_device(target);
    known->targets.insert(place_of(known->targets, device), {device, state, 0});
  }
  changed_(name_of(message));
}

void DeliveryMemory::delivered(const DeviceKey& sender, std::string_view id, const DeviceKey& target) {
  set(sender, id, target, Target::delivered);
}

void DeliveryMemory::ask_again(const DeviceKey& sender, std::string_view id, const DeviceKey& target) {
  set(sender, id, target, Target::asked_again);
}

bool DeliveryMemory::copy_changed(const DeviceKey& sender, std::string_view id, const DeviceKey& target,
                                  ByteView ciphertext) {
  auto* known = accepted_.find(of_message(sender, id));
  auto* copy = known ? known->find(target) : nullptr;
  if (!copy) return false;
  const auto hash = std::max(static_cast<std::uint32_t>(short_hash(ciphertext)), 1u);
  const std::uint32_t before = std::exchange(copy->hash, hash);
  return before != 0 && before != hash;
}

void DeliveryMemory::forget_copies(const DeviceKey& sender, std::string_view id) {
  auto* known = accepted_.find(of_message(sender, id));
  if (known == nullptr) return;
  for (auto& copy : known->targets) copy.hash = 0;
}

// --- rows: 8 bytes of time, then 16 of a device and one of its state for each device

std::optional<Bytes> DeliveryMemory::row(std::string_view name) {
  const auto message = protocol::exactly<16>(protocol::as_bytes(name));
  const auto* known = message ? accepted_.find(*message) : nullptr;
  if (!known) return std::nullopt;
  Bytes out = protocol::to_bytes(row_number(static_cast<std::uint64_t>(known->at), 8));
  for (const auto& copy : known->targets) {
    protocol::append(out, copy.device);
    out.push_back(static_cast<std::uint8_t>(copy.state));
  }
  return out;
}

bool DeliveryMemory::restore(std::string_view name, ByteView row) {
  constexpr std::size_t entry = std::tuple_size_v<Fingerprint> + 1;
  const auto message = protocol::exactly<16>(protocol::as_bytes(name));
  if (!message || row.size() < 8 || (row.size() - 8) % entry != 0) return false;
  Accepted accepted;
  accepted.at = static_cast<std::int64_t>(protocol::from_big_endian(row.first(8)));
  for (row = row.subspan(8); !row.empty(); row = row.subspan(entry)) {
    const auto device = protocol::exactly<16>(row.first(entry - 1));
    const auto state = static_cast<Target>(row[entry - 1]);
    if (!device || (state != Target::delivered && state != Target::asked_again)) return false;
    accepted.targets.push_back({*device, state, 0});
  }
  restoring_.emplace_back(*message, std::move(accepted));
  return true;
}

void DeliveryMemory::restored() {
  std::sort(restoring_.begin(), restoring_.end(),
            [](const auto& a, const auto& b) { return a.second.at < b.second.at; });
  for (auto& [message, accepted] : restoring_) accepted_.insert(message, std::move(accepted));
  restoring_ = {};
  std::sort(restoring_keys_.begin(), restoring_keys_.end(),
            [](const auto& a, const auto& b) { return a.second.number < b.second.number; });
  for (const auto& [name, used] : restoring_keys_) {
    keys_.insert(name, used);
    last_key_ = used.number;
  }
  restoring_keys_ = {};
}

// --- rows of keys: 8 bytes of the ciphertext's hash, 8 of their number

std::optional<Bytes> DeliveryMemory::key_row(std::string_view name) {
  const auto key = protocol::exactly<16>(protocol::as_bytes(name));
  const auto* known = key ? keys_.find(*key) : nullptr;
  if (!known) return std::nullopt;
  return protocol::to_bytes(row_number(known->ciphertext, 8) + row_number(known->number, 8));
}

bool DeliveryMemory::restore_key(std::string_view name, ByteView row) {
  const auto key = protocol::exactly<16>(protocol::as_bytes(name));
  if (!key || row.size() != 16) return false;
  restoring_keys_.emplace_back(
      *key, UsedKey{protocol::from_big_endian(row.first(8)), protocol::from_big_endian(row.last(8))});
  return true;
}

bool DeliveryMemory::key_reused(const DeviceKey& sender, const DeviceKey& target, protocol::ByteView ratchet_key,
                                std::uint32_t counter, protocol::ByteView ciphertext) {
  std::string text;
  add(text, sender);
  add(text, target);
  text.append(protocol::as_text(ratchet_key)).append(std::to_string(counter));
  const auto key = fingerprint(text);
  const auto seen = short_hash(ciphertext);
  if (const auto* known = keys_.find(key)) return known->ciphertext != seen;
  keys_.insert(key, UsedKey{seen, ++last_key_});
  key_changed_(name_of(key));
  if (keys_.over_limit()) {
    key_changed_(name_of(keys_.oldest_key()));
    keys_.pop();
  }
  return false;
}

}  // namespace wharf::sandbox
