#include "protocol/groups/cache.h"

#include <catch2/catch.hpp>

#include "tests/protocol/groups/people.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;
using namespace wharf::protocol::groups;
using namespace wharf::test;

namespace {

GroupNotification told(std::vector<GroupChange> changes) {
  GroupNotification notification;
  notification.id = "n-1";
  notification.group = team;
  notification.author = {lid(2), pn(2), lid(2)};
  notification.addressing_mode = AddressingMode::lid;
  notification.timestamp = 1770001000;
  notification.changes = std::move(changes);
  return notification;
}

Applied applied(std::optional<GroupMetadata> kept, const GroupNotification& notification) {
  return apply(team, std::move(kept), notification, own());
}
Applied applied(std::optional<GroupMetadata> kept, GroupChange change) {
  return applied(std::move(kept), told({std::move(change)}));
}

std::vector<std::string> names(const Applied& result) {
  std::vector<std::string> out;
  if (!result.metadata) return out;
  for (const Participant& who : result.metadata->members)
    out.push_back(who.jid.user.substr(14) + std::string(name(who.role)).substr(0, 1));
  return out;
}
using Names = std::vector<std::string>;

GroupChange added(std::initializer_list<int> people, Versions versions = {"5", "6"}) {
  return MembersAdded{"", std::move(versions), members(people)};
}
GroupChange removed(std::initializer_list<int> people, Versions versions = {"5", "6"}) {
  return MembersRemoved{"", std::move(versions), members(people), false};
}

}  // namespace

TEST_CASE("the next change is applied to the list that is kept") {
  const Applied add = applied(group_of({1, 2}), added({3, 2}));
  REQUIRE(names(add) == Names{"1m", "2m", "3m"});
  REQUIRE(add.metadata->member_list_version == "6");
  REQUIRE(add.metadata->size == 3);
  REQUIRE_FALSE(add.refetch);
  REQUIRE(add.keys == SenderKeys::keep);  // whoever joined gets the current key

  const Applied remove = applied(group_of({1, 2, 3}), removed({3}));
  REQUIRE(names(remove) == Names{"1m", "2m"});
  REQUIRE(remove.metadata->size == 2);
  REQUIRE(remove.keys == SenderKeys::rotate_if_given);
  REQUIRE(remove.gone == members({3}));

  const Applied both = applied(group_of({1, 2}), told({added({3}), removed({2}, {"6", "7"})}));
  REQUIRE(names(both) == Names{"1m", "3m"});
  REQUIRE(both.metadata->member_list_version == "7");
}

TEST_CASE("roles are set, and who is not in the list is added with them") {
  std::vector<Participant> admins = members({3});
  admins[0].role = Role::admin;
  REQUIRE(names(applied(group_of({1, 3}), RolesChanged{RoleChange::promote, {"5", "6"}, admins, {}})) ==
          Names{"1m", "3a"});
  // A server that does not repeat the role.
  REQUIRE(names(applied(group_of({1, 3}), RolesChanged{RoleChange::promote, {}, members({3, 4}), {}})) ==
          Names{"1m", "3a", "4a"});
  GroupMetadata kept = group_of({1, 3});
  kept.members[1].role = Role::admin;
  REQUIRE(names(applied(kept, RolesChanged{RoleChange::demote, {}, members({3}), {}})) == Names{"1m", "3m"});
}

TEST_CASE("people are the same under either name, and are kept under that of the group's mode") {
  const std::vector<Participant> by_number = {person(pn(3))};
  Participant named = person(pn(4));
  named.lid = lid(4);
  REQUIRE(names(applied(group_of({1, 3}), MembersRemoved{"", {}, by_number, false})) == Names{"1m"});
  REQUIRE(names(applied(group_of({1}), MembersAdded{"", {}, {named, member(4)}})) == Names{"1m", "4m"});
  // Nobody can say which LID that number is: the list is no longer whole.
  const Applied unknown = applied(group_of({1}), MembersAdded{"", {}, {person(pn(4))}});
  REQUIRE(unknown.refetch);
  REQUIRE(unknown.metadata->stale);
}

TEST_CASE("a change that is not the next one makes the list stale, one that was seen is passed over") {
  const Applied gap = applied(group_of({1, 2}), added({3}, {"6", "7"}));
  REQUIRE(gap.refetch);
  REQUIRE(gap.metadata->stale);
  REQUIRE(names(gap) == Names{"1m", "2m"});
  // Once stale, nothing is built on it, even where versions would fit again.
  const Applied later = applied(gap.metadata, added({4}, {"5", "6"}));
  REQUIRE(names(later) == Names{"1m", "2m"});
  REQUIRE(later.refetch);

  const Applied seen = applied(group_of({1, 2}), added({3}, {"4", "5"}));
  REQUIRE_FALSE(seen.refetch);
  REQUIRE(names(seen) == Names{"1m", "2m"});
  REQUIRE(seen.metadata->member_list_version == "5");

  // A list without version is of unknown age, a change without versions is taken as the next.
  GroupMetadata created = group_of({1, 2});
  created.member_list_version.clear();
  REQUIRE(applied(created, added({3}, {"1", "2"})).refetch);
  REQUIRE(names(applied(created, added({3}, {}))) == Names{"1m", "2m", "3m"});
  const Applied unversioned = applied(group_of({1, 2}), added({3}, {}));
  REQUIRE(names(unversioned) == Names{"1m", "2m", "3m"});
  REQUIRE(unversioned.metadata->member_list_version.empty());
}

TEST_CASE("what is told of a removal is told even where the list is not kept or not followed") {
  for (const auto& kept : {std::optional<GroupMetadata>(), std::optional(group_of({1, 2, 3}))}) {
    const Applied result = applied(kept, removed({3}, {"8", "9"}));
    REQUIRE(result.keys == SenderKeys::rotate_if_given);
    REQUIRE(result.gone == members({3}));
    REQUIRE(result.refetch);
  }
}

TEST_CASE("of nothing kept nothing is built") {
  for (const GroupChange& change :
       {added({3}), GroupChange(SubjectChanged{"x", {}, {}, {}, ""}), GroupChange(MemberReplaced{members({7})}),
        GroupChange(RolesChanged{RoleChange::promote, {}, members({3}), {}})}) {
    const Applied result = applied(std::nullopt, change);
    REQUIRE_FALSE(result.metadata);
    REQUIRE(result.refetch);
  }
}

TEST_CASE("rows that could not be read, missing identities and another mode make the list stale") {
  GroupNotification bad_rows = told({added({3})});
  bad_rows.stale = true;
  REQUIRE(applied(group_of({1, 2}), bad_rows).metadata->stale);
  REQUIRE(applied(group_of({1, 2}), bad_rows).refetch);
  GroupNotification missing = told({});
  missing.missing_identification = true;
  REQUIRE(applied(group_of({1, 2}), missing).refetch);
  REQUIRE(applied(group_of({1, 2}), missing).keys == SenderKeys::keep);

  GroupNotification other_mode = told({});
  other_mode.addressing_mode = AddressingMode::phone_number;
  const Applied switched = applied(group_of({1, 2}), other_mode);
  REQUIRE(switched.refetch);
  REQUIRE(switched.metadata->stale);
  REQUIRE(switched.keys == SenderKeys::rotate);
  GroupNotification no_mode = told({});
  no_mode.addressing_mode.reset();
  REQUIRE_FALSE(applied(group_of({1, 2}), no_mode).refetch);
}

TEST_CASE("whoever has another identity is replaced, with the role of before, and the key rotates") {
  GroupMetadata kept = group_of({1, 2, 3});
  kept.members[1].role = Role::admin;
  const Applied result = applied(kept, MemberReplaced{members({7})});
  REQUIRE(names(result) == Names{"1m", "3m", "7a"});
  REQUIRE(result.metadata->size == 3);
  REQUIRE(result.keys == SenderKeys::rotate);
  REQUIRE_FALSE(result.refetch);
  REQUIRE(applied(std::nullopt, MemberReplaced{members({7})}).keys == SenderKeys::rotate);
  // The same LID with another number.
  Participant renumbered = person(lid(2), pn(8));
  const Applied number = applied(kept, MemberReplaced{{renumbered}});
  REQUIRE(names(number) == Names{"1m", "3m", "2a"});
  REQUIRE(number.metadata->members.back().pn == pn(8));
  // Once more: nothing is left to be done. And nobody is brought in for somebody who is not there.
  REQUIRE(applied(result.metadata, MemberReplaced{members({7})}).metadata == result.metadata);
  const Applied unknown = applied(group_of({1, 3}), MemberReplaced{members({7})});
  REQUIRE(names(unknown) == Names{"1m", "3m"});
  REQUIRE(unknown.metadata->stale);
  REQUIRE(applied(kept, MemberReplaced{members({7, 8})}).metadata->stale);
  GroupNotification by_nobody = told({MemberReplaced{members({7})}});
  by_nobody.author = {};
  REQUIRE(applied(kept, by_nobody).metadata->stale);
}

TEST_CASE("when the own account is out, nothing is kept and all keys are forgotten") {
  for (const GroupChange& change : {removed({1}), removed({3, 1}), GroupChange(GroupDeleted{"integrity"})}) {
    for (const auto& kept : {std::optional<GroupMetadata>(), std::optional(group_of({1, 2, 3}))}) {
      const Applied result = applied(kept, change);
      REQUIRE_FALSE(result.metadata);
      REQUIRE_FALSE(result.refetch);
      REQUIRE(result.keys == SenderKeys::forget);
    }
  }
  // By the number alone, as in groups of that mode.
  REQUIRE(applied(group_of({1, 2}), MembersRemoved{"", {}, {person(pn(1))}, false}).keys == SenderKeys::forget);
  // And a removal whose rows were not all readable is one.
  GroupNotification unreadable = told({removed({1})});
  unreadable.stale = true;
  REQUIRE_FALSE(applied(group_of({1, 2}), unreadable).refetch);
}

TEST_CASE("coming back starts afresh: what is kept is of before") {
  const Applied back = applied(group_of({2, 3}), added({1}));
  REQUIRE(back.refetch);
  REQUIRE(back.metadata->stale);
  REQUIRE(back.keys == SenderKeys::rotate);
  // The list was fetched already, with the own account in it: the notification of the join comes behind.
  const Applied known = applied(group_of({1, 2}), added({1}, {"4", "5"}));
  REQUIRE_FALSE(known.refetch);
  REQUIRE(known.keys == SenderKeys::keep);
  const Applied out_and_in = applied(group_of({1, 2}), told({removed({1}), added({1}, {"6", "7"})}));
  REQUIRE(out_and_in.keys == SenderKeys::forget);
  REQUIRE(out_and_in.refetch);
  REQUIRE_FALSE(out_and_in.metadata);
}

TEST_CASE("a created group is kept as it is described") {
  GroupMetadata described = group_of({2, 1, 3});
  described.not_added = {{member(4), 403, {}}};
  const GroupChange created = GroupCreated{"new", "", "", {}, described};
  const Applied fresh = applied(std::nullopt, created);
  REQUIRE(names(fresh) == Names{"2m", "1m", "3m"});
  REQUIRE(fresh.metadata->not_added.empty());
  REQUIRE_FALSE(fresh.refetch);
  REQUIRE(fresh.keys == SenderKeys::rotate);
  // Its creator has it from the answer to the request: the first key and what is kept stay.
  const Applied echo = applied(group_of({1, 2, 3}), created);
  REQUIRE(echo.metadata == group_of({1, 2, 3}));
  REQUIRE(echo.keys == SenderKeys::keep);
  // One that comes again is older than what is kept: it brings nobody back, and does not undo what followed.
  const Applied again = applied(group_of({1, 2}), created);
  REQUIRE(names(again) == Names{"1m", "2m"});
  REQUIRE(again.metadata->stale);
  REQUIRE(again.refetch);
  REQUIRE(again.keys == SenderKeys::keep);

  described.size = 40;
  described.partial = true;
  const Applied sample = applied(std::nullopt, GroupCreated{"new", "", "", {}, described});
  REQUIRE(sample.refetch);
  REQUIRE(sample.metadata->stale);
}

TEST_CASE("settings follow, also those of a stale list") {
  GroupMetadata stale = group_of({1, 2});
  stale.stale = true;
  for (const GroupMetadata& kept : {group_of({1, 2}), stale}) {
    const Applied result = applied(
        kept, told({SubjectChanged{"Team B", 1770000990, lid(3), pn(3), "carl"}, DescriptionChanged{"D2", "Text"},
                    FlagChanged{Flag::announcement, true, "9"}, FlagChanged{Flag::locked, true, ""},
                    FlagChanged{Flag::frequently_forwarded, false, ""}, FlagChanged{Flag::suspended, true, ""},
                    ModeChanged{Mode::member_add, Allowed::admins}, EphemeralChanged{{86400, 1}},
                    JoinApprovalChanged{true}, GrowthLockChanged{GrowthLock{"invite", 7}},
                    GroupsLinked{"parent_group", {{town, "Town", {}, false}}}, UnknownChange{"brand_new"}}));
    REQUIRE(result.metadata);
    REQUIRE(result.keys == SenderKeys::keep);
    REQUIRE(result.refetch == kept.stale);
    GroupMetadata wanted = kept;
    wanted.subject = "Team B";
    wanted.subject_time = 1770000990;
    wanted.subject_owner = lid(3);
    wanted.subject_owner_pn = pn(3);
    wanted.subject_owner_username = "carl";
    wanted.description = {"D2", "Text", lid(2), pn(2), "", 1770001000};
    wanted.announcement = wanted.locked = wanted.suspended = wanted.join_approval = true;
    wanted.announcement_version = "9";
    wanted.frequently_forwarded = false;
    wanted.member_add = Allowed::admins;
    wanted.ephemeral = {86400, 1};
    wanted.growth_lock = GrowthLock{"invite", 7};
    wanted.linked_parent = town;
    REQUIRE(*result.metadata == wanted);
  }
  GroupMetadata kept = group_of({1});
  kept.linked_parent = town;
  kept.growth_lock = GrowthLock{"invite", 7};
  const Applied undone =
      applied(kept, told({DescriptionChanged{"D3", {}}, SubjectChanged{"x", {}, {}, {}, ""}, GrowthLockChanged{},
                          GroupsUnlinked{"sub_group", "", {{town, "", {}, false}}}}));
  REQUIRE_FALSE(undone.metadata->description.text);
  REQUIRE(undone.metadata->description.id == "D3");
  REQUIRE(undone.metadata->subject_owner == lid(2));  // without an owner of its own, the author
  REQUIRE_FALSE(undone.metadata->growth_lock);
  REQUIRE(undone.metadata->linked_parent == town);
  REQUIRE_FALSE(
      applied(kept, GroupsUnlinked{"parent_group", "delete_parent", {{town, "", {}, false}}}).metadata->linked_parent);
}

TEST_CASE("a change of a linked group is applied to that group alone") {
  GroupNotification notification =
      told({RolesChanged{RoleChange::promote, {}, members({3}), team}, FlagChanged{Flag::locked, true, ""}});
  notification.group = town;
  notification.missing_identification = true;
  notification.addressing_mode = AddressingMode::phone_number;
  REQUIRE(groups_of(notification) == std::vector<Jid>{town, team});
  const Applied linked = applied(group_of({1, 3}), notification);
  REQUIRE(names(linked) == Names{"1m", "3a"});
  REQUIRE_FALSE(linked.metadata->locked);
  REQUIRE_FALSE(linked.refetch);
  GroupMetadata root = group_of({1, 3});
  root.group = town;
  const Applied own_group = apply(town, root, notification, own());
  REQUIRE(names(own_group) == Names{"1m", "3m"});
  REQUIRE(own_group.metadata->locked);
  REQUIRE(own_group.refetch);
}

TEST_CASE("a fetched list is held against the older one") {
  const Applied same = compare(group_of({1, 2, 3}), group_of({3, 2, 1, 4}));
  REQUIRE(same.keys == SenderKeys::keep);
  REQUIRE(same.metadata == group_of({3, 2, 1, 4}));
  const Applied fewer = compare(group_of({1, 2, 3}), group_of({1, 2}));
  REQUIRE(fewer.keys == SenderKeys::rotate_if_given);
  REQUIRE(fewer.gone == members({3}));

  GroupMetadata sample = group_of({1});
  sample.partial = true;
  REQUIRE(compare(group_of({1, 2, 3}), sample).keys == SenderKeys::keep);  // who is not in a sample may be there

  GroupMetadata by_number = group_of({});
  by_number.addressing_mode = AddressingMode::phone_number;
  for (int who : {1, 2}) {
    by_number.members.push_back(person(pn(who)));
    by_number.members.back().lid = lid(who);
  }
  const Applied switched = compare(group_of({1, 2}), by_number);
  REQUIRE(switched.keys == SenderKeys::rotate);
  REQUIRE(switched.gone.empty());
}
