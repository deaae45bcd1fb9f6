// Communities: the root, its announcement group, and the groups linked to it. Specification 05 section 3.

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/sandbox/group_world.h"

namespace wharf::sandbox::test {

using groups::MemberAction;
using Strings = std::vector<std::string>;

namespace {

struct Community : GroupWorld {
  Jid root;
  Community() {
    groups::CreateGroup asked;
    asked.subject = "Village";
    asked.kind = groups::NewCommunity{};
    root = make(asked);
  }
  std::vector<groups::GroupMetadata> sub_groups(Primary& viewer) {
    const auto listed = groups::read_sub_groups(ask(viewer, groups::ListSubGroups{root}));
    REQUIRE(listed);
    return *listed;
  }
  Jid announcements() {
    const auto all = sub_groups(anna);
    const auto found = std::find_if(all.begin(), all.end(), [](const auto& group) { return group.default_sub_group; });
    REQUIRE(found != all.end());
    return found->group;
  }
  bool in(Primary& who, const Jid& group) { return refused(who, groups::QueryGroup{group, {}}).empty(); }
};

}  // namespace

TEST_CASE("a community begins with a root without a chat and a group for announcements") {
  Community c;
  CHECK(c.metadata(c.anna, c.root).community);
  const auto all = c.sub_groups(c.anna);
  REQUIRE(all.size() == 1);
  const auto announcements = c.metadata(c.anna, c.announcements());
  CHECK(announcements.announcement);
  CHECK(announcements.default_sub_group);
  CHECK(announcements.linked_parent == c.root);
  CHECK(count(*c.desk->inbox, "create") == 2);
  CHECK(c.refused(c.ben, groups::ListSubGroups{c.root}) == "403");
  CHECK(c.refused(c.anna, groups::ListSubGroups{c.announcements()}) == "404");

  auto message = group_message("m1", c.root, {});
  c.anna.send(message);
  CHECK(c.anna.inbox.last("ack")->attr("error") == "405");
}

TEST_CASE("a group that is linked brings its members along, and both sides are told") {
  Community c;
  const auto walks = c.make({&c.ben});
  const groups::LinkGroups asked{c.root, {{walks, false}, {Jid("120363000000000000", "g.us"), false}, {walks, false}}};
  const auto linked = groups::read_linked(asked, c.ask(c.anna, asked));
  REQUIRE(linked);
  CHECK(linked->asked.at(0).succeeded());
  CHECK(linked->asked.at(1).code == 404u);
  CHECK(c.metadata(c.ben, walks).linked_parent == c.root);
  CHECK(c.in(c.ben, c.root));
  CHECK(c.in(c.ben, c.announcements()));
  CHECK(change_of<groups::GroupsLinked>(newest(c.ben.inbox, "link")).type == "parent_group");
  const auto told_root = told(*c.desk->inbox, "link");
  CHECK(std::any_of(told_root.begin(), told_root.end(), [&](const auto& notice) {
    return notice.group == c.root && change_of<groups::GroupsLinked>(notice).groups.at(0).group == walks;
  }));
  CHECK(c.sub_groups(c.ben).size() == 2);

  // Who comes into a group later comes into the community.
  REQUIRE(c.change(c.anna, walks, MemberAction::add, {lid(c.cleo)}) == Strings{""});
  CHECK(c.in(c.cleo, c.root));
  const auto members = groups::read_linked_members(c.ask(c.cleo, groups::ListLinkedMembers{c.root}));
  REQUIRE(members);
  CHECK(members->size() == 3);

  const groups::UnlinkGroups apart{c.root, {walks, c.announcements()}, true};
  const auto unlinked = groups::read_unlinked(apart, c.ask(c.anna, apart));
  REQUIRE(unlinked);
  CHECK(unlinked->asked.at(0).succeeded());
  CHECK(unlinked->asked.at(1).code == 405u);
  CHECK(change_of<groups::GroupsUnlinked>(newest(c.ben.inbox, "unlink")).reason == "unlink_group");
  CHECK(c.in(c.ben, walks));
  CHECK_FALSE(c.in(c.ben, c.root));
  CHECK_FALSE(c.in(c.cleo, c.announcements()));
  CHECK(c.in(c.anna, c.root));
}

TEST_CASE("only admins link, and only groups that they rule") {
  Community c;
  const auto walks = c.make({&c.ben, &c.cleo});
  REQUIRE(groups::read_linked({c.root, {{walks, false}}}, c.ask(c.anna, groups::LinkGroups{c.root, {{walks, false}}})));
  CHECK(c.refused(c.ben, groups::LinkGroups{c.root, {{walks, false}}}) == "401");
  CHECK(c.refused(c.dora, groups::LinkGroups{c.root, {{walks, false}}}) == "403");
  groups::CreateGroup within;
  within.subject = "Talks";
  within.kind = groups::WithinCommunity{c.root};
  CHECK(c.refused(c.ben, within) == "401");
  REQUIRE(c.refused(c.anna, groups::SetFlag{c.root, groups::Flag::non_admin_sub_groups, true}).empty());
  CHECK(c.refused(c.ben, within).empty());
  CHECK(c.sub_groups(c.anna).size() == 3);
}

TEST_CASE("a member of the community joins its groups by itself, or asks") {
  Community c;
  const auto walks = c.make({&c.ben}), talks = c.make({&c.cleo}, "Talks");
  const groups::LinkGroups asked{c.root, {{walks, false}, {talks, true}}};
  REQUIRE(groups::read_linked(asked, c.ask(c.anna, asked)));
  CHECK(c.refused(c.dora, groups::JoinLinkedGroup{c.root, walks}) == "403");
  CHECK(c.refused(c.cleo, groups::JoinLinkedGroup{c.root, walks}).empty());
  CHECK(change_of<groups::MembersAdded>(newest(c.ben.inbox, "add")).reason == "linked_group_join");
  CHECK(c.in(c.cleo, walks));
  CHECK(c.refused(c.ben, groups::JoinLinkedGroup{c.root, talks}) == "403");  // hidden
  CHECK(c.sub_groups(c.ben).size() == 2);

  REQUIRE(c.refused(c.cleo, groups::LeaveGroups{{walks}}).empty());
  REQUIRE(c.refused(c.anna, groups::SetJoinApproval{walks, true}).empty());
  CHECK(c.refused(c.cleo, groups::JoinLinkedGroup{c.root, walks}).empty());
  CHECK_FALSE(c.in(c.cleo, walks));
  const auto waiting = groups::read_join_requests(c.ask(c.anna, groups::ListJoinRequests{walks}));
  REQUIRE(waiting);
  CHECK(waiting->at(0).method == "linked_group_join");
  CHECK(waiting->at(0).parent_group == c.root);
}

TEST_CASE("roles in the root hold for announcements, and who is put out is out of everything") {
  Community c;
  const auto walks = c.make({&c.ben});
  REQUIRE(groups::read_linked({c.root, {{walks, false}}}, c.ask(c.anna, groups::LinkGroups{c.root, {{walks, false}}})));
  const auto announcements = c.announcements();
  auto message = group_message("m1", announcements, {});
  c.ben.send(message);
  CHECK(c.ben.inbox.last("ack")->attr("error") == "403");
  REQUIRE(c.change(c.anna, c.root, MemberAction::promote, {lid(c.ben)}) == Strings{""});
  const auto promoted = change_of<groups::RolesChanged>(newest(c.ben.inbox, "linked_group_promote"));
  CHECK(promoted.linked_group == announcements);
  c.ben.send(group_message("m2", announcements, {}));
  CHECK_FALSE(c.ben.inbox.last("ack")->has("error"));

  const groups::ChangeMembers out{c.root, MemberAction::remove, {{lid(c.ben), {}, {}}}, true};
  CHECK(GroupWorld::rows(c.ask(c.anna, out), "remove") == Strings{""});
  CHECK_FALSE(c.in(c.ben, c.root));
  CHECK_FALSE(c.in(c.ben, walks));
  CHECK_FALSE(c.in(c.ben, announcements));
}

TEST_CASE("a community that ends leaves its groups to themselves") {
  Community c;
  const auto walks = c.make({&c.ben});
  REQUIRE(groups::read_linked({c.root, {{walks, false}}}, c.ask(c.anna, groups::LinkGroups{c.root, {{walks, false}}})));
  const auto announcements = c.announcements();
  CHECK(c.refused(c.ben, groups::DeactivateCommunity{c.root}) == "401");
  CHECK(c.refused(c.anna, groups::DeactivateCommunity{c.root}).empty());
  CHECK(change_of<groups::GroupDeleted>(newest(c.ben.inbox, "delete")).reason == "delete_parent");
  CHECK(change_of<groups::GroupsUnlinked>(newest(c.ben.inbox, "unlink")).reason == "delete_parent");
  CHECK(c.refused(c.anna, groups::QueryGroup{c.root, {}}) == "404");
  CHECK(c.refused(c.anna, groups::QueryGroup{announcements, {}}) == "404");
  CHECK_FALSE(c.metadata(c.ben, walks).linked_parent);
}

TEST_CASE("in the announcement group members do not see each other's numbers") {
  Community c;
  const auto walks = c.make({&c.ben, &c.cleo});
  REQUIRE(groups::read_linked({c.root, {{walks, false}}}, c.ask(c.anna, groups::LinkGroups{c.root, {{walks, false}}})));
  const auto seen = c.metadata(c.ben, c.announcements());
  for (const auto& member : seen.members) CHECK(member.pn.has_value() == (member.jid == lid(c.ben)));
  for (const auto& member : c.metadata(c.anna, c.announcements()).members) CHECK(member.pn.has_value());
}

}  // namespace wharf::sandbox::test
