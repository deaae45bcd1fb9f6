// What the server does with requests about groups: who may, what is refused, who is told. Specification 06 section 11,
// 05 section 2.

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/sandbox/group_world.h"

namespace wharf::sandbox::test {

using groups::Flag;
using groups::MemberAction;
using Strings = std::vector<std::string>;

namespace {

/// Sets a category of the device's privacy.
void set_privacy(World& world, Primary& device, std::string_view name, std::string_view value) {
  Node iq("iq");
  iq.set("type", "set").set("xmlns", "privacy").set("id", world.id()).set("to", protocol::server_jid());
  device.send(iq.add(Node("privacy").add(Node("category").set("name", name).set("value", value))));
}

const groups::Participant& row_of(const groups::GroupMetadata& group, const Jid& jid) {
  const auto found = std::find_if(group.members.begin(), group.members.end(),
                                  [&](const groups::Participant& member) { return member.jid == jid; });
  REQUIRE(found != group.members.end());
  return *found;
}

}  // namespace

TEST_CASE("a new group names its members by LID, its creator as superadmin, and is told to every device") {
  GroupWorld w;
  groups::CreateGroup asked;
  asked.subject = "Walks";
  asked.key = "key-1";
  asked.members = {{lid(w.ben), {}, {}}, {pn(w.cleo), {}, {}}};
  asked.description = groups::NewDescription{"d1", "on Sundays"};
  asked.locked = true;
  asked.ephemeral = groups::Ephemeral{86'400, {}};
  asked.member_add = groups::Allowed::all_members;
  const auto answer = w.ask(*w.desk, asked);
  const auto created = groups::read_created(asked, answer);
  REQUIRE(created);
  const auto& group = created->group;
  CHECK(group.group.user.size() == 18);
  CHECK(group.group.user.starts_with("120363"));
  CHECK(group.addressing_mode == groups::AddressingMode::lid);
  CHECK(group.size == 3);
  CHECK(group.subject == "Walks");
  CHECK(group.creator == lid(w.anna));
  CHECK(group.creator_pn == pn(w.anna));
  CHECK(group.description.text == "on Sundays");
  CHECK(group.description.id == "d1");
  CHECK(group.locked);
  CHECK(group.ephemeral.seconds == 86'400);
  CHECK(group.member_add == groups::Allowed::all_members);
  CHECK(row_of(group, lid(w.anna)).role == groups::Role::superadmin);
  CHECK(row_of(group, lid(w.ben)).role == groups::Role::member);
  CHECK(row_of(group, lid(w.cleo)).pn == pn(w.cleo));

  for (const Inbox* inbox : {&w.anna.inbox, w.desk->inbox.get(), &w.ben.inbox, w.bens->inbox.get(), &w.cleo.inbox}) {
    REQUIRE(count(*inbox, "create") == 1);
    const auto notice = newest(*inbox, "create");
    CHECK(notice.group == group.group);
    CHECK(notice.author.jid == lid(w.anna));
    CHECK(notice.author.pn == pn(w.anna));
    CHECK(notice.author_name == "Anna");
    CHECK(notice.addressing_mode == groups::AddressingMode::lid);
    const auto change = change_of<groups::GroupCreated>(notice);
    CHECK(change.key == "key-1");
    CHECK(change.group.members == group.members);
    CHECK(change.group.member_list_version == group.member_list_version);
  }
  CHECK(told(w.dora.inbox).empty());
  CHECK(w.metadata(w.ben, group.group) == group);
}

TEST_CASE("a group by number names people so, with their LIDs beside") {
  GroupWorld w;
  w.world.network.faults().groups_by_number = true;
  const auto group = w.metadata(w.ben, w.make({&w.ben}));
  CHECK(group.addressing_mode == groups::AddressingMode::phone_number);
  CHECK(row_of(group, pn(w.ben)).lid == lid(w.ben));
  CHECK(newest(w.ben.inbox, "create").author.jid == pn(w.anna));
}

TEST_CASE("who may not be brought in is a row with its reason and no member") {
  GroupWorld w;
  set_privacy(w.world, w.ben, "groupadd", "none");
  set_privacy(w.world, w.cleo, "groupadd", "contacts");
  Node block("iq");
  block.set("type", "set").set("xmlns", "blocklist").set("id", w.world.id()).set("to", protocol::server_jid());
  w.dora.send(block.add(Node("item").set("action", "block").set("jid", lid(w.anna))));
  groups::CreateGroup asked;
  asked.subject = "Walks";
  const Jid nobody("15559999999", protocol::server::user);
  asked.members = {{lid(w.ben), {}, {}}, {lid(w.cleo), {}, {}}, {lid(w.dora), {}, {}}, {nobody, {}, {}}};
  const auto created = groups::read_created(asked, w.ask(w.anna, asked));
  REQUIRE(created);
  CHECK(created->group.size == 1);
  CHECK(created->group.members.size() == 1);
  const auto& rows = created->members.asked;
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].result == groups::MemberResult::invite_required);
  CHECK(rows[1].result == groups::MemberResult::invite_required);
  CHECK(rows[2].result == groups::MemberResult::not_authorised);
  CHECK(rows[3].result == groups::MemberResult::not_on_whatsapp);
  CHECK(told(w.ben.inbox).empty());

  // A contact of Cleo's may add her.
  w.anna.send(message_to("m1", lid(w.cleo), {lid(w.cleo), w.desk->lid()}));
  CHECK(w.change(w.anna, created->group.group, MemberAction::add, {lid(w.cleo)}) == Strings{""});

  // The invitation of the row lets Ben in, once, and nobody else.
  const auto& invite = rows[0].invite;
  REQUIRE(invite);
  CHECK(std::int64_t{invite->expires_at} == w.world.clock.unix_ms() / 1000 + 3 * 86'400);
  const auto group = created->group.group;
  const groups::Invitation shown{invite->code, invite->expires_at, lid(w.anna)};
  CHECK(w.refused(w.dora, groups::AcceptInvitation{group, shown}) == "406");
  CHECK(w.refused(w.ben, groups::AcceptInvitation{group, {invite->code, invite->expires_at, lid(w.cleo)}}) == "406");
  const auto preview = groups::read_preview(w.ask(w.ben, groups::PreviewInvitation{group, shown}));
  REQUIRE(preview);
  CHECK(preview->size == 2);
  const auto joined = groups::read_joined(w.ask(w.ben, groups::AcceptInvitation{group, shown}), group);
  REQUIRE(joined);
  CHECK(joined->state == groups::JoinState::joined);
  CHECK(change_of<groups::MembersAdded>(newest(w.anna.inbox, "add")).reason == "invite");
  CHECK(w.refused(w.ben, groups::AcceptInvitation{group, shown}) == "406");
}

TEST_CASE("an invitation ends with its time, with its revocation and with whoever gave it") {
  GroupWorld w;
  set_privacy(w.world, w.dora, "groupadd", "none");
  const auto group = w.make({&w.ben});
  REQUIRE(w.change(w.anna, group, MemberAction::promote, {lid(w.ben)}) == Strings{""});
  const groups::ChangeMembers asked{group, MemberAction::add, {{lid(w.dora), {}, {}}}, false};
  const auto changed = groups::read_changed(asked, w.ask(w.ben, asked));
  REQUIRE(changed);
  const auto invite = changed->asked.at(0).invite;
  REQUIRE(invite);
  const groups::Invitation shown{invite->code, invite->expires_at, lid(w.ben)};
  SECTION("time") { w.world.clock.advance(3LL * 86'400'000 + 1'000); }
  SECTION("revocation") {
    CHECK(GroupWorld::error(w.ask(w.anna, groups::RevokeInvitations{group, {lid(w.dora)}})).empty());
    CHECK(w.refused(w.dora, groups::AcceptInvitation{group, shown}) == "406");
    return;
  }
  SECTION("its giver is no admin any more") {
    REQUIRE(w.change(w.anna, group, MemberAction::demote, {lid(w.ben)}) == Strings{""});
  }
  CHECK(w.refused(w.dora, groups::AcceptInvitation{group, shown}) == "410");
}

TEST_CASE("members are added and removed with a word for all devices, the removed too, and versions that fit") {
  GroupWorld w;
  const auto group = w.make({&w.ben});
  const auto before = w.metadata(w.anna, group);
  CHECK(w.change(*w.desk, group, MemberAction::add, {lid(w.cleo), lid(w.ben), Jid("199", "lid"), lid(w.cleo)}) ==
        Strings{"", "409", "404", "409"});
  for (const Inbox* inbox : {&w.anna.inbox, w.desk->inbox.get(), &w.ben.inbox, w.bens->inbox.get(), &w.cleo.inbox}) {
    const auto change = change_of<groups::MembersAdded>(newest(*inbox, "add"));
    REQUIRE(change.members.size() == 1);
    CHECK(change.members[0].jid == lid(w.cleo));
    CHECK(change.versions.before == before.member_list_version);
    CHECK(change.versions.after == w.metadata(w.anna, group).member_list_version);
  }
  const auto with_cleo = w.metadata(w.cleo, group);
  CHECK(with_cleo.size == 3);
  CHECK(w.change(w.anna, group, MemberAction::remove, {lid(w.cleo), lid(w.dora)}) == Strings{"", "404"});
  const auto gone = newest(w.cleo.inbox, "remove");
  CHECK(gone.author.jid == lid(w.anna));
  CHECK(change_of<groups::MembersRemoved>(gone).versions.before == with_cleo.member_list_version);
  CHECK(count(w.ben.inbox, "remove") == 1);
  CHECK(w.refused(w.cleo, groups::QueryGroup{group, {}}) == "403");
  CHECK(w.refused(w.cleo, groups::QueryGroup{Jid("120363000000000000", "g.us"), {}}) == "404");
}

TEST_CASE("only admins change members, and nobody the superadmin") {
  GroupWorld w;
  const auto group = w.make({&w.ben, &w.cleo});
  CHECK(w.refused(w.ben, groups::ChangeMembers{group, MemberAction::remove, {{lid(w.cleo), {}, {}}}, false}) == "401");
  CHECK(w.refused(w.ben, groups::ChangeMembers{group, MemberAction::add, {{lid(w.dora), {}, {}}}, false}) == "401");
  CHECK(w.refused(w.dora, groups::ChangeMembers{group, MemberAction::add, {{lid(w.dora), {}, {}}}, false}) == "403");
  CHECK(w.change(w.anna, group, MemberAction::promote, {lid(w.ben), lid(w.anna)}) == Strings{"", "406"});
  CHECK(w.metadata(w.ben, group).members.at(1).role == groups::Role::admin);
  CHECK(change_of<groups::RolesChanged>(newest(w.cleo.inbox, "promote")).members.at(0).jid == lid(w.ben));
  CHECK(w.change(w.ben, group, MemberAction::demote, {lid(w.anna), lid(w.cleo)}) == Strings{"403", "406"});
  CHECK(w.change(w.ben, group, MemberAction::remove, {lid(w.anna)}) == Strings{"403"});
  CHECK(w.change(w.anna, group, MemberAction::demote, {lid(w.ben)}) == Strings{""});
  CHECK(count(w.bens->inbox.operator*(), "demote") == 1);
}

TEST_CASE("who leaves is told of, cannot be added again at once, and leaves an admin behind") {
  GroupWorld w;
  const auto group = w.make({&w.ben, &w.cleo});
  const groups::LeaveGroups asked{{group, Jid("120363000000000000", "g.us")}};
  const auto left = groups::read_left(asked, w.ask(w.ben, asked));
  REQUIRE(left);
  CHECK(left->asked.at(0).succeeded());
  CHECK(left->asked.at(1).code == 404u);
  const auto notice = newest(w.anna.inbox, "remove");
  CHECK(notice.author.jid == lid(w.ben));
  CHECK(change_of<groups::MembersRemoved>(notice).members.at(0).jid == lid(w.ben));
  CHECK(count(*w.bens->inbox, "remove") == 1);  // the device that did nothing hears, too
  CHECK(w.change(w.anna, group, MemberAction::add, {lid(w.ben)}) == Strings{"408"});
  w.world.clock.advance(86'400'000);
  CHECK(w.change(w.anna, group, MemberAction::add, {lid(w.ben)}) == Strings{""});

  w.world.clock.advance(1'000);
  CHECK(w.refused(w.anna, groups::LeaveGroups{{group}}).empty());
  const auto promoted = newest(w.ben.inbox, "promote");
  CHECK_FALSE(promoted.author.jid);
  CHECK(change_of<groups::RolesChanged>(promoted).members.at(0).jid == lid(w.cleo));  // she is there longest
}

TEST_CASE("a group that is full takes nobody, by hand or by link") {
  GroupWorld w;
  w.world.network.settings().max_group_members = 2;
  const auto group = w.make({&w.ben});
  CHECK(w.change(w.anna, group, MemberAction::add, {lid(w.cleo)}) == Strings{"419"});
  const auto code = groups::read_invite(w.ask(w.anna, groups::GetInvite{group}));
  REQUIRE(code);
  CHECK(w.refused(w.cleo, groups::JoinByInvite{*code}) == "419");
}

TEST_CASE("nobody fills the network with groups, or with people whom one request names") {
  GroupWorld w;
  w.world.network.settings().max_group_members = 3;
  w.world.network.settings().max_groups = 1;
  std::vector<std::string> asked_for;
  w.world.network.on_unknown_number = [&](const std::string& phone) { asked_for.push_back(phone); };
  groups::CreateGroup asked;
  asked.subject = "Everybody";
  for (int i = 0; i < 4; ++i)
    asked.members.push_back({Jid("1555000100" + std::to_string(i), "s.whatsapp.net"), {}, {}});
  CHECK(w.refused(w.anna, asked) == "406");
  CHECK(asked_for.empty());
  const auto group = w.make({&w.ben});
  CHECK(w.refused(w.anna, groups::ChangeMembers{group, MemberAction::add, asked.members, false}) == "406");
  asked.members.clear();
  CHECK(w.refused(w.ben, asked) == "419");
  CHECK(asked_for.empty());
}

TEST_CASE("subject and description have their limits, and a stale description is refused") {
  GroupWorld w;
  const auto group = w.make({&w.ben});
  std::string umlauts;
  for (int i = 0; i < 100; ++i) umlauts += "ü";  // 100 characters, 200 bytes
  CHECK(w.refused(w.ben, groups::SetSubject{group, umlauts}).empty());
  CHECK(w.refused(w.ben, groups::SetSubject{group, umlauts + "x"}) == "406");
  CHECK(w.refused(w.ben, groups::SetSubject{group, ""}) == "406");
  const auto renamed = newest(w.anna.inbox, "subject");
  CHECK(change_of<groups::SubjectChanged>(renamed).subject == umlauts);
  CHECK(change_of<groups::SubjectChanged>(renamed).owner == lid(w.ben));
  CHECK(w.metadata(w.anna, group).subject_owner == lid(w.ben));

  CHECK(w.refused(w.ben, groups::SetDescription{group, "first", "d1", ""}).empty());
  CHECK(change_of<groups::DescriptionChanged>(newest(w.anna.inbox, "description")).id == "d1");
  CHECK(w.refused(w.anna, groups::SetDescription{group, "second", "d2", ""}) == "409");
  CHECK(w.refused(w.anna, groups::SetDescription{group, "second", "d2", "d1"}).empty());
  CHECK(w.metadata(w.ben, group).description.author == lid(w.anna));
  CHECK(w.refused(w.anna, groups::SetDescription{group, std::string(2'049, 'x'), "d3", "d2"}) == "406");
  CHECK(w.refused(w.anna, groups::SetDescription{group, std::nullopt, "d3", "d2"}).empty());
  CHECK_FALSE(w.metadata(w.ben, group).description.text);
  CHECK(w.metadata(w.ben, group).description.id == "d3");
}

TEST_CASE("settings are for admins, and what was so already is not told") {
  GroupWorld w;
  const auto group = w.make({&w.ben});
  CHECK(w.refused(w.ben, groups::SetFlag{group, Flag::announcement, true}) == "401");
  CHECK(w.refused(w.ben, groups::SetJoinApproval{group, true}) == "401");
  CHECK(w.refused(w.ben, groups::SetMode{group, groups::Mode::member_add, groups::Allowed::all_members}) == "401");
  CHECK(w.refused(w.ben, groups::SetEphemeral{group, {86'400, {}}}).empty());  // the group is not locked
  CHECK(w.refused(w.anna, groups::SetEphemeral{group, {77, {}}}) == "406");

  CHECK(w.refused(w.anna, groups::SetFlag{group, Flag::locked, true}).empty());
  CHECK(w.refused(w.ben, groups::SetEphemeral{group, {0, {}}}) == "401");
  CHECK(w.refused(w.ben, groups::SetSubject{group, "no"}) == "401");
  CHECK(w.refused(w.anna, groups::SetFlag{group, Flag::announcement, true}).empty());
  CHECK(w.refused(w.anna, groups::SetFlag{group, Flag::announcement, true}).empty());
  CHECK(count(w.ben.inbox, "announcement") == 1);
  CHECK(change_of<groups::FlagChanged>(newest(w.ben.inbox, "announcement")).version ==
        w.metadata(w.ben, group).announcement_version);
  CHECK(w.refused(w.anna, groups::SetFlag{group, Flag::frequently_forwarded, false}).empty());
  CHECK(w.refused(w.anna, groups::SetMode{group, groups::Mode::member_link, groups::Allowed::all_members}).empty());
  CHECK(w.refused(w.anna, groups::SetJoinApproval{group, true}).empty());
  const auto now = w.metadata(w.ben, group);
  CHECK(now.announcement);
  CHECK(now.locked);
  CHECK_FALSE(now.frequently_forwarded);
  CHECK(now.join_approval);
  CHECK(now.member_link == groups::Allowed::all_members);
  CHECK(now.ephemeral.seconds == 86'400);
  CHECK(w.refused(w.anna, groups::SetFlag{group, Flag::announcement, false}).empty());
  CHECK(count(w.ben.inbox, "not_announcement") == 1);
}

TEST_CASE("a link is the admins' to give, leads in, and ends when it is reset") {
  GroupWorld w;
  const auto group = w.make({&w.ben});
  CHECK(w.refused(w.ben, groups::GetInvite{group}) == "401");
  CHECK(w.refused(w.dora, groups::GetInvite{group}) == "403");
  const auto code = groups::read_invite(w.ask(w.anna, groups::GetInvite{group}));
  REQUIRE(code);
  CHECK(code->size() == 22);
  CHECK(w.refused(w.dora, groups::PreviewInvite{"AAAAAAAAAAAAAAAAAAAAAA"}) == "406");
  const auto preview = groups::read_preview(w.ask(w.dora, groups::PreviewInvite{*code}));
  REQUIRE(preview);
  CHECK(preview->subject == "Walks");
  CHECK(preview->size == 2);
  const auto joined = groups::read_joined(w.ask(w.cleo, groups::JoinByInvite{*code}));
  REQUIRE(joined);
  CHECK(joined->group == group);
  CHECK(joined->state == groups::JoinState::joined);
  for (const Inbox* inbox : {&w.anna.inbox, &w.cleo.inbox}) {
    const auto notice = newest(*inbox, "add");
    CHECK(notice.author.jid == lid(w.cleo));
    CHECK(change_of<groups::MembersAdded>(notice).reason == "invite");
  }
  CHECK(w.refused(w.cleo, groups::JoinByInvite{*code}) == "409");

  const auto fresh = groups::read_invite(w.ask(w.anna, groups::ResetInvite{group}));
  REQUIRE(fresh);
  CHECK(*fresh != *code);
  CHECK(change_of<groups::InviteChanged>(newest(*w.desk->inbox, "invite")).code == *fresh);
  CHECK(count(w.ben.inbox, "invite") == 0);  // members may not give the link
  CHECK(w.refused(w.dora, groups::JoinByInvite{*code}) == "410");
  CHECK(w.refused(w.dora, groups::PreviewInvite{*code}) == "410");

  // Who was removed finds the door shut; who left may come back.
  REQUIRE(w.change(w.anna, group, MemberAction::remove, {lid(w.cleo)}) == Strings{""});
  CHECK(w.refused(w.cleo, groups::JoinByInvite{*fresh}) == "405");
  REQUIRE(w.refused(w.ben, groups::LeaveGroups{{group}}).empty());
  CHECK(w.refused(w.ben, groups::JoinByInvite{*fresh}).empty());
}

TEST_CASE("with approval on a link leads to a request that an admin decides") {
  GroupWorld w;
  const auto group = w.make({&w.ben});
  REQUIRE(w.refused(w.anna, groups::SetJoinApproval{group, true}).empty());
  const auto code = groups::read_invite(w.ask(w.anna, groups::GetInvite{group}));
  REQUIRE(code);
  const auto pending = groups::read_joined(w.ask(w.cleo, groups::JoinByInvite{*code}));
  REQUIRE(pending);
  CHECK(pending->state == groups::JoinState::pending_approval);
  CHECK(w.refused(w.cleo, groups::JoinByInvite{*code}).empty());  // asked again: still one request
  CHECK(count(*w.desk->inbox, "membership_approval_request") + count(*w.desk->inbox, "created_membership_requests") ==
        1);
  CHECK(told(w.ben.inbox, "membership_approval_request").empty());
  CHECK(told(w.ben.inbox, "created_membership_requests").empty());
  CHECK(w.refused(w.ben, groups::ListJoinRequests{group}) == "401");
  const auto waiting = groups::read_join_requests(w.ask(w.anna, groups::ListJoinRequests{group}));
  REQUIRE(waiting);
  REQUIRE(waiting->size() == 1);
  CHECK(waiting->front().who.jid == lid(w.cleo));
  CHECK(waiting->front().method == "invite_link");

  SECTION("approved") {
    const groups::DecideJoinRequests asked{group, {lid(w.cleo), lid(w.dora)}, {}};
    const auto decided = groups::read_decided(asked, w.ask(w.anna, asked));
    REQUIRE(decided);
    CHECK(decided->approved.asked.at(0).succeeded());
    CHECK(decided->approved.asked.at(1).code == 404);
    CHECK(newest(w.cleo.inbox, "add").author.jid == lid(w.anna));
    CHECK(w.metadata(w.cleo, group).size == 3);
  }
  SECTION("rejected") {
    const groups::DecideJoinRequests asked{group, {}, {lid(w.cleo)}};
    REQUIRE(groups::read_decided(asked, w.ask(w.anna, asked)));
    CHECK(newest(w.cleo.inbox, "revoked_membership_requests").author.jid == lid(w.anna));
    CHECK(count(*w.desk->inbox, "revoked_membership_requests") == 1);
    CHECK(w.refused(w.cleo, groups::QueryGroup{group, {}}) == "403");
  }
  SECTION("withdrawn") {
    const groups::CancelJoinRequests asked{group, {lid(w.cleo)}};
    CHECK(w.rows(w.ask(w.dora, asked), "cancel_membership_requests") == Strings{"404"});
    CHECK(w.rows(w.ask(w.cleo, asked), "cancel_membership_requests") == Strings{""});
    CHECK(newest(w.anna.inbox, "revoked_membership_requests").author.jid == lid(w.cleo));
  }
  if (const auto left = groups::read_join_requests(w.ask(w.anna, groups::ListJoinRequests{group})); left)
    CHECK(left->empty());
}

TEST_CASE("members who may add do so, and with approval on they propose") {
  GroupWorld w;
  const auto group = w.make({&w.ben});
  REQUIRE(w.refused(w.anna, groups::SetMode{group, groups::Mode::member_add, groups::Allowed::all_members}).empty());
  CHECK(w.change(w.ben, group, MemberAction::add, {lid(w.cleo)}) == Strings{""});
  REQUIRE(w.refused(w.anna, groups::SetJoinApproval{group, true}).empty());
  CHECK(w.change(w.ben, group, MemberAction::add, {lid(w.dora)}) == Strings{"202"});
  const auto asked = change_of<groups::JoinRequested>(newest(w.anna.inbox, "created_membership_requests"));
  CHECK(asked.method == "non_admin_add");
  CHECK(asked.people.at(0).jid == lid(w.dora));
  const auto waiting = groups::read_join_requests(w.ask(w.anna, groups::ListJoinRequests{group}));
  REQUIRE(waiting);
  CHECK(waiting->at(0).requestor == lid(w.ben));
  CHECK(w.change(w.anna, group, MemberAction::add, {lid(w.dora)}) == Strings{""});  // an admin lets her in at once
  CHECK(groups::read_join_requests(w.ask(w.anna, groups::ListJoinRequests{group}))->empty());
}

TEST_CASE("an account's groups are listed, singly known by their hash, and asked for in one go") {
  GroupWorld w;
  const auto walks = w.make({&w.ben}), talks = w.make({&w.cleo}, "Talks");
  const auto listed = groups::read_listed(w.ask(w.ben, groups::ListGroups{}));
  REQUIRE(listed);
  REQUIRE(listed->groups.size() == 1);
  CHECK(listed->groups[0] == w.metadata(w.ben, walks));
  CHECK(groups::read_listed(w.ask(w.dora, groups::ListGroups{}))->groups.empty());
  CHECK(groups::read_listed(w.ask(*w.desk, groups::ListGroups{}))->groups.size() == 2);
  const groups::QueryGroups batch{{talks, walks, Jid("120363000000000000", "g.us")}};
  const auto asked = groups::read_batch(batch, w.ask(w.ben, batch));
  REQUIRE(asked);
  CHECK(asked->at(0).code == 403);
  CHECK(asked->at(1).metadata == w.metadata(w.ben, walks));
  CHECK(asked->at(2).code == 404);
}

TEST_CASE("a number that is to be hidden is seen by admins and contacts alone") {
  GroupWorld w;
  w.world.network.faults().hide_group_numbers = true;
  const auto group = w.make({&w.ben, &w.cleo});
  CHECK(row_of(w.metadata(w.anna, group), lid(w.cleo)).pn == pn(w.cleo));
  const auto bens = w.metadata(w.ben, group);
  CHECK_FALSE(row_of(bens, lid(w.cleo)).pn);
  CHECK_FALSE(row_of(bens, lid(w.anna)).pn);
  CHECK(row_of(bens, lid(w.ben)).pn == pn(w.ben));
  CHECK_FALSE(bens.creator_pn);
  CHECK_FALSE(newest(w.ben.inbox, "create").author.pn);
  CHECK(newest(w.anna.inbox, "create").author.pn == pn(w.anna));
  w.cleo.send(message_to("m1", lid(w.ben), {lid(w.ben), w.bens->lid()}));  // they know each other now
  CHECK(row_of(w.metadata(w.ben, group), lid(w.cleo)).pn == pn(w.cleo));
  REQUIRE(w.change(w.anna, group, MemberAction::add, {lid(w.dora)}) == Strings{""});
  CHECK_FALSE(change_of<groups::MembersAdded>(newest(w.ben.inbox, "add")).members.at(0).pn);
  CHECK(change_of<groups::MembersAdded>(newest(w.anna.inbox, "add")).members.at(0).pn == pn(w.dora));
}

TEST_CASE("a change waits for a device that is away, and a lost one makes its groups dirty") {
  GroupWorld w;
  const auto group = w.make({&w.ben});
  w.bens->disconnect();
  REQUIRE(w.refused(w.anna, groups::SetSubject{group, "Later"}).empty());
  REQUIRE(w.bens->login());
  CHECK(change_of<groups::SubjectChanged>(newest(*w.bens->inbox, "subject")).subject == "Later");
  CHECK(newest(*w.bens->inbox, "subject").offline);
  const auto dirty = [](const Inbox& inbox) -> const Node* {
    for (const auto& node : inbox.all) {
      if (const auto* found = node.is("ib") ? node.child("dirty") : nullptr) return found;
    }
    return nullptr;
  };
  CHECK(dirty(*w.bens->inbox) == nullptr);

  w.world.network.faults().lose_group_notifications = 1;
  REQUIRE(w.refused(w.ben, groups::SetSubject{group, "Lost"}).empty());
  const auto lost = count(*w.desk->inbox, "subject") < 2 ? w.desk.get() : w.bens.get();
  CHECK(count(*lost->inbox, "subject") == 1);
  REQUIRE(dirty(*lost->inbox));
  CHECK(dirty(*lost->inbox)->attr("type") == "groups");
  REQUIRE(lost->login());
  const auto* again = dirty(*lost->inbox);
  REQUIRE(again);
  const auto stamp = again->attr("timestamp");
  CHECK(w.refused(*lost, groups::CleanGroupsDirty{"1"}).empty());
  REQUIRE(lost->login());
  CHECK(dirty(*lost->inbox));
  CHECK(w.refused(*lost, groups::CleanGroupsDirty{stamp}).empty());
  REQUIRE(lost->login());
  CHECK_FALSE(dirty(*lost->inbox));

  auto tablet = ready_companion(w.world, w.ben);  // knows of no group yet
  CHECK(dirty(*tablet->inbox));
}

TEST_CASE("a group has a picture that the media host serves until there is another") {
  GroupWorld w;
  const auto group = w.make({&w.ben});
  CHECK(w.refused(w.ben, groups::GetPicture{group, false, {}}) == "404");
  CHECK(w.refused(w.ben, groups::SetPicture{group, protocol::to_bytes("no picture")}) == "406");
  const Bytes jpeg{0xff, 0xd8, 0xff, 0xe0, 1, 2, 3};
  const auto id = groups::read_picture_set(w.ask(w.ben, groups::SetPicture{group, jpeg}));
  REQUIRE(id);
  const auto* notice = w.bens->inbox->last("notification");
  REQUIRE(notice);
  CHECK(notice->attr("type") == "picture");
  CHECK(notice->jid("from") == group);
  REQUIRE(notice->child("set"));
  CHECK(notice->child("set")->attr("id") == *id);
  CHECK(notice->child("set")->jid("author") == lid(w.ben));
  const auto picture = groups::read_picture(w.ask(w.anna, groups::GetPicture{group, false, {}}));
  REQUIRE(picture);
  REQUIRE(*picture);
  CHECK((*picture)->url == "https://" + std::string("127.0.0.1:443") + (*picture)->direct_path);
  const auto* served = w.world.network.media((*picture)->direct_path);
  REQUIRE(served);
  CHECK(*served == jpeg);
  const auto unchanged = groups::read_picture(w.ask(w.anna, groups::GetPicture{group, false, *id}));
  REQUIRE(unchanged);
  CHECK_FALSE(*unchanged);
  CHECK(w.refused(w.dora, groups::GetPicture{group, false, {}}) == "401");
  CHECK(w.refused(w.dora, groups::SetPicture{group, jpeg}) == "403");
  REQUIRE(w.refused(w.anna, groups::SetFlag{group, Flag::locked, true}).empty());
  CHECK(w.refused(w.ben, groups::RemovePicture{group}) == "401");
  CHECK(w.refused(w.anna, groups::RemovePicture{group}).empty());
  const auto* removal = w.bens->inbox->last("notification")->child("delete");
  REQUIRE(removal);
  CHECK(removal->jid("author") == lid(w.anna));
  CHECK(w.world.network.media((*picture)->direct_path) == nullptr);
}

TEST_CASE("an account without a LID is in groups by number alone") {
  GroupWorld w;
  REQUIRE(w.world.network.create_account("15550000009", "Old", false));
  const Jid old("15550000009", protocol::server::user);
  const auto group = w.make({&w.ben});
  CHECK(w.change(w.anna, group, MemberAction::add, {old}) == Strings{"406"});
  w.world.network.faults().groups_by_number = true;
  const auto by_number = w.make({&w.ben}, "Numbers");
  CHECK(w.change(w.anna, by_number, MemberAction::add, {old}) == Strings{""});
}

TEST_CASE("devices of a member change, and who shares a group with it hears") {
  GroupWorld w;
  (void)w.make({&w.ben, &w.cleo});
  const auto devices = [](const Inbox& inbox) {
    const auto all = inbox.tagged("notification");
    return std::count_if(all.begin(), all.end(), [](const Node& node) { return node.attr("type") == "devices"; });
  };
  const auto before = devices(w.cleo.inbox);
  auto tablet = ready_companion(w.world, w.ben);
  CHECK(devices(w.cleo.inbox) > before);
  CHECK(devices(w.dora.inbox) == 0);
}

TEST_CASE("what nobody can read is refused and noted") {
  GroupWorld w;
  const auto group = w.make({&w.ben});
  Node iq("iq");
  iq.set("type", "set").set("xmlns", "w:g2").set("id", "odd").set("to", group);
  w.anna.send(iq.add(Node("dance")));
  CHECK(GroupWorld::error(w.anna.inbox.answer("odd")) == "501");
}

}  // namespace wharf::sandbox::test
