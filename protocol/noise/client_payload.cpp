// 01 section 4.1: fields with a stated value are written even when that value is the default.

#include "protocol/noise/client_payload.h"

#include <charconv>
#include <stdexcept>

#include "protocol/crypto/hash.h"
#include "protocol/proto/client_payload.pb.h"

namespace wharf::protocol {

namespace {

constexpr std::uint32_t platform_web = 14;
constexpr std::uint32_t connect_type_wifi = 1;
constexpr std::uint32_t connect_reason_user_activated = 1;
constexpr std::uint8_t curve25519_key_type = 0x05;

std::string text_of(ByteView bytes) { return std::string(as_text(bytes)); }

// What login and registration share.
wire::client_payload::ClientPayload base_payload(const ClientProfile& profile) {
  wire::client_payload::ClientPayload out;
  auto& agent = *out.mutable_user_agent();
  agent.set_platform(platform_web);
  agent.mutable_app_version()->set_primary(profile.version.primary);
  agent.mutable_app_version()->set_secondary(profile.version.secondary);
  agent.mutable_app_version()->set_tertiary(profile.version.tertiary);
  agent.set_mcc("000");
  agent.set_mnc("000");
  agent.set_os_version("0.1");  // literal, as every web client says
  agent.set_manufacturer("");
  agent.set_device("Desktop");
  agent.set_os_build_number("0.1");
  agent.set_release_channel(0);
  agent.set_locale_language_iso6391(profile.language);
  agent.set_locale_country_iso31661_alpha2(profile.country);
  out.mutable_web_info()->set_web_sub_platform(0);
  out.set_connect_type(connect_type_wifi);
  out.set_connect_reason(connect_reason_user_activated);
  return out;
}

std::string device_props(const DeviceProperties& device) {
  wire::client_payload::DeviceProps out;
  out.set_os(device.os);
  if (device.os_version) {
    out.mutable_version()->set_primary(device.os_version->primary);
    out.mutable_version()->set_secondary(device.os_version->secondary);
    out.mutable_version()->set_tertiary(device.os_version->tertiary);
  }
  out.set_platform_type(device.platform_type);
  out.set_require_full_sync(device.require_full_sync);
  auto& history = *out.mutable_history_sync_config();  // the recommended column of 01 section 4.4
  if (device.require_full_sync) history.set_full_sync_days_limit(365);
  history.set_storage_quota_mb(10240);
  history.set_inline_initial_payload_in_e2ee_msg(true);
  history.set_support_call_log_history(true);
  history.set_support_bot_user_agent_chat_history(true);
  history.set_support_cag_reactions_and_polls(true);
  history.set_support_biz_hosted_msg(true);
  history.set_support_recent_sync_chunk_message_count_tuning(true);
  history.set_support_hosted_group_msg(true);
  history.set_support_fbid_bot_chat_history(true);
  history.set_support_message_association(true);
  history.set_support_group_history(true);
  history.set_thumbnail_sync_days_limit(60);
  history.set_support_manus_history(true);
  history.set_support_hatch_history(true);
  return out.SerializeAsString();
}

Error malformed(const char* what) { return Error(Errc::malformed, std::string("client payload: ") + what); }

Result<ParsedClientPayload::Registration> parse_registration(const wire::client_payload::DevicePairingData& data) {
  ParsedClientPayload::Registration out;
  const auto registration_id = exactly<4>(as_bytes(data.registration_id()));
  const auto identity = exactly<32>(as_bytes(data.identity()));
  const auto signed_pre_key_id = exactly<3>(as_bytes(data.signed_pre_key_id()));
  const auto signed_pre_key = exactly<32>(as_bytes(data.signed_pre_key()));
  const auto signature = exactly<64>(as_bytes(data.signed_pre_key_signature()));
  if (!registration_id) return malformed("eRegid is not 4 bytes");
  if (data.key_type().size() != 1 || as_bytes(data.key_type())[0] != curve25519_key_type)
    return malformed("eKeytype is not 05");
  if (!identity) return malformed("eIdent is not 32 bytes");
  if (!signed_pre_key_id) return malformed("eSkeyId is not 3 bytes");
  if (!signed_pre_key) return malformed("eSkeyVal is not 32 bytes");
  if (!signature) return malformed("eSkeySig is not 64 bytes");
  if (data.build_hash().size() != 16) return malformed("buildHash is not 16 bytes");
  wire::client_payload::DeviceProps props;
  if (!data.has_device_props() || !props.ParseFromString(data.device_props()))
    return malformed("deviceProps missing or undecodable");

  out.keys.registration_id = static_cast<std::uint32_t>(from_big_endian(*registration_id));
  out.keys.identity = *identity;
  out.keys.signed_pre_key_id = static_cast<std::uint32_t>(from_big_endian(*signed_pre_key_id));
  out.keys.signed_pre_key = *signed_pre_key;
  out.keys.signed_pre_key_signature = *signature;
  out.build_hash = to_bytes(data.build_hash());
  out.device_props = to_bytes(data.device_props());
  out.os = props.os();
  out.platform_type = props.platform_type();
  out.require_full_sync = props.require_full_sync();
  return out;
}

}  // namespace

std::string AppVersion::to_string() const {
  return std::to_string(primary) + '.' + std::to_string(secondary) + '.' + std::to_string(tertiary);
}

std::array<std::uint8_t, 16> AppVersion::build_hash() const { return md5(as_bytes(to_string())); }

Bytes login_payload(const ClientProfile& profile, const LoginIdentity& login) {
  std::uint64_t username = 0;
  const std::string& digits = login.jid.user;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), username);
  if (failure != std::errc() || end != digits.data() + digits.size())
    throw std::invalid_argument("login needs a phone-number JID");
  wire::client_payload::ClientPayload out = base_payload(profile);
  out.set_username(username);
  out.set_passive(login.passive);
  out.set_connect_attempt_count(login.connect_attempt_count);
  out.set_device(login.jid.device);
  out.set_lc(static_cast<std::int32_t>(login.login_counter));
  out.set_pull(true);
  out.set_lid_db_migrated(login.lid_migrated);
  return to_bytes(out.SerializeAsString());
}

Bytes registration_payload(const ClientProfile& profile, const RegistrationKeys& keys) {
  wire::client_payload::ClientPayload out = base_payload(profile);
  out.set_passive(false);
  out.set_pull(false);
  auto& data = *out.mutable_device_pairing_data();
  data.set_registration_id(text_of(big_endian(keys.registration_id, 4)));
  data.set_key_type(std::string(1, static_cast<char>(curve25519_key_type)));
  data.set_identity(text_of(keys.identity));
  data.set_signed_pre_key_id(text_of(big_endian(keys.signed_pre_key_id, 3)));
  data.set_signed_pre_key(text_of(keys.signed_pre_key));
  data.set_signed_pre_key_signature(text_of(keys.signed_pre_key_signature));
  data.set_build_hash(text_of(profile.version.build_hash()));
  data.set_device_props(device_props(profile.device));
  return to_bytes(out.SerializeAsString());
}

Result<ParsedClientPayload> parse_client_payload(ByteView payload) {
  wire::client_payload::ClientPayload message;
  if (!message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) return malformed("undecodable");
  ParsedClientPayload out;
  if (message.has_username()) out.username = message.username();
  if (message.has_device()) out.device = message.device();
  out.passive = message.passive();
  out.pull = message.pull();
  const auto& agent = message.user_agent();
  out.version = {agent.app_version().primary(), agent.app_version().secondary(), agent.app_version().tertiary()};
  if (agent.has_platform()) out.user_agent_platform = agent.platform();

  const bool registers = message.has_device_pairing_data();
  if (registers && out.username) return malformed("both a username and pairing data");
  if (!registers && !out.username) return malformed("neither a username nor pairing data");
  if (registers) {
    Result<ParsedClientPayload::Registration> registration = parse_registration(message.device_pairing_data());
    if (!registration) return registration.error();
    out.registration = std::move(*registration);
  }
  return out;
}

}  // namespace wharf::protocol
