// Keys, devices and app state: what a session must act upon. Specification 02 sections 6.3, 6.7 and 8.3, 05
// section 6.2.

#include "protocol/notifications/readers.h"
#include "protocol/stanzas/node_fields.h"

namespace wharf::protocol::notifications {

namespace {

constexpr std::size_t max_key_index_list_bytes = 16'384;
constexpr std::size_t max_hash_bytes = 128;

/// Hosted devices are of the user at the ordinary server.
Jid person(const Jid& jid) {
  Jid user = jid.user_jid();
  if (user.server == server::hosted) user.server = server::user;
  if (user.server == server::hosted_lid) user.server = server::lid;
  return user;
}

/// Whether the LID beside a device can be of the user whose list it is.
bool fits(const Jid& lid, const DeviceListChanged& list) {
  const Jid user = person(lid);
  if (list.lid) return user == *list.lid;
  return list.jid.is_lid() ? user == list.jid : user.is_lid();
}

/// nullopt: of another user, or it is no device. A remove may not name the phone itself.
std::optional<ChangedDevice> read_device(const Node& row, const DeviceListChanged& list) {
  auto jid = user_attr(row, "jid");
  if (!jid) return std::nullopt;
  const bool of_user = person(*jid) == list.jid || (list.lid && person(*jid) == *list.lid);
  if (!of_user || (list.change == DeviceListChanged::Change::remove && jid->device == 0)) return std::nullopt;
  ChangedDevice device;
  device.jid = std::move(*jid);
  device.lid = user_attr(row, "lid");
  // Device numbers are shared by both identities; where they disagree, one of them is wrong.
  if (device.lid && (device.lid->device != device.jid.device || !fits(*device.lid, list))) return std::nullopt;
  if (const auto index = row.number("key-index"); index && *index <= UINT32_MAX)
    device.key_index = static_cast<std::uint32_t>(*index);
  return device;
}

void read_list(const Node& node, DeviceListChanged& list) {
  for (const Node& row : node.children()) {
    if (row.is("device")) {
      if (auto device = read_device(row, list)) list.devices.push_back(std::move(*device));
      else list.rows_skipped = true;
    } else if (row.is("key-index-list")) {
      list.listed_at = row.number("ts");
      if (row.data().size() <= max_key_index_list_bytes) list.key_index_list = to_bytes(row.data());
      else list.rows_skipped = true;
    }
  }
}

}  // namespace

void read_encrypt(const Incoming& in, Events& out) {
  if (in.from_server()) {
    if (const Node* count = in.node.child("count")) out.push_back(PreKeysLow{count->number("value")});
    if (in.node.child("digest") != nullptr) out.push_back(KeyDigestAsked{});
    return;
  }
  if (in.node.child("identity") == nullptr || !in.from.has_devices() || in.from.device != 0 || in.from_own()) return;
  out.push_back(IdentityChanged{in.from, lid_attr(in.node, "lid"), in.at});
}

void read_devices(const Incoming& in, Events& out) {
  using Change = DeviceListChanged::Change;
  DeviceListChanged list;
  list.jid = in.from.user.empty() ? in.from : person(in.from);
  list.lid = lid_attr(in.node, "lid");
  // One child counts: remove before add before update.
  const Node* node = in.node.child("remove");
  list.change = Change::remove;
  if (node == nullptr) {
    node = in.node.child("add");
    list.change = Change::add;
  }
  if (node == nullptr) {
    node = in.node.child("update");
    list.change = Change::update;
  }
  if (node == nullptr) {  // something about the devices of this user that is not known: what is cached may be wrong
    out.push_back(std::move(list));
    return;
  }
  if (!within_rows(*node)) return add_unknown(in, out, node->tag);
  list.hash = line_attr(*node, node->has("device_hash") ? "device_hash" : "hash", max_hash_bytes);
  list.lid_hash = line_attr(*node, "device_lid_hash", max_hash_bytes);
  if (list.change != Change::update) read_list(*node, list);
  out.push_back(std::move(list));
}

void read_own_devices(const Incoming& in, const Node& devices, Events& out) {
  DeviceListChanged list;
  list.change = DeviceListChanged::Change::own;
  list.jid = in.from_server() ? in.reader.own_pn.user_jid() : person(in.from);
  // The list may come in the other identity of the account.
  const Jid& other = list.jid.is_lid() ? in.reader.own_pn : in.reader.own_lid;
  list.lid = list.jid.is_lid() || other.empty() ? std::optional<Jid>() : other.user_jid();
  list.hash = line_attr(devices, "dhash", max_hash_bytes);
  read_list(devices, list);
  out.push_back(std::move(list));
}

void read_server_sync(const Incoming& in, Events& out) {
  if (!in.from_own() && !in.from_server()) return;
  AppStateMoved moved;
  for (const Node* row : in.node.children("collection")) {
    std::string name = line_attr(*row, "name", 64);
    if (!name.empty()) moved.collections.push_back({std::move(name), row->number("version")});
  }
  if (!moved.collections.empty()) out.push_back(std::move(moved));
}

}  // namespace wharf::protocol::notifications
