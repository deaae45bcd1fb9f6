#include "sandbox/network/device_lists.h"

#include <utility>
#include <vector>

#include "protocol/messages/message_id.h"

namespace wharf::sandbox {

std::string device_hash(const Account& account, bool lid) {
  std::vector<Jid> all;
  all.reserve(account.devices.size());
  for (const auto& [id, device] : account.devices) all.push_back(account.form(lid, id));
  return protocol::participant_hash(all);
}

Node DeviceLists::notification(const Account& account, const Change& change, bool lid) {
  const auto user = account.form(lid);
  Node node("notification");
  node.set("from", user).set("type", "devices").set("id", c_.next_id()).set("t", c_.unix_seconds());
  Node row("device");
  row.set("jid", user.with_device(change.device));
  if (!lid && account.has_lid()) {
    node.set("lid", account.lid_jid());
    row.set("lid", account.lid_jid(change.device));
  }
  if (change.key_index != 0) row.set("key-index", std::uint64_t{change.key_index});
  Node body(change.what);
  body.set("device_hash", device_hash(account, false));
  if (account.has_lid()) body.set("device_lid_hash", device_hash(account, true));
  Node list("key-index-list");
  list.set("ts", account.key_index_time);
  if (change.what == "add") list.bytes(account.key_index_list);
  return node.add(body.add(std::move(row)).add(std::move(list)));
}

void DeviceLists::tell(const Party& told, const Party& party, const Change& change) {
  const auto& account = party.account;
  for (const auto& [id, known] : told.account.devices) {
    if (&told == &party && id == change.device) continue;
    const DeviceKey key{told.account.phone, id};
    // Baileys patches the list named by the device JIDs (mostly PN); zapo drops only the one keyed by `from`, in its
    // case the LID: so the same change is told in both forms (knob).
    delivery_.enqueue(key, notification(account, change, false));
    if (c_.settings.notify_devices_by_lid && account.has_lid())
      delivery_.enqueue(key, notification(account, change, true));
  }
}

Node DeviceLists::whole_list(const Account& account) const {
  Node devices("devices");
  devices.set("dhash", device_hash(account, false));
  for (const auto& [listed, own] : account.devices) {
    Node row("device");
    row.set("jid", account.pn_jid(listed));
    if (listed != 0) row.set("key-index", std::uint64_t{own.key_index});
    devices.add(std::move(row));
  }
  if (account.key_index_list.empty()) return devices;
  return devices.add(Node("key-index-list").set("ts", account.key_index_time).bytes(account.key_index_list));
}

void DeviceLists::announce(const Party& party, const Change& change) {
  for (const auto& phone : groups_.acquaintances_of(party)) {
    if (const auto* contact = accounts_.find(phone)) tell(*contact, party, change);
  }
  tell(party, party, change);
  sync_.tell(party.account, change.device, "account_sync",
             [devices = whole_list(party.account)](Node& notification) { notification.add(devices); });
}

}  // namespace wharf::sandbox
