// Control API: the network itself, its faults, its clock and what it counted.

#include <boost/json.hpp>
#include <charconv>
#include <utility>
#include <variant>

#include "sandbox/control_call.h"

namespace wharf::sandbox {

namespace json = boost::json;

namespace {

constexpr std::int64_t largest_count = 1'000'000;
constexpr std::int64_t largest_step_ms = 60LL * 86'400'000;

struct Fault {
  std::string_view name;
  std::variant<bool Faults::*, unsigned Faults::*> member;
};
constexpr Fault fault_table[] = {
    {"bad_certificate", &Faults::bad_certificate},
    {"bad_account_signature", &Faults::bad_account_signature},
    {"bad_hmac", &Faults::bad_hmac},
    {"bad_signed_prekey", &Faults::bad_signed_prekey},
    {"force_fallback", &Faults::force_fallback},
    {"offline_strict", &Faults::offline_strict},
    {"compress", &Faults::compress},
    {"drop_acks", &Faults::drop_acks},
    {"duplicate_deliveries", &Faults::duplicate_deliveries},
    {"corrupt_messages", &Faults::corrupt_messages},
    {"reorder", &Faults::reorder},
    {"hold_messages", &Faults::hold_messages},
    {"refuse_logins", &Faults::refuse_logins},
    {"rate_limit_sends", &Faults::rate_limit_sends},
    {"rate_limit_iqs", &Faults::rate_limit_iqs},
    {"rate_limit_usync", &Faults::rate_limit_usync},
    {"bad_snapshot_mac", &Faults::bad_snapshot_mac},
};

json::object to_json(const Faults& faults) {
  json::object out;
  for (const Fault& fault : fault_table) {
    std::visit([&](auto member) { out[fault.name] = faults.*member; }, fault.member);
  }
  return out;
}

const Fault* find_fault(std::string_view name) {
  for (const Fault& fault : fault_table) {
    if (fault.name == name) return &fault;
  }
  return nullptr;
}

std::string fault_names() {
  std::string names;
  for (const Fault& fault : fault_table) names += (names.empty() ? "" : ", ") + std::string(fault.name);
  return names;
}

/// The device, or 404 and nullopt.
std::optional<DeviceKey> known_device(ControlCall& call, const std::string& phone, std::uint16_t device) {
  const Account* account = call.network.find_account(std::string_view(phone));
  if (account != nullptr && account->devices.contains(device)) return DeviceKey{phone, device};
  call.fail(404, "NOT_FOUND", "there is no device " + std::to_string(device) + " of " + phone);
  return std::nullopt;
}

bool stream_error_code(std::string_view how) {
  return how.size() == 3 && how.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

void show_network(ControlCall& call) {
  const SandboxAddresses& at = call.addresses;
  call.succeed(json::object{{"webSocketUrl", at.web_socket_url},
                            {"secureWebSocketUrl", at.secure_web_socket_url},
                            {"noiseRootPublicKey", at.noise_root_hex},
                            {"mediaUrl", at.media_url},
                            {"caCertificate", at.ca_pem}});
}

void show_faults(ControlCall& call) { call.succeed(to_json(call.network.faults())); }

void set_faults(ControlCall& call) {
  BodyFields fields = call.fields();
  Faults wanted = call.network.faults();
  for (const auto& [name, value] : call.body) {
    const Fault* fault = find_fault(name);
    if (fault == nullptr) {
      fields.problem(name, "is not a fault; known: " + fault_names());
    } else if (const auto* flag = std::get_if<bool Faults::*>(&fault->member)) {
      wanted.*(*flag) = fields.flag(name);
    } else {
      wanted.*std::get<unsigned Faults::*>(fault->member) =
          static_cast<unsigned>(fields.integer(name, 0, largest_count));
    }
  }
  if (!fields.valid()) return call.invalid(fields);
  call.network.faults() = wanted;
  call.succeed(to_json(wanted));
}

void release_faults(ControlCall& call) {
  call.network.release_held();
  call.succeed(to_json(call.network.faults()));
}

void kick_device(ControlCall& call) {
  BodyFields fields = call.fields();
  const std::string phone = fields.phone("phone");
  const auto device = static_cast<std::uint16_t>(fields.integer("device", 1, 99));
  const std::string how = fields.text("how", 32);
  if (!how.empty() && how != "replaced" && how != "drop" && !stream_error_code(how)) {
    fields.problem("how", "must be replaced, drop or a stream error code such as 515 or 503");
  }
  if (!fields.valid()) return call.invalid(fields);
  const auto target = known_device(call, phone, device);
  if (!target) return;
  const bool was_online = call.network.is_online(*target);
  call.network.kick(*target, how);
  call.succeed(json::object{{"phone", phone}, {"device", device}, {"how", how}, {"wasOnline", was_online}});
}

void show_stats(ControlCall& call) {
  const NetworkStats& stats = call.network.stats();
  json::object out{{"messagesAccepted", stats.messages_accepted},
                   {"messagesDelivered", stats.messages_delivered},
                   {"receiptsRelayed", stats.receipts_relayed},
                   {"retriesRelayed", stats.retries_relayed},
                   {"duplicateSends", stats.duplicate_sends},
                   {"reusedMessageKeys", stats.reused_message_keys},
                   {"unknownIqs", stats.unknown_iqs},
                   {"connections", stats.connections},
                   {"logins", stats.logins},
                   {"resumedLogins", stats.resumed_logins}};
  json::array devices;
  for (const Account* account : call.network.accounts()) {
    for (const auto& [id, device] : account->devices) {
      const DeviceKey key{account->phone, id};
      devices.push_back(json::object{{"phone", account->phone},
                                     {"device", id},
                                     {"online", call.network.is_online(key)},
                                     {"unacked", call.network.queue_length(key)},
                                     {"preKeys", call.network.prekeys_left(key)}});
    }
  }
  out["devices"] = std::move(devices);
  out["unixMs"] = call.network.clock().unix_ms();
  call.succeed(std::move(out));
}

void show_wire(ControlCall& call) {
  const auto limit = call.query_number("limit", 1'000, 1, 100'000);
  if (!limit) return;
  const std::vector<std::string> log = call.network.wire_log();
  const std::size_t count = std::min(log.size(), static_cast<std::size_t>(*limit));
  json::array stanzas;
  for (std::size_t i = log.size() - count; i < log.size(); ++i) stanzas.emplace_back(log[i]);
  call.succeed(std::move(stanzas));
}

void advance_clock(ControlCall& call) {
  BodyFields fields = call.fields();
  const std::int64_t step = fields.integer("advanceMs", 0, largest_step_ms);
  if (!fields.valid()) return call.invalid(fields);
  call.network.clock().advance(step);
  call.succeed(json::object{{"unixMs", call.network.clock().unix_ms()}});
}

void drain_prekeys(ControlCall& call) {
  const auto digits = normalise_phone(call.path.at("phone"));
  const std::string& text = call.path.at("device");
  std::uint16_t device = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), device);
  if (error != std::errc() || end != text.data() + text.size()) {
    return call.fail(400, "VALIDATION_ERROR", "the device in the path must be a number from 0 to 99");
  }
  const auto target = known_device(call, digits ? *digits : call.path.at("phone"), device);
  if (!target) return;
  call.network.drain_prekeys(*target);
  call.succeed(json::object{{"preKeys", call.network.prekeys_left(*target)}});
}

}  // namespace wharf::sandbox
