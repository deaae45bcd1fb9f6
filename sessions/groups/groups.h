#pragma once
// The groups of the account: who is in them and what is set, as the server last told. Kept right by its notifications
// and asked for again where they leave a gap (group_listing.h); what changes is told. Specification 05 sections 2 to 5.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocol/groups/cache.h"
#include "protocol/groups/events.h"
#include "protocol/groups/metadata.h"
#include "protocol/notifications/events.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/groups/group_events.h"
#include "sessions/groups/group_listing.h"
#include "sessions/groups/own_changes.h"

namespace wharf::sessions {

class Groups {
 public:
  Groups(Context& context, Directory& directory)
      : c_(context), directory_(directory), own_changes_(context), listing_(context, *this) {}

  struct Known {
    protocol::groups::GroupMetadata metadata;
    bool member = true;  // the own account is in it
    bool stale = false;  // not to be relied on before it was asked for again
  };
  /// As last told; linear in its members. nullopt: nothing is known of it.
  std::optional<Known> find(const Jid& group) const;
  /// The own account as groups name it.
  protocol::groups::OwnAccount own() const;
  /// Who is who, while this lives.
  PeopleLookup people() const;
  /// Of a group that the own account is in, by either name; nullopt: not in it, or it is not known.
  std::optional<protocol::groups::Participant> member(const Jid& group, const Jid& user);
  std::optional<protocol::groups::Role> role_of(const Jid& group, const Jid& user);

  /// What a message wants to know of the group before it is accepted.
  struct Standing {
    bool known = false;         // anything at all
    bool member = false;        // the own account is in it
    bool admin = false;         // the own account is
    bool announcement = false;  // admins alone send
    bool community = false;     // the root of one: nothing is sent there, but to its groups
    bool stale = false;
    protocol::groups::AddressingMode mode = protocol::groups::AddressingMode::lid;
  };
  /// At once for the groups that were asked for last.
  Standing standing(const Jid& group);
  /// The account is in no group but those that are known here (GroupListing::complete).
  bool complete() const { return listing_.complete(); }

  /// The server described the group: this replaces what was known, but for when somebody came: that the server need not
  /// say, so it is kept, and whoever was not in the list before has come by now. Part of the members (`partial`) of a
  /// group that the own account is not in changes nothing.
  void store(protocol::groups::GroupMetadata described);
  /// The group is there and will be described: kept as one to be asked for, unless something is known of it.
  void announce(const protocol::groups::GroupMetadata& described);
  /// The own account is about to come in: what the group is called, until it is described.
  void expect(const Jid& group, std::string subject);
  /// The own account is in it by now, as an answer says: kept as that, and asked for.
  void enter(const Jid& group);
  /// The own account is not in it (any more): nothing is sent there, and its keys are worth nothing.
  void leave(const Jid& group);

  /// yes: it was told. later: the connection ended, or the server refused for now. no_member: the own account is not in
  /// it, or it is gone.
  enum class Refreshed : std::uint8_t { yes, later, no_member };
  /// Asks for the group; `done` runs in a later turn, or at once when nothing can be asked. Several who ask at one time
  /// share one question, and all wait for the list that is to say what has changed, where one is on its way.
  void refresh(const Jid& group, UniqueFunction<void(Refreshed)> done);
  /// It is asked for soon, and before the next message goes there; nothing when it is not known.
  void mark_stale(const Jid& group);
  /// So is every group that the own account is in, as far as the list of all that is to come does not tell of it.
  void mark_all_stale();
  /// The list has told of this group, or says nothing of it that is new; whoever waits for it is told, or asks.
  void on_listed(const Jid& group);
  /// No list is on its way any more: whoever has waited for one asks for the group alone.
  void on_list_over();

  /// w:gp2.
  void on_notification(const Node& notification);
  /// Its picture is another, as `notification` says; of a group that is not known nothing is told.
  void on_picture(const Node& notification, const protocol::PictureChanged& change);
  void on_online() { listing_.on_online(); }
  /// ib dirty of type groups.
  void on_dirty(const std::string& timestamp) { listing_.on_dirty(timestamp); }
  void on_link_down();
  std::optional<net::SteadyTime> due() const { return listing_.due(); }
  void on_due() { listing_.on_due(); }
  /// `keep` false: the account is another one from here on.
  void end_turn(bool keep);

  /// Set by the session: members or settings of the group are others than they were.
  std::function<void(const Jid& group)> on_changed;
  /// So those of all groups may be.
  std::function<void()> on_all_changed;
  /// Set by who asks for groups: the own account has made this one by a creation with this key.
  std::function<void(const std::string& key, const Jid& group)> on_made;
  /// What requests of this session ask for, to be known again when it is told.
  OwnChanges& own_changes() { return own_changes_; }

 private:
  using Event = protocol::groups::GroupEvent;
  static constexpr std::size_t kept_standings = 64, most_expected = 16;
  static std::optional<Known> read(const storage::GroupRow& row);
  /// Of a group of which nothing else is known.
  protocol::groups::GroupMetadata expected_group(const Jid& group, protocol::groups::AddressingMode mode);
  /// `row`: what else is kept of it.
  void put(storage::GroupRow row, const protocol::groups::GroupMetadata& metadata);
  void changed(const Jid& group);
  void ask(const Jid& group);
  void answer_waiting(const Jid& group, Refreshed outcome);
  bool lists_own(const protocol::groups::GroupMetadata& group) const;
  /// What the notification says of this group. `row`: as it stood; `digest`: to know it by when it comes again, empty
  /// of other groups than its own. The subject, "" when it is not known.
  std::string follow(const Jid& group, std::optional<storage::GroupRow> row,
                     const protocol::groups::GroupNotification& told, ByteView digest);
  /// They have gone: none of them counts as a holder of the own key.
  void count_out(const Jid& group, const std::vector<protocol::groups::Participant>& gone);
  void learn(const std::vector<protocol::groups::LidPn>& pairs);
  /// `before`: who was in the group of the event; nullptr: not known.
  void tell(const Event& event, const std::string& subject, const std::vector<protocol::groups::Participant>* before);
  void adopt_timer(const protocol::groups::GroupMetadata& metadata);

  Context& c_;
  Directory& directory_;
  std::map<Jid, std::vector<UniqueFunction<void(Refreshed)>>> asked_;  // groups that are asked for, and who waits
  std::set<Jid> by_list_;                                              // of these, those that wait for a list instead
  std::map<Jid, Standing> standings_;
  std::map<Jid, std::string> expected_;  // groups -> their subjects
  OwnChanges own_changes_;
  GroupListing listing_;
};

}  // namespace wharf::sessions
