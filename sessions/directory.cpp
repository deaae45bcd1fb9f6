#include "sessions/directory.h"

#include <algorithm>
#include <utility>

#include "sessions/event_json.h"
#include "storage/keys.h"
#include "storage/messages.h"

namespace wharf::sessions {

using protocol::UsyncUser;

namespace {

// Hosted devices belong to the same person (01 section 6.2).
Jid plain_user(const Jid& jid) {
  Jid user = jid.user_jid();
  if (user.server == protocol::server::hosted) user.server = protocol::server::user;
  if (user.server == protocol::server::hosted_lid) user.server = protocol::server::lid;
  return user;
}

}  // namespace

bool Directory::is_own(const Jid& user) const {
  const Jid plain = plain_user(user);
  return plain == c_.device.jid.user_jid() || (!c_.device.lid.empty() && plain == c_.device.lid.user_jid());
}

Jid Directory::canonical_user(const Jid& jid) {
  const Jid user = plain_user(jid);
  if (!user.is_phone_number()) return user;
  if (user == c_.device.jid.user_jid() && !c_.device.lid.empty()) return c_.device.lid.user_jid();
  if (const auto known = lids_.find(user); known != lids_.end()) return known->second;
  const Jid result = storage::find_lid(c_.db, c_.id(), user).value_or(user);
  lids_[user] = result;
  return result;
}

PersonIds Directory::person(const Jid& canonical) {
  PersonIds ids;
  if (canonical.is_phone_number()) {
    ids.pn = canonical;
    const Jid lid = canonical_user(canonical);
    if (lid.is_lid()) ids.lid = lid;
  } else if (canonical.is_lid()) {
    ids.lid = canonical;
    if (!c_.device.lid.empty() && canonical == c_.device.lid.user_jid()) {
      ids.pn = c_.device.jid.user_jid();
    } else if (const auto known = pns_.find(canonical); known != pns_.end()) {
      ids.pn = known->second;
    } else if (auto pn = storage::find_pn(c_.db, c_.id(), canonical)) {
      pns_[canonical] = *pn;
      ids.pn = std::move(pn);
    }
  }
  return ids;
}

void Directory::learn(const Jid& a, const Jid& b) {
  Jid pn = plain_user(a);
  Jid lid = plain_user(b);
  if (pn.is_lid()) std::swap(pn, lid);
  if (!pn.is_phone_number() || !lid.is_lid() || pn.user.empty() || lid.user.empty()) return;
  if (is_own(pn) != is_own(lid)) return;  // never remap ourselves (02 section 18)
  if (canonical_user(pn) == lid) return;
  lids_[pn] = lid;
  pns_[lid] = pn;
  storage::put_lid(c_.turn.changes, c_.id(), pn, lid);
  c_.keys.migrate(pn, lid);
  storage::merge_chats(c_.turn.changes, c_.id(), pn, lid);
  lists_.erase(pn);
  PersonIds ids;
  ids.pn = pn;
  ids.lid = lid;
  c_.emit("contact.updated", lid.to_string(), contact_event_json(lid, ids, "lid", c_.metadata()));
}

const std::vector<std::uint16_t>* Directory::devices(const Jid& canonical) {
  auto found = lists_.find(canonical);
  if (found == lists_.end()) {
    const auto row = storage::find_device_list(c_.db, c_.id(), canonical);
    if (!row) return nullptr;
    found = lists_.emplace(canonical, List{row->devices, row->fetched_at}).first;
  }
  const auto lifetime = std::chrono::duration_cast<std::chrono::milliseconds>(c_.settings.device_list_lifetime);
  if (found->second.devices.empty() || c_.now.unix_ms - found->second.fetched_at > lifetime.count()) return nullptr;
  return &found->second.devices;
}

void Directory::forget_devices(const Jid& canonical) {
  lists_[canonical] = List();
  storage::remove_device_list(c_.turn.changes, c_.id(), canonical);
}

void Directory::store_list(const Jid& canonical, const UsyncUser& user) {
  if (!user.has_devices) return;
  const auto account_key = c_.keys.identity(canonical.with_device(0));
  List list;
  list.devices = protocol::usable_devices(user, account_key);
  list.fetched_at = c_.now.unix_ms;
  if (list.devices.empty()) return;  // an empty list never overwrites a good one
  storage::DeviceListRow row;
  row.devices = list.devices;
  row.fetched_at = list.fetched_at;
  if (const auto index = protocol::read_key_index_list(user.key_index_list, account_key)) row.raw_id = index->raw_id;
  const auto before = storage::find_device_list(c_.db, c_.id(), canonical);
  if (before && before->raw_id != 0 && row.raw_id != 0 && before->raw_id != row.raw_id) {
    // The account was registered again: its old companions and every session with them are gone.
    for (const std::uint16_t device : before->devices) {
      if (device != 0) c_.keys.remove(canonical.with_device(device));
    }
  }
  lists_[canonical] = list;
  storage::put_device_list(c_.turn.changes, c_.id(), canonical, std::move(row));
}

void Directory::refresh(std::vector<Jid> users, std::function<void(bool)> done) {
  const Node iq = protocol::usync_devices_iq(c_.ids.next(), c_.ids.next(), users);
  c_.query(iq, [this, asked = std::move(users), done = std::move(done)](const Node* answer) {
    if (answer == nullptr) return done(false);
    const auto result = protocol::read_usync(*answer);
    if (!result) return done(false);
    bool complete = true;
    for (const UsyncUser& user : *result) {
      const auto requested = std::find(asked.begin(), asked.end(), user.jid.user_jid());
      if (requested == asked.end()) continue;  // users not asked for: cache poisoning
      if (user.error_code != 0) {
        complete = false;
        continue;
      }
      if (user.lid) learn(user.jid, *user.lid);
      if (user.pn) learn(*user.pn, user.jid);
      store_list(canonical_user(user.jid), user);
    }
    done(complete);
  });
}

void Directory::remove_devices(const Jid& canonical, const Node& change) {
  const auto* known = devices(canonical);
  if (known == nullptr) return forget_devices(canonical);
  List list = lists_.at(canonical);
  for (const Node* device : change.children("device")) {
    const auto jid = device->jid("jid");
    if (!jid || canonical_user(*jid) != canonical || jid->device == 0) return forget_devices(canonical);
    if (std::erase(list.devices, jid->device) > 0) c_.keys.remove(canonical.with_device(jid->device));
  }
  storage::DeviceListRow row;
  row.devices = list.devices;
  row.fetched_at = list.fetched_at;
  lists_[canonical] = std::move(list);
  storage::put_device_list(c_.turn.changes, c_.id(), canonical, std::move(row));
}

void Directory::on_devices_notification(const Node& notification) {
  const auto from = notification.jid("from");
  if (!from) return;
  if (const auto lid = notification.jid("lid")) learn(*from, *lid);
  const Jid canonical = canonical_user(*from);
  // Only one child counts, remove before add before update (02 section 8.3). An added companion is taken from a fresh,
  // verified list: dropping the cached one costs a query and never trusts an unsigned index.
  if (const Node* removed = notification.child("remove")) return remove_devices(canonical, *removed);
  forget_devices(canonical);
}

void Directory::on_own_devices(const Node& account_sync) {
  const auto from = account_sync.jid("from");
  if (from && !is_own(*from)) return;
  forget_devices(canonical_user(c_.device.jid));
}

void Directory::end_turn(bool keep) {
  if (!keep) {
    lids_.clear();
    pns_.clear();
    lists_.clear();
    return;
  }
  if (lids_.size() > kept) lids_.clear();
  if (pns_.size() > kept) pns_.clear();
  while (lists_.size() > kept) lists_.erase(lists_.begin());
}

}  // namespace wharf::sessions
