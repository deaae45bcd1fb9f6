#include "sessions/schedule.h"

#include <utility>

namespace wharf::sessions {

void Schedule::add(Item item) {
  const std::int64_t row = item.row;
  times_.set(row, item.send_at);
  const Item& kept = items_.insert_or_assign(row, std::move(item)).first->second;
  by_id_[kept.message_id] = row;
}

std::optional<Schedule::Item> Schedule::take_due(UnixMs now) {
  const auto row = times_.take_due(now);
  return row ? take_row(*row) : std::nullopt;
}

std::optional<Schedule::Item> Schedule::take(std::string_view message_id) {
  const auto known = by_id_.find(message_id);
  return known == by_id_.end() ? std::nullopt : take_row(known->second);
}

std::optional<Schedule::Item> Schedule::take_row(std::int64_t row) {
  const auto found = items_.find(row);
  if (found == items_.end()) return std::nullopt;
  times_.clear(row);
  by_id_.erase(found->second.message_id);
  Item item = std::move(found->second);
  items_.erase(found);
  return item;
}

}  // namespace wharf::sessions
