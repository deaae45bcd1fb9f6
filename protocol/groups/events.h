#pragma once
// What a group notification is to whoever follows a session: one event for each change, two where the own account and
// others stand in one list. Specification 05 section 4.1.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/groups/changes.h"

namespace wharf::protocol::groups {

/// The own account is in the group now.
struct GroupJoined {
  /// Of a create notification alone.
  struct Group {
    std::string subject;
    std::vector<Participant> participants;
    friend bool operator==(const Group&, const Group&) = default;
  };
  std::string how;  // "created_or_added" (a create notification), else the reason the server gives, else "added"
  std::optional<Group> group;
  friend bool operator==(const GroupJoined&, const GroupJoined&) = default;
};

/// It is no longer.
enum class Leaving : std::uint8_t { removed, left, group_deleted };
std::string_view name(Leaving how);
struct GroupLeft {
  Leaving how = Leaving::removed;
  std::optional<std::string> reason;  // of group_deleted
  friend bool operator==(const GroupLeft&, const GroupLeft&) = default;
};

enum class MemberEvent : std::uint8_t { join, remove, leave, promote, demote, number_changed };
std::string_view name(MemberEvent action);
struct MembersChanged {
  MemberEvent action = MemberEvent::join;
  std::optional<std::string> reason;  // of join, remove and leave
  std::vector<Participant> participants;
  friend bool operator==(const MembersChanged&, const MembersChanged&) = default;
};

struct GroupUpdated {
  /// subject, description, locked, announce, join_approval, growth_locked, ephemeral_seconds, invite_code,
  /// invite_revoked, member_add_mode, member_link_mode, member_share_group_history_mode, suspended,
  /// non_admin_sub_groups, admin_reports, group_history, frequently_forwarded, limit_sharing; else the tag of the
  /// change, with true.
  std::string field;
  /// Nothing: the description was deleted. JIDs: of invite_revoked.
  std::variant<std::monostate, bool, std::uint64_t, std::string, std::vector<Jid>> value;
  std::optional<std::string> description_id;  // of description
  std::optional<std::uint64_t> until;         // of growth_locked, unix seconds
  friend bool operator==(const GroupUpdated&, const GroupUpdated&) = default;
};

enum class RequestEvent : std::uint8_t { created, cancelled, rejected };
std::string_view name(RequestEvent action);
struct JoinRequestsChanged {
  RequestEvent action = RequestEvent::created;
  std::optional<std::string> method;  // of created
  std::vector<Participant> users;
  friend bool operator==(const JoinRequestsChanged&, const JoinRequestsChanged&) = default;
};

struct CommunityChanged {
  bool linked = true;  // false: unlinked
  std::string type;    // parent_group, sub_group, sibling_group
  std::optional<std::string> reason;
  std::vector<LinkedGroup> groups;
  friend bool operator==(const CommunityChanged&, const CommunityChanged&) = default;
};

struct UnknownGroupChange {
  std::string tag;
  friend bool operator==(const UnknownGroupChange&, const UnknownGroupChange&) = default;
};

struct GroupEvent {
  using What = std::variant<GroupJoined, GroupLeft, MembersChanged, GroupUpdated, JoinRequestsChanged, CommunityChanged,
                            UnknownGroupChange>;
  Jid group;
  Author by;  // jid and pn
  std::optional<std::uint64_t> timestamp;
  What what;
  friend bool operator==(const GroupEvent&, const GroupEvent&) = default;
};
/// "group_join", "group_leave", "group_participants", "group_update", "group_join_request", "community_link",
/// "community_unlink", "group_unknown_change".
std::string_view name(const GroupEvent::What& what);

/// In the order of the changes. A join of the own account is told twice by the network, once in the answer to its
/// request: GroupCreated::key, or the group within a minute, tells which to raise (05 section 4).
std::vector<GroupEvent> events_of(const GroupNotification& notification, const OwnAccount& own);

}  // namespace wharf::protocol::groups
