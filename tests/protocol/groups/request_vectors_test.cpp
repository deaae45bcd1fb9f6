// The 40 requests and answers of groups.json, both directions: the request as the gateway builds it and as the network
// reads it, the answer as the network builds it and what it means to the gateway.
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>
#include <iostream>
#include <map>
#include <set>

#include "protocol/groups/invite.h"
#include "tests/protocol/groups/meaning.h"
#include "tests/support/node_json.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using namespace wharf::protocol::groups;
using namespace wharf::test;
using boost::json::object;
using boost::json::value;

namespace {

const Jid team("120363000000000001", server::group);
const Jid town("120363000000000009", server::group);
const std::string link_code = "AbCdEfGhIjKlMnOpQrStUv";

Jid pn(int last) { return Jid("1555000000" + std::to_string(last), server::user); }
Jid lid(int last) { return Jid("90000000000000" + std::to_string(last), server::lid); }
MemberRef ref(const Jid& jid) { return {jid, {}, {}}; }

GroupRequest full_create() {
  CreateGroup create;
  create.subject = "Team";
  create.members = {{lid(2), pn(2), hex("04a1b2c3d4")}, {lid(3), pn(3), {}}};
  create.member_add = Allowed::all_members;
  create.member_link = Allowed::admins;
  create.locked = create.announcement = true;
  create.ephemeral = Ephemeral{604800, 1};
  create.join_approval = false;
  create.description = NewDescription{"A1B2C3D4", "Daily sync"};
  return create;
}

GroupRequest small_create() {
  CreateGroup create;
  create.subject = "Team";
  create.key = "3EB0000000000000000001";
  create.members = {ref(pn(2)), ref(pn(3))};
  return create;
}

GroupRequest community_create() {
  CreateGroup create;
  create.subject = "Town";
  create.description = NewDescription{"3EB0DESC000000000002", "All of us"};
  create.kind = NewCommunity{true, true, true};
  return create;
}

/// The request of each vector that has one.
const std::map<std::string_view, GroupRequest>& requests() {
  const std::string v4_code = "AbCdEfGh12345678";
  static const std::map<std::string_view, GroupRequest> all = {
      {"group_create", small_create()},
      {"group_create_full_form", full_create()},
      {"group_metadata_full", QueryGroup{team, ""}},
      {"group_metadata_pn", QueryGroup{Jid("15550000001-1500000000", server::group), ""}},
      {"group_metadata_forbidden", QueryGroup{team, ""}},
      {"group_list_participating", ListGroups{}},
      {"participants_add_mixed",
       ChangeMembers{team, MemberAction::add, {ref(pn(2)), ref(pn(3)), ref(pn(4)), ref(pn(5)), ref(pn(6))}, false}},
      {"participants_remove", ChangeMembers{team, MemberAction::remove, {ref(lid(3))}, false}},
      {"participants_promote", ChangeMembers{team, MemberAction::promote, {ref(lid(3))}, false}},
      {"participants_demote", ChangeMembers{team, MemberAction::demote, {ref(lid(3))}, false}},
      {"community_remove_member", ChangeMembers{town, MemberAction::remove, {ref(lid(3))}, true}},
      {"group_leave", LeaveGroups{{team}}},
      {"group_subject", SetSubject{team, "New name"}},
      {"group_description_set", SetDescription{team, "New text", "3EB0DESC000000000002", "3EB0DESC000000000001"}},
      {"group_description_delete", SetDescription{team, {}, "", "3EB0DESC000000000001"}},
      {"setting_announcement", SetFlag{team, Flag::announcement, true}},
      {"setting_not_announcement", SetFlag{team, Flag::announcement, false}},
      {"setting_locked", SetFlag{team, Flag::locked, true}},
      {"setting_unlocked", SetFlag{team, Flag::locked, false}},
      {"setting_ephemeral_7d", SetEphemeral{team, {604800, {}}}},
      {"setting_not_ephemeral", SetEphemeral{team, {}}},
      {"setting_join_approval_on", SetJoinApproval{team, true}},
      {"setting_member_add_admin", SetMode{team, Mode::member_add, Allowed::admins}},
      {"invite_get", GetInvite{team}},
      {"invite_reset", ResetInvite{team}},
      {"invite_info", PreviewInvite{link_code}},
      {"invite_accept_joined", JoinByInvite{link_code}},
      {"invite_accept_error_410", JoinByInvite{link_code}},
      {"invite_accept_error_406", JoinByInvite{link_code}},
      {"invite_accept_error_419", JoinByInvite{link_code}},
      {"invite_accept_error_409", JoinByInvite{link_code}},
      {"invite_v4_accept", AcceptInvitation{team, {v4_code, 1770259200, pn(2)}}},
      {"invite_v4_revoke", RevokeInvitations{team, {pn(3)}}},
      {"join_requests_list", ListJoinRequests{team}},
      {"join_requests_approve", DecideJoinRequests{team, {lid(4), lid(5)}, {}}},
      {"join_requests_reject", DecideJoinRequests{team, {}, {lid(4)}}},
      {"community_link", LinkGroups{town, {{team, false}}}},
      {"community_unlink", UnlinkGroups{town, {team}, false}},
      {"community_create", community_create()},
  };
  return all;
}

/// Reads the answer as its request demands, and says what it means.
struct Meaning {
  const Node& answer;

  template <class T, class Say>
  value said(const GroupResult<T>& result, Say say) const {
    return result ? value(say(*result)) : meaning(result.error());
  }

  value operator()(const CreateGroup& asked) const {
    return said(read_created(asked, answer), [](const CreatedGroup& created) { return meaning(created.group); });
  }
  value operator()(const QueryGroup& asked) const {
    return said(read_queried(asked, answer), [](const auto& group) { return meaning(group.value()); });
  }
  value operator()(const ListGroups&) const {
    return said(read_listed(answer), [](const GroupList& list) { return meanings(list.groups); });
  }
  value operator()(const LeaveGroups& asked) const {
    return said(read_left(asked, answer), [](const auto& outcomes) { return meaning(outcomes, "left"); });
  }
  value operator()(const ChangeMembers& asked) const {
    const auto result = read_changed(asked, answer);
    REQUIRE(result);
    REQUIRE(result->unasked.empty());
    return meaning(*result);
  }
  value operator()(const GetInvite&) const { return invite(); }
  value operator()(const ResetInvite&) const { return invite(); }
  value operator()(const PreviewInvite&) const {
    return said(read_preview(answer), [](const auto& group) { return meaning(group); });
  }
  value operator()(const JoinByInvite&) const {
    return said(read_joined(answer), [](const auto& joined) { return meaning(joined); });
  }
  value operator()(const AcceptInvitation& asked) const {
    return said(read_joined(answer, asked.group), [](const auto& joined) { return meaning(joined); });
  }
  value operator()(const ListJoinRequests&) const {
    return said(read_join_requests(answer), [](const auto& list) { return meanings(list); });
  }
  value operator()(const DecideJoinRequests& asked) const {
    return said(read_decided(asked, answer), [](const Decisions& decisions) {
      boost::json::array out = meaning(decisions.approved).as_array();
      const value rejected = meaning(decisions.rejected);
      for (const auto& row : rejected.as_array()) out.push_back(row);
      return value(out);
    });
  }
  value operator()(const LinkGroups& asked) const {
    const auto outcomes = read_linked(asked, answer);
    REQUIRE(outcomes);
    REQUIRE(outcomes->asked.size() == 1);  // the second group of that answer was not asked for
    REQUIRE(outcomes->unasked.size() == 1);
    return meaning(*outcomes, "linked");
  }
  value operator()(const UnlinkGroups& asked) const {
    return said(read_unlinked(asked, answer), [](const auto& outcomes) { return meaning(outcomes, "unlinked"); });
  }
  value operator()(const auto&) const {
    const auto result = read_done(Operation::change, answer);
    return result ? value(object{{"ok", true}}) : meaning(result.error());
  }

 private:
  value invite() const {
    return said(read_invite(answer), [](const std::string& code) { return object{{"link", invite_link(code)}}; });
  }
};

const boost::json::array& all() { return vectors("groups").at("vectors").as_array(); }

const object& vector(std::string_view id) {
  for (const auto& one : all())
    if (text(one.as_object(), "id") == id) return one.as_object();
  throw std::runtime_error("no vector " + std::string(id));
}

/// Web clients write the group server as text where this file has a JID of it.
Node bare_server(Node request) {
  if (request.attr("to") == server::group) request.set("to", server::group);
  return request;
}

Node answer_of(const object& one) { return node_from_json(one.at("response")); }

void same(const value& read, const value& wanted) {
  INFO("read   " << boost::json::serialize(read));
  INFO("wanted " << boost::json::serialize(wanted));
  REQUIRE(read == wanted);
}

std::vector<MemberRow> member_rows(const Node& list) {
  const auto rows = read_members(list).value();
  std::vector<MemberRow> out;
  for (const auto& row : rows) out.push_back(row.value());
  return out;
}

std::vector<GroupOutcome> group_rows(const Node& list) { return correlate(std::span<const Jid>(), list).unasked; }

}  // namespace

TEST_CASE("every vector is a request, an answer or a notification, and none is left out") {
  std::map<std::string, int> kinds;
  std::size_t with_request = 0;
  for (const auto& one : all()) {
    ++kinds[std::string(text(one.as_object(), "kind"))];
    if (!one.as_object().contains("request")) continue;
    ++with_request;
    INFO(text(one.as_object(), "id"));
    REQUIRE(requests().contains(text(one.as_object(), "id")));
  }
  REQUIRE(with_request == requests().size());
  REQUIRE(kinds ==
          std::map<std::string, int>{{"request+response", 36}, {"request", 3}, {"response", 1}, {"notification", 45}});
  REQUIRE(all().size() == 85);
}

TEST_CASE("the wire bytes of the vectors are their nodes, and are written again as they came") {
  std::size_t stanzas = 0, same_bytes = 0;
  for (const auto& entry : all()) {
    const object& one = entry.as_object();
    for (const auto& [node, wire] : {std::pair("request", "request_wire_hex"),
                                     std::pair("response", "response_wire_hex"), std::pair("node", "wire_hex")}) {
      if (!one.contains(node)) continue;
      INFO(text(one, "id") << " " << node);
      const Node decoded = node_from_hex(one.at(wire));
      REQUIRE(canonical(decoded) == canonical(node_from_json(one.at(node))));
      ++stanzas;
      if (encode_node(decoded) == hex(one.at(wire))) ++same_bytes;
    }
  }
  std::cout << "groups.json: " << stanzas << " stanzas decoded, " << same_bytes << " encoded to the same bytes\n";
  REQUIRE(stanzas == 39 + 37 + 45);
  REQUIRE(same_bytes == stanzas);
}

TEST_CASE("requests of the vectors are built by the gateway and read by the network") {
  std::size_t built = 0;
  for (const auto& [id, request] : requests()) {
    INFO(id);
    const Node wanted = bare_server(node_from_json(vector(id).at("request")));
    const Node iq = request_iq("ID-1", request);
    REQUIRE(canonical(iq) == canonical(wanted));
    const auto read = read_group_request(node_from_hex(vector(id).at("request_wire_hex")));
    REQUIRE(read);
    REQUIRE(*read == request);
    ++built;
  }
  std::cout << "groups.json: " << built << " requests built and read\n";
}

TEST_CASE("answers of the vectors mean what the file says") {
  std::size_t read = 0;
  for (const auto& [id, request] : requests()) {
    const object& one = vector(id);
    if (!one.contains("response")) continue;
    INFO(id);
    same(std::visit(Meaning{node_from_hex(one.at("response_wire_hex"))}, request), one.at("meaning"));
    ++read;
  }
  const object& pending = vector("invite_accept_pending");
  same(Meaning{node_from_hex(pending.at("response_wire_hex"))}(JoinByInvite{link_code}), pending.at("meaning"));
  ++read;

  // Requests without an answer: the meaning is that of the request.
  const auto& create = std::get<CreateGroup>(requests().at("group_create_full_form"));
  const object& said = vector("group_create_full_form").at("meaning").as_object();
  REQUIRE(said.at("subject") == value(create.subject));
  REQUIRE(said.at("participants").as_array().size() == create.members.size());
  REQUIRE(said.at("participants").at(0).at("privacy_token_hex") == value(to_hex(create.members[0].privacy_token)));
  REQUIRE(said.at("participants").at(1).at("phone_number") == value(create.members[1].phone_number->to_string()));
  REQUIRE(said.at("ephemeralSeconds") == value(create.ephemeral->seconds));
  REQUIRE(said.at("joinApproval") == value(*create.join_approval ? "on" : "off"));
  const auto& set = std::get<SetDescription>(requests().at("group_description_set"));
  same(object{{"description", *set.text}, {"newId", set.id}, {"previousId", set.prev}},
       vector("group_description_set").at("meaning"));
  REQUIRE(vector("group_description_delete").at("meaning").at("description").is_null());
  REQUIRE_FALSE(std::get<SetDescription>(requests().at("group_description_delete")).text);
  std::cout << "groups.json: " << read << " answers and 3 requests mean what they should\n";
  REQUIRE(read + 3 == 40);
}

TEST_CASE("what became of those to be added is told of a created group as well") {
  const object& one = vector("group_create");
  const auto created = read_created(std::get<CreateGroup>(requests().at("group_create")), answer_of(one));
  REQUIRE(created);
  REQUIRE(created->members.unasked.empty());  // whoever made it was not asked for, and is no stranger either
  REQUIRE(created->members.asked.size() == 2);
  REQUIRE(created->members.asked[0].result == MemberResult::added);
  REQUIRE(created->members.asked[1].result == MemberResult::invite_required);
  REQUIRE(created->members.asked[1].code == 403);
  REQUIRE(created->group.members.size() == 2);  // without the one who was refused
}

TEST_CASE("answers of the vectors are built by the network") {
  const auto payload = [](std::string_view id) { return answer_of(vector(id)).children().at(0); };
  const auto same_node = [](const Node& built, const Node& wanted) { REQUIRE(canonical(built) == canonical(wanted)); };

  for (const auto& [id, action] :
       {std::pair("participants_add_mixed", MemberAction::add), std::pair("participants_remove", MemberAction::remove),
        std::pair("participants_promote", MemberAction::promote),
        std::pair("participants_demote", MemberAction::demote)}) {
    same_node(changed_node(action, member_rows(payload(id))), payload(id));
  }
  same_node(left_node(group_rows(payload("group_leave"))), payload("group_leave"));
  same_node(invite_node(link_code), payload("invite_get"));
  same_node(joined_node({team, JoinState::joined}), payload("invite_accept_joined"));
  same_node(joined_node({team, JoinState::pending_approval}), payload("invite_accept_pending"));
  same_node(join_requests_node(*read_join_requests(answer_of(vector("join_requests_list")))),
            payload("join_requests_list"));
  same_node(decided_node(member_rows(*payload("join_requests_approve").child("approve")), {}),
            payload("join_requests_approve"));
  same_node(decided_node({}, member_rows(*payload("join_requests_reject").child("reject"))),
            payload("join_requests_reject"));
  same_node(linked_node(group_rows(*payload("community_link").child("link"))), payload("community_link"));
  same_node(unlinked_node(group_rows(payload("community_unlink"))), payload("community_unlink"));

  // Groups: the size is always written, and marks that no request changes lose their attributes.
  for (const char* id :
       {"group_create", "group_metadata_full", "group_metadata_pn", "invite_info", "community_create"}) {
    INFO(id);
    const auto group = read_group(payload(id));
    REQUIRE(group);
    const Node built = group_node(*group);
    const auto again = read_group(built);
    REQUIRE(again);
    REQUIRE(*again == *group);
    Node wanted = without_child(payload(id), "evolution_version").set("size", group->size);
    wanted.set("addressing_mode", name(group->addressing_mode));
    REQUIRE(canonical(without_child(built, "limit_sharing_enabled")) ==
            canonical(without_child(wanted, "limit_sharing_enabled")));
  }
  const auto listed = read_listed(answer_of(vector("group_list_participating")));
  REQUIRE(listed);
  const auto again = read_listed(Node("iq").set("type", "result").add(listed_node(listed->groups)));
  REQUIRE(again);
  REQUIRE(again->groups == listed->groups);
}
