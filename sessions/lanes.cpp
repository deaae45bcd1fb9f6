#include "sessions/lanes.h"

namespace wharf::sessions {

std::optional<Lanes::Place> Lanes::place_of(const Jid& chat, const Lane& lane) const {
  if (lane.waiting.empty() || lane.preparing || delays_.armed(chat)) return std::nullopt;
  const auto& [row, first] = *lane.waiting.begin();
  if (!first.ready) return std::nullopt;
  int less_urgent = 0;
  while (lane.of_priority.at(lane.of_priority.size() - 1 - static_cast<std::size_t>(less_urgent)) == 0) ++less_urgent;
  return Place(less_urgent, row);
}

void Lanes::arrange(ByChat::iterator lane) {
  const auto place = place_of(lane->first, lane->second);
  if (place != lane->second.place) {
    if (lane->second.place) order_.erase(*lane->second.place);
    if (place) order_.emplace(*place, lane);
    lane->second.place = place;
  }
  if (!lane->second.waiting.empty() || lane->second.preparing) return;
  delays_.clear(lane->first);
  lanes_.erase(lane);
}

void Lanes::count(Lane& lane, Waiting waiting, int by) {
  lane.of_priority.at(static_cast<std::size_t>(waiting.priority)) += static_cast<std::uint32_t>(by);
}

std::optional<Lanes::Turn> Lanes::next() const {
  if (order_.empty()) return std::nullopt;
  const auto& [place, lane] = *order_.begin();
  return Turn{lane->first, place.second};
}

void Lanes::add(const Jid& chat, std::int64_t row, Waiting waiting) {
  const auto lane = lanes_.try_emplace(chat).first;
  if (lane->second.waiting.emplace(row, waiting).second) count(lane->second, waiting, 1);
  arrange(lane);
}

void Lanes::remove(const Jid& chat, std::int64_t row) {
  const auto lane = lanes_.find(chat);
  if (lane == lanes_.end()) return;
  const auto waiting = lane->second.waiting.find(row);
  if (waiting == lane->second.waiting.end()) return;
  count(lane->second, waiting->second, -1);
  lane->second.waiting.erase(waiting);
  arrange(lane);
}

void Lanes::make_ready(const Jid& chat, std::int64_t row) {
  const auto lane = lanes_.find(chat);
  if (lane == lanes_.end()) return;
  const auto waiting = lane->second.waiting.find(row);
  if (waiting == lane->second.waiting.end()) return;
  waiting->second.ready = true;
  arrange(lane);
}

std::vector<std::int64_t> Lanes::take_all(const Jid& chat) {
  std::vector<std::int64_t> rows;
  const auto lane = lanes_.find(chat);
  if (lane == lanes_.end()) return rows;
  for (const auto& [row, waiting] : lane->second.waiting) rows.push_back(row);
  lane->second.waiting.clear();
  lane->second.of_priority = {};
  arrange(lane);
  return rows;
}

std::vector<std::int64_t> Lanes::rename(const Jid& from, const Jid& to) {
  std::vector<std::int64_t> rows;
  const auto lane = lanes_.find(from);
  if (lane == lanes_.end()) return rows;
  const auto moved = std::exchange(lane->second.waiting, {});
  lane->second.of_priority = {};
  arrange(lane);
  for (const auto& [row, waiting] : moved) {
    rows.push_back(row);
    add(to, row, waiting);
  }
  return rows;
}

void Lanes::begin_preparing(const Jid& chat) {
  const auto lane = lanes_.find(chat);
  if (lane == lanes_.end()) return;
  lane->second.preparing = true;
  arrange(lane);
}

bool Lanes::preparing(const Jid& chat) const {
  const auto lane = lanes_.find(chat);
  return lane != lanes_.end() && lane->second.preparing;
}

void Lanes::end_preparing(const Jid& chat) {
  const auto lane = lanes_.find(chat);
  if (lane == lanes_.end()) return;
  lane->second.preparing = false;
  arrange(lane);
}

unsigned* Lanes::failures(const Jid& chat) {
  const auto lane = lanes_.find(chat);
  return lane == lanes_.end() ? nullptr : &lane->second.failures;
}

void Lanes::delay(const Jid& chat, net::SteadyTime until) {
  const auto lane = lanes_.find(chat);
  if (lane == lanes_.end()) return;
  delays_.set(chat, until);
  arrange(lane);
}

void Lanes::on_due(net::SteadyTime now) {
  while (const auto chat = delays_.take_due(now)) {
    if (const auto lane = lanes_.find(*chat); lane != lanes_.end()) arrange(lane);
  }
}

void Lanes::reset() {
  delays_.clear();
  for (auto lane = lanes_.begin(); lane != lanes_.end();) {
    const auto each = lane++;
    each->second.preparing = false;
    arrange(each);
  }
}

}  // namespace wharf::sessions
