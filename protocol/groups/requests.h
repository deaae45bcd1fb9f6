#pragma once
// What an account asks about groups and communities, as values: the gateway builds the iq of one, the simulated network
// reads it again. Specification 05 sections 2, 3 and 13 (item 3); the answers are in protocol/groups/results.h.
//
// `group` is a group JID. Ids of descriptions, keys and codes are acceptable ids; building does not check them, nor
// lengths (protocol/groups/limits.h), reading does.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/groups/settings.h"

namespace wharf::protocol::groups {

/// Somebody an operation is about. `phone_number` belongs beside a LID when people are added; `privacy_token` is the
/// trusted-contact token of that person, raw, empty unless the server's properties ask for it (05 section 2.1).
struct MemberRef {
  Jid jid;
  std::optional<Jid> phone_number;
  Bytes privacy_token;
  friend bool operator==(const MemberRef&, const MemberRef&) = default;
};

// --- one group: create, look at, leave
struct OrdinaryGroup {
  friend bool operator==(const OrdinaryGroup&, const OrdinaryGroup&) = default;
};
struct NewCommunity {
  bool approval_required = false;
  bool non_admin_sub_groups = false;
  bool general_chat = false;
  friend bool operator==(const NewCommunity&, const NewCommunity&) = default;
};
struct WithinCommunity {
  Jid community;
  friend bool operator==(const WithinCommunity&, const WithinCommunity&) = default;
};
struct NewDescription {
  std::string id;  // fresh and random
  std::string text;
  friend bool operator==(const NewDescription&, const NewDescription&) = default;
};
struct CreateGroup {
  std::string subject;
  std::string key;                 // comes back in the create notification; may be empty
  std::vector<MemberRef> members;  // without the own account
  std::optional<NewDescription> description;
  std::optional<Allowed> member_add, member_link, history_share;
  bool locked = false, announcement = false;
  std::optional<Ephemeral> ephemeral;
  std::optional<bool> join_approval;
  std::variant<OrdinaryGroup, NewCommunity, WithinCommunity> kind;
  friend bool operator==(const CreateGroup&, const CreateGroup&) = default;
};
struct QueryGroup {
  Jid group;
  std::string phash;  // of the member list that is known, "" for none: an unchanged group is then not described
  friend bool operator==(const QueryGroup&, const QueryGroup&) = default;
};
struct QueryGroups {
  std::vector<Jid> groups;  // at most max_groups
  friend bool operator==(const QueryGroups&, const QueryGroups&) = default;
};
/// All groups of the account; not to be asked per message (05 section 2.3).
struct ListGroups {
  bool members = true, descriptions = true;
  friend bool operator==(const ListGroups&, const ListGroups&) = default;
};
struct LeaveGroups {
  std::vector<Jid> groups;
  friend bool operator==(const LeaveGroups&, const LeaveGroups&) = default;
};

// --- members
enum class MemberAction : std::uint8_t { add, remove, promote, demote };
std::string_view tag(MemberAction action);
struct ChangeMembers {
  Jid group;
  MemberAction action = MemberAction::add;
  std::vector<MemberRef> members;
  bool linked_groups = false;  // remove: from the community and all its groups
  friend bool operator==(const ChangeMembers&, const ChangeMembers&) = default;
};

// --- settings
struct SetSubject {
  Jid group;
  std::string subject;
  friend bool operator==(const SetSubject&, const SetSubject&) = default;
};
struct SetDescription {
  Jid group;
  std::optional<std::string> text;  // absent: delete it. An empty one is not the same
  std::string id;                   // fresh and random
  std::string prev;                 // that of the current one, "" when there was never one
  friend bool operator==(const SetDescription&, const SetDescription&) = default;
};
struct SetFlag {
  Jid group;
  Flag flag = Flag::announcement;  // a settable one
  bool on = false;
  friend bool operator==(const SetFlag&, const SetFlag&) = default;
};
struct SetMode {
  Jid group;
  Mode mode = Mode::member_add;
  Allowed who = Allowed::admins;
  friend bool operator==(const SetMode&, const SetMode&) = default;
};
struct SetEphemeral {
  Jid group;
  Ephemeral ephemeral;
  friend bool operator==(const SetEphemeral&, const SetEphemeral&) = default;
};
struct SetJoinApproval {
  Jid group;
  bool on = false;
  friend bool operator==(const SetJoinApproval&, const SetJoinApproval&) = default;
};
struct SetPicture {
  Jid group;
  Bytes jpeg;  // square, 640 x 640
  friend bool operator==(const SetPicture&, const SetPicture&) = default;
};
struct RemovePicture {
  Jid group;
  friend bool operator==(const RemovePicture&, const RemovePicture&) = default;
};
struct GetPicture {
  Jid group;
  bool preview = false;
  std::string known_id;  // an unchanged picture is then not described
  friend bool operator==(const GetPicture&, const GetPicture&) = default;
};

// --- invitations
struct GetInvite {
  Jid group;
  friend bool operator==(const GetInvite&, const GetInvite&) = default;
};
struct ResetInvite {
  Jid group;
  friend bool operator==(const ResetInvite&, const ResetInvite&) = default;
};
struct PreviewInvite {
  std::string code;
  friend bool operator==(const PreviewInvite&, const PreviewInvite&) = default;
};
struct JoinByInvite {
  std::string code;
  friend bool operator==(const JoinByInvite&, const JoinByInvite&) = default;
};
/// An invitation that came as a message (v4); `admin` sent it.
struct Invitation {
  std::string code;
  std::uint32_t expires_at = 0;  // unix seconds
  Jid admin;
  friend bool operator==(const Invitation&, const Invitation&) = default;
};
struct PreviewInvitation {
  Jid group;
  Invitation invitation;
  friend bool operator==(const PreviewInvitation&, const PreviewInvitation&) = default;
};
struct AcceptInvitation {
  Jid group;
  Invitation invitation;
  friend bool operator==(const AcceptInvitation&, const AcceptInvitation&) = default;
};
struct RevokeInvitations {
  Jid group;
  std::vector<Jid> people;
  friend bool operator==(const RevokeInvitations&, const RevokeInvitations&) = default;
};

// --- requests to join
struct ListJoinRequests {
  Jid group;
  friend bool operator==(const ListJoinRequests&, const ListJoinRequests&) = default;
};
struct DecideJoinRequests {
  Jid group;
  std::vector<Jid> approve, reject;
  friend bool operator==(const DecideJoinRequests&, const DecideJoinRequests&) = default;
};
struct CancelJoinRequests {
  Jid group;
  std::vector<Jid> people;  // the own account, or whom it proposed
  friend bool operator==(const CancelJoinRequests&, const CancelJoinRequests&) = default;
};

// --- communities; `community` is the root
struct GroupToLink {
  Jid group;
  bool hidden = false;
  friend bool operator==(const GroupToLink&, const GroupToLink&) = default;
};
struct LinkGroups {
  Jid community;
  std::vector<GroupToLink> groups;
  friend bool operator==(const LinkGroups&, const LinkGroups&) = default;
};
struct UnlinkGroups {
  Jid community;
  std::vector<Jid> groups;
  bool remove_orphaned_members = false;
  friend bool operator==(const UnlinkGroups&, const UnlinkGroups&) = default;
};
struct ListSubGroups {
  Jid community;
  friend bool operator==(const ListSubGroups&, const ListSubGroups&) = default;
};
struct ListLinkedMembers {
  Jid community;
  friend bool operator==(const ListLinkedMembers&, const ListLinkedMembers&) = default;
};
struct JoinLinkedGroup {
  Jid community;
  Jid group;
  friend bool operator==(const JoinLinkedGroup&, const JoinLinkedGroup&) = default;
};
struct DeactivateCommunity {
  Jid community;
  friend bool operator==(const DeactivateCommunity&, const DeactivateCommunity&) = default;
};

/// Tells the server that the list was fetched after `ib{dirty[type=groups timestamp]}`.
struct CleanGroupsDirty {
  std::string timestamp;  // as it came
  friend bool operator==(const CleanGroupsDirty&, const CleanGroupsDirty&) = default;
};

using GroupRequest =
    std::variant<CreateGroup, QueryGroup, QueryGroups, ListGroups, LeaveGroups, ChangeMembers, SetSubject,
                 SetDescription, SetFlag, SetMode, SetEphemeral, SetJoinApproval, SetPicture, RemovePicture, GetPicture,
                 GetInvite, ResetInvite, PreviewInvite, JoinByInvite, PreviewInvitation, AcceptInvitation,
                 RevokeInvitations, ListJoinRequests, DecideJoinRequests, CancelJoinRequests, LinkGroups, UnlinkGroups,
                 ListSubGroups, ListLinkedMembers, JoinLinkedGroup, DeactivateCommunity, CleanGroupsDirty>;

/// The whole iq. Throws std::invalid_argument for a flag that is not settable: a broken invariant of the caller.
Node request_iq(std::string_view id, const GroupRequest& request);

/// The inverse. Errors: unsupported (no group request, or one that is not known here), malformed (a JID, id, code or
/// number that is none), too_large (bounds of protocol/groups/limits.h).
Result<GroupRequest> read_group_request(const Node& iq);

}  // namespace wharf::protocol::groups
