#pragma once
// What became of each person, or each group, that a request was about. The answer to such a request is a success even
// when all of them failed. Specification 05 sections 2.4, 2.5, 2.8, 3 and 17.
//
// A row is credited to what was asked for by JID; else by the phone number or LID beside it; else by its position,
// because a server may answer with a LID where a number was sent and name nothing else. By position only when there are
// as many rows as were asked for, and when the row names the person in a form that the request did not: a row that
// names somebody else in the same form is of somebody else. Whoever has no row is `unknown`: neither done nor failed.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/groups/participant.h"
#include "protocol/groups/requests.h"

namespace wharf::protocol::groups {

enum class MemberResult : std::uint8_t {
  unknown,  // the answer does not speak of that person
  added,
  removed,
  promoted,
  demoted,
  approved,
  rejected,
  cancelled,
  // why not: add and create
  bad_jid,
  not_authorised,
  invite_required,  // the AddRequest is good for an invitation message
  privacy,          // the same without one: offer the link
  not_on_whatsapp,
  not_acceptable,
  recently_left,
  already_member,
  community_full_or_closed,
  group_full,
  server_error,
  // remove, promote, demote; bad_jid and server_error too
  not_admin,
  not_permitted,
  not_a_member,
  already_in_role,
  failed,  // any other code
};
std::string_view name(MemberResult result);

inline constexpr unsigned code_success = 200;  // a row without error

struct MemberOutcome {
  Participant who;  // as the row names it; as it was asked for when there is none
  MemberResult result = MemberResult::unknown;
  unsigned code = 0;                 // the server's, 200 for success, 0 when it named none
  std::optional<AddRequest> invite;  // of invite_required
  bool succeeded() const { return code == code_success; }
  friend bool operator==(const MemberOutcome&, const MemberOutcome&) = default;
};

struct MemberOutcomes {
  std::vector<MemberOutcome> asked;    // one for each that was asked for, in that order
  std::vector<MemberOutcome> unasked;  // rows of others: to be reported, never to be credited
  friend bool operator==(const MemberOutcomes&, const MemberOutcomes&) = default;
};

/// What is done to members, as far as the names of results differ by it.
enum class MemberOperation : std::uint8_t { add, remove, promote, demote, approve, reject, cancel };
MemberOperation operation_of(MemberAction action);

MemberOutcome outcome_of(MemberOperation operation, const MemberRow& row);

/// `rows` as read_members() gives them: what could not be read holds its position.
MemberOutcomes correlate(MemberOperation operation, std::span<const MemberRef> asked,
                         std::span<const std::optional<MemberRow>> rows);

/// The same for groups that are left, linked or unlinked.
struct GroupOutcome {
  Jid group;
  std::optional<unsigned> code;  // 200: done; 0: an error that is no number; absent: the answer does not speak of it
  bool succeeded() const { return code == code_success; }
  friend bool operator==(const GroupOutcome&, const GroupOutcome&) = default;
};
struct GroupOutcomes {
  std::vector<GroupOutcome> asked;
  std::vector<GroupOutcome> unasked;
  friend bool operator==(const GroupOutcomes&, const GroupOutcomes&) = default;
};
/// Rows `<group>` of `list`: by `id` or `jid`, the error as attribute or as child.
GroupOutcomes correlate(std::span<const Jid> asked, const Node& list);

}  // namespace wharf::protocol::groups
