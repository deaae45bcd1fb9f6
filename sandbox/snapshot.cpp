// The server's lasting state as JSON text: accounts, devices, prekeys, queues, app state. Keys and stanzas are base64.
// Specification 06 section 19 (net.snapshot).

#include <boost/json.hpp>
#include <string>
#include <utility>

#include "sandbox/network_state.h"

namespace wharf::sandbox {

namespace json = boost::json;
using protocol::Errc;
using protocol::Error;

namespace {

constexpr std::int64_t format = 1;

json::string text(ByteView bytes) { return json::string(protocol::to_base64(bytes)); }

json::value to_json(const Device& device, const Slot& slot) {
  json::array one_time;
  for (const auto& key : device.one_time) one_time.push_back(json::array{key.id, text(key.pub)});
  json::array queue;
  for (const auto& [number, entry] : slot.queue.entries()) {
    queue.push_back(json::array{entry.deliveries, text(protocol::encode_node(entry.stanza))});
  }
  return json::object{{"id", device.id},
                      {"key_index", device.key_index},
                      {"noise", text(device.noise_key)},
                      {"has_keys", device.has_keys},
                      {"registration", device.keys.registration_id},
                      {"identity", text(device.keys.identity)},
                      {"skey_id", device.keys.signed_pre_key_id},
                      {"skey", text(device.keys.signed_pre_key)},
                      {"skey_signature", text(device.keys.signature)},
                      {"one_time", std::move(one_time)},
                      {"device_identity", text(device.device_identity)},
                      {"os", device.os},
                      {"platform", device.platform_type},
                      {"full_sync", device.require_full_sync},
                      {"uploaded", slot.uploaded_prekeys},
                      {"queue", std::move(queue)}};
}

json::value to_json(const Party& party) {
  const auto& account = party.account;
  json::array devices, freed, contacts, blocked;
  for (const auto& [id, device] : account.devices) {
    auto slot = party.slots.find(id);
    static const Slot none;
    devices.push_back(to_json(device, slot == party.slots.end() ? none : slot->second));
  }
  for (auto id : party.freed_devices) freed.push_back(id);
  for (const auto& phone : party.contacts) contacts.push_back(json::string(phone));
  for (const auto& jid : party.blocked) blocked.push_back(json::string(jid));
  json::object privacy, app_state;
  for (const auto& [name, value] : party.privacy) privacy[name] = value;
  for (const auto& [name, collection] : party.app_state) {
    json::array patches;
    for (const auto& [version, patch] : collection.patches) patches.push_back(json::array{version, text(patch)});
    app_state[name] = json::object{{"version", collection.version}, {"patches", std::move(patches)}};
  }
  return json::object{{"phone", account.phone},
                      {"lid", account.lid},
                      {"name", account.name},
                      {"key_index_list", text(account.key_index_list)},
                      {"key_index_time", account.key_index_time},
                      {"read_receipts", account.read_receipts},
                      {"failure", account.failure},
                      {"about", party.about},
                      {"last_seen", party.last_seen},
                      {"devices", std::move(devices)},
                      {"freed", std::move(freed)},
                      {"contacts", std::move(contacts)},
                      {"blocked", std::move(blocked)},
                      {"privacy", std::move(privacy)},
                      {"app_state", std::move(app_state)}};
}

// --- reading: a member of the wrong kind throws, load() turns that into one Error

template <class T>
T number(const json::object& object, std::string_view key) {
  return json::value_to<T>(object.at(key));
}
std::string string(const json::object& object, std::string_view key) { return std::string(object.at(key).as_string()); }
Bytes bytes(const json::value& value) {
  auto decoded = protocol::from_base64(value.as_string());
  if (!decoded) throw std::invalid_argument("base64");
  return std::move(*decoded);
}
template <std::size_t N>
std::array<std::uint8_t, N> fixed(const json::value& value) {
  const auto decoded = protocol::exactly<N>(bytes(value));
  if (!decoded) throw std::invalid_argument("key length");
  return *decoded;
}

void read_device(const json::object& saved, Party& party) {
  Device device;
  device.id = number<std::uint16_t>(saved, "id");
  device.key_index = number<std::uint32_t>(saved, "key_index");
  device.noise_key = fixed<32>(saved.at("noise"));
  device.has_keys = saved.at("has_keys").as_bool();
  device.keys.registration_id = number<std::uint32_t>(saved, "registration");
  device.keys.identity = fixed<32>(saved.at("identity"));
  device.keys.signed_pre_key_id = number<std::uint32_t>(saved, "skey_id");
  device.keys.signed_pre_key = fixed<32>(saved.at("skey"));
  device.keys.signature = fixed<64>(saved.at("skey_signature"));
  for (const auto& key : saved.at("one_time").as_array()) {
    const auto& pair = key.as_array();
    device.one_time.push_back({json::value_to<std::uint32_t>(pair.at(0)), fixed<32>(pair.at(1))});
  }
  device.device_identity = bytes(saved.at("device_identity"));
  device.os = string(saved, "os");
  device.platform_type = number<std::uint32_t>(saved, "platform");
  device.require_full_sync = saved.at("full_sync").as_bool();
  auto& slot = party.slots[device.id];
  slot.uploaded_prekeys = saved.at("uploaded").as_bool();
  for (const auto& entry : saved.at("queue").as_array()) {
    auto stanza = protocol::decode_node(bytes(entry.as_array().at(1)));
    if (!stanza) throw std::invalid_argument("queued stanza");
    slot.queue.push(std::move(*stanza), json::value_to<unsigned>(entry.as_array().at(0)));
  }
  const auto id = device.id;
  party.account.devices[id] = std::move(device);
}

std::unique_ptr<Party> read_party(const json::object& saved) {
  auto party = std::make_unique<Party>();
  auto& account = party->account;
  account.phone = string(saved, "phone");
  account.lid = string(saved, "lid");
  account.name = string(saved, "name");
  account.key_index_list = bytes(saved.at("key_index_list"));
  account.key_index_time = number<std::uint64_t>(saved, "key_index_time");
  account.read_receipts = saved.at("read_receipts").as_bool();
  account.failure = number<unsigned>(saved, "failure");
  party->about = string(saved, "about");
  party->last_seen = number<std::int64_t>(saved, "last_seen");
  for (const auto& device : saved.at("devices").as_array()) read_device(device.as_object(), *party);
  if (!account.devices.contains(0)) throw std::invalid_argument("account without device 0");
  for (const auto& id : saved.at("freed").as_array()) party->freed_devices.push_back(json::value_to<std::uint16_t>(id));
  for (const auto& phone : saved.at("contacts").as_array()) party->contacts.emplace(phone.as_string());
  for (const auto& jid : saved.at("blocked").as_array()) party->blocked.emplace(jid.as_string());
  for (const auto& [name, value] : saved.at("privacy").as_object())
    party->privacy[std::string(name)] = std::string(value.as_string());
  for (const auto& [name, value] : saved.at("app_state").as_object()) {
    auto& collection = party->app_state[std::string(name)];
    collection.version = number<std::uint64_t>(value.as_object(), "version");
    for (const auto& patch : value.as_object().at("patches").as_array()) {
      collection.patches.emplace_back(json::value_to<std::uint64_t>(patch.as_array().at(0)),
                                      bytes(patch.as_array().at(1)));
    }
  }
  return party;
}

}  // namespace

std::string Network::save() const {
  json::array accounts;
  for (const auto& [phone, party] : state_->parties) accounts.push_back(to_json(*party));
  return json::serialize(json::object{
      {"format", format}, {"token_secret", text(state_->token_secret)}, {"accounts", std::move(accounts)}});
}

protocol::Result<void> Network::load(std::string_view saved) {
  if (!state_->parties.empty()) return Error(Errc::conflict, "the network has accounts already");
  try {
    const auto document = json::parse(saved);
    const auto& object = document.as_object();
    if (object.at("format").as_int64() != format) return Error(Errc::malformed, "snapshot of another format");
    std::map<std::string, std::unique_ptr<Party>, std::less<>> parties;
    std::map<std::string, Party*, std::less<>> by_lid;
    for (const auto& account : object.at("accounts").as_array()) {
      auto party = read_party(account.as_object());
      by_lid[party->account.lid] = party.get();
      parties[party->account.phone] = std::move(party);
    }
    state_->token_secret = bytes(object.at("token_secret"));
    state_->parties = std::move(parties);
    state_->by_lid = std::move(by_lid);
  } catch (const std::exception& failure) {
    return Error(Errc::malformed, std::string("snapshot: ") + failure.what());
  }
  return {};
}

}  // namespace wharf::sandbox
