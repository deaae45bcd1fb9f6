// Group notifications that are not as they should be: 05 section 17.
#include "protocol/groups/changes.h"

#include <catch2/catch.hpp>

#include "protocol/groups/limits.h"
#include "protocol/stanzas/node_fields.h"
#include "tests/protocol/groups/people.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;
using namespace wharf::protocol::groups;
using namespace wharf::test;

namespace {

constexpr std::uint64_t now = 1770001000;

Node envelope() {
  return Node("notification")
      .set("from", team)
      .set("type", "w:gp2")
      .set("id", "n-1")
      .set("participant", lid(2))
      .set("participant_pn", pn(2))
      .set("t", now);
}
Node with(Node child) { return envelope().add(std::move(child)); }

GroupNotification read(const Node& node) {
  const auto told = read_group_notification(node, now);
  REQUIRE(told);
  return *told;
}
std::vector<GroupChange> changes(Node child) { return read(with(std::move(child))).changes; }

Errc refusal(const Node& node) {
  const auto told = read_group_notification(node, now);
  return told ? Errc::none : told.error().code;
}

bool unreadable(Node child) {
  const std::string tag = child.tag;
  const GroupNotification told = read(with(std::move(child)));
  return told.stale && told.changes == std::vector<GroupChange>{UnknownChange{tag}};
}
/// None of its rows counts, and something is missing.
bool without_rows(Node child) {
  const GroupNotification told = read(with(std::move(child)));
  return told.stale && told.changes.empty();
}

std::vector<GroupChange> every_change() {
  GroupMetadata created = group_of({2, 1, 3});
  created.members[0].role = Role::superadmin;
  std::vector<Participant> promoted = members({3});
  promoted[0].role = Role::admin;
  return {
      GroupCreated{"new", "invite", "3EB0AAAA", town, created},
      MembersAdded{"invite", {"1", "2"}, members({3, 4})},
      MembersRemoved{"", {"2", "3"}, members({3}), false},
      MembersRemoved{"", {}, members({4}), true},
      RolesChanged{RoleChange::promote, {"3", "4"}, promoted, {}},
      RolesChanged{RoleChange::demote, {}, members({3}), town},
      MemberReplaced{members({7})},
      GroupDeleted{"integrity"},
      SubjectChanged{"Team B", 1770000990, lid(2), pn(2), "bea"},
      SubjectChanged{"", {}, {}, {}, ""},
      DescriptionChanged{"D2", "Two\nlines"},
      DescriptionChanged{"D3", {}},
      FlagChanged{Flag::announcement, true, "9"},
      FlagChanged{Flag::locked, false, ""},
      FlagChanged{Flag::suspended, true, ""},
      FlagChanged{Flag::suspended, false, ""},
      FlagChanged{Flag::frequently_forwarded, true, ""},
      FlagChanged{Flag::limit_sharing, true, ""},
      ModeChanged{Mode::member_link, Allowed::all_members},
      EphemeralChanged{{86400, 1}},
      EphemeralChanged{},
      JoinApprovalChanged{false},
      GrowthLockChanged{GrowthLock{"invite", 1770100000}},
      GrowthLockChanged{},
      InviteChanged{"ZyXwVuTsRqPoNmLkJiHgFe"},
      InvitationsRevoked{members({3})},
      JoinRequested{"non_admin_add", town, members({4})},
      JoinRequestsRevoked{members({4, 5})},
      GroupsLinked{"sub_group", {{town, "Town", 1770000010, true}}},
      GroupsUnlinked{"parent_group", "delete_parent", {{town, "", {}, false}}},
      OtherChange{"reports"},
      UnknownChange{"brand_new"},
  };
}

}  // namespace

TEST_CASE("every change is read as it was built, over the wire, in its order") {
  GroupNotification told;
  told.id = "n-1";
  told.group = team;
  told.author = {lid(2), pn(2), lid(2)};
  told.author_username = "bea";
  told.author_country_code = "US";
  told.author_name = "Bea";
  told.addressing_mode = AddressingMode::lid;
  told.timestamp = now;
  told.offline = true;
  told.changes = every_change();
  told.missing_identification = true;
  for (int who : {1, 2, 3, 4, 5, 7}) told.identities.push_back({lid(who), pn(who)});

  const auto decoded = decode_node(encode_node(notification_node(told)));
  REQUIRE(decoded);
  REQUIRE(read(*decoded) == told);

  std::vector<bool> seen(std::variant_size_v<GroupChange>);
  for (const GroupChange& change : told.changes) seen[change.index()] = true;
  REQUIRE(seen == std::vector<bool>(seen.size(), true));
}

TEST_CASE("without id or sender there is nothing to acknowledge, from anything but a group nothing to read") {
  Node no_id = Node("notification").set("from", team).set("type", "w:gp2");
  Node no_from = Node("notification").set("id", "1").set("type", "w:gp2");
  REQUIRE(refusal(no_id) == Errc::malformed);
  REQUIRE(refusal(no_from) == Errc::malformed);
  REQUIRE(refusal(envelope().set("type", "picture")) == Errc::malformed);
  REQUIRE(refusal(Node("message").set("type", "w:gp2").set("id", "1").set("from", team)) == Errc::malformed);
  for (const Jid& from : {pn(2), lid(2), server_jid(), Jid({}, server::group), Jid("x y", server::group)}) {
    REQUIRE(refusal(envelope().set("from", from)) == Errc::unsupported);
  }
  REQUIRE(refusal(envelope().set("from", "somewhere")) == Errc::unsupported);
  REQUIRE(refusal(envelope()) == Errc::none);
}

TEST_CASE("a row without a valid JID is skipped and the others count") {
  Node add("add");
  add.add(Node("participant").set("phone_number", pn(4)));
  add.add(row(team)).add(row(lid(3)));
  const GroupNotification told = read(with(std::move(add)));
  REQUIRE(told.stale);
  REQUIRE(told.changes == std::vector<GroupChange>{MembersAdded{"", {}, {person(lid(3))}}});

  for (const char* tag : {"add", "remove", "leave", "promote", "demote", "modify", "revoke",
                          "revoked_membership_requests", "created_membership_requests", "link", "unlink"}) {
    INFO(tag);
    REQUIRE(without_rows(Node(tag)));
    REQUIRE(without_rows(
        Node(tag).add(Node("participant")).add(Node("requested_user")).add(Node("group").set("jid", pn(2)))));
  }
}

TEST_CASE("a row with an error is of somebody to whom nothing happened") {
  const GroupNotification told = read(with(Node("add").add(row(lid(3)).set("error", "403")).add(row(lid(4)))));
  REQUIRE_FALSE(told.stale);
  REQUIRE(told.changes == std::vector<GroupChange>{MembersAdded{"", {}, {person(lid(4))}}});
}

TEST_CASE("requested users are looked for by their own tag") {
  const auto requested = changes(Node("created_membership_requests")
                                     .set("request_method", "invite_link")
                                     .add(Node("participant").set("jid", lid(3)))
                                     .add(Node("requested_user").set("jid", lid(4)).set("phone_number", pn(4))));
  REQUIRE(requested == std::vector<GroupChange>{JoinRequested{"invite_link", {}, members({4})}});
  Node by_server = with(Node("membership_approval_request"));
  std::erase_if(by_server.attrs, [](const Attr& attr) { return attr.key.starts_with("participant"); });
  const GroupNotification told = read(by_server);
  REQUIRE(told.stale);  // nobody asks
  REQUIRE(told.changes == std::vector<GroupChange>{UnknownChange{"membership_approval_request"}});
}

TEST_CASE("a known child that cannot be read is told by its tag and costs no other") {
  REQUIRE(unreadable(Node("create")));
  REQUIRE(unreadable(Node("create").add(Node("group").set("id", town))));
  REQUIRE(unreadable(Node("subject")));
  REQUIRE(unreadable(Node("subject").set("subject", std::string(max_subject_bytes + 1, 'a'))));
  REQUIRE(unreadable(Node("description").add(Node("body").text(std::string(max_description_bytes + 1, 'a')))));
  REQUIRE(unreadable(Node("ephemeral")));
  REQUIRE(unreadable(Node("ephemeral").set("expiration", "2147483648")));
  REQUIRE(unreadable(Node("membership_approval_mode")));
  REQUIRE(unreadable(Node("member_add_mode").text("nobody")));
  REQUIRE(unreadable(Node("invite").set("code", "../../../etc/passwd")));
  REQUIRE(unreadable(Node("linked_group_promote").add(row(lid(3)))));
  REQUIRE(changes(Node("ephemeral").set("expiration", "86400").set("trigger", "21")) ==
          std::vector<GroupChange>{EphemeralChanged{{86400, {}}}});

  const GroupNotification told = read(envelope().add(Node("locked")).add(Node("subject")).add(Node("unlocked")));
  REQUIRE(told.changes == std::vector<GroupChange>{FlagChanged{Flag::locked, true, ""}, UnknownChange{"subject"},
                                                   FlagChanged{Flag::locked, false, ""}});
}

TEST_CASE("an unknown child is told and makes nothing stale") {
  const GroupNotification told = read(with(Node("brand\nnew").set("x", "1")));
  REQUIRE_FALSE(told.stale);
  REQUIRE(told.changes == std::vector<GroupChange>{UnknownChange{"brand new"}});
  const auto long_tag = changes(Node(std::string(500, 'x')));
  REQUIRE(std::get<UnknownChange>(long_tag.at(0)).tag.size() == 64);
}

TEST_CASE("lists over their bounds are not read at all") {
  const auto rows = [](const char* tag, const Node& one, std::size_t count) {
    Node node(tag);
    for (std::size_t i = 0; i < count; ++i) node.add(one);
    return node;
  };
  REQUIRE(unreadable(rows("add", row(lid(3)), max_members + 1)));
  REQUIRE(std::get<MembersAdded>(changes(rows("add", row(lid(3)), max_members)).at(0)).members.size() == max_members);
  const Node group = Node("group").set("jid", town), user = Node("requested_user").set("jid", lid(4));
  REQUIRE(unreadable(rows("link", group, max_rows + 1)));
  REQUIRE(std::get<GroupsLinked>(changes(rows("link", group, max_rows)).at(0)).groups.size() == max_rows);
  REQUIRE(unreadable(rows("created_membership_requests", user, max_rows + 1)));
  REQUIRE(unreadable(Node("create").add(rows("group", row(lid(3)), max_members + 1).set("id", team))));

  Node many = envelope();
  for (std::size_t i = 0; i < max_rows; ++i) many.add(Node("locked"));
  REQUIRE(read(many).changes.size() == max_rows);
  const GroupNotification told = read(many.add(Node("locked")));
  REQUIRE(told.stale);
  REQUIRE(told.changes == std::vector<GroupChange>{UnknownChange{"notification"}});
}

TEST_CASE("a tree that is too deep is not read") {
  Node deep("x");
  for (std::size_t i = 0; i < max_nesting; ++i) deep = Node("x").add(std::move(deep));
  REQUIRE(unreadable(Node("locked").add(deep)));
  REQUIRE(changes(Node("locked").add(Node("x").add(Node("x")))) ==
          std::vector<GroupChange>{FlagChanged{Flag::locked, true, ""}});
}

TEST_CASE("a time of the future is not believed, one that is no time is absent") {
  const auto at = [](const std::string& t) { return read(envelope().set("t", t)).timestamp; };
  REQUIRE(at("1769000000") == 1769000000u);
  REQUIRE(at(std::to_string(now + day_seconds)) == now + day_seconds);
  REQUIRE(at(std::to_string(now + day_seconds + 1)) == now);
  REQUIRE(at("18446744073709551615") == std::nullopt);
  REQUIRE(at("-5") == std::nullopt);
  REQUIRE(at("") == std::nullopt);
  REQUIRE(read(envelope().set("t", "9999999999")).timestamp == now);
}

TEST_CASE("the author is who the stanza names, with a number only where one is told") {
  REQUIRE(read(envelope()).author == Author{lid(2), pn(2), lid(2)});
  REQUIRE(read(envelope().set("participant_pn", lid(3))).author == Author{lid(2), {}, lid(2)});
  REQUIRE(read(envelope().set("participant", pn(2).with_device(4))).author == Author{pn(2), pn(2), {}});
  REQUIRE(read(envelope().set("participant", team)).author == Author{});
}

TEST_CASE("every pair of LID and number in the stanza is there to be learned, once") {
  Node created("group");
  created.set("id", team).set("creator", lid(4)).set("creator_pn", pn(4)).set("s_o", lid(5)).set("s_o_pn", pn(5));
  created.add(row(lid(3)).set("phone_number", pn(3)).set("error", "403"));
  created.add(Node("description").set("id", "D1").set("participant", lid(6)).set("participant_pn", pn(6)));
  const GroupNotification told =
      read(envelope()
               .add(Node("create").add(std::move(created)))
               .add(Node("add").add(row(pn(7)).set("lid", lid(7))).add(row(lid(8))))
               .add(Node("remove").add(row(lid(2)).set("phone_number", pn(2))))
               .add(Node("created_membership_requests")
                        .add(Node("requested_user").set("jid", lid(9)).set("phone_number", pn(9)))));
  std::vector<LidPn> wanted;
  for (int who : {2, 3, 4, 5, 6, 7, 9}) wanted.push_back({lid(who), pn(who)});
  REQUIRE(told.identities == wanted);
}
