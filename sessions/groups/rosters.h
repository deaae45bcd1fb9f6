#pragma once
// Who is in the groups that a turn asks about, by any name. To read a group is linear in its members, and whoever asks
// for a message again, or sends a key, has it asked; so the last few are read once a turn. Specification 05
// section 16.3.

#include <cstdint>
#include <map>
#include <optional>

#include "protocol/groups/people_index.h"
#include "sessions/directory.h"
#include "sessions/groups/groups.h"

namespace wharf::sessions {

class Rosters {
 public:
  Rosters(Directory& directory, Groups& groups) : directory_(directory), groups_(groups) {}

  /// As Groups::find; nullptr: nothing is known of it. Good until the next call.
  const Groups::Known* find(const Jid& group);
  /// As Groups::member; nullptr: not in it, or it is not known. `user`: canonical. Good until the next call.
  const protocol::groups::Participant* member(const Jid& group, const Jid& user);
  /// Whether this canonical user stands in the list, were it stale or not. nullopt: it says nothing of him, as not all
  /// of it is known, or he may be a member who is listed by his other identity.
  std::optional<bool> lists(const Jid& group, const Jid& user);

  void on_changed(const Jid& group) { kept_.erase(group); }
  void on_all_changed() { kept_.clear(); }
  /// Two identities turn out to be one person.
  void on_joined();
  void end_turn() { kept_.clear(); }

 private:
  static constexpr std::size_t most = 4;  // groups: members of large ones write in turns
  struct Roster {
    Groups::Known known;
    protocol::groups::PeopleIndex people;
    std::optional<bool> some_without_number, some_without_lid;  // members who are known by one identity alone
    std::uint64_t used = 0;
  };
  Roster* open(const Jid& group);
  const protocol::groups::Participant* member(const Roster& roster, const Jid& user);
  bool some_without_number(Roster& roster);
  bool some_without_lid(Roster& roster);

  Directory& directory_;
  Groups& groups_;
  std::map<Jid, Roster> kept_;
  std::uint64_t clock_ = 0;
};

}  // namespace wharf::sessions
