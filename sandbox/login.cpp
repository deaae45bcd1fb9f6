// Login, replacement, the end of connections and of devices. Specification 06 sections 4 and 17.

#include <string>
#include <utility>

#include "sandbox/network_state.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;

namespace {

constexpr std::int64_t absence_grace_ms = 10'000;
constexpr std::size_t freed_devices_kept = 8;

Node failure(unsigned reason) {
  Node node("failure");
  node.set("reason", std::uint64_t{reason}).set("location", "lla");
  if (reason == 402) node.set("code", std::uint64_t{101}).set("expire", std::uint64_t{3600});
  return node;
}

bool phone_platform(std::uint32_t platform) {
  return platform == 0 || platform == 1 || platform == 10 || platform == 12;  // Android, iOS and their business forms
}

}  // namespace

std::optional<DeviceKey> Network::State::login(const protocol::PublicKey& noise_key,
                                               const protocol::ParsedClientPayload& payload, DevicePort& port) {
  const auto refuse = [&](unsigned reason, std::string_view why) -> std::optional<DeviceKey> {
    complain("login refused with " + std::to_string(reason) + ": " + std::string(why));
    port.deliver(failure(reason));
    port.disconnect();
    return std::nullopt;
  };
  if (faults.refuse_logins > 0) {
    --faults.refuse_logins;
    return refuse(503, "fault refuse_logins");
  }
  if (payload.version < settings.minimum_version) return refuse(405, "client version " + payload.version.to_string());
  if (!payload.username || payload.registration) return refuse(400, "neither a login nor a registration");
  if (payload.device.value_or(0) == 0) {
    // A phone belongs to the mobile transport. A web client without a device number never finished its code pairing.
    return phone_platform(payload.user_agent_platform) ? refuse(400, "a phone") : refuse(401, "no device number");
  }
  auto* party = find(std::to_string(*payload.username));
  if (!party || *payload.device > 0xffff) return refuse(401, "unknown account");
  if (party->account.failure != 0) return refuse(party->account.failure, "account is set to fail");
  const DeviceKey key{party->account.phone, static_cast<std::uint16_t>(*payload.device)};
  const auto* device = find_device(key);
  if (!device) return refuse(401, "unknown device");
  if (!protocol::equal(device->noise_key, noise_key)) return refuse(401, "noise key of another device");

  auto& slot = *find_slot(key);
  if (slot.port) {
    const auto replaced = stream_error({}, "replaced");
    end_connection(slot, &replaced);
  }
  slot.port = &port;
  slot.available = false;
  slot.subscriptions.clear();
  ++stats.logins;
  Node success("success");
  success.set("t", static_cast<std::uint64_t>(now()));
  if (party->account.has_lid()) success.set("lid", party->account.lid_jid(key.device));
  success.set("display_name",
              party->account.name.empty() ? std::string_view("-") : std::string_view(party->account.name));
  success.set("location", "lla").set("companion_enc_static", "NULL");
  send_now(key, slot, success);
  begin_delivery(key, slot, payload.passive);
  return key;
}

void Network::State::attach_phone(const std::string& phone, DevicePort& port) {
  const DeviceKey key{phone, 0};
  auto* slot = find_slot(key);
  if (!slot) return;
  slot->port = &port;
  slot->available = false;  // until it says so
  slot->passive = false;
  slot->next = 1;
  slot->acks_to_come.clear();
  slot->backlog_end = slot->queue.newest();
  slot->backlog_done = true;  // a phone needs no batches
  pump(key, *slot);
}

void Network::State::end_connection(Slot& slot, const Node* last) {
  auto* port = std::exchange(slot.port, nullptr);
  slot.backlog_timer.reset();
  slot.subscriptions.clear();
  slot.available = false;
  if (!port) return;
  if (last) port->deliver(*last);
  port->disconnect();
}

void Network::State::detach(const DeviceKey& key, DevicePort& port) {
  auto* slot = find_slot(key);
  if (!slot || slot->port != &port) return;
  slot->port = nullptr;
  slot->backlog_timer.reset();
  slot->subscriptions.clear();
  slot->available = false;
  auto* party = find(key.phone);
  party->absence_timer = clock.after(absence_grace_ms, [this, party] {
    Turn turn(*this);
    presence_changed(*party);
  });
}

void Network::State::kick(const DeviceKey& key, std::string_view how) {
  auto* slot = find_slot(key);
  if (!slot || !slot->port) return;
  if (how == "drop") return end_connection(*slot, nullptr);
  const auto last = how == "replaced" ? stream_error({}, "replaced") : stream_error(how);
  end_connection(*slot, &last);
}

protocol::Result<void> Network::State::unlink(const DeviceKey& key, RemovedBy who) {
  auto* party = find(key.phone);
  auto* device = find_device(key);
  if (!party || !device || key.device == 0) return Error(Errc::not_found, "no such companion");
  const auto key_index = device->key_index;
  if (who == RemovedBy::itself) {
    end_connection(party->slots[key.device], nullptr);
  } else {
    const auto removed = stream_error("401", "device_removed");
    end_connection(party->slots[key.device], &removed);
  }
  for (const auto& [number, entry] : party->slots[key.device].queue.entries()) queue_changed(key, number);
  for (const auto& [number, one_time] : device->one_time) one_time_changed(key, number);
  party->slots.erase(key.device);
  party->account.devices.erase(key.device);
  party->freed_devices.push_back(key.device);
  if (party->freed_devices.size() > freed_devices_kept) party->freed_devices.pop_front();
  announce_devices(*party, "remove", key.device, key_index);
  device_changed(key);
  account_changed(*party);
  if (network.on_device_removed) network.on_device_removed(key);
  return {};
}

}  // namespace wharf::sandbox
