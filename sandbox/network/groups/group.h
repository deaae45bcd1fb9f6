#pragma once
// A group as the server knows it. Members are accounts, named by their phone number whichever identity the group
// addresses them by. Specification 06 section 11, 05 sections 2 and 3. Pure.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/groups/metadata.h"
#include "sandbox/account.h"

namespace wharf::sandbox {

using GroupRole = protocol::groups::Role;

struct GroupMember {
  GroupRole role = GroupRole::member;
  std::int64_t since = 0;  // unix seconds
};

struct GroupSubject {
  std::string text;
  std::int64_t at = 0;  // unix seconds
  std::string by;       // phone
};

struct GroupDescription {
  std::string id;  // of the client's choosing; what the next change must name
  std::string text;
  std::string by;  // phone
  std::int64_t at = 0;
};

/// Somebody waits to be let in.
struct GroupRequest {
  std::string phone;
  std::int64_t at = 0;
  std::string method;  // invite_link, linked_group_join, non_admin_add
  std::string by;      // non_admin_add: who proposed it
};

/// Somebody went. By itself: admins cannot add it again for a while. Removed: the link is closed to it.
struct GroupDeparture {
  std::string phone;
  std::int64_t at = 0;
  bool removed = false;
};

/// A v4 invitation: for one account, from the admin or member who could not add it.
struct GroupInvitation {
  std::string code, phone, inviter;
  std::int64_t expires = 0;  // unix seconds
};

struct Group {
  static constexpr std::size_t max_requests = 1'024, max_departures = 2'048, max_invitations = 1'024, max_codes = 32;

  std::string id;   // digits; the user part of its JID
  bool lid = true;  // its members are named by LID
  /// status@broadcast: its members are whom one stanza is for (network/statuses.h). No store has it.
  bool status = false;
  std::int64_t created = 0;
  std::string creator;  // phone
  GroupSubject subject;
  std::optional<GroupDescription> description;
  /// What admins set, and what it is in a community. Neither people nor texts nor versions.
  protocol::groups::GroupMetadata settings;
  std::uint64_t members_version = 0;                        // p_v_id
  std::uint64_t admins_version = 0;                         // a_v_id
  std::string code;                                         // of the invite link
  std::deque<std::string> old_codes;                        // reset since, newest last
  std::uint64_t picture = 0;                                // its id; 0: none
  Bytes picture_jpeg;                                       // a row of its own
  std::vector<GroupRequest> requests;                       // oldest first
  std::deque<GroupDeparture> departures;                    // newest last, one for an account
  std::deque<GroupInvitation> invitations;                  // newest last, one for an account
  std::map<std::string, GroupMember, std::less<>> members;  // by phone

  Jid jid() const { return status ? protocol::status_jid() : Jid(id, protocol::server::group); }
  /// As this group names an account. Of one without a LID in a LID group: its number; such an account is not let in.
  Jid form(const Account& account, std::uint16_t device = 0) const { return account.form(lid, device); }
  /// The other identity of the account; empty of one without.
  Jid other_form(const Account& account) const;
  bool names(const Account& account) const { return !lid || account.has_lid(); }

  /// The root of a community: it has no chat of its own.
  bool is_root() const { return settings.community.has_value(); }
  bool members_may(protocol::groups::Mode mode) const;

  const GroupMember* member(std::string_view phone) const;
  bool is_admin(std::string_view phone) const;
  bool is_superadmin(std::string_view phone) const;
  const GroupRequest* request_of(std::string_view phone) const;
  const GroupDeparture* departure_of(std::string_view phone) const;
  /// The newest for the account with this code; nullptr when there is none.
  const GroupInvitation* invitation(std::string_view code, std::string_view phone) const;

  /// The time as a version: greater than any before.
  static std::uint64_t next_version(std::uint64_t before, std::int64_t unix_ms);
  /// The oldest go when there are too many.
  void note_departure(GroupDeparture departure);
  void note_invitation(GroupInvitation invitation);
  void drop_request(std::string_view phone);
};

/// Everything but members and the picture itself; and back. Throws when damaged.
Bytes group_row(const Group& group);
Group read_group(std::string id, ByteView row);
Bytes member_row(const GroupMember& member);
GroupMember read_member(ByteView row);

}  // namespace wharf::sandbox
