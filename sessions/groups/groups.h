#pragma once
// The groups of the account: who is in them and what is set, as the server last told. Kept right by its notifications
// and asked for again where they leave a gap; what changes is told. Specification 05 sections 2 to 5.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocol/groups/cache.h"
#include "protocol/groups/events.h"
#include "protocol/groups/metadata.h"
#include "sessions/context.h"
#include "sessions/directory.h"

namespace wharf::sessions {

class Groups {
 public:
  Groups(Context& context, Directory& directory) : c_(context), directory_(directory) {}

  struct Known {
    protocol::groups::GroupMetadata metadata;
    bool member = true;  // the own account is in it
    bool stale = false;  // not to be relied on before it was asked for again
  };
  /// As last told; linear in its members. nullopt: nothing is known of it.
  std::optional<Known> find(const Jid& group) const;
  /// The own account as groups name it.
  protocol::groups::OwnAccount own() const;
  /// Of a group that the own account is in, by either name; nullopt: not in it, or it is not known.
  std::optional<protocol::groups::Participant> member(const Jid& group, const Jid& user);
  std::optional<protocol::groups::Role> role_of(const Jid& group, const Jid& user);

  /// What a message wants to know of the group before it is accepted.
  struct Standing {
    bool known = false;         // anything at all
    bool member = false;        // the own account is in it
    bool admin = false;         // the own account is
    bool announcement = false;  // admins alone send
    bool stale = false;
    protocol::groups::AddressingMode mode = protocol::groups::AddressingMode::lid;
  };
  /// At once for the groups that were asked for last.
  Standing standing(const Jid& group);

  /// The server described the group: this replaces what was known. A sample of its members, or of a group that the own
  /// account is not in, changes nothing.
  void store(protocol::groups::GroupMetadata described);
  /// The own account is not in it (any more): nothing is sent there, and its keys are worth nothing.
  void leave(const Jid& group);

  /// yes: it was told. later: the connection ended, or the server refused for now. no_member: the own account is not in
  /// it, or it is gone.
  enum class Refreshed : std::uint8_t { yes, later, no_member };
  /// Asks for the group; `done` runs in a later turn, or at once when nothing can be asked. Several who ask at one time
  /// share one question.
  void refresh(const Jid& group, UniqueFunction<void(Refreshed)> done);
  /// It is asked for before the next message goes there.
  void mark_stale(const Jid& group);

  /// w:gp2.
  void on_notification(const Node& notification);
  /// The session is online: all groups are asked for when nothing is known of any, or the server said that they
  /// changed.
  void on_online();
  /// ib dirty of type groups.
  void on_dirty(const std::string& timestamp);
  void on_link_down();
  void end_turn(bool keep);

  /// Set by the session: members or settings of the group are others than they were.
  std::function<void(const Jid& group)> on_changed;

 private:
  using Event = protocol::groups::GroupEvent;
  static constexpr std::size_t kept_standings = 64;
  enum class Freshness : std::uint8_t { told, stale };
  void put(const protocol::groups::GroupMetadata& metadata, bool member, Freshness freshness = Freshness::told);
  void changed(const Jid& group);
  bool lists_own(const protocol::groups::GroupMetadata& group) const;
  bool adds_own(const protocol::groups::GroupNotification& notification, const Jid& group) const;
  /// The own account was taken in without being told what the group is: it is known from here on, and asked for.
  void come_into(const Jid& group, protocol::groups::GroupMetadata known);
  static void date_joins(protocol::groups::GroupMetadata& group,
                         const protocol::groups::GroupNotification& notification);
  void list();
  void announce(std::vector<protocol::groups::GroupMetadata>& described);
  void store_all(std::vector<protocol::groups::GroupMetadata> described);
  void learn(const std::vector<protocol::groups::LidPn>& pairs);
  void tell(const Event& event);
  void adopt_timer(const protocol::groups::GroupMetadata& metadata);

  Context& c_;
  Directory& directory_;
  std::map<Jid, std::vector<UniqueFunction<void(Refreshed)>>> asked_;  // groups that are asked for, and who waits
  std::optional<std::string> dirty_;  // the server's timestamp, until the list is asked for
  bool listing_ = false;
  std::map<Jid, Standing> standings_;
};

}  // namespace wharf::sessions
