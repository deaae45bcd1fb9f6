#include "sessions/directory.h"

#include <algorithm>
#include <utility>

#include "events/event.h"

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
  return contested_.contains(user) ? user : known_lid(user);
}

Jid Directory::known_lid(const Jid& pn) {
  if (pn == c_.device.jid.user_jid() && !c_.device.lid.empty()) return c_.device.lid.user_jid();
  if (const auto known = lids_.find(pn); known != lids_.end()) return known->second;
  const Jid result = c_.records.find_lid(pn).value_or(pn);
  lids_[pn] = result;
  return result;
}

std::optional<Jid> Directory::known_pn(const Jid& lid) {
  if (!c_.device.lid.empty() && lid == c_.device.lid.user_jid()) return c_.device.jid.user_jid();
  if (const auto known = pns_.find(lid); known != pns_.end()) return known->second;
  return pns_[lid] = c_.records.find_pn(lid);
}

PersonIds Directory::person(const Jid& canonical) {
  PersonIds ids;
  if (canonical.is_phone_number()) {
    ids.pn = canonical;
    const Jid lid = canonical_user(canonical);
    if (lid.is_lid()) ids.lid = lid;
  } else if (canonical.is_lid()) {
    ids.lid = canonical;
    ids.pn = known_pn(canonical);
    if (ids.pn && contested_.contains(*ids.pn)) ids.pn.reset();
  }
  return ids;
}

std::vector<PersonIds> Directory::mentioned(const std::vector<Jid>& users) {
  std::vector<PersonIds> out;
  out.reserve(std::min(users.size(), max_mentions));
  for (const Jid& user : users) {
    if (out.size() == max_mentions) break;
    out.push_back(user.has_devices() ? person(canonical_user(user)) : PersonIds());
  }
  return out;
}

void Directory::learn(const Jid& a, const Jid& b, Source source) {
  if (const auto pair = enter_pair(a, b, source)) tell(*pair, !pair->number_before);
}

void Directory::learn_untold(const Jid& a, const Jid& b) {
  if (const auto pair = enter_pair(a, b, Source::hints)) tell(*pair, false);
}

void Directory::tell(const Entered& pair, bool new_pair) {
  using Change = events::ContactUpdated::Change;
  const Jid& lid = *pair.ids.lid;
  if (new_pair || pair.united) c_.emit(events::ContactUpdated{lid, pair.ids, Change::lid, {}});
  if (pair.number_before)
    c_.emit(events::ContactUpdated{lid, pair.ids, Change::number, pair.number_before->to_string()});
}

std::optional<Jid> Directory::number_before(const Jid& pn, const Jid& lid) {
  auto before = known_pn(lid);
  const bool known = c_.records.find_contact(lid).has_value();
  // Where somebody else has that number by now, the chat still says it.
  if (!before) {
    if (const auto chat = c_.records.find_chat(lid)) before = chat->alternate;
  }
  if (!known || !before || !before->is_phone_number() || *before == pn) return std::nullopt;
  return before;
}

std::optional<Directory::Entered> Directory::enter_pair(const Jid& a, const Jid& b, Source source) {
  Jid pn = plain_user(a);
  Jid lid = plain_user(b);
  if (pn.is_lid()) std::swap(pn, lid);
  if (!pn.is_phone_number() || !lid.is_lid() || pn.user.empty() || lid.user.empty()) return std::nullopt;
  if (is_own(pn) != is_own(lid)) return std::nullopt;  // never remap ourselves (02 section 18)
  const Jid before = known_lid(pn);
  const auto owner_before = known_pn(lid);
  const bool confirmed = before == lid;
  if (source == Source::hints) {
    if (confirmed) return std::nullopt;
    if (before.is_lid() || owner_before || contested_.contains(pn)) {
      contest(pn, lid);
      return std::nullopt;
    }
  }
  // Of a pair that was contested and stands, what was filed under the number meanwhile is brought back all the same.
  if (contested_.erase(pn) == 0 && confirmed) return std::nullopt;
  // The hot rows tell it at once, and both ends of the old pairs apart: a text to the old number must not go to the new
  // owner of its LID. Not erased and read again: the API asks between turns too, while the commit is under way, and the
  // old answer would be kept.
  Entered entered;
  entered.ids.pn = pn;
  entered.ids.lid = lid;
  entered.united = c_.records.find_contact(pn).has_value() || c_.records.find_chat(pn).has_value();
  entered.number_before = number_before(pn, lid);
  if (before.is_lid()) pns_[before] = std::nullopt;
  if (owner_before && *owner_before != pn) {
    lids_[*owner_before] = *owner_before;
    forget_devices(lid);  // with another number they may be others, and are asked for at once
  }
  lids_[pn] = lid;
  pns_[lid] = pn;
  c_.records.add(storage::PutLid{c_.id(), pn, lid});
  c_.keys.migrate(pn, lid);
  c_.records.add(storage::MoveSenderKeys{c_.id(), pn, lid});
  c_.records.add(storage::MergeChats{c_.id(), pn, lid});
  if (on_joined) on_joined(pn, lid);
  lists_.erase(pn);
  for (const Jid& user : {pn, lid, before}) tell_devices_changed(user);
  if (confirmed) return std::nullopt;  // nothing to tell
  return entered;
}

void Directory::contest(const Jid& pn, const Jid& lid) {
  const auto heard = heard_against_.find({pn, lid});
  if (heard != heard_against_.end() && c_.now.steady < heard->second) return;
  if (heard == heard_against_.end() && heard_against_.size() >= max_contested) return;
  heard_against_[{pn, lid}] = c_.now.steady + contest_again;
  if (const Jid before = known_lid(pn); before.is_lid()) forget_devices(before);
  contest_number(pn);
  if (const auto owner_before = known_pn(lid); owner_before && *owner_before != pn) contest_number(*owner_before);
}

void Directory::contest_number(const Jid& pn) {
  if (contested_.size() >= max_contested && !contested_.contains(pn)) return;
  contested_.insert(pn);
  forget_devices(pn);  // a list from the days before it had a LID
  refresh_soon(pn, [this, pn](Told told) {
    // Whose it is has been learnt, or nobody's: then there is nothing left to be believed or not.
    if (told != Told::nothing && !known_lid(pn).is_lid()) contested_.erase(pn);
  });
}

void Directory::move_own_chat() {
  const Jid pn = c_.device.jid.user_jid();
  const Jid lid = c_.device.lid.user_jid();
  c_.records.add(storage::PutLid{c_.id(), pn, lid});
  c_.keys.migrate(pn, lid);
  c_.records.add(storage::MoveSenderKeys{c_.id(), pn, lid});
  c_.records.add(storage::MergeChats{c_.id(), pn, lid});
  lists_.erase(pn);
  tell_devices_changed(pn);
  tell_devices_changed(lid);
}

Directory::List* Directory::find_list(const Jid& canonical) {
  const auto found = lists_.find(canonical);
  if (found != lists_.end()) return &found->second;
  const auto row = c_.records.find_device_list(canonical);
  if (!row) return nullptr;
  return &lists_.emplace(canonical, List{row->devices, row->fetched_at}).first->second;
}

const std::vector<std::uint16_t>* Directory::devices(const Jid& canonical) {
  const List* list = find_list(canonical);
  const auto lifetime = std::chrono::duration_cast<std::chrono::milliseconds>(c_.settings.device_list_lifetime);
  if (list == nullptr || list->devices.empty() || c_.now.unix_ms - list->fetched_at > lifetime.count()) return nullptr;
  return &list->devices;
}

const std::vector<std::uint16_t>* Directory::listed_devices(const Jid& canonical) {
  const List* list = find_list(canonical);
  return list == nullptr || list->devices.empty() || list->fetched_at == 0 ? nullptr : &list->devices;
}

void Directory::forget_devices(const Jid& canonical) {
  tell_devices_changed(canonical);
  if (const auto known = lists_.find(canonical); known != lists_.end()) known->second.fetched_at = 0;
  c_.records.add(storage::AgeDeviceList{c_.id(), canonical});
}

void Directory::drop_devices(const Jid& canonical) {
  tell_devices_changed(canonical);
  lists_.erase(canonical);
  c_.records.add(storage::RemoveDeviceList{c_.id(), canonical});
}

void Directory::store_list(const Jid& canonical, const UsyncUser& user) {
  if (!user.has_devices) return;
  const auto account_key = c_.keys.identity(canonical.with_device(0));
  const auto before = c_.records.find_device_list(canonical);
  storage::DeviceListRow row;
  row.fetched_at = c_.now.unix_ms;
  const auto index = protocol::read_key_index_list(user.key_index_list, account_key);
  // A list whose index is older than the one we hold, or does not verify, tells nothing: the good one stays (02 section
  // 18).
  const bool bad = !user.key_index_list.empty() && (!index || (before && index->timestamp < before->listed_at));
  if (bad && before && !before->devices.empty()) {
    row.devices = before->devices;
    row.raw_id = before->raw_id;
    row.listed_at = before->listed_at;
  } else {
    row.devices = protocol::usable_devices(user, account_key);
    if (before) row.listed_at = before->listed_at;
    if (index) row.raw_id = index->raw_id;
    // Only a signed time counts, and none from the future: every genuine list after it would look older.
    const auto today = static_cast<std::uint64_t>(c_.now.unix_ms / 1000);
    if (index && account_key) row.listed_at = std::min(index->timestamp, today + 86'400);
  }
  if (row.devices.empty()) return;  // an empty list never overwrites a good one
  if (before && before->raw_id != 0 && row.raw_id != 0 && before->raw_id != row.raw_id) {
    // The account was registered again: its old companions and every session with them are gone.
    for (const std::uint16_t device : before->devices) {
      if (device != 0) c_.keys.remove(canonical.with_device(device));
    }
  }
  if (!before || before->devices != row.devices || before->fetched_at == 0) tell_devices_changed(canonical);
  lists_[canonical] = List{row.devices, row.fetched_at};
  c_.records.add(storage::PutDeviceList{c_.id(), canonical, std::move(row)});
}

void Directory::keep_list(const Jid& canonical) {
  auto row = c_.records.find_device_list(canonical);
  if (!row || row->devices.empty()) return;
  constexpr std::chrono::milliseconds ask_again = std::chrono::hours(1);
  row->fetched_at = c_.now.unix_ms -
                    std::chrono::duration_cast<std::chrono::milliseconds>(c_.settings.device_list_lifetime).count() +
                    ask_again.count();
  lists_[canonical] = List{row->devices, row->fetched_at};
  c_.records.add(storage::PutDeviceList{c_.id(), canonical, std::move(*row)});
}

void Directory::refresh(std::vector<Jid> users, std::function<void(Told)> done) {
  const Node iq = protocol::usync_devices_iq(c_.ids.next(), c_.ids.next(), users);
  c_.query(iq, [this, asked = std::move(users), done = std::move(done)](const Node* answer) {
    if (answer == nullptr) return done(Told::nothing);
    const auto result = protocol::read_usync(*answer);
    if (!result) return done(Told::nothing);
    bool complete = true;
    std::set<Jid> open(asked.begin(), asked.end());
    for (const UsyncUser& user : *result) {
      // A user asked for by number may be named by LID, with the number beside it, and the other way round (02 section
      // 17.16). Users not asked for would poison the lists.
      bool requested = open.erase(user.jid.user_jid()) != 0;
      for (const auto& other : {user.pn, user.lid}) requested |= other && open.erase(other->user_jid()) != 0;
      if (!requested) continue;
      if (user.error_code != 0) {
        complete = false;
        continue;
      }
      if (user.lid) learn(user.jid, *user.lid);
      if (user.pn) learn(*user.pn, user.jid);
      store_list(canonical_user(user.jid), user);
    }
    for (const Jid& missing : open) keep_list(canonical_user(missing));  // no result (02 section 7)
    const Jid own = canonical_user(c_.device.jid);
    watch_own_list(complete && std::any_of(asked.begin(), asked.end(),
                                           [&](const Jid& user) { return canonical_user(user) == own; }));
    done(complete ? Told::all : Told::part);
  });
}

void Directory::refresh_soon(const Jid& user, std::function<void(Told)> done) {
  soon_.push_back({user, std::move(done)});
  ask_soon();
}

void Directory::ask_soon() {
  if (asking_soon_ || soon_.empty()) return;
  std::vector<Soon> page;
  std::set<Jid> users;
  while (!soon_.empty() && users.size() < users_per_query) {
    users.insert(soon_.front().user);
    page.push_back(std::move(soon_.front()));
    soon_.pop_front();
  }
  asking_soon_ = true;
  refresh({users.begin(), users.end()}, [this, page = std::move(page)](Told told) {
    asking_soon_ = false;
    for (const Soon& one : page) one.done(told);
    ask_soon();
  });
}

void Directory::watch_own_list(bool asked) {
  // Without the own list nothing can be sent, since every text goes to the other own devices too. An account always has
  // a main device, so an empty list is the network's fault and lasts: the operator must see what the texts wait for.
  constexpr const char* code = "own_devices_missing";
  const bool missing = devices(canonical_user(c_.device.jid)) == nullptr;
  if (asked && missing) {
    Reason why;
    why.code = code;
    why.message = "WhatsApp names no device of this account, so nothing can be sent; messages wait";
    why.next_step = events::NextStep::check_linked_devices;
    c_.set_status(c_.status, std::move(why));
  } else if (!missing && c_.reason && c_.reason->code == code) {
    c_.set_status(c_.status, std::nullopt);
  }
}

void Directory::remove_devices(const Jid& canonical, const Node& change) {
  // However old the list is: groups go by it, and an answer that passes over the user makes it good again.
  auto row = c_.records.find_device_list(canonical);
  const Node* index = change.child("key-index-list");
  const std::uint64_t removed_at = index != nullptr ? index->number("ts").value_or(0) : 0;
  // Not dated, or from before the list we hold: the server has something newer.
  if (!row || row->devices.empty() || removed_at == 0 || removed_at < row->listed_at) return forget_devices(canonical);
  std::vector<std::uint16_t> gone;
  for (const Node* device : change.children("device")) {
    const auto jid = device->jid("jid");
    const auto lid = device->jid("lid");
    if (!jid || canonical_user(*jid) != canonical || jid->device == 0 || (lid && lid->device != jid->device)) {
      return forget_devices(canonical);
    }
    gone.push_back(jid->device);
  }
  for (const std::uint16_t device : gone) {
    if (std::erase(row->devices, device) > 0) c_.keys.remove(canonical.with_device(device));
  }
  // The date of a removal is not signed: what it says of the devices counts, its time does not; nor is the list newer.
  lists_[canonical] = List{row->devices, row->fetched_at};
  tell_devices_changed(canonical);
  c_.records.add(storage::PutDeviceList{c_.id(), canonical, std::move(*row)});
}

void Directory::on_devices_notification(const Node& notification) {
  const auto from = notification.jid("from");
  if (!from || from->user.empty()) return;
  if (const auto lid = notification.jid("lid")) learn(*from, *lid, Source::hints);
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
    contested_.clear();
    heard_against_.clear();
    return;
  }
  std::erase_if(heard_against_, [this](const auto& hint) { return hint.second <= c_.now.steady; });
  if (lids_.size() > kept) lids_.clear();
  if (pns_.size() > kept) pns_.clear();
  while (lists_.size() > kept) lists_.erase(lists_.begin());
}

}  // namespace wharf::sessions
