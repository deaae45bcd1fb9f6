// Control API: the network itself, its faults, its clock and what it counted.

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <utility>
#include <variant>

#include "sandbox/control_call.h"

namespace wharf::sandbox {

namespace json = boost::json;

namespace {

constexpr std::int64_t largest_count = 1'000'000;

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
    {"groups_by_number", &Faults::groups_by_number},
    {"hide_group_numbers", &Faults::hide_group_numbers},
    {"switch_group_addressing", &Faults::switch_group_addressing},
    {"remove_group_member", &Faults::remove_group_member},
    {"lose_sender_keys", &Faults::lose_sender_keys},
    {"lose_group_notifications", &Faults::lose_group_notifications},
    {"admit_group_strangers", &Faults::admit_group_strangers},
};

json::object to_json(const Faults& faults) {
  json::object out;
  for (const Fault& fault : fault_table) {
    std::visit([&](auto member) { out[fault.name] = faults.*member; }, fault.member);
  }
  return out;
}

json::object all_faults(const ControlCall& call) {
  json::object out = to_json(call.network.faults());
  out["media"] = media_faults_json(call);
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
  for (const Fault& fault : fault_table) names += std::string(fault.name) + ", ";
  return names + std::string(media_fault_names());
}

/// The device, or 404 and nullopt.
std::optional<DeviceKey> known_device(ControlCall& call, const std::string& phone, std::uint16_t device) {
  const Account* account = call.network.find_number(phone);
  if (account != nullptr && account->devices.contains(device)) return DeviceKey{account->phone, device};
  call.fail(404, "NOT_FOUND", "there is no device " + std::to_string(device) + " of " + phone);
  return std::nullopt;
}

/// A field for each fault.
std::vector<web::Field> fault_fields() {
  std::vector<web::Field> fields;
  for (const Fault& fault : fault_table) {
    web::Field field;
    field.name = fault.name;
    field.type = std::holds_alternative<bool Faults::*>(fault.member) ? web::Type::boolean : web::Type::integer;
    field.max = largest_count;
    fields.push_back(field);
  }
  return fields;
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

void show_faults(ControlCall& call) { call.succeed(all_faults(call)); }

void check_faults(const json::object& body, std::vector<web::FieldProblem>& problems) {
  static const std::vector<web::Field> fields = fault_fields();
  web::validate(body, {{}, fields}, web::Unknown::ignored, problems);
  (void)read_media_faults(body, problems);
  for (const auto& member : body) {
    if (!is_media_fault(member.key()) && find_fault(member.key()) == nullptr)
      problems.push_back({std::string(member.key()), "is not a fault; known: " + fault_names()});
  }
}

void set_faults(ControlCall& call) {
  std::vector<web::FieldProblem> problems;
  check_faults(call.body, problems);
  if (!problems.empty()) return call.invalid(problems);
  const MediaFaultChange media = read_media_faults(call.body, problems);
  Faults wanted = call.network.faults();
  for (const auto& member : call.body) {
    const Fault* fault = find_fault(member.key());
    if (fault == nullptr) continue;  // of the media host
    if (const auto* flag = std::get_if<bool Faults::*>(&fault->member)) {
      wanted.*(*flag) = web::boolean_of(call.body, fault->name, wanted.*(*flag));
    } else if (const auto count = web::integer_of(call.body, fault->name)) {
      wanted.*std::get<unsigned Faults::*>(fault->member) = static_cast<unsigned>(*count);
    }
  }
  if (!apply_media_faults(call, media)) return;
  call.network.faults() = wanted;
  call.succeed(all_faults(call));
}

void release_faults(ControlCall& call) {
  call.network.release_held();
  call.succeed(all_faults(call));
}

void kick_device(ControlCall& call) {
  const std::string phone = call.phone_number("phone"), how(web::text_of(call.body, "how"));
  const auto device = static_cast<std::uint16_t>(web::integer_of(call.body, "device").value_or(0));
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
      const auto count = [&key](const std::map<DeviceKey, std::uint64_t>& by) {
        const auto found = by.find(key);
        return found == by.end() ? 0 : found->second;
      };
      devices.push_back(json::object{{"phone", account->number},
                                     {"device", id},
                                     {"online", call.network.is_online(key)},
                                     {"unacked", call.network.queue_length(key)},
                                     {"preKeys", call.network.prekeys_left(key)},
                                     {"changedResends", count(stats.changed_resends)},
                                     {"reusedMessageKeys", count(stats.reused_by)}});
    }
  }
  out["devices"] = std::move(devices);
  out["unixMs"] = call.network.clock().unix_ms();
  call.succeed(std::move(out));
}

void show_wire(ControlCall& call) {
  const auto limit = static_cast<std::size_t>(call.query.integer("limit", 1'000));
  const std::vector<std::string> log = call.network.wire_log();
  const std::size_t count = std::min(log.size(), limit);
  json::array stanzas;
  for (std::size_t i = log.size() - count; i < log.size(); ++i) stanzas.emplace_back(log[i]);
  call.succeed(std::move(stanzas));
}

void advance_clock(ControlCall& call) {
  call.network.clock().advance(web::integer_of(call.body, "advanceMs").value_or(0));
  call.succeed(json::object{{"unixMs", call.network.clock().unix_ms()}});
}

void drain_prekeys(ControlCall& call) {
  const auto digits = normalise_phone(call.param("phone"));
  const std::string& text = call.param("device");
  std::uint16_t device = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), device);
  if (error != std::errc() || end != text.data() + text.size()) {
    return call.fail(400, "VALIDATION_ERROR", "the device in the path must be a number from 0 to 99");
  }
  const auto target = known_device(call, digits ? *digits : call.param("phone"), device);
  if (!target) return;
  call.network.drain_prekeys(*target);
  call.succeed(json::object{{"preKeys", call.network.prekeys_left(*target)}});
}

}  // namespace wharf::sandbox
