#pragma once
// How far an own message got in a group: a row for each member who has said something, and the counts of them. The rows
// are filed under the message and go after it, in slices (removal.h).

#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/binary/jid.h"
#include "storage/ids.h"
#include "storage/messages.h"

namespace wharf::storage {

class Database;

/// Members that have it, by what they said at least: whoever has read it has it.
struct GroupReach {
  std::uint32_t members = 0;  // who were to get it, but for the own account; 0 = not known
  std::uint32_t delivered = 0, read = 0, played = 0;
  /// One member gets from one level to a higher one.
  void advance(AckLevel from, AckLevel to);
  /// Two who were counted turn out to be one, who is at the higher of their levels.
  void unite(AckLevel one, AckLevel other);
  /// What all of them have reached: `server` until then.
  AckLevel level() const;
  friend bool operator==(const GroupReach&, const GroupReach&) = default;
};
/// `message_row`: MessageRow::row. nullopt: no message to a group, or one that the server does not have.
std::optional<GroupReach> find_reach(Database& db, std::int64_t message_row);

struct MemberReceipt {
  protocol::Jid user;  // canonical when it was said
  AckLevel level = AckLevel::server;
  UnixMs delivered_at = 0, read_at = 0, played_at = 0;  // 0 = not said
  friend bool operator==(const MemberReceipt&, const MemberReceipt&) = default;
};
std::optional<MemberReceipt> find_member_receipt(Database& db, std::int64_t message_row, const protocol::Jid& user);
/// At most `most`, in the order of who spoke first in any chat.
std::vector<MemberReceipt> member_receipts(Database& db, std::int64_t message_row, std::size_t most);

/// The server has an own message to a group of so many others. Nothing when it is known, or the message is gone.
struct OpenReach {
  std::int64_t message_row = 0;
  std::uint32_t members = 0;
  friend bool operator==(const OpenReach&, const OpenReach&) = default;
};
/// A member has it, has read or played it. Nothing new of a level that it had; nothing of a message without a reach, or
/// of one that more have spoken about than can have had it (max_speakers). What was said under its `other` identity,
/// whose pair was not known then, is this one's from here on, and counts once.
struct NoteMember {
  std::int64_t message_row = 0;
  protocol::Jid user;
  AckLevel level = AckLevel::delivered;
  UnixMs at = 0;
  std::optional<protocol::Jid> other = std::nullopt;
  friend bool operator==(const NoteMember&, const NoteMember&) = default;
};
/// Who joined after it was sent may have been given it again, and a member may be known by two names.
constexpr std::uint32_t max_speakers(const GroupReach& reach) { return 2 * reach.members + 64; }

}  // namespace wharf::storage
