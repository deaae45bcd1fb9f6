#pragma once
// The group notification, `<notification type="w:gp2">`: what changed, one value for each child in the order of the
// stanza, as the network says it. The gateway reads one, the simulated network builds one. What the changes are to a
// user of the API is in protocol/groups/events.h, what they do to a cached member list in protocol/groups/cache.h.
// Specification 05 sections 4 and 17.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/groups/metadata.h"

namespace wharf::protocol::groups {

/// The versions of the member list before and after a change; "" where the server names none.
struct Versions {
  std::string before;  // prev_v_id
  std::string after;   // v_id
  friend bool operator==(const Versions&, const Versions&) = default;
};

// --- the group and its members
struct GroupCreated {
  std::string type;  // "new", or absent
  std::string reason;
  std::string key;  // of the request, when it was the own account's
  std::optional<Jid> context_group;
  GroupMetadata group;
  friend bool operator==(const GroupCreated&, const GroupCreated&) = default;
};
struct MembersAdded {
  std::string reason;  // invite, linked_group_join, default_sub_group_admin_add, …; "" when there is none
  Versions versions;
  std::vector<Participant> members;
  friend bool operator==(const MembersAdded&, const MembersAdded&) = default;
};
struct MembersRemoved {
  std::string reason;
  Versions versions;
  std::vector<Participant> members;
  bool left = false;  // the tag `leave`: they went by themselves, whoever the author is
  friend bool operator==(const MembersRemoved&, const MembersRemoved&) = default;
};
enum class RoleChange : std::uint8_t { promote, demote };
struct RolesChanged {
  RoleChange change = RoleChange::promote;
  Versions versions;
  std::vector<Participant> members;
  std::optional<Jid> linked_group;  // linked_group_…: the change is in that group, not in the stanza's
  friend bool operator==(const RolesChanged&, const RolesChanged&) = default;
};
/// Somebody has another identity: the author under the old one, the row under the new one.
struct MemberReplaced {
  std::vector<Participant> members;
  friend bool operator==(const MemberReplaced&, const MemberReplaced&) = default;
};
struct GroupDeleted {
  std::string reason;
  friend bool operator==(const GroupDeleted&, const GroupDeleted&) = default;
};

// --- settings
struct SubjectChanged {
  std::string subject;
  std::optional<std::uint64_t> time;
  std::optional<Jid> owner, owner_pn;
  std::string owner_username;
  friend bool operator==(const SubjectChanged&, const SubjectChanged&) = default;
};
struct DescriptionChanged {
  std::string id;
  std::optional<std::string> text;  // absent: deleted
  friend bool operator==(const DescriptionChanged&, const DescriptionChanged&) = default;
};
struct FlagChanged {
  Flag flag = Flag::announcement;
  bool on = false;
  std::string version;  // v_id of announcement
  friend bool operator==(const FlagChanged&, const FlagChanged&) = default;
};
struct ModeChanged {
  Mode mode = Mode::member_add;
  Allowed who = Allowed::admins;
  friend bool operator==(const ModeChanged&, const ModeChanged&) = default;
};
struct EphemeralChanged {
  Ephemeral ephemeral;
  friend bool operator==(const EphemeralChanged&, const EphemeralChanged&) = default;
};
struct JoinApprovalChanged {
  bool on = false;
  friend bool operator==(const JoinApprovalChanged&, const JoinApprovalChanged&) = default;
};
struct GrowthLockChanged {
  std::optional<GrowthLock> lock;  // absent: unlocked
  friend bool operator==(const GrowthLockChanged&, const GrowthLockChanged&) = default;
};

// --- invitations and requests to join
struct InviteChanged {
  std::string code;
  friend bool operator==(const InviteChanged&, const InviteChanged&) = default;
};
struct InvitationsRevoked {
  std::vector<Participant> people;
  friend bool operator==(const InvitationsRevoked&, const InvitationsRevoked&) = default;
};
struct JoinRequested {
  std::string method;  // invite_link, linked_group_join, non_admin_add
  std::optional<Jid> parent_group;
  std::vector<Participant> people;
  friend bool operator==(const JoinRequested&, const JoinRequested&) = default;
};
/// Withdrawn when all of them are the author, else rejected.
struct JoinRequestsRevoked {
  std::vector<Participant> people;
  friend bool operator==(const JoinRequestsRevoked&, const JoinRequestsRevoked&) = default;
};

// --- communities
struct LinkedGroup {
  Jid group;
  std::string subject;
  std::optional<std::uint64_t> subject_time;
  bool hidden = false;
  friend bool operator==(const LinkedGroup&, const LinkedGroup&) = default;
};
struct GroupsLinked {
  std::string type;  // of the other groups as this one sees them: parent_group, sub_group, sibling_group
  std::vector<LinkedGroup> groups;
  friend bool operator==(const GroupsLinked&, const GroupsLinked&) = default;
};
struct GroupsUnlinked {
  std::string type;
  std::string reason;  // unlink_group, delete_parent, …
  std::vector<LinkedGroup> groups;
  friend bool operator==(const GroupsUnlinked&, const GroupsUnlinked&) = default;
};

/// A change that has a name and nothing else that is kept: suggestions of sub-groups, reports, marks of the server.
struct OtherChange {
  std::string tag;
  friend bool operator==(const OtherChange&, const OtherChange&) = default;
};
/// A child whose tag is not known, or that is known and cannot be read.
struct UnknownChange {
  std::string tag;  // one displayable line
  friend bool operator==(const UnknownChange&, const UnknownChange&) = default;
};

using GroupChange =
    std::variant<GroupCreated, MembersAdded, MembersRemoved, RolesChanged, MemberReplaced, GroupDeleted, SubjectChanged,
                 DescriptionChanged, FlagChanged, ModeChanged, EphemeralChanged, JoinApprovalChanged, GrowthLockChanged,
                 InviteChanged, InvitationsRevoked, JoinRequested, JoinRequestsRevoked, GroupsLinked, GroupsUnlinked,
                 OtherChange, UnknownChange>;

struct GroupNotification {
  std::string id;
  Jid group;                                                      // `from`
  Author author;                                                  // who did it; without JID the server
  std::string author_username, author_country_code, author_name;  // the last is the push name, `notify`
  std::optional<AddressingMode> addressing_mode;
  std::optional<std::uint64_t> timestamp;  // unix seconds; more than a day ahead of the reader's clock is the clock
  bool offline = false;                    // kept for us while we were away
  std::vector<GroupChange> changes;
  /// Rows were skipped or a known child could not be read: what is cached of the group is no longer known to be whole.
  bool stale = false;
  /// <missing_participant_identification>: no change; the metadata is to be fetched again.
  bool missing_identification = false;
  /// Every pair of LID and phone number in the stanza, to be stored before its events are raised.
  std::vector<LidPn> identities;
  friend bool operator==(const GroupNotification&, const GroupNotification&) = default;
};

/// A child that cannot be read becomes an UnknownChange and never costs the others; one whose rows are all unusable is
/// left out. `now` in unix seconds.
/// Errors: malformed (no notification of type w:gp2; no id or from: there is nothing to acknowledge), unsupported (from
/// something that is no group: to be acknowledged and ignored).
Result<GroupNotification> read_group_notification(const Node& notification, std::uint64_t now);

/// The stanza for a member of the group. `identities` follow from the rest; of an UnknownChange there is the tag alone;
/// `stale` leaves no trace.
Node notification_node(const GroupNotification& notification);

}  // namespace wharf::protocol::groups
