#pragma once
// People in group stanzas: `<participant>`, who did something, the own account among them, and the pairs of LID and
// phone number that a stanza tells. Specification 05 sections 2.2, 2.5 and 4.1.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocol/binary/node.h"

namespace wharf::protocol::groups {

enum class Role : std::uint8_t { member, admin, superadmin };
/// "member", "admin", "superadmin".
std::string_view name(Role role);

/// A person under both names. `jid` is as the server writes it, without device, in the addressing mode of the group;
/// `pn` and `lid` are that JID where it has the form, else what stands beside it. A hidden number is absent.
struct Participant {
  Jid jid;
  std::optional<Jid> pn;   // at s.whatsapp.net
  std::optional<Jid> lid;  // at lid
  Role role = Role::member;
  std::string display_name;  // a redacted label such as "+55∙∙∙∙79": never a number
  std::string username;
  std::string label;                       // what the group calls this member
  std::optional<std::uint64_t> joined_at;  // unix seconds, at most max_time (protocol/groups/limits.h)
  friend bool operator==(const Participant&, const Participant&) = default;
};

/// A member from one of its JIDs; `phone_number` where that is a LID.
Participant person(const Jid& jid, const std::optional<Jid>& phone_number = std::nullopt);

/// Whether two rows share a name: jid, phone number or LID.
bool same_person(const Participant& a, const Participant& b);

/// What a server gives in place of adding somebody: good for one invitation message (05 section 2.5).
struct AddRequest {
  std::string code;
  std::uint32_t expires_at = 0;  // unix seconds
  friend bool operator==(const AddRequest&, const AddRequest&) = default;
};

/// A row of a list. One with `error` is no member: that person was refused, or the action on them failed.
struct MemberRow {
  Participant who;
  std::optional<unsigned> error;  // the server's code; 0 when it was no number
  std::optional<AddRequest> add_request;
  friend bool operator==(const MemberRow&, const MemberRow&) = default;
};

/// nullopt when the row has no valid `jid`.
std::optional<MemberRow> read_member(const Node& node);
Node member_node(const MemberRow& row, std::string_view tag = "participant");
Node member_node(const Participant& who, std::string_view tag = "participant");

/// The rows `tag` of a list, in order; nullopt stands where a row could not be used. Errors: too_large (over
/// max_members).
Result<std::vector<std::optional<MemberRow>>> read_members(const Node& list, std::string_view tag = "participant");

/// Who did it. Without a JID: the server.
struct Author {
  std::optional<Jid> jid;
  std::optional<Jid> pn;   // named beside it, else jid when that is a phone number
  std::optional<Jid> lid;  // likewise
  bool is(const Participant& who) const;
  friend bool operator==(const Author&, const Author&) = default;
};

/// The account that reads. `lid` is empty until it is known.
struct OwnAccount {
  Jid pn;
  Jid lid;
  /// By either name against any name of the other (05 section 16.3): in LID groups the number may be hidden.
  bool is(const Participant& who) const;
  bool is(const Author& author) const;
};

struct LidPn {
  Jid lid;
  Jid pn;
  friend bool operator==(const LidPn&, const LidPn&) = default;
  friend auto operator<=>(const LidPn&, const LidPn&) = default;
};

/// Collects pairs; anything that is no pair of a LID and a phone number is passed over.
class IdentityPairs {
 public:
  void add(const std::optional<Jid>& lid, const std::optional<Jid>& pn);
  void add(const Participant& who) { add(who.lid, who.pn); }
  void add(const Author& author) { add(author.lid, author.pn); }
  /// Each pair once, in order of the LIDs.
  std::vector<LidPn> take();

 private:
  std::vector<LidPn> pairs_;
};

}  // namespace wharf::protocol::groups
