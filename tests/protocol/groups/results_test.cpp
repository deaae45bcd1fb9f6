#include "protocol/groups/results.h"

#include <catch2/catch.hpp>

#include "protocol/groups/limits.h"
#include "tests/protocol/groups/meaning.h"
#include "tests/protocol/groups/people.h"

using namespace wharf::protocol;
using namespace wharf::protocol::groups;
using namespace wharf::test;

namespace {

Node result() { return Node("iq").set("from", team).set("type", "result").set("id", "1"); }
Node result(Node payload) { return result().add(std::move(payload)); }

template <class T>
bool is_bad(const GroupResult<T>& read) {
  return !read && read.error().failure == Failure::bad_response;
}

const std::string code = "AbCdEfGhIjKlMnOpQrStUv";

}  // namespace

TEST_CASE("a result without what it must hold is bad_response, never a success") {
  const ChangeMembers change{team, MemberAction::add, {{pn(2), {}, {}}}, false};
  for (const Node& answer : {result(), result(Node("brand_new")), result(Node("remove"))}) {
    REQUIRE(is_bad(read_created({}, answer)));
    REQUIRE(is_bad(read_queried({team, ""}, answer)));
    REQUIRE(is_bad(read_preview(answer)));
    REQUIRE(is_bad(read_listed(answer)));
    REQUIRE(is_bad(read_batch({{team}}, answer)));
    REQUIRE(is_bad(read_left({{team}}, answer)));
    REQUIRE(is_bad(read_changed(change, answer)));
    REQUIRE(is_bad(read_invite(answer)));
    REQUIRE(is_bad(read_joined(answer)));
    REQUIRE(is_bad(read_join_requests(answer)));
    REQUIRE(is_bad(read_decided({team, {lid(2)}, {}}, answer)));
    REQUIRE(is_bad(read_cancelled({team, {lid(1)}}, answer)));
    REQUIRE(is_bad(read_picture_set(answer)));
    REQUIRE(is_bad(read_picture(answer)));
    REQUIRE(is_bad(read_linked({town, {}}, answer)));
    REQUIRE(is_bad(read_unlinked({town, {}, false}, answer)));
    REQUIRE(is_bad(read_sub_groups(answer)));
    REQUIRE(is_bad(read_linked_members(answer)));
  }
  REQUIRE(is_bad(read_done(Operation::change, Node("iq"))));
  REQUIRE(read_done(Operation::change, result()));
  // The container is there, what counts in it is not.
  REQUIRE(is_bad(read_invite(result(Node("invite")))));
  REQUIRE(is_bad(read_invite(result(Node("invite").set("code", "javascript:x")))));
  REQUIRE(is_bad(read_joined(result(Node("group")))));
  REQUIRE(is_bad(read_joined(result(Node("group").set("jid", pn(2))))));
  REQUIRE(is_bad(read_queried({team, ""}, result(Node("group").set("id", town)))));
  REQUIRE(is_bad(read_linked({town, {}}, result(Node("links")))));
  REQUIRE(is_bad(read_picture_set(result(Node("picture")))));
}

TEST_CASE("too many rows are a bad response and are not kept") {
  Node add("add"), requests("membership_approval_requests"), sub_groups("sub_groups"), all("groups");
  Node linked("linked_groups_participants");
  for (std::size_t i = 0; i <= max_members; ++i) {
    add.add(row(lid(2)));
    requests.add(Node("membership_approval_request").set("jid", lid(2)));
    linked.add(row(Jid(std::to_string(i + 1), server::lid)));
  }
  for (std::size_t i = 0; i <= max_rows; ++i) sub_groups.add(Node("group").set("id", team));
  for (std::size_t i = 0; i <= max_groups; ++i) all.add(Node("group").set("id", team));
  REQUIRE(is_bad(read_changed({team, MemberAction::add, {}, false}, result(add))));
  REQUIRE(is_bad(read_join_requests(result(requests))));
  REQUIRE(is_bad(read_linked_members(result(linked))));
  REQUIRE(is_bad(read_sub_groups(result(sub_groups))));
  REQUIRE(is_bad(read_listed(result(all))));
  REQUIRE(is_bad(read_batch({{team}}, result(all))));
}

TEST_CASE("an unchanged group is not described, but only to whoever sent a hash") {
  const auto unchanged = read_queried({team, "2:AbCdEfGh"}, result());
  REQUIRE(unchanged);
  REQUIRE_FALSE(*unchanged);
  const auto changed = read_queried({team, "2:AbCdEfGh"}, result(group_node(group_of({1, 2}))));
  REQUIRE(changed);
  REQUIRE(changed->value() == group_of({1, 2}));
  REQUIRE(read_queried({team, ""}, result(Node("group")))->value().group == team);  // named by the question alone
}

TEST_CASE("the list of groups survives one that cannot be read, and finds them wherever they stand") {
  Node groups("groups");
  groups.add(group_node(group_of({1, 2})));
  groups.add(Node("group").set("id", "x").set("subject", "no id"));
  groups.add(Node("group").set("id", town).set("subject", std::string(max_subject_bytes + 1, 'a')));
  Node communities("communities");
  communities.add(Node("community").set("id", town).set("subject", "Town").add(Node("parent")));
  const auto list = read_listed(result(std::move(groups)).add(std::move(communities)));
  REQUIRE(list);
  REQUIRE(list->unusable == 2);
  REQUIRE(list->groups.size() == 2);
  REQUIRE(list->groups[0] == group_of({1, 2}));
  REQUIRE(list->groups[1].community);
  const auto nested = read_listed(result(Node("groups").add(Node("page").add(group_node(group_of({1}))))));
  REQUIRE(nested);
  REQUIRE(nested->groups.size() == 1);
  REQUIRE(read_listed(result(Node("groups")))->groups.empty());
}

TEST_CASE("of a batch each group has metadata, a code, or nothing") {
  const Jid third("120363000000000003", server::group), fourth("120363000000000004", server::group);
  GroupMetadata cut;
  cut.group = third;
  cut.size = 700;
  cut.partial = true;
  const std::vector<QueriedGroup> rows = {{town, {}, 403}, {third, cut, 0}, {team, group_of({1, 2}), 0}};
  const auto batch = read_batch({{team, town, third, fourth}}, result(batch_node(rows)));
  REQUIRE(batch);
  REQUIRE(batch->size() == 4);
  REQUIRE(batch->at(0).metadata == group_of({1, 2}));
  REQUIRE_FALSE(batch->at(1).metadata);
  REQUIRE(batch->at(1).code == 403);
  REQUIRE(batch->at(2).metadata->partial);
  REQUIRE(batch->at(2).metadata->size == 700);
  REQUIRE_FALSE(batch->at(3).metadata);
  REQUIRE(batch->at(3).code == 0);

  // Without a container, and cut where the size does not show it.
  const auto bare = read_batch({{team}}, result(Node("group").set("id", team).set("truncated", "true")));
  REQUIRE(bare);
  REQUIRE(bare->at(0).metadata->partial);
}

TEST_CASE("joined and pending are told apart, and pending wins") {
  const Node pending = joined_node({team, JoinState::pending_approval});
  REQUIRE(read_joined(result(joined_node({team, JoinState::joined}))).value() == Joined{team, JoinState::joined});
  REQUIRE(read_joined(result(pending)).value() == Joined{team, JoinState::pending_approval});
  REQUIRE(read_joined(result(joined_node({team, JoinState::joined})).add(pending))->state ==
          JoinState::pending_approval);
  REQUIRE(read_joined(result(group_node(group_of({1}))), team)->group == team);
  REQUIRE(read_joined(result(Node("group")), team)->group == team);  // the group of the invitation
  REQUIRE(is_bad(read_joined(result(joined_node({town, JoinState::joined})), team)));
}

TEST_CASE("requests to join are read as they were built, unusable rows left out") {
  JoinRequest by_link{member(4), 1770000500, "invite_link", {}, {}, "", {}};
  by_link.who.username = "dora";
  JoinRequest proposed{person(pn(5)), 1770000600, "non_admin_add", lid(3), pn(3), "carl", town};
  Node node = join_requests_node(std::vector{by_link, proposed});
  node.add(Node("membership_approval_request").set("request_time", "1"));
  const auto requests = read_join_requests(result(std::move(node)));
  REQUIRE(requests);
  REQUIRE(*requests == std::vector{by_link, proposed});
}

TEST_CASE("decisions are correlated in either list, and who is missing from the answer is unknown") {
  const std::vector<MemberRow> approved = {{member(5), 404, {}}}, rejected = {{member(6), {}, {}}};
  const DecideJoinRequests asked{team, {lid(4), lid(5)}, {lid(6)}};
  const auto decisions = read_decided(asked, result(decided_node(approved, rejected)));
  REQUIRE(decisions);
  REQUIRE(decisions->approved.asked[0].result == MemberResult::unknown);
  REQUIRE(decisions->approved.asked[1].result == MemberResult::failed);
  REQUIRE(decisions->approved.asked[1].code == 404);
  REQUIRE(decisions->rejected.asked[0].result == MemberResult::rejected);
  const auto half = read_decided(asked, result(decided_node(approved, {})));
  REQUIRE(half);
  REQUIRE(half->rejected.asked[0].result == MemberResult::unknown);

  const auto cancelled =
      read_cancelled({team, {lid(1)}}, result(cancelled_node(std::vector{MemberRow{member(1), {}, {}}})));
  REQUIRE(cancelled);
  REQUIRE(cancelled->asked[0].result == MemberResult::cancelled);
}

TEST_CASE("a picture has an id and an address, is unchanged, or there is none") {
  const Picture picture{"1770000000", "https://pps.whatsapp.net/v/x.jpg", "/v/x.jpg", "image", "aGFzaA=="};
  REQUIRE(read_picture(result(picture_node(picture)))->value() == picture);
  REQUIRE_FALSE(*read_picture(result(Node("picture").set("status", "304"))));
  REQUIRE_FALSE(*read_picture(result(Node("picture").set("status", "204"))));
  REQUIRE(is_bad(read_picture(result(picture_node({"1", "", "", "image", ""})))));
  REQUIRE(is_bad(read_picture(result(picture_node({"1", std::string(5000, 'a'), "", "image", ""})))));
  REQUIRE(read_picture_set(result(Node("picture").set("id", "1770000000"))).value() == "1770000000");
}

TEST_CASE("sub-groups and the members of all linked groups") {
  GroupMetadata announcements;
  announcements.group = team;
  announcements.subject = "Town";
  announcements.default_sub_group = true;
  announcements.size = 40;
  announcements.partial = true;
  Node list = sub_groups_node(std::vector{announcements});
  list.add(Node("group").set("jid", Jid("120363000000000002", server::group)).set("subject", "By jid"));
  list.add(Node("group"));
  const auto groups = read_sub_groups(result(std::move(list)));
  REQUIRE(groups);
  REQUIRE(groups->size() == 2);
  REQUIRE(groups->at(0) == announcements);
  REQUIRE(groups->at(1).subject == "By jid");

  Node nested("linked_groups_participants");
  nested.add(row(lid(2)));
  nested.add(Node("group").set("jid", team).add(row(lid(2))).add(row(lid(3))).add(Node("participant")));
  nested.add(Node("group").set("jid", town).add(row(lid(4)).set("error", "404")));
  const auto members = read_linked_members(result(std::move(nested)));
  REQUIRE(members);
  REQUIRE(*members == std::vector<Participant>{person(lid(2)), person(lid(3))});
  const auto flat = read_linked_members(result(linked_members_node(wharf::test::members({2, 3}))));
  REQUIRE(flat);
  REQUIRE(*flat == wharf::test::members({2, 3}));
}

TEST_CASE("the error of the server comes through every reader with the name of its operation") {
  const Node error = Node("iq").set("type", "error").add(Node("error").set("code", "403").set("text", "forbidden"));
  REQUIRE(read_queried({team, "2:x"}, error).error().failure == Failure::not_in_group);  // not taken for unchanged
  REQUIRE(read_invite(error).error().failure == Failure::not_in_group);
  REQUIRE(read_joined(error).error().failure == Failure::forbidden);
  REQUIRE(read_changed({team, MemberAction::add, {}, false}, error).error().failure == Failure::not_in_group);
  REQUIRE(read_listed(error).error().code == 403);
  REQUIRE(read_created({}, error).error().code == 403);
}
