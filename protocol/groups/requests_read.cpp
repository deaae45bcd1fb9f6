#include <array>

#include "protocol/groups/fields.h"
#include "protocol/groups/invite.h"
#include "protocol/groups/limits.h"
#include "protocol/groups/requests.h"
#include "protocol/text.h"

namespace wharf::protocol::groups {

namespace {

Error malformed(std::string_view what) { return {Errc::malformed, "group request: " + std::string(what)}; }
Error too_large(std::string_view what) { return {Errc::too_large, "group request: " + std::string(what)}; }

using Read = Result<GroupRequest>;

// --- parts

Result<std::vector<MemberRef>> read_refs(const Node& list) {
  const auto nodes = list.children("participant");
  if (nodes.size() > max_members) return too_large("participants");
  std::vector<MemberRef> refs;
  for (const Node* node : nodes) {
    const auto jid = person_attr(*node, "jid");
    if (!jid) return malformed("a participant without JID");
    MemberRef ref{*jid, phone_attr(*node, "phone_number"), {}};
    if (const auto token = node->child_data("privacy")) ref.privacy_token = to_bytes(*token);
    refs.push_back(std::move(ref));
  }
  return refs;
}

Result<std::vector<Jid>> read_people(const Node& list) {
  auto refs = read_refs(list);
  if (!refs) return refs.error();
  std::vector<Jid> people;
  for (MemberRef& ref : *refs) people.push_back(std::move(ref.jid));
  return people;
}

Result<std::vector<Jid>> read_groups(const Node& list, std::string_view key, std::size_t most) {
  const auto nodes = list.children("group");
  if (nodes.size() > most) return too_large("groups");
  std::vector<Jid> groups;
  for (const Node* node : nodes) {
    const auto group = group_attr(*node, key);
    if (!group) return malformed("a group without JID");
    groups.push_back(*group);
  }
  return groups;
}

Result<std::string> read_body(const Node& description) {
  const auto body = description.child_data("body");
  if (!body) return malformed("a description without body");
  auto text = read_description_text(*body);
  if (!text) return too_large("description");
  return std::move(*text);
}

Result<Invitation> read_invitation(const Node& node) {
  const auto expires_at = expiration_attr(node);
  const auto admin = person_attr(node, "admin");
  if (!is_invite_code(node.attr("code")) || !expires_at || !admin) return malformed("invitation");
  return Invitation{node.attr("code"), *expires_at, *admin};
}

Result<std::optional<Allowed>> read_mode(const Node& parent, Mode mode) {
  const Node* node = parent.child(tag(mode));
  if (node == nullptr) return std::optional<Allowed>();
  const auto who = allowed(mode, node->text());
  if (!who) return malformed(tag(mode));
  return who;
}

// --- operations of the account

Result<void> read_new_settings(CreateGroup& create, const Node& node) {
  for (const auto& [mode, member] :
       {std::pair(Mode::member_add, &CreateGroup::member_add), std::pair(Mode::member_link, &CreateGroup::member_link),
        std::pair(Mode::history_share, &CreateGroup::history_share)}) {
    const auto who = read_mode(node, mode);
    if (!who) return who.error();
    create.*member = *who;
  }
  create.locked = node.child("locked") != nullptr;
  create.announcement = node.child("announcement") != nullptr;
  if (const Node* ephemeral = node.child("ephemeral")) {
    create.ephemeral = read_ephemeral(*ephemeral);
    if (!create.ephemeral) return malformed("ephemeral");
  }
  if (const Node* approval = node.child("membership_approval_mode")) {
    create.join_approval = read_join_approval(*approval);
    if (!create.join_approval) return malformed("membership_approval_mode");
  }
  return {};
}

Result<void> read_kind(CreateGroup& create, const Node& node) {
  const Node* parent = node.child("parent");
  const Node* linked = node.child("linked_parent");
  if (parent != nullptr && linked != nullptr) return malformed("parent and linked_parent");
  if (parent != nullptr) {
    create.kind = NewCommunity{parent->attr("default_membership_approval_mode") == "request_required",
                               node.child(tag(Flag::non_admin_sub_groups, true)) != nullptr,
                               node.child("create_general_chat") != nullptr};
  }
  if (linked != nullptr) {
    const auto community = group_attr(*linked, "jid");
    if (!community) return malformed("linked_parent");
    create.kind = WithinCommunity{*community};
  }
  return {};
}

Read read_create(const Node& node) {
  if (node.attr("subject").size() > max_subject_bytes) return too_large("subject");
  CreateGroup create;
  create.subject = display_line(node.attr("subject"), max_subject_bytes);
  create.key = token_attr(node, "key");
  auto refs = read_refs(node);
  if (!refs) return refs.error();
  create.members = std::move(*refs);
  if (const Node* description = node.child("description")) {
    auto body = read_body(*description);
    if (!body) return body.error();
    create.description = NewDescription{token_attr(*description, "id"), std::move(*body)};
  }
  if (auto read = read_new_settings(create, node); !read) return read.error();
  if (auto read = read_kind(create, node); !read) return read.error();
  return create;
}

Read read_batch(const Node& node) {
  auto groups = read_groups(node, "jid", max_groups);
  if (!groups) return groups.error();
  return QueryGroups{std::move(*groups)};
}

Read read_participating(const Node& node) {
  return ListGroups{node.child("participants") != nullptr, node.child("description") != nullptr};
}

Read read_leave(const Node& node) {
  auto groups = read_groups(node, "id", max_rows);
  if (!groups) return groups.error();
  return LeaveGroups{std::move(*groups)};
}

template <class Invite>
Read read_code(const Node& node) {
  if (!is_invite_code(node.attr("code"))) return malformed("invite code");
  return Invite{node.attr("code")};
}

// --- operations on a group

Read read_query(const Jid& group, const Node& node) {
  if (const Node* request = node.child("add_request")) {
    auto invitation = read_invitation(*request);
    if (!invitation) return invitation.error();
    return PreviewInvitation{group, std::move(*invitation)};
  }
  return QueryGroup{group, token_attr(node, "phash")};
}

template <MemberAction action>
Read read_change(const Jid& group, const Node& node) {
  auto refs = read_refs(node);
  if (!refs) return refs.error();
  const bool everywhere = action == MemberAction::remove && node.attr("linked_groups") == "true";
  return ChangeMembers{group, action, std::move(*refs), everywhere};
}

Read read_subject(const Jid& group, const Node& node) {
  if (node.data().size() > max_subject_bytes) return too_large("subject");
  return SetSubject{group, display_line(node.text(), max_subject_bytes)};
}

Read read_description(const Jid& group, const Node& node) {
  SetDescription set{group, std::nullopt, token_attr(node, "id"), token_attr(node, "prev")};
  if (node.attr("delete") == "true") return set;
  auto body = read_body(node);
  if (!body) return body.error();
  set.text = std::move(*body);
  return set;
}

Read read_timer(const Jid& group, const Node& node) {
  const auto ephemeral = read_ephemeral(node);
  if (!ephemeral) return malformed("ephemeral");
  return SetEphemeral{group, *ephemeral};
}

Read read_approval(const Jid& group, const Node& node) {
  const auto on = read_join_approval(node);
  if (!on) return malformed("membership_approval_mode");
  return SetJoinApproval{group, *on};
}

Read read_accept(const Jid& group, const Node& node) {
  auto invitation = read_invitation(node);
  if (!invitation) return invitation.error();
  return AcceptInvitation{group, std::move(*invitation)};
}

template <class OfPeople>
Read read_list_of_people(const Jid& group, const Node& node) {
  auto people = read_people(node);
  if (!people) return people.error();
  return OfPeople{group, std::move(*people)};
}

Read read_decision(const Jid& group, const Node& node) {
  DecideJoinRequests decide{group, {}, {}};
  for (const auto& [tag, member] :
       {std::pair("approve", &DecideJoinRequests::approve), std::pair("reject", &DecideJoinRequests::reject)}) {
    const Node* list = node.child(tag);
    if (list == nullptr) continue;
    auto people = read_people(*list);
    if (!people) return people.error();
    decide.*member = std::move(*people);
  }
  return decide;
}

Read read_links(const Jid& community, const Node& node) {
  const Node* link = node.child("link");
  if (link == nullptr || link->attr("link_type") != "sub_group") return malformed("links");
  auto groups = read_groups(*link, "jid", max_rows);
  if (!groups) return groups.error();
  LinkGroups asked{community, {}};
  const auto nodes = link->children("group");
  for (std::size_t i = 0; i < groups->size(); ++i) {
    asked.groups.push_back({std::move((*groups)[i]), nodes[i]->child("hidden_group") != nullptr});
  }
  return asked;
}

Read read_unlink(const Jid& community, const Node& node) {
  if (node.attr("unlink_type") != "sub_group") return malformed("unlink");
  auto groups = read_groups(node, "jid", max_rows);
  if (!groups) return groups.error();
  const auto nodes = node.children("group");
  const bool orphans = !nodes.empty() && nodes.front()->attr("remove_orphaned_members") == "true";
  return UnlinkGroups{community, std::move(*groups), orphans};
}

Read read_join_linked(const Jid& community, const Node& node) {
  const auto group = group_attr(node, "jid");
  if (!group) return malformed("join_linked_group");
  return JoinLinkedGroup{community, *group};
}

template <class Plain>
Read plain(const Jid& group, const Node&) {
  return Plain{group};
}

// --- which is which

struct AccountRow {
  std::string_view type, tag;
  Read (*read)(const Node& payload);
};
constexpr std::array account_rows = {
    AccountRow{"set", "create", read_create},
    AccountRow{"get", "query", read_batch},
    AccountRow{"get", "participating", read_participating},
    AccountRow{"set", "leave", read_leave},
    AccountRow{"get", "invite", read_code<PreviewInvite>},
    AccountRow{"set", "invite", read_code<JoinByInvite>},
};

struct GroupRow {
  std::string_view type, tag;
  Read (*read)(const Jid& group, const Node& payload);
};
constexpr std::array group_rows = {
    GroupRow{"get", "query", read_query},
    GroupRow{"set", "add", read_change<MemberAction::add>},
    GroupRow{"set", "remove", read_change<MemberAction::remove>},
    GroupRow{"set", "promote", read_change<MemberAction::promote>},
    GroupRow{"set", "demote", read_change<MemberAction::demote>},
    GroupRow{"set", "subject", read_subject},
    GroupRow{"set", "description", read_description},
    GroupRow{"set", "ephemeral", read_timer},
    GroupRow{"set", "not_ephemeral", read_timer},
    GroupRow{"set", "membership_approval_mode", read_approval},
    GroupRow{"get", "invite", plain<GetInvite>},
    GroupRow{"set", "invite", plain<ResetInvite>},
    GroupRow{"set", "accept", read_accept},
    GroupRow{"set", "revoke", read_list_of_people<RevokeInvitations>},
    GroupRow{"get", "membership_approval_requests", plain<ListJoinRequests>},
    GroupRow{"set", "membership_requests_action", read_decision},
    GroupRow{"set", "cancel_membership_requests", read_list_of_people<CancelJoinRequests>},
    GroupRow{"set", "links", read_links},
    GroupRow{"set", "unlink", read_unlink},
    GroupRow{"get", "sub_groups", plain<ListSubGroups>},
    GroupRow{"get", "linked_groups_participants", plain<ListLinkedMembers>},
    GroupRow{"set", "join_linked_group", read_join_linked},
    GroupRow{"set", "delete_parent", plain<DeactivateCommunity>},
};

Error unsupported(const Node& iq, std::string_view payload) {
  return {Errc::unsupported, "group request: " + display_line(iq.attr("type"), 8) + " " + display_line(payload, 64)};
}

Read read_w_g2(const Node& iq) {
  const auto to = iq.jid("to");
  if (!to || !(names_group(*to) || *to == Jid({}, server::group))) return malformed("to");
  if (iq.children().empty()) return malformed("no payload");
  const Node& payload = iq.children().front();
  const std::string type = iq.attr("type");
  if (to->user.empty()) {
    for (const AccountRow& row : account_rows)
      if (row.type == type && payload.is(row.tag)) return row.read(payload);
    return unsupported(iq, payload.tag);
  }
  for (const GroupRow& row : group_rows)
    if (row.type == type && payload.is(row.tag)) return row.read(*to, payload);
  if (type != "set") return unsupported(iq, payload.tag);
  if (const auto flag = flag_of(payload.tag); flag && settable(flag->first)) {
    return SetFlag{*to, flag->first, flag->second};
  }
  if (const auto mode = mode_of(payload.tag)) {
    const auto who = allowed(*mode, payload.text());
    if (!who) return malformed(tag(*mode));
    return SetMode{*to, *mode, *who};
  }
  return unsupported(iq, payload.tag);
}

Read read_picture(const Node& iq) {
  const auto target = group_attr(iq, "target");
  if (!target) return unsupported(iq, "picture of somebody");
  const Node* picture = iq.child("picture");
  if (iq.attr("type") == "get") {
    const std::string kind = picture == nullptr ? std::string() : picture->attr("type");
    if (kind != "image" && kind != "preview") return malformed("picture");
    return GetPicture{*target, kind == "preview", token_attr(*picture, "id")};
  }
  if (picture == nullptr || picture->data().empty()) return RemovePicture{*target};
  return SetPicture{*target, to_bytes(picture->data())};
}

Read read_clean(const Node& iq) {
  const Node* clean = iq.child("clean");
  if (clean == nullptr || clean->attr("type") != "groups") return unsupported(iq, "clean");
  return CleanGroupsDirty{token_attr(*clean, "timestamp")};
}

}  // namespace

Result<GroupRequest> read_group_request(const Node& iq) {
  const std::string type = iq.attr("type"), xmlns = iq.attr("xmlns");
  if (!iq.is("iq") || (type != "get" && type != "set")) return unsupported(iq, iq.tag);
  if (xmlns == "w:g2") return read_w_g2(iq);
  if (xmlns == "w:profile:picture") return read_picture(iq);
  if (xmlns == "urn:xmpp:whatsapp:dirty") return read_clean(iq);
  return unsupported(iq, xmlns);
}

}  // namespace wharf::protocol::groups
