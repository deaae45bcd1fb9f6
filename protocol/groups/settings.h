#pragma once
// The settings of a group and their names in requests, metadata, notifications and events. Specification 05 sections
// 2.1, 2.2, 2.6 and 4.

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "protocol/binary/node.h"

namespace wharf::protocol::groups {

/// Which of its names a member has in a group's stanzas. Own messages go out under that name too, so another mode makes
/// another sender key.
enum class AddressingMode : std::uint8_t { phone_number, lid };
std::string_view name(AddressingMode mode);  // "pn", "lid"
std::optional<AddressingMode> read_addressing_mode(std::string_view text);

/// What is on or off. Each has a tag for either state, the same in requests, metadata and notifications.
enum class Flag : std::uint8_t {
  announcement,          // admins alone send
  locked,                // admins alone edit subject, description and picture
  non_admin_sub_groups,  // of a community: members may create groups in it
  admin_reports,
  group_history,
  frequently_forwarded,  // what was forwarded often may be sent
  suspended,             // by the server
  limit_sharing,
};
/// The tag of a state, "" where servers know none (limit_sharing off).
std::string_view tag(Flag flag, bool on);
/// The flag and state of a tag.
std::optional<std::pair<Flag, bool>> flag_of(std::string_view tag);
/// What events call it: "announce", "locked", …
std::string_view event_field(Flag flag);
/// Whether members can set it: suspended and limit_sharing are only told.
bool settable(Flag flag);

/// Who may do something.
enum class Mode : std::uint8_t { member_add, member_link, history_share };
enum class Allowed : std::uint8_t { admins, all_members };
std::string_view tag(Mode mode);  // "member_add_mode", …; events call it the same
std::optional<Mode> mode_of(std::string_view tag);
std::string_view text(Mode mode, Allowed who);  // "admin_add", "all_member_link", …
std::optional<Allowed> allowed(Mode mode, std::string_view text);

/// The timer of disappearing messages.
struct Ephemeral {
  std::uint32_t seconds = 0;             // 0: off. Usual values are 86400, 604800 and 7776000
  std::optional<std::uint32_t> trigger;  // 0..20, DisappearingMode.Trigger
  friend bool operator==(const Ephemeral&, const Ephemeral&) = default;
};
/// From <ephemeral> or <not_ephemeral>. nullopt when `expiration` is missing or over 2^31 - 1; a trigger over 20 is
/// left out.
std::optional<Ephemeral> read_ephemeral(const Node& node);
Node ephemeral_node(const Ephemeral& ephemeral);

/// Whether admins approve who joins: only `state=on` counts as on. nullopt when the state is neither on nor off.
std::optional<bool> read_join_approval(const Node& membership_approval_mode);
Node join_approval_node(bool on);

/// What the server has shut for a time, invite links mostly.
struct GrowthLock {
  std::string type;                    // "invite"
  std::optional<std::uint32_t> until;  // unix seconds
  friend bool operator==(const GrowthLock&, const GrowthLock&) = default;
};
GrowthLock read_growth_lock(const Node& growth_locked);
Node growth_lock_node(const GrowthLock& lock);

}  // namespace wharf::protocol::groups
