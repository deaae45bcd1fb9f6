#include "protocol/groups/events.h"

#include <catch2/catch.hpp>

#include "tests/protocol/groups/people.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;
using namespace wharf::protocol::groups;
using namespace wharf::test;

namespace {

/// The author is number 2 unless said otherwise.
std::vector<GroupEvent::What> events(GroupChange change, const Author& author = {lid(2), pn(2), lid(2)},
                                     const OwnAccount& account = own()) {
  GroupNotification told;
  told.group = team;
  told.author = author;
  told.changes.push_back(std::move(change));
  std::vector<GroupEvent::What> out;
  for (GroupEvent& event : events_of(told, account)) out.push_back(std::move(event.what));
  return out;
}

using What = std::vector<GroupEvent::What>;
GroupChange removed(std::vector<Participant> who) { return MembersRemoved{"", {}, std::move(who), false}; }

}  // namespace

TEST_CASE("the own account is known by either of its names under any attribute") {
  Participant by_lid = person(lid(1)), by_pn = person(pn(1)), by_pn_beside = person(lid(9), pn(1));
  Participant by_lid_beside = person(pn(9));
  by_lid_beside.lid = lid(1);
  for (const Participant& self : {by_lid, by_pn, by_pn_beside, by_lid_beside}) {
    REQUIRE(events(removed({self})) == What{GroupLeft{Leaving::removed, {}}});
  }
  // Devices are no part of a name.
  const OwnAccount device{pn(1).with_device(7), lid(1).with_device(7)};
  REQUIRE(events(removed({by_lid}), {}, device) == What{GroupLeft{Leaving::removed, {}}});
  // Before the own LID is known, a LID alone is somebody else.
  const OwnAccount numbered{pn(1), {}};
  REQUIRE(events(removed({by_lid}), {}, numbered) == What{MembersChanged{MemberEvent::remove, {}, {by_lid}}});
  REQUIRE(events(removed({by_pn}), {}, numbered) == What{GroupLeft{Leaving::removed, {}}});
}

TEST_CASE("self and others in one list: the own event first, the others without self") {
  const GroupChange both = MembersRemoved{"x", {}, members({3, 1, 4}), false};
  REQUIRE(events(both) ==
          What{GroupLeft{Leaving::removed, {}}, MembersChanged{MemberEvent::remove, "x", members({3, 4})}});
  REQUIRE(events(MembersAdded{"invite", {}, members({3, 1})}) ==
          What{GroupJoined{"invite", {}}, MembersChanged{MemberEvent::join, "invite", members({3})}});
}

TEST_CASE("who removes himself alone has left, who removes himself among others was removed") {
  const Author third{lid(3), {}, lid(3)};
  REQUIRE(events(removed(members({3})), third) == What{MembersChanged{MemberEvent::leave, {}, members({3})}});
  REQUIRE(events(removed(members({3, 4})), third) == What{MembersChanged{MemberEvent::remove, {}, members({3, 4})}});
  // The author by number, the row by LID with that number beside it.
  REQUIRE(events(removed(members({3})), {pn(3), pn(3), {}}) ==
          What{MembersChanged{MemberEvent::leave, {}, members({3})}});
  REQUIRE(events(removed(members({3})), {}) ==
          What{MembersChanged{MemberEvent::remove, {}, members({3})}});  // the server
  REQUIRE(events(MembersRemoved{"", {}, members({3, 4}), true}) ==
          What{MembersChanged{MemberEvent::leave, {}, members({3, 4})}});
  REQUIRE(events(removed(members({1})), {pn(1), pn(1), {}}) == What{GroupLeft{Leaving::left, {}}});
  REQUIRE(events(MembersRemoved{"", {}, members({1}), true}) == What{GroupLeft{Leaving::left, {}}});
  // Of self and the author in one list neither went alone.
  REQUIRE(events(removed(members({1, 3})), third) ==
          What{GroupLeft{Leaving::removed, {}}, MembersChanged{MemberEvent::remove, {}, members({3})}});
}

TEST_CASE("requests that their authors take back are cancelled, others are rejected") {
  const Author fourth{lid(4), {}, lid(4)};
  const auto action = [](const What& what) { return std::get<JoinRequestsChanged>(what.at(0)).action; };
  REQUIRE(action(events(JoinRequestsRevoked{members({4})}, fourth)) == RequestEvent::cancelled);
  REQUIRE(action(events(JoinRequestsRevoked{members({4, 5})}, fourth)) == RequestEvent::rejected);
  REQUIRE(action(events(JoinRequestsRevoked{members({4})})) == RequestEvent::rejected);
}

TEST_CASE("a change in a linked group is an event of that group") {
  GroupNotification told;
  told.group = town;
  told.changes = {RolesChanged{RoleChange::demote, {}, members({3}), team}, FlagChanged{Flag::locked, true, ""}};
  const auto raised = events_of(told, own());
  REQUIRE(raised.size() == 2);
  REQUIRE(raised[0].group == team);
  REQUIRE(raised[1].group == town);
}

TEST_CASE("the deletion of a group without reason and the end of a growth lock have no more to say") {
  REQUIRE(events(GroupDeleted{}) == What{GroupLeft{Leaving::group_deleted, {}}});
  REQUIRE(events(GrowthLockChanged{}) == What{GroupUpdated{"growth_locked", false, {}, {}}});
  REQUIRE(events(GrowthLockChanged{GrowthLock{"invite", {}}}) == What{GroupUpdated{"growth_locked", true, {}, {}}});
}
