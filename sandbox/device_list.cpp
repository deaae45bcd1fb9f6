// Who is told when an account's device list changes, and in which forms. Specification 06 section 7, last paragraph.

#include <utility>

#include "protocol/messages/message_id.h"
#include "sandbox/network_state.h"

namespace wharf::sandbox {

std::string Network::State::device_hash(const Party& party, bool lid) const {
  std::vector<Jid> all;
  for (const auto& [id, device] : party.account.devices) {
    all.push_back(lid ? party.account.lid_jid(id) : party.account.pn_jid(id));
  }
  return protocol::participant_hash(all);
}

void Network::State::announce_devices(Party& party, std::string_view change, std::uint16_t device,
                                      std::uint32_t key_index) {
  const auto& account = party.account;
  const bool added = change == "add";
  const auto key_index_list = [&] {
    Node list("key-index-list");
    list.set("ts", account.key_index_time);
    if (added) list.bytes(account.key_index_list);
    return list;
  };
  // Baileys patches the list named by the device JIDs (mostly PN); zapo drops only the one keyed by `from`, in its case
  // the LID: so the same change is told in both forms (knob).
  const auto notification = [&](bool lid) {
    const auto user = lid ? account.lid_jid() : account.pn_jid();
    Node node("notification");
    node.set("from", user).set("type", "devices").set("id", next_id()).set("t", static_cast<std::uint64_t>(now()));
    Node row("device");
    row.set("jid", user.with_device(device));
    if (!lid) {
      if (account.has_lid()) {
        node.set("lid", account.lid_jid());
        row.set("lid", account.lid_jid(device));
      }
    }
    if (key_index != 0) row.set("key-index", std::uint64_t{key_index});
    Node body(change);
    body.set("device_hash", device_hash(party, false));
    if (account.has_lid()) body.set("device_lid_hash", device_hash(party, true));
    return node.add(body.add(std::move(row)).add(key_index_list()));
  };
  const auto tell = [&](Party& told) {
    for (const auto& [id, known] : told.account.devices) {
      if (&told == &party && id == device) continue;
      enqueue({told.account.phone, id}, notification(false));
      if (settings.notify_devices_by_lid && account.has_lid()) enqueue({told.account.phone, id}, notification(true));
    }
  };
  for (const auto& phone : party.contacts) {
    if (auto* contact = find(phone)) tell(*contact);
  }
  tell(party);

  for (const auto& [id, known] : account.devices) {
    if (id == device) continue;
    Node devices("devices");
    devices.set("dhash", device_hash(party, false));
    for (const auto& [listed, own] : account.devices) {
      Node row("device");
      row.set("jid", account.pn_jid(listed));
      if (listed != 0) row.set("key-index", std::uint64_t{own.key_index});
      devices.add(std::move(row));
    }
    if (!account.key_index_list.empty()) {
      devices.add(Node("key-index-list").set("ts", account.key_index_time).bytes(account.key_index_list));
    }
    Node sync("notification");
    sync.set("from", account.pn_jid()).set("type", "account_sync").set("id", next_id());
    enqueue({account.phone, id}, sync.set("t", static_cast<std::uint64_t>(now())).add(std::move(devices)));
  }
}

}  // namespace wharf::sandbox
