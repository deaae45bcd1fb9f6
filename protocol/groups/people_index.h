#pragma once
// People found by any of their names, so that two lists are compared in one pass: lists are as long as a group, and a
// person may stand under the LID in one and under the number in the other. Specification 05 section 16.3.

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <vector>

#include "protocol/groups/participant.h"

namespace wharf::protocol::groups {

class PeopleIndex {
 public:
  /// Keeps places, not people: the list may go, and what it is changed to later is not seen.
  explicit PeopleIndex(const std::vector<Participant>& people);
  /// The place of somebody who shares a name with `who` (same_person): by its `jid` first, then by its other names.
  std::optional<std::size_t> find(const Participant& who) const;

 private:
  std::unordered_map<Jid, std::size_t> places_;
};

}  // namespace wharf::protocol::groups
