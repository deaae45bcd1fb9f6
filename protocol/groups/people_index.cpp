#include "protocol/groups/people_index.h"

namespace wharf::protocol::groups {

PeopleIndex::PeopleIndex(const std::vector<Participant>& people) {
  for (std::size_t i = 0; i < people.size(); ++i) {
    places_.emplace(people[i].jid, i);
    if (people[i].pn) places_.emplace(*people[i].pn, i);
    if (people[i].lid) places_.emplace(*people[i].lid, i);
  }
}

std::optional<std::size_t> PeopleIndex::find(const Participant& who) const {
  auto found = places_.find(who.jid);
  if (found == places_.end() && who.pn) found = places_.find(*who.pn);
  if (found == places_.end() && who.lid) found = places_.find(*who.lid);
  return found == places_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace wharf::protocol::groups
