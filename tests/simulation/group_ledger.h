#pragma once
// What is said in the groups of a simulated world: by whom, who was in the group when the server took it, and why
// somebody may miss it all the same. Every text is different, so it is found again wherever it shows up.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/virtual_scheduler.h"

namespace wharf::simulation {

/// A group.
struct Circle {
  std::string subject;
  std::size_t founder = 0;           // person
  std::vector<std::size_t> invited;  // persons that were in it from the beginning, without the founder
  std::string jid;                   // "" until the server has it
  Micros asked_at{0};                // when somebody asked for it last; 0: nobody has
};

struct GroupText {
  std::string body, id, idempotency_key;
  std::size_t circle = 0, from = 0;  // index of `circles`; person
  bool by_gateway = false;
  std::size_t via = 0;  // the session that sent it: index of the ledger's gateways
  // --- by a session
  unsigned asked = 0;
  bool accepted = false, given_up = false, refused = false;  // as Text
  std::int64_t earliest_ms = 0, latest_ms = 0;               // as Text
  bool settled() const { return accepted || given_up || refused; }
  // --- when it was first asked for
  std::int64_t said_s = 0;      // by the network's clock, unix seconds
  std::set<std::string> known;  // numbers of those who are in the group as its sender knew it
  // --- when the server took it
  std::optional<Micros> taken_at;
  std::int64_t taken_s = 0;       // unix seconds
  std::set<std::string> members;  // numbers
  std::set<std::string> later;    // … of those who were in it when it came again, for who was missed
  std::size_t sessions = 0;       // there were so many: index of the ledger's gateways
  /// Why it may be missing: everywhere, in a session (index of gateways), on the phone of a person.
  std::string excuse;
  std::map<std::size_t, std::string> copies, phones;
};

class GroupLedger {
 public:
  std::vector<Circle> circles;
  std::vector<GroupText> texts;
  bool notices_lost = false;  // sessions were told that they have missed something, and list their groups

  /// nullptr: nobody of these worlds has said it.
  GroupText* find(const std::string& id);
  void add(GroupText text);

  using IsTold = std::function<bool(const GroupText&)>;
  /// The session has lost its device: what it was not told yet may never come, and who could not read what it sent
  /// asks a device that is gone.
  void excuse_device(std::size_t gateway, const IsTold& told, const std::string& why);
  /// The phone forgets what it has sent.
  void excuse_phone_sends(std::size_t person, const std::string& why);
  static void give_up(GroupText& text, const std::string& why);

 private:
  std::map<std::string, std::size_t> by_id_;
};

}  // namespace wharf::simulation
