// The prekey store: upload, count, digest, rotation and the dispensing of bundles. Specification 06 section 6.

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "sandbox/network_state.h"

namespace wharf::sandbox {

namespace {

constexpr std::size_t max_uploaded = 1'000;
constexpr std::size_t max_stored = 5'000;
constexpr std::size_t max_fetched_users = 500;

bool signature_verifies(const protocol::PublishedKeys& keys) {
  return protocol::xeddsa_verify(keys.identity, protocol::typed(keys.signed_pre_key), keys.signature);
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

/// Hands out the oldest one-time key, for good; `taken` gets its number.
protocol::PreKeyBundle dispense(Device& device, bool bad_signature, std::optional<std::uint64_t>& taken) {
  protocol::PreKeyBundle bundle;
  bundle.registration_id = device.keys.registration_id;
  bundle.identity = device.keys.identity;
  bundle.signed_pre_key_id = device.keys.signed_pre_key_id;
  bundle.signed_pre_key = device.keys.signed_pre_key;
  bundle.signed_pre_key_signature = device.keys.signature;
  if (bad_signature) bundle.signed_pre_key_signature[0] ^= 0x01;
  bundle.device_identity = device.device_identity;
  if (!device.one_time.empty()) {
    taken = device.one_time.begin()->first;
    bundle.one_time = device.one_time.begin()->second;
    device.one_time.erase(device.one_time.begin());
  }
  return bundle;
}

Node user_error(const Jid& jid, unsigned code, std::string_view text) {
  Node user("user");
  return user.set("jid", jid).add(Node("error").set("code", std::uint64_t{code}).set("text", text));
}

}  // namespace

void Network::State::publish_keys(Party& party, Device& device, Slot& slot, const protocol::UploadedKeys& upload) {
  const bool reinstalled = device.has_keys && (device.keys.identity != upload.keys.identity ||
                                               device.keys.registration_id != upload.keys.registration_id);
  device.keys = upload.keys;
  device.has_keys = true;
  const DeviceKey key{party.account.phone, device.id};
  std::set<protocol::PreKeyId> renewed;
  for (const auto& one_time : upload.one_time) renewed.insert(one_time.id);
  std::erase_if(device.one_time, [&](const auto& entry) {
    const bool gone = reinstalled || renewed.contains(entry.second.id);
    if (gone) one_time_changed(key, entry.first);
    return gone;
  });
  for (const auto& one_time : upload.one_time) {
    device.one_time.emplace_hint(device.one_time.end(), ++device.last_one_time, one_time);
    one_time_changed(key, device.last_one_time);
  }
  while (device.one_time.size() > max_stored) {
    one_time_changed(key, device.one_time.begin()->first);
    device.one_time.erase(device.one_time.begin());
  }
  slot.low_notified = device.one_time.size() < settings.pre_key_low_mark;
  slot.empty_notified = device.one_time.empty();
  if (reinstalled && device.id == 0) {
    for (const auto& phone : party.contacts) {
      auto* contact = find(phone);
      if (!contact) continue;
      for (const auto& [id, known] : contact->account.devices) {
        Node notification("notification");
        notification.set("from", party.account.pn_jid()).set("type", "encrypt");
        if (party.account.has_lid()) notification.set("lid", party.account.lid_jid());
        notification.set("id", next_id()).set("t", static_cast<std::uint64_t>(now()));
        enqueue({phone, id}, notification.add(Node("identity")));
      }
    }
  }
  device_changed(key);
}

void Network::State::tell_of_low_prekeys(const std::set<DeviceKey>& dispensed) {
  for (const auto& key : dispensed) {
    auto& slot = *find_slot(key);
    const auto left = find_device(key)->one_time.size();
    if (left >= settings.pre_key_low_mark) continue;
    // Once when the mark is crossed and once more at zero, not at every fetch.
    if (slot.low_notified && (left > 0 || slot.empty_notified)) continue;
    slot.low_notified = true;
    slot.empty_notified = left == 0;
    Node low("notification");
    low.set("from", protocol::server_jid()).set("type", "encrypt").set("id", next_id());
    low.set("t", static_cast<std::uint64_t>(now()));
    enqueue(key, low.add(Node("count").set("value", std::uint64_t{left})));
  }
}

void Network::State::on_encrypt(Origin& origin, const Node& iq) {
  auto& device = origin.device;
  const bool get = iq.attr("type") == "get";
  std::set<DeviceKey> dispensed;
  const auto dispense_from = [this](const DeviceKey& key, Device& from) {
    std::optional<std::uint64_t> taken;
    auto bundle = dispense(from, faults.bad_signed_prekey, taken);
    if (taken) one_time_changed(key, *taken);
    return bundle;
  };
  if (get && iq.child("count")) {
    return answer(origin, result_of(iq).add(Node("count").set("value", std::uint64_t{device.one_time.size()})));
  }
  if (get && iq.child("digest")) {
    if (!origin.slot.uploaded_prekeys || !device.has_keys) return answer(origin, error_of(iq, 404, "item-not-found"));
    return answer(origin, result_of(iq).add(digest_node(device)));
  }
  if (get && (iq.child("key") || iq.child("identity"))) {
    const bool whole_bundle = iq.child("key") != nullptr;
    const auto users = (whole_bundle ? iq.child("key") : iq.child("identity"))->children("user");
    if (users.empty() || users.size() > max_fetched_users) return answer(origin, error_of(iq, 406, "not-acceptable"));
    std::vector<Jid> wanted;
    for (const auto* user : users) {
      auto jid = user->jid("jid");
      if (!jid) return answer(origin, error_of(iq, 406, "not-acceptable"));
      wanted.push_back(std::move(*jid));
    }
    Node list("list");
    for (const auto& jid : wanted) {
      const auto address = resolve(jid);
      auto* found = address ? find_device(address->key()) : nullptr;
      if (!found || !found->has_keys) {
        list.add(user_error(jid, 404, "item-not-found"));
      } else if (!whole_bundle) {
        Node user("user");
        user.set("jid", jid).add(Node("identity").bytes(found->keys.identity));
        list.add(user.add(Node("type").bytes(Bytes{5})));
      } else {
        list.add(protocol::bundle_user_node(jid, dispense_from(address->key(), *found)));
        dispensed.insert(address->key());
      }
    }
    answer(origin, result_of(iq).add(std::move(list)));
    return tell_of_low_prekeys(dispensed);
  }
  if (const auto* fetch = get ? iq.child("key_fetch") : nullptr) {
    const auto users = fetch->children("user");
    if (users.empty() || users.size() > max_fetched_users) return answer(origin, error_of(iq, 406, "not-acceptable"));
    Node list("list");
    for (const auto* user : users) {
      const auto jid = user->jid("jid");
      if (!jid) return answer(origin, error_of(iq, 406, "not-acceptable"));
      const auto address = resolve(jid->user_jid());
      if (!address) {
        list.add(user_error(*jid, 404, "item-not-found"));
        continue;
      }
      Node row("user");
      row.set("jid", jid->user_jid());
      // The devices named, else all; one whose registration the asker knows already is left out.
      const auto named = user->children("device");
      for (auto& [id, known] : address->party->account.devices) {
        const auto asked =
            std::find_if(named.begin(), named.end(), [&](const Node* n) { return n->number("id") == id; });
        if (!known.has_keys || (!named.empty() && asked == named.end())) continue;
        const auto registration = named.empty() ? std::nullopt : (*asked)->child_data("registration");
        if (registration && protocol::from_big_endian(*registration) == known.keys.registration_id) continue;
        const DeviceKey key{address->party->account.phone, id};
        Node device_row("device");
        device_row.set("id", std::uint64_t{id});
        const Node bundle = protocol::bundle_user_node(*jid, dispense_from(key, known));
        for (const auto& part : bundle.children()) device_row.add(part);
        row.add(std::move(device_row));
        dispensed.insert(key);
      }
      list.add(std::move(row));
    }
    answer(origin, result_of(iq).add(std::move(list)));
    return tell_of_low_prekeys(dispensed);
  }
  if (const auto* rotate = iq.attr("type") == "set" ? iq.child("rotate") : nullptr) {
    const auto* skey = rotate->child("skey");
    const auto id = skey ? skey->child_data("id") : std::nullopt;
    const auto value = protocol::exactly<32>(skey ? skey->child_data("value").value_or(ByteView()) : ByteView());
    const auto signature =
        protocol::exactly<64>(skey ? skey->child_data("signature").value_or(ByteView()) : ByteView());
    if (!id || id->size() != 3 || !value || !signature) return answer(origin, error_of(iq, 406, "not-acceptable"));
    auto keys = device.keys;
    keys.signed_pre_key_id = static_cast<protocol::PreKeyId>(protocol::from_big_endian(*id));
    keys.signed_pre_key = *value;
    keys.signature = *signature;
    if (!signature_verifies(keys)) return answer(origin, error_of(iq, 406, "not-acceptable"));
    device.keys = keys;
    device_changed(origin.key);
    return answer(origin, result_of(iq));
  }
  if (iq.attr("type") == "set" && iq.child("list")) {
    const auto upload = protocol::read_upload(iq);
    const bool acceptable = [&] {
      if (!upload || upload->one_time.empty() || upload->one_time.size() > max_uploaded) return false;
      std::set<protocol::PreKeyId> ids;
      for (const auto& key : upload->one_time) {
        if (!ids.insert(key.id).second) return false;
      }
      return signature_verifies(upload->keys);
    }();
    if (!acceptable) {
      complain("prekey upload refused from " + origin.key.phone);
      return answer(origin, error_of(iq, 406, "not-acceptable"));
    }
    const bool first = !origin.slot.uploaded_prekeys;
    origin.slot.uploaded_prekeys = true;
    publish_keys(origin.party, device, origin.slot, *upload);
    answer(origin, result_of(iq));
    if (first && origin.key.device != 0 && network.on_first_prekeys) network.on_first_prekeys(origin.key);
    return;
  }
  answer(origin, error_of(iq, 400, "bad-request"));
}

}  // namespace wharf::sandbox
