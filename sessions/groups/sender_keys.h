#pragma once
// The sender keys of others: taken from their pairwise messages, used to read what they say to a group. Specification
// 03 sections 2 and 6.3.
//
// Anybody may make a broadcast list with us on it, and as many as he likes, and nobody can ask who is on it: the keys
// of all lists of a device are one record, of the five newest, and little of each is kept for messages that come late.

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "protocol/signal/sender_key.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/groups/groups.h"
#include "sessions/groups/rosters.h"

namespace wharf::sessions {

class SenderKeys {
 public:
  SenderKeys(Context& context, Directory& directory, Groups& groups, Rosters& rosters)
      : c_(context), directory_(directory), groups_(groups), rosters_(rosters) {}

  /// `author`: the device, canonical. The padded text. Errors: as SenderKeyRecord::decrypt, no_sender_key also without
  /// any key.
  Result<Bytes> decrypt(const Jid& group, const Jid& author, ByteView body);
  /// A distribution that came in a message of this device to this group. Left alone: one that names another group, that
  /// cannot be read, or of somebody who is not a member by a list that is known to be whole; that list is asked for
  /// again, and the retry that follows heals what was unjust.
  void process(const Jid& group, const Jid& author, const std::string& named_group, ByteView distribution);
  /// Whether the author is not in the group, by a list that is known to be whole; of one that is not in it the list is
  /// asked for again, not more often than every ten minutes, and until that has come he stays out, though what is stale
  /// says nothing of others. Linear in the group, the first time in a turn.
  /// `was_one`: for what it is asked about; then what is stale does not make a member of him either.
  bool is_stranger(const Jid& group, const Jid& author, bool was_one = false);
  /// For the log: why a distribution was left alone.
  std::function<void(const Jid& group, const Jid& author, const std::string& why)> on_refused;

 private:
  static constexpr std::size_t devices_looked_at = 8;
  static constexpr protocol::SenderKeyBounds bounds_of_lists{100, 100};
  static bool is_list(const Jid& room) { return room.server == protocol::server::broadcast && !room.is_status(); }
  static protocol::SenderKeyBounds bounds_of(const Jid& room) {
    return is_list(room) ? bounds_of_lists : protocol::SenderKeyBounds();
  }
  /// What the keys of the room are filed under.
  static Jid file_of(const Jid& room) { return is_list(room) ? Jid("lists", protocol::server::broadcast) : room; }
  struct Found {
    Jid author;  // the device that the key is filed under
    protocol::SenderKeyRecord record;
  };
  std::optional<Found> find(const Jid& file, const Jid& author, ByteView body) const;
  std::optional<protocol::SenderKeyRecord> load(const Jid& file, const Jid& author) const;
  static constexpr std::size_t strangers_kept = 64;
  static constexpr std::chrono::minutes asks_again_after{10};
  Context& c_;
  Directory& directory_;
  Groups& groups_;
  Rosters& rosters_;
  /// Group and user, by its last whole list -> when that was asked for again because of him.
  std::map<std::pair<Jid, Jid>, net::SteadyTime> strangers_;
  /// Groups with more of them than are kept: there, who is not in a stale list is none of theirs until it was told.
  std::set<Jid> crowded_;
};

}  // namespace wharf::sessions
