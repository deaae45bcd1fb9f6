#pragma once
// What is asked about groups though nobody waits for it: all of them, until that was stored once and whenever the
// server says that they changed; and each that turned stale, so that whoever only reads is told right too.
// Specification 05 sections 2.3 and 5.
//
// The rows say what is to be asked for (DeviceRow::groups_listed, GroupRow::stale), so an end in any moment costs no
// more than asking again; what stands here is the order, and the patience with a server that has enough.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/groups/metadata.h"
#include "sessions/context.h"

namespace wharf::sessions {

class Groups;

class GroupListing {
 public:
  GroupListing(Context& context, Groups& groups) : c_(context), groups_(groups) {}

  void on_online();
  /// ib dirty of type groups: the server says so again, at each login, until it is cleaned with this timestamp. What is
  /// known of groups counts no more until a list has told of them, or they were asked for alone.
  void on_dirty(const std::string& timestamp);
  void on_link_down();
  /// The account is another one from here on.
  void forget_all();

  /// The group is stale: asked for soon, one at a time. Beyond max_wanted it waits for the next login, or a message.
  void wants(const Jid& group);
  /// Its row was written by something else than a list. `whole`: the server has described it; else something changed.
  /// What a list said before, and is not stored yet, is older.
  void on_written(const Jid& group, bool whole);

  /// A list that answers the server's word that groups are dirty is on its way, and newer than what is known of this
  /// one.
  bool will_tell(const Jid& group) const;
  /// Every group of the account has its row, by a list and by all that the server has told since; false while that may
  /// not be so: no connection, a list that is wanted or stored, a backlog that still comes.
  bool complete() const;

  std::optional<net::SteadyTime> due() const;
  void on_due();

  static constexpr std::size_t max_wanted = 256;
  static constexpr std::chrono::seconds asked_again_after{10};  // one group, at the earliest
  static constexpr unsigned most_tries = 3;                     // of one group, until something is said of it again

 private:
  /// With refusals: a minute, twice as much each time, an hour at most.
  struct Patience {
    net::SteadyTime from{};
    std::chrono::seconds next{60};
    void refused(net::SteadyTime now);
  };
  /// A list that was told and is stored some at a time.
  struct Run {
    std::uint64_t number = 0;
    std::vector<protocol::groups::GroupMetadata> rest;
    std::map<Jid, bool> newer;         // on_written since it was told
    std::optional<std::string> dirty;  // it answers this
    std::uint64_t epoch = 0;           // the connection over which it was told
    bool outdated = false;             // the server has called groups dirty once more: the next list tells
  };
  struct Wanted {
    net::SteadyTime from;
    unsigned tries = 0;
  };
  bool list_wanted() const { return dirty_ || !c_.device.groups_listed; }
  void go_on();
  void list();
  void announce();
  void store_some(std::uint64_t number);
  void finish_run();
  void load_stale();
  std::optional<Jid> next_wanted();
  void ask(const Jid& group);

  Context& c_;
  Groups& groups_;
  std::optional<std::string> dirty_;
  bool listing_ = false;    // asked, not answered
  unsigned overtaken_ = 0;  // lists in a row that were outdated before they were stored
  std::optional<Run> run_;
  std::uint64_t last_run_ = 0;
  Patience list_patience_, patience_;
  std::optional<Jid> asking_;
  std::map<Jid, Wanted> wanted_;
  std::map<Jid, net::SteadyTime> lately_;  // asked for -> not again before
};

}  // namespace wharf::sessions
