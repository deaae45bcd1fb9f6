#pragma once
// Accounts with phones and companions that ask about groups: a network without Signal sessions, as in fixture.h.

#include <memory>
#include <string>
#include <vector>

#include "protocol/groups/changes.h"
#include "protocol/groups/results.h"
#include "tests/sandbox/fixture.h"

namespace Catch {

template <class T>
struct StringMaker<boost::system::result<T, wharf::protocol::groups::GroupFailure>, void> {
  static std::string convert(const boost::system::result<T, wharf::protocol::groups::GroupFailure>& result) {
    if (result) return "a value";
    return std::string(wharf::protocol::groups::name(result.error().failure)) + " " +
           std::to_string(result.error().code);
  }
};

}  // namespace Catch

namespace wharf::sandbox::test {

namespace groups = protocol::groups;

/// Anna with a companion, Ben with one, Cleo and Dora with their phones alone.
struct GroupWorld {
  GroupWorld();
  ~GroupWorld();
  World world;
  Primary anna{world, "15550000001", "Anna"}, ben{world, "15550000002", "Ben"}, cleo{world, "15550000003", "Cleo"},
      dora{world, "15550000004", "Dora"};
  std::unique_ptr<Companion> desk, bens;

  // --- asking: the whole answer
  Node ask(Primary& device, const groups::GroupRequest& request);
  Node ask(Companion& device, const groups::GroupRequest& request);
  /// The code of an answer that is an error; "" of a result.
  static std::string error(const Node& answer);
  std::string refused(Primary& device, const groups::GroupRequest& request);
  std::string refused(Companion& device, const groups::GroupRequest& request);

  /// A group of Anna's with these members; fails the test when one of them is refused.
  Jid make(const std::vector<Primary*>& members, const std::string& subject = "Walks");
  Jid make(const groups::CreateGroup& asked);
  groups::GroupMetadata metadata(Primary& viewer, const Jid& group);
  /// Adds, removes, promotes or demotes; the rows of the answer as "code" texts, "" of one without.
  std::vector<std::string> change(Primary& actor, const Jid& group, groups::MemberAction action,
                                  const std::vector<Jid>& who);
  std::vector<std::string> change(Companion& actor, const Jid& group, groups::MemberAction action,
                                  const std::vector<Jid>& who);
  static std::vector<std::string> rows(const Node& answer, std::string_view list);
};

/// What a device was told about a group, oldest first.
std::vector<groups::GroupNotification> told(const Inbox& inbox, std::string_view tag = {});
/// The newest with this child; fails the test when there is none.
groups::GroupNotification newest(const Inbox& inbox, std::string_view tag);
template <class Change>
Change change_of(const groups::GroupNotification& notification) {
  return std::get<Change>(notification.changes.at(0));
}
/// How many with this child.
std::size_t count(const Inbox& inbox, std::string_view tag);

Jid lid(Primary& device);
Jid pn(Primary& device);

/// A message to a group: opaque ciphertexts for these devices, and one for all.
Node group_message(const std::string& id, const Jid& group, const std::vector<Jid>& devices,
                   std::string_view mode = "lid");

}  // namespace wharf::sandbox::test
