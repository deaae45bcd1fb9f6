#pragma once
// The answers to the requests of protocol/groups/requests.h: read by the gateway from the whole iq, built by the
// simulated network as the payload that it puts into one. Specification 05 sections 2, 3 and 17.
//
// Every reader answers the server's error (Failure by operation), or bad_response when the payload is missing or breaks
// a bound. An answer without what it must hold is never a success.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocol/groups/failure.h"
#include "protocol/groups/metadata.h"
#include "protocol/groups/outcomes.h"
#include "protocol/groups/requests.h"

namespace wharf::protocol::groups {

/// Settings, revoked invitations, joining a linked group, deactivating a community: the answer holds nothing.
GroupResult<> read_done(Operation operation, const Node& answer);

// --- groups
struct CreatedGroup {
  GroupMetadata group;
  MemberOutcomes members;  // of those to be added. The group's superadmin, who asked, is nowhere in it
};
GroupResult<CreatedGroup> read_created(const CreateGroup& asked, const Node& answer);

/// nullopt: unchanged since the phash that was asked with.
GroupResult<std::optional<GroupMetadata>> read_queried(const QueryGroup& asked, const Node& answer);

/// A group behind a link or an invitation; `size` counts, the members are a sample.
GroupResult<GroupMetadata> read_preview(const Node& answer);

struct GroupList {
  std::vector<GroupMetadata> groups;
  std::size_t unusable = 0;  // groups that could not be read: the list does not show who left
};
GroupResult<GroupList> read_listed(const Node& answer);
Node listed_node(std::span<const GroupMetadata> groups);

/// One group of a batch: its metadata (partial when the server cut it), or why there is none.
struct QueriedGroup {
  Jid group;
  std::optional<GroupMetadata> metadata;
  unsigned code = 0;  // 403, 404; 0 beside metadata, or when the answer does not speak of the group
};
/// One for each that was asked for, in that order; others are left out.
GroupResult<std::vector<QueriedGroup>> read_batch(const QueryGroups& asked, const Node& answer);
Node batch_node(std::span<const QueriedGroup> groups);

GroupResult<GroupOutcomes> read_left(const LeaveGroups& asked, const Node& answer);
Node left_node(std::span<const GroupOutcome> rows);

// --- members
GroupResult<MemberOutcomes> read_changed(const ChangeMembers& asked, const Node& answer);
Node changed_node(MemberAction action, std::span<const MemberRow> rows);

// --- invitations
GroupResult<std::string> read_invite(const Node& answer);  // the code of get and reset
Node invite_node(std::string_view code);

enum class JoinState : std::uint8_t { joined, pending_approval };
std::string_view name(JoinState state);  // "joined", "pending_approval"
struct Joined {
  Jid group;
  JoinState state = JoinState::joined;  // pending: not a member yet
  friend bool operator==(const Joined&, const Joined&) = default;
};
/// Of a link, or of an invitation to `group`.
GroupResult<Joined> read_joined(const Node& answer, const std::optional<Jid>& group = std::nullopt);
Node joined_node(const Joined& joined);

// --- requests to join
struct JoinRequest {
  Participant who;
  std::optional<std::uint64_t> time;           // unix seconds
  std::string method;                          // invite_link, linked_group_join, non_admin_add
  std::optional<Jid> requestor, requestor_pn;  // of non_admin_add: who proposed that person
  std::string requestor_username;
  std::optional<Jid> parent_group;
  friend bool operator==(const JoinRequest&, const JoinRequest&) = default;
};
/// Rows without a valid JID are left out.
GroupResult<std::vector<JoinRequest>> read_join_requests(const Node& answer);
Node join_requests_node(std::span<const JoinRequest> requests);

struct Decisions {
  MemberOutcomes approved, rejected;
};
GroupResult<Decisions> read_decided(const DecideJoinRequests& asked, const Node& answer);
Node decided_node(std::span<const MemberRow> approved, std::span<const MemberRow> rejected);
GroupResult<MemberOutcomes> read_cancelled(const CancelJoinRequests& asked, const Node& answer);
Node cancelled_node(std::span<const MemberRow> rows);

// --- pictures
GroupResult<std::string> read_picture_set(const Node& answer);  // the new id
struct Picture {
  std::string id;
  std::string url, direct_path;  // expire within hours; fetched from https and *.whatsapp.net alone
  std::string type, hash;
  friend bool operator==(const Picture&, const Picture&) = default;
};
/// nullopt: unchanged since the id that was asked with (304), or there is none (204).
GroupResult<std::optional<Picture>> read_picture(const Node& answer);
Node picture_node(const Picture& picture);

// --- communities
GroupResult<GroupOutcomes> read_linked(const LinkGroups& asked, const Node& answer);
Node linked_node(std::span<const GroupOutcome> rows);
GroupResult<GroupOutcomes> read_unlinked(const UnlinkGroups& asked, const Node& answer);
Node unlinked_node(std::span<const GroupOutcome> rows);
/// Of each group a line without members.
GroupResult<std::vector<GroupMetadata>> read_sub_groups(const Node& answer);
Node sub_groups_node(std::span<const GroupMetadata> groups);
/// Each person once, whichever groups they are in.
GroupResult<std::vector<Participant>> read_linked_members(const Node& answer);
Node linked_members_node(std::span<const Participant> members);

}  // namespace wharf::protocol::groups
