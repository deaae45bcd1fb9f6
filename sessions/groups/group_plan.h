#pragma once
// Whom a message to a group goes to: every device of every member but the one that sends. Pure. Specification 03
// sections 4.5 and 5.1.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "protocol/groups/metadata.h"

namespace wharf::sessions {

using protocol::Jid;

/// The name that the group's stanzas have for a member. A row may name only one of them.
Jid wire_user(const protocol::groups::Participant& member, protocol::groups::AddressingMode mode);

/// A device that a group message is for.
struct GroupDevice {
  Jid filed;  // as its ratchet is filed
  Jid wire;   // as stanzas of the group name it
  friend bool operator==(const GroupDevice&, const GroupDevice&) = default;
};

struct GroupPlan {
  protocol::groups::AddressingMode mode = protocol::groups::AddressingMode::lid;
  std::vector<GroupDevice> devices;  // those of the own account too, without this one
  Jid sender;                        // this device, as stanzas of the group name it
  std::string phash;                 // of all of them, this one included
  std::uint32_t others = 0;          // members beside the own account, those that are not shown counted too
  std::vector<Jid> users;            // canonical; whose lists it was made of
  std::vector<Jid> wire_users;       // the same as stanzas of the group name them
};

/// What a plan is made of.
struct GroupPeople {
  const protocol::groups::GroupMetadata& group;
  Jid own_pn, own_lid;  // this device; own_lid empty until it is known
  std::function<Jid(const Jid&)> canonical_user;
  /// The device numbers of a canonical user; nullptr: not known. The pointer is good until the next call.
  std::function<const std::vector<std::uint16_t>*(const Jid&)> devices;
};

struct GroupPlanning {
  GroupPlan plan;            // worth something when nothing is missing
  std::vector<Jid> unknown;  // canonical users without a list
  bool nameless = false;     // the group is addressed by LID and the own one is not known
};
/// Hosted devices, which are left out of a group (03 section 2).
constexpr bool is_hosted(std::uint16_t device) { return device == 99; }
GroupPlanning plan_group(const GroupPeople& people);

}  // namespace wharf::sessions
