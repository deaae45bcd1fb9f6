#include "sandbox/network/prekeys.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "sandbox/network/answers.h"
#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace {

constexpr std::size_t max_uploaded = 1'000;
constexpr std::size_t max_stored = 5'000;
// No client asks in parts (02 section 6.6), so a group of 1,024 members with three devices each comes in one request.
constexpr std::size_t max_fetched_users = 5'000;

bool signature_verifies(const protocol::PublishedKeys& keys) {
  return protocol::xeddsa_verify(keys.identity, protocol::typed(keys.signed_pre_key), keys.signature);
}

bool acceptable(const protocol::UploadedKeys& upload) {
  if (upload.one_time.empty() || upload.one_time.size() > max_uploaded) return false;
  std::set<protocol::PreKeyId> ids;
  for (const auto& key : upload.one_time) {
    if (!ids.insert(key.id).second) return false;
  }
  return signature_verifies(upload.keys);
}

Node digest_node(const Device& device) {
  const auto& keys = device.keys;
  Node skey("skey");
  skey.add(Node("id").bytes(protocol::big_endian(keys.signed_pre_key_id, 3)));
  skey.add(Node("value").bytes(keys.signed_pre_key));
  skey.add(Node("signature").bytes(keys.signature));
  Node list("list");
  std::vector<protocol::PublicKey> publics;
  for (const auto& [number, key] : device.one_time) {
    list.add(Node("id").bytes(protocol::big_endian(key.id, 3)));
    publics.push_back(key.pub);
  }
  Node digest("digest");
  digest.add(Node("registration").bytes(protocol::big_endian(keys.registration_id, 4)));
  digest.add(Node("type").bytes(Bytes{5}));
  digest.add(Node("identity").bytes(keys.identity));
  digest.add(std::move(skey)).add(std::move(list));
  return digest.add(Node("hash").bytes(protocol::digest_hash(keys, publics)));
}

Node user_error(const Jid& jid, unsigned code, std::string_view text) {
  Node user("user");
  return user.set("jid", jid).add(Node("error").set("code", std::uint64_t{code}).set("text", text));
}

/// The JIDs of <user> rows; nullopt when there are none, too many, or one without a JID.
std::optional<std::vector<Jid>> named_users(const std::vector<const Node*>& users) {
  if (users.empty() || users.size() > max_fetched_users) return std::nullopt;
  std::vector<Jid> named;
  for (const auto* user : users) {
    auto jid = user->jid("jid");
    if (!jid) return std::nullopt;
    named.push_back(std::move(*jid));
  }
  return named;
}

}  // namespace

void PreKeys::row_changed(const DeviceKey& key, std::uint64_t number) {
  c_.changes.changed(RowKind::one_time_key, key.phone, row_number(key.device, 2) + row_number(number, 8));
}

void PreKeys::on_iq(Origin& origin, const Node& iq) {
  const auto type = iq.attr("type");
  if (type == "get") {
    if (iq.child("count")) {
      const std::uint64_t left = origin.device.one_time.size();
      return c_.send(origin.key, result_of(iq).add(Node("count").set("value", left)));
    }
    if (iq.child("digest")) return digest(origin, iq);
    if (iq.child("key") || iq.child("identity")) return fetch(origin, iq);
    if (const auto* request = iq.child("key_fetch")) return fetch_missing(origin, iq, *request);
  } else if (type == "set") {
    if (const auto* rotation = iq.child("rotate")) return rotate(origin, iq, *rotation);
    if (iq.child("list")) return upload(origin, iq);
  }
  c_.send(origin.key, error_of(iq, 400, "bad-request"));
}

void PreKeys::digest(const Origin& origin, const Node& iq) {
  if (!uploaded(origin.key) || !origin.device.has_keys) return c_.send(origin.key, error_of(iq, 404, "item-not-found"));
  c_.send(origin.key, result_of(iq).add(digest_node(origin.device)));
}

// --- dispensing

/// Hands out the oldest one-time key, for good.
protocol::PreKeyBundle PreKeys::dispense(const DeviceKey& key, Device& device) {
  protocol::PreKeyBundle bundle;
  bundle.registration_id = device.keys.registration_id;
  bundle.identity = device.keys.identity;
  bundle.signed_pre_key_id = device.keys.signed_pre_key_id;
  bundle.signed_pre_key = device.keys.signed_pre_key;
  bundle.signed_pre_key_signature = device.keys.signature;
  if (c_.faults.bad_signed_prekey) bundle.signed_pre_key_signature[0] ^= 0x01;
  bundle.device_identity = device.device_identity;
  if (!device.one_time.empty()) {
    const auto oldest = device.one_time.begin();
    bundle.one_time = oldest->second;
    row_changed(key, oldest->first);
    device.one_time.erase(oldest);
  }
  return bundle;
}

/// <key>: whole bundles; <identity>: identities alone.
void PreKeys::fetch(const Origin& origin, const Node& iq) {
  const auto* bundles = iq.child("key");
  const auto wanted = named_users((bundles ? bundles : iq.child("identity"))->children("user"));
  if (!wanted) return c_.send(origin.key, error_of(iq, 406, "not-acceptable"));
  std::set<DeviceKey> dispensed;
  Node list("list");
  for (const auto& jid : *wanted) {
    const auto address = accounts_.resolve(jid);
    auto* found = address ? accounts_.find_device(address->key()) : nullptr;
    if (!found || !found->has_keys) {
      list.add(user_error(jid, 404, "item-not-found"));
    } else if (!bundles) {
      Node user("user");
      user.set("jid", jid).add(Node("identity").bytes(found->keys.identity));
      list.add(user.add(Node("type").bytes(Bytes{5})));
    } else {
      list.add(protocol::bundle_user_node(jid, dispense(address->key(), *found)));
      dispensed.insert(address->key());
    }
  }
  c_.send(origin.key, result_of(iq).add(std::move(list)));
  tell_of_low_prekeys(dispensed);
}

/// <key_fetch>: of users, the devices whose registration the asker does not know yet.
void PreKeys::fetch_missing(const Origin& origin, const Node& iq, const Node& request) {
  const auto users = request.children("user");
  if (users.empty() || users.size() > max_fetched_users)
    return c_.send(origin.key, error_of(iq, 406, "not-acceptable"));
  std::set<DeviceKey> dispensed;
  Node list("list");
  for (const auto* user : users) {
    const auto jid = user->jid("jid");
    if (!jid) return c_.send(origin.key, error_of(iq, 406, "not-acceptable"));
    list.add(devices_of_user(*jid, *user, dispensed));
  }
  c_.send(origin.key, result_of(iq).add(std::move(list)));
  tell_of_low_prekeys(dispensed);
}

Node PreKeys::devices_of_user(const Jid& jid, const Node& asked, std::set<DeviceKey>& dispensed) {
  const auto address = accounts_.resolve(jid.user_jid());
  if (!address) return user_error(jid, 404, "item-not-found");
  Node row("user");
  row.set("jid", jid.user_jid());
  // The devices named, else all; one whose registration the asker knows already is left out.
  const auto named = asked.children("device");
  for (auto& [id, known] : address->party->account.devices) {
    const auto entry =
        std::find_if(named.begin(), named.end(), [device = id](const Node* n) { return n->number("id") == device; });
    if (!known.has_keys || (!named.empty() && entry == named.end())) continue;
    const auto registration = named.empty() ? std::nullopt : (*entry)->child_data("registration");
    if (registration && protocol::from_big_endian(*registration) == known.keys.registration_id) continue;
    const DeviceKey key{address->party->account.phone, id};
    Node device_row("device");
    device_row.set("id", std::uint64_t{id});
    const Node bundle = protocol::bundle_user_node(jid, dispense(key, known));
    for (const auto& part : bundle.children()) device_row.add(part);
    row.add(std::move(device_row));
    dispensed.insert(key);
  }
  return row;
}

void PreKeys::tell_of_low_prekeys(const std::set<DeviceKey>& dispensed) {
  for (const auto& key : dispensed) {
    auto& state = states_[key];
    const auto left = accounts_.find_device(key)->one_time.size();
    if (left >= c_.settings.pre_key_low_mark) continue;
    // Once when the mark is crossed and once more at zero, not at every fetch.
    if (state.low_notified && (left > 0 || state.empty_notified)) continue;
    state.low_notified = true;
    state.empty_notified = left == 0;
    Node low("notification");
    low.set("from", protocol::server_jid()).set("type", "encrypt").set("id", c_.next_id());
    low.set("t", c_.unix_seconds());
    delivery_.enqueue(key, low.add(Node("count").set("value", std::uint64_t{left})));
  }
}

// --- publishing

void PreKeys::rotate(Origin& origin, const Node& iq, const Node& rotation) {
  const auto* skey = rotation.child("skey");
  const auto id = skey ? skey->child_data("id") : std::nullopt;
  const auto value = protocol::exactly<32>(skey ? skey->child_data("value").value_or(ByteView()) : ByteView());
  const auto signature = protocol::exactly<64>(skey ? skey->child_data("signature").value_or(ByteView()) : ByteView());
  if (!id || id->size() != 3 || !value || !signature) return c_.send(origin.key, error_of(iq, 406, "not-acceptable"));
  auto keys = origin.device.keys;
  keys.signed_pre_key_id = static_cast<protocol::PreKeyId>(protocol::from_big_endian(*id));
  keys.signed_pre_key = *value;
  keys.signature = *signature;
  if (!signature_verifies(keys)) return c_.send(origin.key, error_of(iq, 406, "not-acceptable"));
  origin.device.keys = keys;
  accounts_.device_changed(origin.key);
  c_.send(origin.key, result_of(iq));
}

void PreKeys::upload(Origin& origin, const Node& iq) {
  const auto upload = protocol::read_upload(iq);
  if (!upload || !acceptable(*upload)) {
    c_.complain("prekey upload refused from " + origin.key.phone);
    return c_.send(origin.key, error_of(iq, 406, "not-acceptable"));
  }
  const bool first = !std::exchange(states_[origin.key].uploaded, true);
  publish(origin.party, origin.device, *upload);
  c_.send(origin.key, result_of(iq));
  if (first && origin.key.device != 0 && c_.listeners.on_first_prekeys) c_.listeners.on_first_prekeys(origin.key);
}

void PreKeys::publish(Party& party, Device& device, const protocol::UploadedKeys& upload) {
  const bool reinstalled = device.has_keys && (device.keys.identity != upload.keys.identity ||
                                               device.keys.registration_id != upload.keys.registration_id);
  device.keys = upload.keys;
  device.has_keys = true;
  const DeviceKey key{party.account.phone, device.id};
  std::set<protocol::PreKeyId> renewed;
  for (const auto& one_time : upload.one_time) renewed.insert(one_time.id);
  std::erase_if(device.one_time, [&](const auto& entry) {
    const bool gone = reinstalled || renewed.contains(entry.second.id);
    if (gone) row_changed(key, entry.first);
    return gone;
  });
  for (const auto& one_time : upload.one_time) {
    device.one_time.emplace_hint(device.one_time.end(), ++device.last_one_time, one_time);
    row_changed(key, device.last_one_time);
  }
  while (device.one_time.size() > max_stored) {
    row_changed(key, device.one_time.begin()->first);
    device.one_time.erase(device.one_time.begin());
  }
  note_stock(key, device);
  if (reinstalled && device.id == 0) tell_of_new_identity(party);
  accounts_.device_changed(key);
}

void PreKeys::note_stock(const DeviceKey& key, const Device& device) {
  auto& state = states_[key];
  state.low_notified = device.one_time.size() < c_.settings.pre_key_low_mark;
  state.empty_notified = device.one_time.empty();
}

void PreKeys::tell_of_new_identity(const Party& party) {
  for (const auto& phone : groups_.acquaintances_of(party)) {
    const auto* contact = accounts_.find(phone);
    if (!contact) continue;
    for (const auto& [id, known] : contact->account.devices) {
      Node notification("notification");
      notification.set("from", party.account.pn_jid()).set("type", "encrypt");
      if (party.account.has_lid()) notification.set("lid", party.account.lid_jid());
      notification.set("id", c_.next_id()).set("t", c_.unix_seconds());
      delivery_.enqueue({phone, id}, notification.add(Node("identity")));
    }
  }
}

void PreKeys::drain(const DeviceKey& key) {
  auto* device = accounts_.find_device(key);
  if (!device) return;
  for (const auto& [number, one_time] : std::exchange(device->one_time, {})) row_changed(key, number);
}

void PreKeys::forget(const DeviceKey& key) {
  drain(key);
  states_.erase(key);
}

// --- rows: 4 bytes of id, then the key

bool PreKeys::uploaded(const DeviceKey& key) const {
  const auto found = states_.find(key);
  return found != states_.end() && found->second.uploaded;
}

std::optional<Bytes> PreKeys::row(const DeviceKey& key, std::uint64_t number) const {
  const auto* device = accounts_.find_device(key);
  if (!device) return std::nullopt;
  const auto found = device->one_time.find(number);
  if (found == device->one_time.end()) return std::nullopt;
  Bytes out = protocol::big_endian(found->second.id, 4);
  protocol::append(out, found->second.pub);
  return out;
}

void PreKeys::restore(const DeviceKey& key, std::uint64_t number, ByteView row) {
  auto* device = accounts_.find_device(key);
  if (!device) damaged("a row of an unknown device");
  if (row.size() != 36) damaged("one-time key");
  device->last_one_time = number;
  device->one_time[number] = {static_cast<protocol::PreKeyId>(protocol::from_big_endian(row.first(4))),
                              array_of<32>(row.subspan(4))};
}

void PreKeys::restored() {
  for (const auto& [phone, party] : accounts_.all()) {
    for (const auto& [id, device] : party->account.devices) note_stock({phone, id}, device);
  }
}

}  // namespace wharf::sandbox
