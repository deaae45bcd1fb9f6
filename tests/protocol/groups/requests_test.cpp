#include "protocol/groups/requests.h"

#include <catch2/catch.hpp>
#include <set>

#include "protocol/groups/limits.h"
#include "tests/protocol/groups/people.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;
using namespace wharf::protocol::groups;
using namespace wharf::test;

namespace {

const std::string code = "AbCdEfGhIjKlMnOpQrStUv";

CreateGroup within_community() {
  CreateGroup create;
  create.subject = "Sub";
  create.members = {{lid(2), pn(2), Bytes{1, 2}}};
  create.history_share = Allowed::all_members;
  create.ephemeral = Ephemeral{};  // explicitly off
  create.join_approval = true;
  create.kind = WithinCommunity{town};
  return create;
}

CreateGroup open_community() {
  CreateGroup create;
  create.subject = "Town";
  create.kind = NewCommunity{};
  return create;
}

std::vector<GroupRequest> samples() {
  const Invitation invitation{code, 1770259200, lid(2)};
  std::vector<GroupRequest> all = {within_community(),
                                   open_community(),
                                   QueryGroup{team, "2:AbCdEfGh"},
                                   QueryGroups{{team, town}},
                                   ListGroups{true, false},
                                   ListGroups{false, true},
                                   LeaveGroups{{team, town}},
                                   SetSubject{team, "Ünicode"},
                                   SetDescription{team, "Two\nlines", "D2", ""},
                                   SetDescription{team, {}, "D3", "D2"},
                                   SetEphemeral{team, {86400, 2}},
                                   SetEphemeral{team, {}},
                                   SetJoinApproval{team, false},
                                   SetPicture{team, Bytes{0xff, 0xd8, 0xff}},
                                   RemovePicture{team},
                                   GetPicture{team, true, ""},
                                   GetPicture{team, false, "1770000000"},
                                   GetInvite{team},
                                   ResetInvite{team},
                                   PreviewInvite{code},
                                   JoinByInvite{code},
                                   PreviewInvitation{team, invitation},
                                   AcceptInvitation{team, invitation},
                                   RevokeInvitations{team, {lid(2), lid(3)}},
                                   ListJoinRequests{team},
                                   DecideJoinRequests{team, {lid(2)}, {lid(3), lid(4)}},
                                   CancelJoinRequests{team, {lid(1)}},
                                   LinkGroups{town, {{team, true}, {Jid("120363000000000002", server::group), false}}},
                                   UnlinkGroups{town, {team}, true},
                                   ListSubGroups{town},
                                   ListLinkedMembers{town},
                                   JoinLinkedGroup{town, team},
                                   DeactivateCommunity{town},
                                   CleanGroupsDirty{"1770000000"}};
  for (const MemberAction action :
       {MemberAction::add, MemberAction::remove, MemberAction::promote, MemberAction::demote}) {
    all.push_back(ChangeMembers{team, action, {{lid(2), pn(2), Bytes{7}}, {pn(3), {}, {}}}, false});
  }
  for (const bool on : {true, false}) {
    for (const Flag flag : {Flag::announcement, Flag::locked, Flag::non_admin_sub_groups, Flag::admin_reports,
                            Flag::group_history, Flag::frequently_forwarded}) {
      all.push_back(SetFlag{team, flag, on});
    }
  }
  for (const Allowed who : {Allowed::admins, Allowed::all_members}) {
    for (const Mode mode : {Mode::member_add, Mode::member_link, Mode::history_share}) {
      all.push_back(SetMode{team, mode, who});
    }
  }
  return all;
}

Node set(const Jid& to, Node payload) {
  return Node("iq").set("type", "set").set("xmlns", "w:g2").set("to", to).set("id", "1").add(std::move(payload));
}
Node get(const Jid& to, Node payload) { return set(to, std::move(payload)).set("type", "get"); }
const Jid group_server({}, server::group);

Errc refused(const Node& iq) {
  const auto request = read_group_request(iq);
  return request ? Errc::none : request.error().code;
}

}  // namespace

TEST_CASE("every request is read as it was built, over the wire") {
  std::set<std::size_t> kinds;
  for (const GroupRequest& request : samples()) {
    const Node iq = request_iq("8.2-1", request);
    INFO(summary(iq));
    REQUIRE(iq.attr("id") == "8.2-1");
    const auto decoded = decode_node(encode_node(iq));
    REQUIRE(decoded);
    const auto read = read_group_request(*decoded);
    REQUIRE(read);
    REQUIRE(*read == request);
    kinds.insert(request.index());
  }
  REQUIRE(kinds.size() == std::variant_size_v<GroupRequest>);
}

TEST_CASE("the forms of the specification") {
  const auto payload = [](const GroupRequest& request) { return request_iq("1", request).children().at(0); };
  // 05 section 2.6: an empty body is not how a description is deleted.
  const Node deleted = payload(SetDescription{team, {}, "D3", "D2"});
  REQUIRE(deleted.attr("delete") == "true");
  REQUIRE(deleted.attr("prev") == "D2");
  REQUIRE(deleted.children().empty());
  REQUIRE_FALSE(payload(SetDescription{team, "x", "D1", ""}).has("prev"));
  REQUIRE(payload(SetEphemeral{team, {}}).is("not_ephemeral"));
  REQUIRE(payload(SetFlag{team, Flag::frequently_forwarded, false}).is("no_frequently_forwarded"));

  const Node picture = request_iq("1", SetPicture{team, Bytes{0xff}});
  REQUIRE(picture.attr("xmlns") == "w:profile:picture");
  REQUIRE(picture.jid("to") == server_jid());
  REQUIRE(picture.jid("target") == team);
  REQUIRE(request_iq("1", RemovePicture{team}).children().empty());

  // The bare server token, as text: 05 section 1.
  const Node list = request_iq("1", ListGroups{});
  REQUIRE(std::get<std::string>(list.attrs.at(1).value) == "g.us");

  REQUIRE_THROWS_AS(request_iq("1", SetFlag{team, Flag::suspended, true}), std::invalid_argument);
  REQUIRE_THROWS_AS(request_iq("1", SetFlag{team, Flag::limit_sharing, false}), std::invalid_argument);
}

TEST_CASE("the network accepts the group server as a JID too") {
  REQUIRE(std::holds_alternative<LeaveGroups>(
      *read_group_request(set(group_server, Node("leave").add(Node("group").set("id", team))))));
}

TEST_CASE("what is no group request, or none that is known, is refused as such") {
  for (const Node& iq :
       {Node("message"), Node("iq"), Node("iq").set("type", "result").set("xmlns", "w:g2").set("to", team),
        Node("iq").set("type", "get").set("xmlns", "usync"), set(team, Node("brand_new")), get(team, Node("brand_new")),
        set(group_server, Node("subject").text("x")), set(team, Node("create")), get(team, Node("locked")),
        set(team, Node("suspended")), set(team, Node("limit_sharing_enabled")), get(team, Node("add")),
        Node("iq").set("type", "set").set("xmlns", "w:profile:picture"),
        Node("iq").set("type", "set").set("xmlns", "w:profile:picture").set("target", pn(2)),
        Node("iq").set("type", "set").set("xmlns", "urn:xmpp:whatsapp:dirty"),
        Node("iq")
            .set("type", "set")
            .set("xmlns", "urn:xmpp:whatsapp:dirty")
            .add(Node("clean").set("type", "account_sync"))}) {
    INFO(summary(iq));
    REQUIRE(refused(iq) == Errc::unsupported);
  }
}

TEST_CASE("requests with parts that cannot be read are malformed") {
  Node no_payload = Node("iq").set("type", "set").set("xmlns", "w:g2").set("to", team);
  Node both = Node("create").add(Node("parent")).add(Node("linked_parent").set("jid", town));
  for (const Node& iq : {no_payload,
                         set(pn(2), Node("locked")),
                         set(Jid("x", server::group), Node("locked")),
                         set(team, Node("add").add(Node("participant"))),
                         set(team, Node("add").add(row(team))),
                         set(group_server, Node("leave").add(Node("group"))),
                         get(group_server, Node("query").add(Node("group"))),
                         get(group_server, Node("invite")),
                         set(group_server, Node("invite").set("code", "../../etc")),
                         set(team, Node("accept").set("code", code).set("expiration", "1770259200")),
                         set(team, Node("accept").set("code", code).set("expiration", "-1").set("admin", pn(2))),
                         set(team, Node("ephemeral")),
                         set(team, Node("ephemeral").set("expiration", "2147483648")),
                         set(team, Node("membership_approval_mode")),
                         set(team, Node("member_add_mode").text("nobody")),
                         set(team, Node("description").set("id", "D1")),
                         set(group_server, both),
                         set(town, Node("links")),
                         set(town, Node("links").add(Node("link").set("link_type", "parent_group"))),
                         set(town, Node("unlink")),
                         set(town, Node("join_linked_group")),
                         set(group_server, Node("create").add(Node("member_add_mode").text("nobody"))),
                         set(group_server, Node("create").add(Node("ephemeral"))),
                         set(group_server, Node("create").add(Node("linked_parent").set("jid", pn(2)))),
                         Node("iq").set("type", "get").set("xmlns", "w:profile:picture").set("target", team)}) {
    INFO(summary(iq));
    REQUIRE(refused(iq) == Errc::malformed);
  }
}

TEST_CASE("requests over the bounds are refused before they are kept") {
  REQUIRE(refused(set(team, Node("subject").text(std::string(max_subject_bytes + 1, 'a')))) == Errc::too_large);
  REQUIRE(refused(set(team, Node("description").add(Node("body").text(std::string(max_description_bytes + 1, 'a'))))) ==
          Errc::too_large);
  Node create("create");
  REQUIRE(refused(set(group_server, create.set("subject", std::string(max_subject_bytes + 1, 'a')))) ==
          Errc::too_large);
  Node add("add"), leave("leave");
  for (std::size_t i = 0; i <= max_members; ++i) add.add(row(lid(2)));
  REQUIRE(refused(set(team, add)) == Errc::too_large);
  for (std::size_t i = 0; i <= max_rows; ++i) leave.add(Node("group").set("id", team));
  REQUIRE(refused(set(group_server, leave)) == Errc::too_large);
}
