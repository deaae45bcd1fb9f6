#include "tests/simulation/troubles.h"

#include <algorithm>

namespace wharf::simulation {

void Troubles::look(Micros now, bool wrong) {
  const auto closed = [](const std::shared_ptr<MemoryLink>& link) { return !link->open(); };
  // One that was closed meanwhile was silent until then.
  if (wrong || !silent_.empty()) times_.push_back({looked_at_, now});
  silent_.erase(std::remove_if(silent_.begin(), silent_.end(), closed), silent_.end());
  looked_at_ = now;
}

bool Troubles::any(Micros from, Micros to) const {
  return std::any_of(times_.begin(), times_.end(),
                     [&](const Time& time) { return time.from <= to && time.to >= from; });
}

}  // namespace wharf::simulation
