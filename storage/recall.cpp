#include "storage/recall.h"

namespace wharf::storage {

std::optional<std::int64_t> JidCache::find(const protocol::Jid& jid) {
  const auto found = by_jid_.find(&jid);
  if (found == by_jid_.end()) return std::nullopt;
  used(found->second);
  return found->second->id;
}

const protocol::Jid* JidCache::find(std::int64_t id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  used(found->second);
  return &found->second->jid;
}

void JidCache::put(const protocol::Jid& jid, std::int64_t id) {
  if (by_id_.contains(id)) return;
  recent_.push_front(Entry{jid, id});
  by_jid_.emplace(&recent_.front().jid, recent_.begin());
  by_id_.emplace(id, recent_.begin());
  if (recent_.size() <= capacity_) return;
  by_jid_.erase(&recent_.back().jid);
  by_id_.erase(recent_.back().id);
  recent_.pop_back();
}

void JidCache::clear() {
  by_jid_.clear();
  by_id_.clear();
  recent_.clear();
}

}  // namespace wharf::storage
