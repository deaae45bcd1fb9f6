// Look-ups about groups.
#include "sessions/records_groups.h"

#include <algorithm>

#include "sessions/records_written.h"
#include "storage/database.h"

namespace wharf::sessions {

using protocol::Bytes;
using storage::AckLevel;
using storage::KeyCopy;

namespace {

// What one change makes of the copies of one group. The last two are of all groups.

bool is_of(const storage::TakeKeyCopiesBack& change, const Jid& group) {
  return !change.group || *change.group == group;
}
bool is_of(const storage::MoveSenderKeys&, const Jid&) { return true; }
template <class Change>
bool is_of(const Change& change, const Jid& group) {
  return change.group == group;
}

void apply(KeyCopies& copies, const storage::PutKeyCopies& change) {
  for (const KeyCopy& copy : change.copies) copies[copy.device] = copy;
}

void apply(KeyCopies& copies, const storage::SendKeyCopies& change) {
  for (auto& [device, copy] : copies) {
    if (copy.state != KeyCopy::State::ready) continue;
    copy.state = KeyCopy::State::sent;
    copy.body.clear();
    copy.message_id = change.message_id;
  }
}

void apply(KeyCopies& copies, const storage::SettleKeyCopies& change) {
  for (auto& [device, copy] : copies) {
    if (copy.state != KeyCopy::State::sent || copy.message_id != change.message_id) continue;
    copy.state = change.arrived ? KeyCopy::State::held : KeyCopy::State::again;
    copy.message_id.clear();
  }
}

void apply(KeyCopies& copies, const storage::TakeKeyCopiesBack& change) {
  for (auto& [device, copy] : copies) {
    if (device.user_jid() != change.user || (change.device && device.device != *change.device)) continue;
    copy.state = KeyCopy::State::again;
    copy.body.clear();
    copy.message_id.clear();
  }
}

void apply(KeyCopies& copies, const storage::MoveSenderKeys& change) {
  for (auto it = copies.begin(); it != copies.end();) {
    if (it->first.user_jid() != change.from) {
      ++it;
      continue;
    }
    KeyCopy copy = std::move(it->second);
    it = copies.erase(it);
    copy.device = change.to.with_device(copy.device.device);
    copies.try_emplace(copy.device, copy);
  }
}

}  // namespace

// --- what changes mean

template <class Change>
void GroupsWritten::change_copies(const Change& change) {
  for (auto& [group, now] : copies)
    if (is_of(change, group)) apply(now, change);
  copy_changes.emplace_back(change);
}

void GroupsWritten::catch_up(const Jid& group, KeyCopies& committed) const {
  for (const CopyChange& change : copy_changes) {
    std::visit(
        [&](const auto& made) {
          if (is_of(made, group)) apply(committed, made);
        },
        change);
  }
}

bool GroupsWritten::is_forgotten(const Jid& group) const {
  return std::find(forgotten.begin(), forgotten.end(), group) != forgotten.end();
}

void GroupsWritten::note(const storage::PutGroup& change) { groups[change.row.group] = change.row; }

void GroupsWritten::note(const storage::AgeGroup& change) {
  if (!change.group) {
    all_stale = true;
    for (auto& [group, row] : groups) row.stale |= row.member;
  } else if (auto row = records_.find_group(*change.group)) {
    row->stale = true;
    groups[*change.group] = std::move(*row);
  }
}

void GroupsWritten::note(const storage::PutSenderKey& change) { keys[{change.group, change.author}] = change.record; }
void GroupsWritten::note(const storage::PutOwnSenderKey& change) { own_keys[change.group] = change.record; }

void GroupsWritten::note(const storage::DropOwnSenderKey& change) {
  own_keys[change.group] = std::nullopt;
  copies[change.group].clear();
}

void GroupsWritten::note(const storage::ForgetGroupKeys& change) {
  note(storage::DropOwnSenderKey{change.session, change.group});
  std::erase_if(keys, [&](const auto& key) { return key.first.first == change.group; });
  if (!is_forgotten(change.group)) forgotten.push_back(change.group);
}

void GroupsWritten::note(const storage::PutKeyCopies& change) { change_copies(change); }
void GroupsWritten::note(const storage::SendKeyCopies& change) { change_copies(change); }
void GroupsWritten::note(const storage::SettleKeyCopies& change) { change_copies(change); }
void GroupsWritten::note(const storage::TakeKeyCopiesBack& change) { change_copies(change); }

void GroupsWritten::note(const storage::MoveSenderKeys& change) {
  moves.emplace_back(change.from, change.to);
  change_copies(change);
  std::vector<std::pair<std::pair<Jid, Jid>, Bytes>> moved;
  for (auto it = keys.begin(); it != keys.end();) {
    if (it->first.second.user_jid() != change.from) {
      ++it;
      continue;
    }
    moved.emplace_back(std::pair(it->first.first, change.to.with_device(it->first.second.device)),
                       std::move(it->second));
    it = keys.erase(it);
  }
  for (auto& [whose, record] : moved) keys.try_emplace(whose, std::move(record));
}

void GroupsWritten::note(const storage::OpenReach& change) {
  if (!records_.find_reach(change.message_row)) reaches[change.message_row] = {change.members, 0, 0, 0};
}

void GroupsWritten::note(const storage::NoteMember& change) {
  auto reach = records_.find_reach(change.message_row);
  if (!reach) return;
  AckLevel before = records_.member_level(change.message_row, change.user);
  const AckLevel other = change.other ? records_.member_level(change.message_row, *change.other) : AckLevel::server;
  if (other > AckLevel::server) {
    reach->unite(before, other);
    before = std::max(before, other);
    members[{change.message_row, *change.other}] = AckLevel::server;
  } else if (before == AckLevel::server && reach->delivered >= storage::max_speakers(*reach)) {
    return;
  }
  const AckLevel now = std::max(before, change.level);
  reach->advance(before, now);
  members[{change.message_row, change.user}] = now;
  reaches[change.message_row] = *reach;
}

void GroupsWritten::note(const storage::WipeDevice&) {
  groups.clear();
  keys.clear();
  own_keys.clear();
  copies.clear();
  moves.clear();
  copy_changes.clear();
}

// --- look-ups

std::optional<storage::GroupRow> Records::find_group(const Jid& group) const {
  if (written_) {
    const auto& groups = written_->groups.groups;
    if (const auto found = groups.find(group); found != groups.end()) return found->second;
    if (written_->wiped) return std::nullopt;
  }
  auto row = storage::find_group(reader_, session_, group);
  if (row && written_ && written_->groups.all_stale) row->stale |= row->member;
  return row;
}

std::vector<Jid> Records::stale_groups(std::size_t most) const {
  std::vector<Jid> stale;
  if (!(written_ && written_->wiped)) stale = storage::stale_groups(reader_, session_, most);
  if (!written_) return stale;
  const auto& touched = written_->groups.groups;
  std::erase_if(stale, [&](const Jid& group) { return touched.contains(group); });
  for (const auto& [group, row] : touched)
    if (row.stale && stale.size() < most) stale.push_back(group);
  return stale;
}

std::optional<Bytes> Records::find_sender_key(const Jid& group, const Jid& author) const {
  if (!written_) return storage::find_sender_key(reader_, session_, group, author);
  const GroupsWritten& now = written_->groups;
  if (const auto found = now.keys.find({group, author}); found != now.keys.end()) return found->second;
  if (written_->wiped || now.is_forgotten(group)) return std::nullopt;
  const auto moved_away = [&](const Jid& user) {
    return std::any_of(now.moves.begin(), now.moves.end(), [&](const auto& move) { return move.first == user; });
  };
  if (moved_away(author.user_jid())) return std::nullopt;
  if (auto there = storage::find_sender_key(reader_, session_, group, author)) return there;
  for (auto move = now.moves.rbegin(); move != now.moves.rend(); ++move) {
    if (move->second != author.user_jid()) continue;
    if (auto moved = storage::find_sender_key(reader_, session_, group, move->first.with_device(author.device)))
      return moved;
  }
  return std::nullopt;
}

std::vector<std::pair<Jid, Bytes>> Records::sender_keys_of(const Jid& group, const Jid& user, std::size_t most) const {
  if (written_ && (written_->wiped || written_->groups.is_forgotten(group))) return {};
  return storage::sender_keys_of(reader_, session_, group, user, most);
}

std::optional<Bytes> Records::find_own_sender_key(const Jid& group) const {
  if (written_) {
    const auto& own = written_->groups.own_keys;
    if (const auto found = own.find(group); found != own.end()) return found->second;
    if (written_->wiped) return std::nullopt;
  }
  return storage::find_own_sender_key(reader_, session_, group);
}

KeyCopies Records::key_copies(const Jid& group) const {
  if (written_) {
    const auto& touched = written_->groups.copies;
    if (const auto found = touched.find(group); found != touched.end()) return found->second;
  }
  KeyCopies copies;
  if (!written_ || !written_->wiped) {
    for (KeyCopy& copy : storage::load_key_copies(reader_, session_, group)) {
      const Jid device = copy.device;
      copies.emplace(device, std::move(copy));
    }
  }
  if (written_) written_->groups.catch_up(group, copies);
  return copies;
}

std::optional<storage::GroupReach> Records::find_reach(std::int64_t message_row) const {
  if (written_) {
    const auto& reaches = written_->groups.reaches;
    if (const auto found = reaches.find(message_row); found != reaches.end()) return found->second;
  }
  return storage::find_reach(reader_, message_row);
}

AckLevel Records::member_level(std::int64_t message_row, const Jid& user) const {
  if (written_) {
    const auto& members = written_->groups.members;
    if (const auto found = members.find({message_row, user}); found != members.end()) return found->second;
  }
  const auto known = storage::find_member_receipt(reader_, message_row, user);
  return known ? known->level : AckLevel::server;
}

std::vector<Jid> Records::speakers_by_number(std::int64_t message_row, std::size_t most) const {
  std::vector<Jid> users;
  for (storage::MemberReceipt& row : storage::member_receipts(reader_, message_row, most))
    if (row.user.is_phone_number()) users.push_back(std::move(row.user));
  return users;
}

}  // namespace wharf::sessions
