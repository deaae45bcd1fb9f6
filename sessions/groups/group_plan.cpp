#include "sessions/groups/group_plan.h"

#include <algorithm>
#include <set>

#include "protocol/messages/message_id.h"

namespace wharf::sessions {

using protocol::groups::AddressingMode;
using protocol::groups::Participant;

Jid wire_user(const Participant& member, AddressingMode mode) {
  const std::optional<Jid>& wanted = mode == AddressingMode::lid ? member.lid : member.pn;
  return (wanted ? *wanted : member.jid).user_jid();
}

GroupPlanning plan_group(const GroupPeople& people) {
  GroupPlanning out;
  GroupPlan& plan = out.plan;
  plan.mode = people.group.addressing_mode;
  const bool by_lid = plan.mode == AddressingMode::lid;
  plan.sender = by_lid ? people.own_lid : people.own_pn;
  if (plan.sender.user.empty()) {
    out.nameless = true;
    return out;
  }
  const Jid own = people.canonical_user(people.own_pn);
  std::vector<Jid> all{plan.sender};
  const auto add = [&](const Jid& canonical, const Jid& wire) {
    plan.users.push_back(canonical);
    plan.wire_users.push_back(wire);
    const auto* numbers = people.devices(canonical);
    if (numbers == nullptr) {
      out.unknown.push_back(canonical);
      return;
    }
    for (const std::uint16_t number : *numbers) {
      if (is_hosted(number) || (canonical == own && number == people.own_pn.device)) continue;
      plan.devices.push_back({canonical.with_device(number), wire.with_device(number)});
      all.push_back(wire.with_device(number));
    }
  };
  add(own, plan.sender.user_jid());
  std::set<Jid> seen{own};  // a member may stand there twice, once under each name
  for (const Participant& member : people.group.members) {
    const Jid wire = wire_user(member, plan.mode);
    const Jid canonical = people.canonical_user(wire);
    if (!seen.insert(canonical).second) continue;
    ++plan.others;
    add(canonical, wire);
  }
  // Of a list that is cut the server counts on: nothing has reached all while some are not even known.
  if (people.group.partial && people.group.size > 0) plan.others = std::max(plan.others, people.group.size - 1);
  plan.phash = protocol::participant_hash(all);
  return out;
}

}  // namespace wharf::sessions
