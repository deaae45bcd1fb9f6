#include "sandbox/network/login.h"

#include <utility>

#include "sandbox/network/answers.h"

namespace wharf::sandbox {

namespace {

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

std::optional<Login::Refusal> Login::check(const protocol::PublicKey& noise_key,
                                           const protocol::ParsedClientPayload& payload, DeviceKey& admitted) {
  if (c_.faults.refuse_logins > 0) {
    --c_.faults.refuse_logins;
    return Refusal{503, "fault refuse_logins"};
  }
  if (payload.version < c_.settings.minimum_version)
    return Refusal{405, "client version " + payload.version.to_string()};
  if (!payload.username || payload.registration) return Refusal{400, "neither a login nor a registration"};
  if (payload.device.value_or(0) == 0) {
    // A phone belongs to the mobile transport. A web client without a device number never finished its code pairing.
    return phone_platform(payload.user_agent_platform) ? Refusal{400, "a phone"} : Refusal{401, "no device number"};
  }
  const auto* party = accounts_.find_number(std::to_string(*payload.username));
  if (!party || *payload.device > 0xffff) return Refusal{401, "unknown account"};
  if (party->account.failure != 0) return Refusal{party->account.failure, "account is set to fail"};
  admitted = {party->account.phone, static_cast<std::uint16_t>(*payload.device)};
  const auto* device = accounts_.find_device(admitted);
  if (!device) return Refusal{401, "unknown device"};
  if (!protocol::equal(device->noise_key, noise_key)) return Refusal{401, "noise key of another device"};
  return std::nullopt;
}

std::optional<DeviceKey> Login::log_in(const protocol::PublicKey& noise_key,
                                       const protocol::ParsedClientPayload& payload, DevicePort& port) {
  DeviceKey key;
  if (const auto refused = check(noise_key, payload, key)) {
    c_.complain("login refused with " + std::to_string(refused->reason) + ": " + refused->why);
    port.deliver(failure(refused->reason));
    port.disconnect();
    return std::nullopt;
  }
  if (c_.live.contains(key)) {
    const auto replaced = stream_error({}, "replaced");
    end_connection(key, &replaced);
  }
  c_.live.attach(key, port);
  presence_.reset(key);
  ++c_.stats.logins;
  c_.send(key, success(accounts_.find(key.phone)->account, key));
  delivery_.begin(key, payload.passive);
  dirt_.tell(key);
  return key;
}

Node Login::success(const Account& account, const DeviceKey& key) const {
  Node success("success");
  success.set("t", c_.unix_seconds());
  if (account.has_lid()) success.set("lid", account.lid_jid(key.device));
  success.set("display_name", account.name.empty() ? std::string_view("-") : std::string_view(account.name));
  return success.set("location", "lla").set("companion_enc_static", "NULL");
}

void Login::attach_phone(const std::string& phone, DevicePort& port) {
  const DeviceKey key{phone, 0};
  if (!accounts_.find_device(key)) return;
  c_.live.attach(key, port);
  presence_.reset(key);  // until it says so
  delivery_.begin_phone(key);
}

void Login::end_connection(const DeviceKey& key, const Node* last) {
  auto* port = c_.live.release(key);
  delivery_.end(key);
  presence_.reset(key);
  if (!port) return;
  if (last) port->deliver(*last);
  port->disconnect();
}

void Login::detach(const DeviceKey& key, DevicePort& port) {
  if (c_.live.find(key) != &port) return;
  c_.live.release(key);
  delivery_.end(key);
  presence_.left(key);
}

void Login::kick(const DeviceKey& key, std::string_view how) {
  if (!c_.live.contains(key)) return;
  if (how == "drop") return end_connection(key, nullptr);
  const auto last = how == "replaced" ? stream_error({}, "replaced") : stream_error(how);
  end_connection(key, &last);
}

}  // namespace wharf::sandbox
