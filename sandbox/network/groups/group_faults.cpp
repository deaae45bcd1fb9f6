#include "sandbox/network/groups/group_faults.h"

namespace wharf::sandbox {

void GroupFaults::before_message(const Origin& origin, Group& group) {
  if (origin.key.device == 0 || group.member(origin.key.phone) == nullptr) return;
  if (take(c_.faults.switch_group_addressing)) actions_.switch_addressing(group);
  if (take(c_.faults.remove_group_member)) actions_.remove_member(group, origin.party);
}

}  // namespace wharf::sandbox
