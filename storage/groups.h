#pragma once
// The groups of a session as they were last told: who is in them and what is set. Filed under the device of the
// session, as keys are: the next account has other groups.

#include <optional>
#include <string>
#include <vector>

#include "protocol/binary/jid.h"
#include "protocol/bytes.h"
#include "storage/ids.h"

namespace wharf::storage {

class Database;

struct GroupRow {
  protocol::Jid group;
  protocol::Bytes metadata;  // an encoded <group> node (protocol/groups/metadata.h)
  std::string subject;       // UTF-8; names the chat
  bool member = true;        // the own account is in it
  bool stale = false;        // to be asked for again before it is relied on
  UnixMs fetched_at = 0;     // when the server last told all of it
  /// Which notifications of it were taken in, so that one that comes again is not told again: digests of 8 bytes, the
  /// newest last.
  protocol::Bytes heard;
  friend bool operator==(const GroupRow&, const GroupRow&) = default;
};
std::optional<GroupRow> find_group(Database& db, SessionId session, const protocol::Jid& group);
/// At most `most` of those that are stale, the own account in it or not.
std::vector<protocol::Jid> stale_groups(Database& db, SessionId session, std::size_t most);
struct GroupPage {
  std::vector<GroupRow> groups;      // in the order of their JIDs' numbers: stable while pages are read
  std::optional<std::int64_t> next;  // cursor
};
/// Those that the own account is in. `limit` 1..1000; `after`: a cursor, 0 at first.
GroupPage page_groups(Database& db, SessionId session, std::size_t limit, std::int64_t after);

/// Replaces what is there. The chat, when there is one, is called by the subject.
struct PutGroup {
  SessionId session;
  GroupRow row;
  friend bool operator==(const PutGroup&, const PutGroup&) = default;
};
/// It becomes stale; nothing when it is not known. Without a group: all that the own account is in.
struct AgeGroup {
  SessionId session;
  std::optional<protocol::Jid> group;
  friend bool operator==(const AgeGroup&, const AgeGroup&) = default;
};

}  // namespace wharf::storage
