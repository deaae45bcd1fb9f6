#pragma once
// What goes wrong in a simulated world, and when. A seed switches about half of the kinds of faults on, so that each is
// met with and without each other ("swarm testing"), and draws how often each one happens. heal() ends all of it.

#include <set>
#include <string>
#include <vector>

#include "tests/simulation/users.h"
#include "tests/simulation/world.h"

namespace wharf::simulation {

enum class Fault {
  // connections
  reset,      // one connection is cut
  silence,    // one goes half-open: nothing arrives, nobody hears of it
  stall,      // what one carries is held back for up to 40 s
  bad_dials,  // attempts are refused, hang, or are cut within a second, for a while
  // the daemon
  kill,
  restart,  // SIGTERM
  failed_turns,
  full_disk,
  slow_disk,
  clock_jump,  // of its wall clock: seconds to days, forward or back
  // the server
  lost_acks,
  held_messages,
  reordered,
  duplicated,
  corrupted,
  refused_sends,
  refused_iqs,
  refused_usync,
  refused_logins,
  drained_prekeys,
  kick,
  // the media host and the way to it
  media_errors,  // statuses, connections that end, bodies that are cut or damaged, tokens that are over
  media_wire,    // connections refused, hanging, broken in the middle
  lost_files,
  // phones
  phone_off,
  withheld_receipts,
  forgotten_ratchets,
  damaged_ratchets,
  reinstall,
  // owners
  restarted_session,
  stopped_session,
  log_out,
  removed_chat,
  device_added,    // one more session of a phone
  device_removed,  // for good: unlinked on the phone, logged out, or its session deleted
  // people
  overtaken,  // what is said about a message arrives before it
  // the index of words
  new_index,  // it is made anew
  // groups
  lost_sender_keys,     // on their way, or on a phone
  lost_group_notices,   // notifications to companions, who hear at their next login that they missed some
  switched_addressing,  // the next message goes to a group that names its members otherwise by now
  removed_by_others,    // … or that has lost a member at that moment
  hidden_numbers,       // members do not see each other's numbers for a while
  count,
};
const char* name(Fault fault);

class FaultSchedule {
 public:
  FaultSchedule(World& world, Users& users, Ledger& ledger);
  /// Draws the kinds of this seed and begins.
  void start();
  void heal();
  /// Each second: what was set going and is not over yet (troubles.h).
  void look_around();
  /// What was done, a line each.
  const std::vector<std::string>& done() const { return done_; }
  /// No kind is on that can change the order in which the texts of a chat arrive.
  bool keeps_order() const;

 private:
  void plan(Fault fault, std::chrono::milliseconds mean);
  void plan_clock();
  void plan_devices();
  void plan_overtaking();
  void plan_indexing(unsigned times);
  void renew_index();
  void plan_groups();
  void on_group(Fault fault);
  void drop_connections();
  void next_device(Fault fault, unsigned times);
  void add_device();
  void remove_device();
  void next_clock_jump(unsigned jumps);
  void jump_clock(std::chrono::milliseconds by);
  void strike(Fault fault);
  void on_connection(Fault fault);
  void on_daemon(Fault fault);
  void on_server(Fault fault);
  void on_media(Fault fault);
  void on_uploaded();
  sandbox::MediaFault media_error();
  void on_phone(Fault fault);
  void on_session(Fault fault);
  void kill_soon();
  void note(Fault fault, const std::string& what);
  void note_trouble(Fault fault);
  std::uint32_t draw(std::uint32_t below) { return world_.faulting.below(below); }
  std::size_t any_person() { return draw(static_cast<std::uint32_t>(ledger_.persons.size())); }
  std::size_t any_owner();
  std::size_t any_contact();
  /// The device of one of the person's sessions, when there is one.
  std::optional<sandbox::DeviceKey> companion(std::size_t person);
  void later(std::chrono::milliseconds delay, std::function<void()> run);

  World& world_;
  Users& users_;
  Ledger& ledger_;
  std::size_t owners_ = 0;  // the first persons: each has had a session
  std::set<Fault> on_;
  bool healed_ = false;
  std::vector<std::string> done_;
};

}  // namespace wharf::simulation
