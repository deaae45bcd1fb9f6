#pragma once
// What a group is: the `<group>` of answers and of the create notification. Specification 05 sections 2.2 and 17.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/groups/participant.h"
#include "protocol/groups/settings.h"

namespace wharf::protocol::groups {

struct Description {
  std::string id;                   // what the next edit must name as `prev`; kept when the text was deleted
  std::optional<std::string> text;  // several lines; absent: none
  std::optional<Jid> author;
  std::optional<Jid> author_pn;
  std::string author_username;
  std::optional<std::uint64_t> time;  // unix seconds
  friend bool operator==(const Description&, const Description&) = default;
};

/// Of the root of a community.
struct CommunityRoot {
  bool approval_required = false;  // default_membership_approval_mode=request_required
  friend bool operator==(const CommunityRoot&, const CommunityRoot&) = default;
};

/// A group as the server describes it. Whatever a server left out has its default here; times are unix seconds. Texts
/// are displayable, ids and versions acceptable (protocol/text.h) or empty.
struct GroupMetadata {
  Jid group;
  std::string subject;
  std::optional<std::uint64_t> subject_time;
  std::optional<Jid> subject_owner, subject_owner_pn;
  std::string subject_owner_username;
  std::optional<std::uint64_t> creation;
  std::optional<Jid> creator, creator_pn;
  std::string creator_username, creator_country_code;
  std::string notify;  // the push name of who created or answered
  AddressingMode addressing_mode = AddressingMode::phone_number;
  std::uint32_t size = 0;            // as the server counts; else members.size()
  std::string member_list_version;   // p_v_id
  std::string announcement_version;  // a_v_id

  Description description;
  bool announcement = false, locked = false;
  Ephemeral ephemeral;
  bool join_approval = false;
  std::optional<Allowed> member_add, member_link, history_share;  // absent: the server did not say
  std::optional<GrowthLock> growth_lock;
  bool suspended = false, admin_reports = false, group_history = false, limit_sharing = false;
  bool frequently_forwarded = true;
  bool support = false, incognito = false, auto_add_disabled = false, hosted = false, safety_check = false;
  bool member_labels = false;

  std::optional<CommunityRoot> community;  // <parent>: this is the root of a community
  std::optional<Jid> linked_parent;        // the community that the group belongs to
  bool default_sub_group = false;          // the announcement group of its community
  bool general_chat = false, hidden_group = false, non_admin_sub_groups = false;

  std::vector<Participant> members;
  std::vector<MemberRow> not_added;  // of the answer to create: with an error each, they are no members

  /// Rows could not be read, or the server says that people are missing: fetch it again before relying on the list.
  bool stale = false;
  /// Fewer members than `size`: a sample (previews) or a cut answer. Of a group that one is not in it never becomes the
  /// cached member list; of another it is all that there is, as communities show members parts of their lists: fetching
  /// again need not help.
  bool partial = false;

  friend bool operator==(const GroupMetadata&, const GroupMetadata&) = default;
};

/// The member that a flag is kept in.
bool GroupMetadata::*member_of(Flag flag);
std::optional<Allowed> GroupMetadata::*member_of(Mode mode);

/// Reads `<group>`, or the `<community>` that lists may have; `known` is the group where the surrounding stanza names
/// it, for answers without id. Errors: malformed (no group, or another one than `known`), too_large (over 20,000
/// participants, subject over 1 KiB, description over 8 KiB). Everything else that is missing or unusable has its
/// default.
Result<GroupMetadata> read_group(const Node& node, const std::optional<Jid>& known = std::nullopt);

/// The inverse: what was read from it equals `group`, except for `stale`, and `partial`, which follows from the size.
/// Leave out of the value what the asker may not see: numbers, members, description.
Node group_node(const GroupMetadata& group);

/// The pairs that it tells: of members, owner of the subject, creator, author of the description.
void collect(IdentityPairs& pairs, const GroupMetadata& group);

}  // namespace wharf::protocol::groups
