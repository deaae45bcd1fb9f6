#pragma once
// Phones that are in groups together.

#include <string>
#include <vector>

#include "sandbox/phone/groups/groups.h"
#include "tests/sandbox/disk.h"
#include "tests/sandbox/group_world.h"
#include "tests/sandbox/phone_world.h"

namespace wharf::sandbox::test {

struct WatchedWorld : PhoneWorld {
  WatchedWorld();
  ~WatchedWorld();
};

/// Whose rows are kept from the beginning (disk.h).
struct GroupPhones : WatchedWorld {
  GroupPhones();
  ~GroupPhones();
  Phone& anna = phone("15550000001", "Anna");
  Phone& ben = phone("15550000002", "Ben");
  Phone& cleo = phone("15550000003", "Cleo");
  Phone& dora = phone("15550000004", "Dora");

  Jid lid(const Phone& phone);
  /// What the network answers; every turn has run.
  Node ask(Phone& phone, const groups::GroupRequest& request);
  /// The code of an answer that is an error; "" of a result.
  std::string refused(Phone& phone, const groups::GroupRequest& request);
  /// A group of Anna's, by its JID as text.
  std::string make(const std::vector<Phone*>& members, const std::string& subject = "Walks");
  void change(Phone& actor, const std::string& group, groups::MemberAction action, const std::vector<Phone*>& who);
  std::string send(Phone& from, const std::string& group, const std::string& text);
  /// Of the newest message with this text; "absent" when there is none.
  static std::string status(const Phone& phone, const std::string& text);
};

}  // namespace wharf::sandbox::test
