#include "sandbox/network/offline_queue.h"

#include <utility>

namespace wharf::sandbox {

namespace {

std::string index_key(std::string_view tag, std::string_view id) {
  std::string key;
  key.reserve(tag.size() + 1 + id.size());
  key.append(tag).push_back('\0');
  return key.append(id);
}

}  // namespace

std::uint64_t OfflineQueue::push(protocol::Node stanza) {
  restore(last_ + 1, std::move(stanza));
  return last_;
}

void OfflineQueue::restore(std::uint64_t number, protocol::Node stanza) {
  last_ = number;
  by_id_.emplace(index_key(stanza.tag, stanza.attr("id")), number);
  entries_.emplace_hint(entries_.end(), number, Entry{std::move(stanza), 0});
}

std::optional<std::uint64_t> OfflineQueue::settle(std::string_view tag, std::string_view id, const Hints& hints,
                                                  std::uint64_t delivered_below) {
  const auto [begin, end] = by_id_.equal_range(index_key(tag, id));
  auto best = entries_.end();
  int best_score = -1;
  for (auto candidate = begin; candidate != end; ++candidate) {
    auto entry = entries_.find(candidate->second);
    if (entry == entries_.end() || entry->first >= delivered_below) continue;
    const auto& stanza = entry->second.stanza;
    const bool same_from = stanza.attr("from") == hints.from;
    const bool same_type = stanza.attr("type") == hints.type;
    const bool same_participant = stanza.attr("participant") == hints.participant;
    const int score = same_from * 4 + same_type * 2 + same_participant;
    // Of equals the oldest: it was delivered first.
    if (score > best_score || (score == best_score && entry->first < best->first)) best = entry, best_score = score;
  }
  if (best == entries_.end()) return std::nullopt;
  const auto number = best->first;
  forget(best);
  return number;
}

void OfflineQueue::forget(std::map<std::uint64_t, Entry>::iterator entry) {
  const auto [begin, end] = by_id_.equal_range(index_key(entry->second.stanza.tag, entry->second.stanza.attr("id")));
  for (auto index = begin; index != end; ++index) {
    if (index->second != entry->first) continue;
    by_id_.erase(index);
    break;
  }
  entries_.erase(entry);
}

std::optional<std::uint64_t> OfflineQueue::drop_oldest() {
  if (entries_.empty()) return std::nullopt;
  const auto number = entries_.begin()->first;
  forget(entries_.begin());
  return number;
}

OfflineQueue::Entry* OfflineQueue::next(std::uint64_t from, std::uint64_t& found) {
  auto entry = entries_.lower_bound(from);
  if (entry == entries_.end()) return nullptr;
  found = entry->first;
  return &entry->second;
}

}  // namespace wharf::sandbox
