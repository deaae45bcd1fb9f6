#include "sessions/key_cache.h"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

namespace wharf::sessions {

using protocol::SessionRecord;

/// After so many of this turn's moves, which are no rows yet: of two copies that meet under one user the ratchet that
/// moves wins, and the identity that is there.
template <class Found>
std::optional<Found> KeyCache::after_moves(std::size_t moves, const Jid& user, bool moved_wins,
                                           const Find<Found>& find) const {
  if (moves == 0) return find(user);
  const auto& [from, to] = migrated_[moves - 1];
  if (from == user) return std::nullopt;
  if (to != user) return after_moves(moves - 1, user, moved_wins, find);
  if (auto first = after_moves(moves - 1, moved_wins ? from : user, moved_wins, find)) return first;
  return after_moves(moves - 1, moved_wins ? user : from, moved_wins, find);
}

std::optional<protocol::Bytes> KeyCache::load(const Jid& device) {
  const Jid user = device.user_jid();
  if (forgotten_.contains(user)) return std::nullopt;
  return after_moves<protocol::Bytes>(
      migrated_.size(), user, true, [&](const Jid& now) { return rows_.find_ratchet(now.with_device(device.device)); });
}

KeyCache::Entry& KeyCache::entry(const Jid& device) {
  const auto [it, inserted] = records_.try_emplace(device);
  it->second.used = ++clock_;
  if (inserted) {
    if (const auto blob = load(device)) {
      // A blob that does not parse is treated as absent: a retry builds a new session, which heals; refusing would not.
      if (auto record = SessionRecord::parse(*blob)) it->second.record = std::move(*record);
    }
  }
  return it->second;
}

SessionRecord* KeyCache::find(const Jid& device) {
  Entry& found = entry(device);
  return found.record ? &*found.record : nullptr;
}

SessionRecord& KeyCache::open(const Jid& device) {
  Entry& found = entry(device);
  if (!found.record) found.record.emplace();
  return *found.record;
}

void KeyCache::mark_changed(const Jid& device) { entry(device).changed = true; }

void KeyCache::remove(const Jid& device) {
  Entry& found = entry(device);
  found.record.reset();
  found.changed = true;
}

std::optional<protocol::PublicKey> KeyCache::stored_identity(std::size_t moves, const Jid& device) {
  return after_moves<protocol::PublicKey>(moves, device.user_jid(), false, [&](const Jid& now) {
    return rows_.find_identity(now.with_device(device.device));
  });
}

std::optional<protocol::PublicKey> KeyCache::identity(const Jid& device) {
  if (const auto it = new_identities_.find(device); it != new_identities_.end()) return it->second;
  if (forgotten_.contains(device.user_jid())) return std::nullopt;
  return stored_identity(migrated_.size(), device);
}

bool KeyCache::set_identity(const Jid& device, const protocol::PublicKey& key) {
  const auto before = identity(device);
  if (before && *before == key) return false;
  new_identities_[device] = key;
  return before.has_value();
}

protocol::OwnPreKeys KeyCache::own_pre_keys() {
  protocol::OwnPreKeys keys;
  keys.signed_pre_key = [this](protocol::PreKeyId id) -> std::optional<protocol::KeyPair> {
    auto key = rows_.find_signed_pre_key(id);
    if (!key) return std::nullopt;
    return key->pair;
  };
  keys.one_time = [this](protocol::PreKeyId id) -> std::optional<protocol::KeyPair> {
    if (consumed_.contains(id)) return std::nullopt;
    return rows_.find_pre_key(id);
  };
  return keys;
}

void KeyCache::consume_pre_key(protocol::PreKeyId id) { consumed_.insert(id); }

void KeyCache::migrate(const Jid& pn_user, const Jid& lid_user) {
  migrated_.emplace_back(pn_user, lid_user);
  // What was forgotten earlier in this turn is not to come back under the other name.
  if (forgotten_.contains(pn_user)) forgotten_.insert(lid_user);
  // Identities of this turn move as those in the rows do: one that is there under the LID stays.
  for (auto it = new_identities_.begin(); it != new_identities_.end();) {
    if (it->first.user_jid() != pn_user) {
      ++it;
      continue;
    }
    const Jid device = lid_user.with_device(it->first.device);
    const bool known = !forgotten_.contains(lid_user) && stored_identity(migrated_.size() - 1, device).has_value();
    if (!known) new_identities_.try_emplace(device, it->second);
    it = new_identities_.erase(it);
  }
  // Records of this turn that are in memory move too; absent marks of the LID are re-read through load().
  std::vector<std::pair<Jid, Entry>> moved;
  for (auto it = records_.begin(); it != records_.end();) {
    if (it->first.user_jid() == pn_user) {
      moved.emplace_back(lid_user.with_device(it->first.device), std::move(it->second));
      it = records_.erase(it);
    } else if (it->first.user_jid() == lid_user && !it->second.changed) {
      it = records_.erase(it);
    } else {
      ++it;
    }
  }
  for (auto& [device, entry] : moved) {
    if (!entry.record && !entry.changed) continue;  // a removal moves too: its row would come back under the LID
    entry.changed = true;
    records_[device] = std::move(entry);
  }
}

void KeyCache::forget_user(const Jid& user) {
  forgotten_.insert(user);
  std::erase_if(records_, [&](const auto& item) { return item.first.user_jid() == user; });
  std::erase_if(new_identities_, [&](const auto& item) { return item.first.user_jid() == user; });
}

void KeyCache::flush() {
  for (const auto& [pn, lid] : migrated_) rows_.add(storage::MigrateUser{rows_.session(), pn, lid});
  for (const Jid& user : forgotten_) rows_.add(storage::ForgetUserKeys{rows_.session(), user});
  for (auto& [device, entry] : records_) {
    if (!entry.changed) continue;
    entry.changed = false;
    if (entry.record) {
      rows_.add(storage::PutRatchet{rows_.session(), device, entry.record->serialize()});
    } else {
      rows_.add(storage::RemoveRatchet{rows_.session(), device});
    }
  }
  for (const auto& [device, key] : new_identities_) rows_.add(storage::PutIdentity{rows_.session(), device, key});
  for (const protocol::PreKeyId id : consumed_) rows_.add(storage::RemovePreKey{rows_.session(), id});
}

void KeyCache::end_turn() {
  for (const auto& [device, entry] : records_) {
    if (entry.changed) throw std::logic_error("a ratchet step of " + device.to_string() + " was not stored");
  }
  new_identities_.clear();
  consumed_.clear();
  migrated_.clear();
  forgotten_.clear();
  if (std::exchange(resting_, false)) records_.clear();
  if (records_.size() <= kept_records) return;
  std::vector<decltype(records_)::iterator> oldest;
  for (auto it = records_.begin(); it != records_.end(); ++it) oldest.push_back(it);
  const auto surplus = oldest.begin() + static_cast<std::ptrdiff_t>(records_.size() - kept_records);
  std::nth_element(oldest.begin(), surplus, oldest.end(),
                   [](const auto& a, const auto& b) { return a->second.used < b->second.used; });
  std::for_each(oldest.begin(), surplus, [this](const auto& entry) { records_.erase(entry); });
}

void KeyCache::discard() {
  records_.clear();
  new_identities_.clear();
  consumed_.clear();
  migrated_.clear();
  forgotten_.clear();
}

}  // namespace wharf::sessions
