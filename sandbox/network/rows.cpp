// The server's lasting state as rows: accounts and devices as JSON text, everything else by the part that owns it.
// Specification 06 section 19 (net.snapshot).

#include <boost/json.hpp>
#include <memory>
#include <string>
#include <utility>

#include "sandbox/network/state.h"
#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace json = boost::json;

namespace {

constexpr std::string_view token_secret_row = "token_secret";

json::object to_json(const Device& device, bool uploaded) {
  return {{"key_index", device.key_index},
          {"noise", base64_value(device.noise_key)},
          {"has_keys", device.has_keys},
          {"registration", device.keys.registration_id},
          {"identity", base64_value(device.keys.identity)},
          {"skey_id", device.keys.signed_pre_key_id},
          {"skey", base64_value(device.keys.signed_pre_key)},
          {"skey_signature", base64_value(device.keys.signature)},
          {"device_identity", base64_value(device.device_identity)},
          {"os", device.os},
          {"platform", device.platform_type},
          {"full_sync", device.require_full_sync},
          {"uploaded", uploaded}};
}

json::object to_json(const Party& party, std::int64_t last_seen, const Blocklist::Jids& blocklist,
                     const Privacy& of_all, const Profiles::Texts& texts) {
  const auto& account = party.account;
  json::array freed, blocked, former;
  for (auto id : party.freed_devices) freed.push_back(id);
  for (const auto& jid : blocklist) blocked.push_back(json::string(jid));
  for (const auto& lid : account.former_lids) former.push_back(json::string(lid));
  json::object privacy;
  for (const auto& [name, value] : of_all.of(account.phone)) privacy[name] = value;
  json::object excluded;
  for (const auto& [category, jids] : of_all.exclusions_of(account.phone)) {
    json::array list;
    for (const auto& jid : jids) list.push_back(json::string(jid));
    if (!list.empty()) excluded[category] = std::move(list);
  }
  return {{"number", account.number},
          {"lid", account.lid},
          {"former_lids", std::move(former)},
          {"name", account.name},
          {"key_index_list", base64_value(account.key_index_list)},
          {"key_index_time", account.key_index_time},
          {"read_receipts", account.read_receipts},
          {"failure", account.failure},
          {"about", texts.about},
          {"about_at", texts.about_at},
          {"timer", texts.timer_s},
          {"timer_at", texts.timer_at},
          {"last_seen", last_seen},
          {"freed", std::move(freed)},
          {"blocked", std::move(blocked)},
          {"privacy", std::move(privacy)},
          {"excluded", std::move(excluded)},
          {"restricted", account.restricted},
          {"new_chats", account.new_chats_left ? json::value(*account.new_chats_left) : json::value(nullptr)}};
}

Device read_device(const json::object& saved) {
  Device device;
  device.key_index = number_of<std::uint32_t>(saved.at("key_index"));
  device.noise_key = array_of<32>(saved.at("noise"));
  device.has_keys = saved.at("has_keys").as_bool();
  device.keys.registration_id = number_of<std::uint32_t>(saved.at("registration"));
  device.keys.identity = array_of<32>(saved.at("identity"));
  device.keys.signed_pre_key_id = number_of<std::uint32_t>(saved.at("skey_id"));
  device.keys.signed_pre_key = array_of<32>(saved.at("skey"));
  device.keys.signature = array_of<64>(saved.at("skey_signature"));
  device.device_identity = bytes_of(saved.at("device_identity"));
  device.os = string_of(saved.at("os"));
  device.platform_type = number_of<std::uint32_t>(saved.at("platform"));
  device.require_full_sync = saved.at("full_sync").as_bool();
  return device;
}

std::unique_ptr<Party> read_party(const std::string& phone, const json::object& saved) {
  auto party = std::make_unique<Party>();
  auto& account = party->account;
  account.phone = phone;
  // A row of before there was a change of numbers has none: its name is its number.
  const auto* number = saved.if_contains("number");
  account.number = number != nullptr ? string_of(*number) : phone;
  account.lid = string_of(saved.at("lid"));
  if (const auto* former = saved.if_contains("former_lids")) {
    for (const auto& lid : former->as_array()) account.former_lids.push_back(string_of(lid));
  }
  account.name = string_of(saved.at("name"));
  account.key_index_list = bytes_of(saved.at("key_index_list"));
  account.key_index_time = number_of<std::uint64_t>(saved.at("key_index_time"));
  account.read_receipts = saved.at("read_receipts").as_bool();
  account.failure = number_of<unsigned>(saved.at("failure"));
  if (const auto* restricted = saved.if_contains("restricted")) account.restricted = restricted->as_bool();
  if (const auto* left = saved.if_contains("new_chats"); left && !left->is_null())
    account.new_chats_left = number_of<unsigned>(*left);
  for (const auto& id : saved.at("freed").as_array()) party->freed_devices.push_back(number_of<std::uint16_t>(id));
  return party;
}

Profiles::Texts read_texts(const json::object& saved) {
  Profiles::Texts texts;
  texts.about = string_of(saved.at("about"));
  if (const auto* at = saved.if_contains("about_at")) texts.about_at = number_of<std::uint64_t>(*at);
  if (const auto* timer = saved.if_contains("timer")) texts.timer_s = number_of<std::uint32_t>(*timer);
  if (const auto* at = saved.if_contains("timer_at")) texts.timer_at = number_of<std::uint64_t>(*at);
  return texts;
}

}  // namespace

// --- out

std::optional<Bytes> Network::State::row(const RowKey& key) {
  switch (key.kind) {
    case RowKind::server: return server_row(key);
    case RowKind::account:
    case RowKind::contact: return account_row(key);
    case RowKind::device: return device_row(key);
    case RowKind::account_picture: return profile_pictures.row(key.owner);
    case RowKind::business: return businesses.row(key.owner);
    case RowKind::status_audience: return statuses.row(key.owner);
    case RowKind::one_time_key: return prekeys.row({key.owner, device_in(key.name)}, number_after(key.name, 2));
    case RowKind::queued: return delivery.row({key.owner, device_in(key.name)}, number_after(key.name, 2));
    case RowKind::collection:
    case RowKind::patch: return app_state.row(key);
    case RowKind::accepted: return memory.row(key.name);
    case RowKind::message_key: return memory.key_row(key.name);
    case RowKind::held: return message_faults.row(number_in_row(key.name));
    case RowKind::group:
    case RowKind::group_member:
    case RowKind::group_picture: return group_store.row(key);
    case RowKind::group_dirt: return group_dirt.row({key.owner, device_in(key.name)});
    case RowKind::gathered_receipt: return group_receipts.row(number_in_row(key.name));
    case RowKind::channel:
    case RowKind::channel_post: return channel_store.row(key);
    default: return std::nullopt;
  }
}

std::optional<Bytes> Network::State::server_row(const RowKey& key) const {
  if (key.name == reused_keys_row) return protocol::to_bytes(row_number(context.stats.reused_message_keys, 8));
  if (key.name == MediaConnections::row_name) return media.row();
  return tokens.secret();
}

std::optional<Bytes> Network::State::account_row(const RowKey& key) const {
  const auto* party = accounts.find(key.owner);
  if (!party) return std::nullopt;
  if (key.kind == RowKind::contact) return party->contacts.contains(key.name) ? std::optional(Bytes()) : std::nullopt;
  return packed(
      to_json(*party, presence.last_seen(key.owner), blocklist.of(key.owner), privacy, profiles.of(key.owner)));
}

std::optional<Bytes> Network::State::device_row(const RowKey& key) const {
  const DeviceKey name{key.owner, device_in(key.name)};
  const auto* device = accounts.find_device(name);
  if (!device) return std::nullopt;
  return packed(to_json(*device, prekeys.uploaded(name)));
}

// --- in

void Network::State::restore(const RowKey& key, ByteView row) {
  switch (key.kind) {
    case RowKind::server: return restore_server(key, row);
    case RowKind::account: return restore_account(key.owner, row);
    case RowKind::accepted:
      if (!memory.restore(key.name, row)) damaged("accepted message");
      return;
    case RowKind::message_key:
      if (!memory.restore_key(key.name, row)) damaged("message key");
      return;
    case RowKind::held: return message_faults.restore(number_in_row(key.name), stanza_of(row));
    case RowKind::group:
    case RowKind::group_member:
    case RowKind::group_picture: return restore_group(key, row);
    case RowKind::gathered_receipt: return group_receipts.restore(number_in_row(key.name), stanza_of(row));
    case RowKind::channel:
    case RowKind::channel_post: return channel_store.restore(key, row);
    default: return restore_of_account(key, row);
  }
}

void Network::State::restore_server(const RowKey& key, ByteView row) {
  if (key.name == token_secret_row) tokens.restore(row);
  if (key.name == MediaConnections::row_name) media.restore(row);
  if (key.name == reused_keys_row) context.stats.reused_message_keys = protocol::from_big_endian(row);
}

void Network::State::restore_group(const RowKey& key, ByteView row) {
  const auto end = key.name.find('\0');
  if (key.kind == RowKind::group_member && end != std::string::npos && !accounts.find(key.name.substr(end + 1)))
    damaged("a member of a group without an account");
  group_store.restore(key, row);
}

void Network::State::restore_account(const std::string& phone, ByteView row) {
  const auto saved = unpacked(row);
  auto party = read_party(phone, saved);
  Blocklist::Jids blocked;
  for (const auto& jid : saved.at("blocked").as_array()) blocked.emplace(jid.as_string());
  Privacy::Settings settings;
  for (const auto& [name, value] : saved.at("privacy").as_object()) settings[std::string(name)] = string_of(value);
  presence.restore(phone, number_of<std::int64_t>(saved.at("last_seen")));
  blocklist.restore(phone, std::move(blocked));
  Privacy::Exclusions exclusions;
  if (const auto* lists = saved.if_contains("excluded")) {
    for (const auto& [category, jids] : lists->as_object()) {
      for (const auto& jid : jids.as_array()) exclusions[std::string(category)].insert(string_of(jid));
    }
  }
  privacy.restore(phone, std::move(settings), std::move(exclusions));
  profiles.restore(phone, read_texts(saved));
  accounts.restore(std::move(party));
}

void Network::State::restore_of_account(const RowKey& key, ByteView row) {
  auto* party = accounts.find(key.owner);
  if (!party) damaged("a row of an unknown account");
  const auto device = [&] {
    DeviceKey name{key.owner, device_in(key.name)};
    if (!accounts.find_device(name)) damaged("a row of an unknown device");
    return name;
  };
  switch (key.kind) {
    case RowKind::contact: party->contacts.insert(key.name); return;
    case RowKind::device: return restore_device(key, row);
    case RowKind::account_picture: return profile_pictures.restore(key.owner, row);
    case RowKind::business: return businesses.restore(key.owner, row);
    case RowKind::status_audience: return statuses.restore(key.owner, row);
    case RowKind::one_time_key: return prekeys.restore(device(), number_after(key.name, 2), row);
    case RowKind::group_dirt: return group_dirt.restore(device(), row);
    case RowKind::queued: return delivery.restore(device(), number_after(key.name, 2), stanza_of(row));
    case RowKind::collection:
    case RowKind::patch: return app_state.restore(key, row);
    default: damaged("a row of an unknown kind");
  }
}

void Network::State::restore_device(const RowKey& key, ByteView row) {
  const auto saved = unpacked(row);
  auto device = read_device(saved);
  device.id = device_in(key.name);
  prekeys.restore_uploaded({key.owner, device.id}, saved.at("uploaded").as_bool());
  accounts.find(key.owner)->account.devices[device.id] = std::move(device);
}

void Network::State::restored() {
  memory.restored();
  for (const auto& [phone, party] : accounts.all()) party->account.devices[0].id = 0;  // always there
  prekeys.restored();
  context.server_row_changed(token_secret_row);
  // The fault that held them is gone with the process that set it.
  Turn turn(context.turns);
  message_faults.release();
  group_receipts.release();
}

}  // namespace wharf::sandbox
