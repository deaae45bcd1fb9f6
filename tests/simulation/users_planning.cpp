// Users: what they say about a whole chat, and about what they want to do together.
#include <algorithm>
#include <vector>

#include "tests/simulation/users.h"

namespace wharf::simulation {

void Users::set_timer() {
  auto& random = world_.timing;
  const std::size_t from = random.below(static_cast<std::uint32_t>(ledger_.persons.size()));
  std::size_t to = random.below(static_cast<std::uint32_t>(ledger_.persons.size() - 1));
  if (to >= from) ++to;
  // Most of the time a session is one of both: that is where it matters.
  if (ledger_.gateways_of(from).empty() && random.below(4) != 0)
    to = random.below(static_cast<std::uint32_t>(size_.sessions));
  if (to == from) return;
  const auto own = ledger_.gateways_of(from);
  // Now and then twice within a second, from wherever.
  for (unsigned times = random.below(5) == 0 ? 2 : 1; times > 0 && !all_sent(); --times) {
    if (own.empty() || random.below(3) == 0) send_by_phone(from, to, {Text::nothing, Kind::timer});
    else send_by_gateway(own[random.below(static_cast<std::uint32_t>(own.size()))], to, {Text::nothing, Kind::timer});
  }
}

void Users::plan() {
  auto& random = world_.planning;
  constexpr std::size_t looked_at = 200, most = 3;
  std::vector<std::size_t> events;
  const std::size_t end = ledger_.texts.size() - std::min(ledger_.texts.size(), looked_at);
  for (std::size_t i = ledger_.texts.size(); i > end && events.size() < most; --i) {
    if (ledger_.texts[i - 1].kind == Kind::event && !ledger_.texts[i - 1].id.empty()) events.push_back(i - 1);
  }
  const bool by_phone = random.below(2) == 0;
  if (events.empty() || random.below(4) == 0) {
    const std::size_t from = random.below(static_cast<std::uint32_t>(size_.sessions)), to = other_person(from);
    const auto via = any_gateway(from);
    if (by_phone || !via) return send_by_phone(from, to, {Text::nothing, Kind::event});
    return send_by_gateway(*via, to, {Text::nothing, Kind::event});
  }
  const std::size_t number = events[random.below(static_cast<std::uint32_t>(events.size()))];
  const Text& event = ledger_.texts[number];
  const bool by_author = random.below(3) == 0;
  const std::size_t from = by_author ? event.from : event.to, to = by_author ? event.to : event.from;
  if (by_phone && shows(from, event)) return send_by_phone(from, to, {number});
  const auto via = any_gateway(from);
  if (!by_phone && via && shows_in(*via, event)) send_by_gateway(*via, to, {number});
}

}  // namespace wharf::simulation
