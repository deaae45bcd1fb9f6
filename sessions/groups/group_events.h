#pragma once
// What happens to a group, as everybody outside is told of it. Pure. Specification 05 section 4.1.

#include <functional>
#include <string>
#include <vector>

#include "events/event.h"
#include "protocol/groups/events.h"

namespace wharf::sessions {

/// Who somebody is.
struct PeopleLookup {
  std::function<protocol::Jid(const protocol::Jid&)> canonical_user;
  std::function<events::PersonIds(const protocol::Jid& canonical)> person;
};

events::GroupPerson group_person(const protocol::groups::Participant& who, const PeopleLookup& people);

/// What its notification does not say of the group.
struct GroupSeen {
  protocol::groups::Participant own;  // the own account: what happens to it names it
  std::string subject;                // "" = not known
  /// Who was in the group before: who leaves is told of without a role. nullptr: not known. Outlives the call.
  const std::vector<protocol::groups::Participant>* before = nullptr;
};

/// One event, or none of what says nothing to anybody.
std::vector<events::Event> told_of(const protocol::groups::GroupEvent& event, events::UnixMs at, const GroupSeen& seen,
                                   const PeopleLookup& people);

}  // namespace wharf::sessions
