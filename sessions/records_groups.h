#pragma once
// How look-ups see what a turn has written about groups: of records_written.h and records_groups.cpp alone.

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/binary/jid.h"
#include "storage/groups.h"
#include "storage/member_receipts.h"
#include "storage/sender_keys.h"
#include "storage/sessions.h"

namespace wharf::sessions {

class Records;

/// Copies of the own key of one group, by device.
using KeyCopies = std::map<protocol::Jid, storage::KeyCopy>;

class GroupsWritten {
 public:
  explicit GroupsWritten(const Records& records) : records_(records) {}

  std::map<protocol::Jid, storage::GroupRow> groups;                        // as they are now
  bool all_stale = false;                                                   // of those that are committed
  std::map<std::pair<protocol::Jid, protocol::Jid>, protocol::Bytes> keys;  // group and author
  std::map<protocol::Jid, std::optional<protocol::Bytes>> own_keys;         // nullopt: dropped
  std::map<protocol::Jid, KeyCopies> copies;                                // of groups whose key was dropped, whole
  std::vector<protocol::Jid> forgotten;                                     // groups: no committed keys of others
  std::vector<std::pair<protocol::Jid, protocol::Jid>> moves;               // users, in order
  /// What this turn did to copies, in order. Those that are committed are not read for it: a large group has thousands,
  /// and most turns that change some look at none.
  using CopyChange = std::variant<storage::PutKeyCopies, storage::SendKeyCopies, storage::SettleKeyCopies,
                                  storage::TakeKeyCopiesBack, storage::MoveSenderKeys>;
  std::vector<CopyChange> copy_changes;
  std::map<std::int64_t, storage::GroupReach> reaches;  // as they are now
  std::map<std::pair<std::int64_t, protocol::Jid>, storage::AckLevel> members;

  void note(const storage::PutGroup& change);
  void note(const storage::AgeGroup& change);
  void note(const storage::PutSenderKey& change);
  void note(const storage::PutOwnSenderKey& change);
  void note(const storage::DropOwnSenderKey& change);
  void note(const storage::ForgetGroupKeys& change);
  void note(const storage::PutKeyCopies& change);
  void note(const storage::SendKeyCopies& change);
  void note(const storage::SettleKeyCopies& change);
  void note(const storage::TakeKeyCopiesBack& change);
  void note(const storage::MoveSenderKeys& change);
  void note(const storage::OpenReach& change);
  void note(const storage::NoteMember& change);
  void note(const storage::WipeDevice& change);

  bool is_forgotten(const protocol::Jid& group) const;
  /// The committed copies of a group with what this turn did to them.
  void catch_up(const protocol::Jid& group, KeyCopies& committed) const;

 private:
  template <class Change>
  void change_copies(const Change& change);
  const Records& records_;
};

}  // namespace wharf::sessions
