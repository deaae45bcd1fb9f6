// The server's lasting state as rows: accounts and devices as JSON text, keys and stanzas as bytes.
// Specification 06 section 19 (net.snapshot).

#include <boost/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "sandbox/network_state.h"

namespace wharf::sandbox {

namespace json = boost::json;
using protocol::Errc;
using protocol::Error;

namespace {

constexpr std::string_view token_secret_row = "token_secret";

// --- writing

json::string text(ByteView bytes) { return json::string(protocol::to_base64(bytes)); }

Bytes packed(const json::object& object) { return protocol::to_bytes(json::serialize(object)); }

json::object to_json(const Device& device, bool uploaded) {
  return {{"key_index", device.key_index},
          {"noise", text(device.noise_key)},
          {"has_keys", device.has_keys},
          {"registration", device.keys.registration_id},
          {"identity", text(device.keys.identity)},
          {"skey_id", device.keys.signed_pre_key_id},
          {"skey", text(device.keys.signed_pre_key)},
          {"skey_signature", text(device.keys.signature)},
          {"device_identity", text(device.device_identity)},
          {"os", device.os},
          {"platform", device.platform_type},
          {"full_sync", device.require_full_sync},
          {"uploaded", uploaded}};
}

json::object to_json(const Party& party) {
  const auto& account = party.account;
  json::array freed, blocked;
  for (auto id : party.freed_devices) freed.push_back(id);
  for (const auto& jid : party.blocked) blocked.push_back(json::string(jid));
  json::object privacy;
  for (const auto& [name, value] : party.privacy) privacy[name] = value;
  return {{"lid", account.lid},
          {"name", account.name},
          {"key_index_list", text(account.key_index_list)},
          {"key_index_time", account.key_index_time},
          {"read_receipts", account.read_receipts},
          {"failure", account.failure},
          {"about", party.about},
          {"last_seen", party.last_seen},
          {"freed", std::move(freed)},
          {"blocked", std::move(blocked)},
          {"privacy", std::move(privacy)},
          {"restricted", account.restricted},
          {"new_chats", account.new_chats_left ? json::value(*account.new_chats_left) : json::value(nullptr)}};
}

// --- reading: anything out of shape throws, restore() turns that into one Error

[[noreturn]] void damaged(const char* what) { throw std::invalid_argument(what); }

template <class T>
T number(const json::object& object, std::string_view key) {
  return json::value_to<T>(object.at(key));
}
std::string string(const json::object& object, std::string_view key) { return std::string(object.at(key).as_string()); }
Bytes bytes(const json::value& value) {
  auto decoded = protocol::from_base64(value.as_string());
  if (!decoded) damaged("base64");
  return std::move(*decoded);
}
template <std::size_t N>
std::array<std::uint8_t, N> fixed(ByteView value) {
  const auto exact = protocol::exactly<N>(value);
  if (!exact) damaged("key length");
  return *exact;
}
template <std::size_t N>
std::array<std::uint8_t, N> fixed(const json::value& value) {
  return fixed<N>(bytes(value));
}

Device read_device(const json::object& saved) {
  Device device;
  device.key_index = number<std::uint32_t>(saved, "key_index");
  device.noise_key = fixed<32>(saved.at("noise"));
  device.has_keys = saved.at("has_keys").as_bool();
  device.keys.registration_id = number<std::uint32_t>(saved, "registration");
  device.keys.identity = fixed<32>(saved.at("identity"));
  device.keys.signed_pre_key_id = number<std::uint32_t>(saved, "skey_id");
  device.keys.signed_pre_key = fixed<32>(saved.at("skey"));
  device.keys.signature = fixed<64>(saved.at("skey_signature"));
  device.device_identity = bytes(saved.at("device_identity"));
  device.os = string(saved, "os");
  device.platform_type = number<std::uint32_t>(saved, "platform");
  device.require_full_sync = saved.at("full_sync").as_bool();
  return device;
}

std::unique_ptr<Party> read_party(const std::string& phone, const json::object& saved) {
  auto party = std::make_unique<Party>();
  auto& account = party->account;
  account.phone = phone;
  account.lid = string(saved, "lid");
  account.name = string(saved, "name");
  account.key_index_list = bytes(saved.at("key_index_list"));
  account.key_index_time = number<std::uint64_t>(saved, "key_index_time");
  account.read_receipts = saved.at("read_receipts").as_bool();
  account.failure = number<unsigned>(saved, "failure");
  if (const auto* restricted = saved.if_contains("restricted")) account.restricted = restricted->as_bool();
  if (const auto* left = saved.if_contains("new_chats"); left && !left->is_null())
    account.new_chats_left = json::value_to<unsigned>(*left);
  party->about = string(saved, "about");
  party->last_seen = number<std::int64_t>(saved, "last_seen");
  for (const auto& id : saved.at("freed").as_array()) party->freed_devices.push_back(json::value_to<std::uint16_t>(id));
  for (const auto& jid : saved.at("blocked").as_array()) party->blocked.emplace(jid.as_string());
  for (const auto& [name, value] : saved.at("privacy").as_object())
    party->privacy[std::string(name)] = std::string(value.as_string());
  return party;
}

std::uint16_t device_in(const std::string& name) {
  if (name.size() < 2) damaged("device number");
  return static_cast<std::uint16_t>(number_in_row(std::string_view(name).substr(0, 2)));
}
std::uint64_t number_after(const std::string& name, std::size_t prefix) {
  if (name.size() != prefix + 8) damaged("number");
  return number_in_row(std::string_view(name).substr(prefix));
}
Node stanza_of(ByteView row) {
  auto stanza = protocol::decode_node(row);
  if (!stanza) damaged("stanza");
  return std::move(*stanza);
}

/// 8 bytes of version; then, when the phone wrote a snapshot, a node of its parts.
Bytes collection_row(const Collection& collection) {
  Bytes row = protocol::to_bytes(row_number(collection.version, 8));
  const auto& snapshot = collection.snapshot;
  if (snapshot.version == 0) return row;
  Node parts("snapshot");
  parts.set("version", snapshot.version);
  parts.add(Node("path").text(snapshot.direct_path));
  parts.add(Node("reference").bytes(snapshot.reference)).add(Node("file").bytes(snapshot.file));
  protocol::append(row, protocol::encode_node(parts));
  return row;
}

void read_collection(Collection& collection, ByteView row) {
  if (row.size() < 8) damaged("collection");
  collection.version = protocol::from_big_endian(row.first(8));
  if (row.size() == 8) return;
  const auto parts = stanza_of(row.subspan(8));
  const auto part = [&](std::string_view name) {
    return protocol::to_bytes(parts.child_data(name).value_or(ByteView()));
  };
  collection.snapshot.version = parts.number("version").value_or(0);
  collection.snapshot.direct_path = std::string(protocol::as_text(part("path")));
  collection.snapshot.reference = part("reference");
  collection.snapshot.file = part("file");
}

/// A held message: the target as an attribute of a node around it.
Node envelope_of(const DeviceKey& target, const Node& stanza) {
  Node envelope("held");
  return envelope.set("phone", target.phone).set("device", std::uint64_t{target.device}).add(stanza);
}

}  // namespace

std::optional<Bytes> Network::row(const RowKey& key) const {
  if (key.kind == RowKind::server && key.name == reused_keys_row)
    return protocol::to_bytes(row_number(state_->stats.reused_message_keys, 8));
  if (key.kind == RowKind::server) return state_->token_secret;
  if (key.kind == RowKind::message_key) return state_->memory.key_row(key.name);
  if (key.kind == RowKind::accepted) return state_->memory.row(key.name);
  if (key.kind == RowKind::held) {
    const auto held = state_->held.find(number_in_row(key.name));
    if (held == state_->held.end()) return std::nullopt;
    return protocol::encode_node(envelope_of(held->second.target, held->second.stanza));
  }
  auto* party = state_->find(key.owner);
  if (!party) return std::nullopt;
  if (key.kind == RowKind::account) return packed(to_json(*party));
  if (key.kind == RowKind::contact) return party->contacts.contains(key.name) ? std::optional(Bytes()) : std::nullopt;
  if (key.kind == RowKind::collection || key.kind == RowKind::patch) {
    const auto end = key.name.find('\0');
    const auto collection = party->app_state.find(std::string_view(key.name).substr(0, end));
    if (collection == party->app_state.end()) return std::nullopt;
    if (key.kind == RowKind::collection) return collection_row(collection->second);
    const auto version = number_after(key.name, end + 1);
    for (const auto& [number, patch] : collection->second.patches) {
      if (number == version) return patch;
    }
    return std::nullopt;
  }
  const DeviceKey device_key{key.owner, device_in(key.name)};
  const auto* device = state_->find_device(device_key);
  if (!device) return std::nullopt;
  const auto& slot = *state_->find_slot(device_key);
  if (key.kind == RowKind::device) return packed(to_json(*device, slot.uploaded_prekeys));
  const auto number = number_after(key.name, 2);
  if (key.kind == RowKind::one_time_key) {
    const auto found = device->one_time.find(number);
    if (found == device->one_time.end()) return std::nullopt;
    Bytes out = protocol::big_endian(found->second.id, 4);
    protocol::append(out, found->second.pub);
    return out;
  }
  const auto entry = slot.queue.entries().find(number);
  if (key.kind != RowKind::queued || entry == slot.queue.entries().end()) return std::nullopt;
  return protocol::encode_node(entry->second.stanza);
}

protocol::Result<void> Network::restore(const RowKey& key, ByteView row) {
  auto& state = *state_;
  const auto object = [&] { return json::parse(protocol::as_text(row)).as_object(); };
  const auto party = [&]() -> Party& {
    auto* found = state.find(key.owner);
    if (!found) damaged("a row of an unknown account");
    return *found;
  };
  const auto device = [&]() -> Device& {
    auto* found = state.find_device({key.owner, device_in(key.name)});
    if (!found) damaged("a row of an unknown device");
    return *found;
  };
  try {
    switch (key.kind) {
      case RowKind::server:
        if (key.name == token_secret_row) state.token_secret = protocol::to_bytes(row);
        if (key.name == reused_keys_row) state.stats.reused_message_keys = protocol::from_big_endian(row);
        break;
      case RowKind::account: {
        auto read = read_party(key.owner, object());
        if (read->account.has_lid()) state.by_lid[read->account.lid] = read.get();
        state.parties[key.owner] = std::move(read);
        break;
      }
      case RowKind::contact: party().contacts.insert(key.name); break;
      case RowKind::device: {
        const auto saved = object();
        auto read = read_device(saved);
        read.id = device_in(key.name);
        party().slots[read.id].uploaded_prekeys = saved.at("uploaded").as_bool();
        party().account.devices[read.id] = std::move(read);
        break;
      }
      case RowKind::one_time_key: {
        if (row.size() != 36) damaged("one-time key");
        auto& known = device();
        known.last_one_time = number_after(key.name, 2);
        known.one_time[known.last_one_time] = {static_cast<protocol::PreKeyId>(protocol::from_big_endian(row.first(4))),
                                               fixed<32>(row.subspan(4))};
        break;
      }
      case RowKind::queued:
        state.find_slot({key.owner, device().id})->queue.restore(number_after(key.name, 2), stanza_of(row));
        break;
      case RowKind::collection: {
        auto& collection = party().app_state[key.name];
        read_collection(collection, row);
        const auto& path = collection.snapshot.direct_path;
        if (!path.empty()) state.media[path.substr(0, path.find('?'))] = {key.owner, key.name};
        break;
      }
      case RowKind::patch: {
        const auto end = std::min(key.name.find('\0'), key.name.size());
        party().app_state[key.name.substr(0, end)].patches.emplace_back(number_after(key.name, end + 1),
                                                                        protocol::to_bytes(row));
        break;
      }
      case RowKind::accepted:
        if (!state.memory.restore(key.name, row)) damaged("accepted message");
        break;
      case RowKind::message_key:
        if (!state.memory.restore_key(key.name, row)) damaged("message key");
        break;
      case RowKind::held: {
        const auto envelope = stanza_of(row);
        if (envelope.children().size() != 1) damaged("held message");
        state.last_held = number_in_row(key.name);
        const DeviceKey target{envelope.attr("phone"),
                               static_cast<std::uint16_t>(envelope.number("device").value_or(0))};
        state.held.emplace(state.last_held, State::Held{target, envelope.children().front()});
        break;
      }
      default: damaged("a row of an unknown kind");
    }
  } catch (const std::exception& failure) {  // Boost.JSON's accessors report by exception
    return Error(Errc::malformed, "state of the network: " + std::string(failure.what()));
  }
  return {};
}

void Network::restored() {
  auto& state = *state_;
  state.memory.restored();
  for (auto& [phone, party] : state.parties) {
    party->account.devices[0].id = 0;  // always there
    for (auto& [id, device] : party->account.devices) {
      auto& slot = party->slots[id];
      slot.low_notified = device.one_time.size() < state.settings.pre_key_low_mark;
      slot.empty_notified = device.one_time.empty();
    }
  }
  state.changes.changed(RowKind::server, {}, std::string(token_secret_row));
  // The fault that held them is gone with the process that set it.
  release_held();
}

}  // namespace wharf::sandbox
