#include "tests/simulation/queue_record.h"

#include <algorithm>
#include <limits>
#include <variant>

namespace wharf::simulation {

using storage::OutboxState;

void QueueRecord::note_clock(Micros now, std::int64_t unix_ms) { clock_.push_back({now, unix_ms}); }

std::optional<std::pair<std::int64_t, std::int64_t>> QueueRecord::shown(std::size_t setting, Micros from,
                                                                        Micros to) const {
  const Setting& set = clock_[setting];
  const Micros begin = std::max(from, set.since);
  const Micros end = setting + 1 < clock_.size() ? std::min(to, clock_[setting + 1].since) : to;
  if (begin > end) return std::nullopt;
  const auto at = [&](Micros when) {
    return set.unix_ms + std::chrono::duration_cast<std::chrono::milliseconds>(when - set.since).count();
  };
  return std::pair(at(begin), at(end));
}

std::int64_t QueueRecord::latest(Micros from, Micros to) const {
  std::int64_t found = std::numeric_limits<std::int64_t>::min();
  for (std::size_t i = 0; i < clock_.size(); ++i) {
    if (const auto part = shown(i, from, to)) found = std::max(found, part->second);
  }
  return found;
}

std::int64_t QueueRecord::earliest(Micros from, Micros to) const {
  std::int64_t found = std::numeric_limits<std::int64_t>::max();
  for (std::size_t i = 0; i < clock_.size(); ++i) {
    if (const auto part = shown(i, from, to)) found = std::min(found, part->first);
  }
  return found;
}

void QueueRecord::note_row(Micros now, const storage::OutboxRow& row) {
  rows_[{row.session, row.row}] = row.message_id;
  Fate& fate = fates_[row.message_id];
  if (row.state == OutboxState::scheduled) {
    fate.put_off = true;
  } else {
    fate.queued = ++last_place_;
  }
  if (row.state == OutboxState::sealed) note_stanza(now, fate);
}

// Another address may need another stanza later.
void QueueRecord::note_stanza(Micros now, Fate& fate) {
  if (fate.sealed_at) return;
  fate.sealed_at = now;
  fate.sealed = ++last_place_;
}

void QueueRecord::note(Micros now, const storage::Change& change) {
  if (const auto* inserted = std::get_if<storage::InsertOutbox>(&change)) return note_row(now, inserted->row);
  const auto* sealed = std::get_if<storage::SealOutbox>(&change);
  if (sealed == nullptr || sealed->state != OutboxState::sealed) return;
  const auto row = rows_.find({sealed->session, sealed->row});
  if (row != rows_.end()) note_stanza(now, fates_[row->second]);
}

QueueRecord::Fate QueueRecord::fate(const std::string& message_id) const {
  const auto found = fates_.find(message_id);
  return found == fates_.end() ? Fate() : found->second;
}

}  // namespace wharf::simulation
