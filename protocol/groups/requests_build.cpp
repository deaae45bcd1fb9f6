#include <stdexcept>

#include "protocol/groups/fields.h"
#include "protocol/groups/requests.h"
#include "protocol/stanzas/iq.h"

namespace wharf::protocol::groups {

namespace {

constexpr std::string_view group_xmlns = "w:g2";

Node account_iq(std::string_view id, std::string_view type, Node payload) {
  // The bare server token, as web clients write it.
  Node iq = type == "get" ? iq_get(id, group_xmlns) : iq_set(id, group_xmlns);
  return iq.set("to", server::group).add(std::move(payload));
}

Node get(std::string_view id, const Jid& group, Node payload) {
  return iq_get(id, group_xmlns).set("to", group).add(std::move(payload));
}

Node set(std::string_view id, const Jid& group, Node payload) {
  return iq_set(id, group_xmlns).set("to", group).add(std::move(payload));
}

Node member(const MemberRef& ref) {
  Node node("participant");
  node.set("jid", ref.jid);
  put(node, "phone_number", ref.phone_number);
  if (!ref.privacy_token.empty()) node.add(Node("privacy").bytes(ref.privacy_token));
  return node;
}

Node people(std::string_view tag, const std::vector<Jid>& jids) {
  Node node(tag);
  for (const Jid& jid : jids) node.add(Node("participant").set("jid", jid));
  return node;
}

Node invitation(std::string_view tag, const Invitation& invitation) {
  return Node(tag).set("code", invitation.code).set("expiration", invitation.expires_at).set("admin", invitation.admin);
}

Node picture_iq(std::string_view id, std::string_view type, const Jid& group) {
  Node iq = type == "get" ? iq_get(id, "w:profile:picture") : iq_set(id, "w:profile:picture");
  return iq.set("target", group);
}

struct Builder {
  std::string_view id;

  Node operator()(const CreateGroup& asked) const {
    Node create("create");
    create.set("subject", asked.subject);
    put(create, "key", asked.key);
    for (const MemberRef& ref : asked.members) create.add(member(ref));
    if (asked.description) {
      Node description("description");
      description.set("id", asked.description->id).add(Node("body").text(asked.description->text));
      create.add(std::move(description));
    }
    const auto mode = [&](Mode which, const std::optional<Allowed>& who) {
      if (who) create.add(Node(tag(which)).text(text(which, *who)));
    };
    mode(Mode::member_add, asked.member_add);
    mode(Mode::member_link, asked.member_link);
    mode(Mode::history_share, asked.history_share);
    if (asked.locked) create.add(Node("locked"));
    if (asked.announcement) create.add(Node("announcement"));
    if (asked.ephemeral) {
      Node ephemeral("ephemeral");  // 0 is written out here
      ephemeral.set("expiration", asked.ephemeral->seconds);
      put(ephemeral, "trigger", asked.ephemeral->trigger);
      create.add(std::move(ephemeral));
    }
    if (asked.join_approval) create.add(join_approval_node(*asked.join_approval));
    if (const auto* community = std::get_if<NewCommunity>(&asked.kind)) {
      Node parent("parent");
      if (community->approval_required) parent.set("default_membership_approval_mode", "request_required");
      create.add(std::move(parent));
      if (community->non_admin_sub_groups) create.add(Node(tag(Flag::non_admin_sub_groups, true)));
      if (community->general_chat) create.add(Node("create_general_chat"));
    }
    if (const auto* within = std::get_if<WithinCommunity>(&asked.kind)) {
      create.add(Node("linked_parent").set("jid", within->community));
    }
    return account_iq(id, "set", std::move(create));
  }

  Node operator()(const QueryGroup& asked) const {
    Node query("query");
    query.set("request", "interactive");
    put(query, "phash", asked.phash);
    return get(id, asked.group, std::move(query));
  }

  Node operator()(const QueryGroups& asked) const {
    Node query("query");
    for (const Jid& group : asked.groups) query.add(Node("group").set("jid", group));
    return account_iq(id, "get", std::move(query));
  }

  Node operator()(const ListGroups& asked) const {
    Node participating("participating");
    if (asked.members) participating.add(Node("participants"));
    if (asked.descriptions) participating.add(Node("description"));
    return account_iq(id, "get", std::move(participating));
  }

  Node operator()(const LeaveGroups& asked) const {
    Node leave("leave");
    for (const Jid& group : asked.groups) leave.add(Node("group").set("id", group));
    return account_iq(id, "set", std::move(leave));
  }

  Node operator()(const ChangeMembers& asked) const {
    Node action(tag(asked.action));
    if (asked.linked_groups) action.set("linked_groups", "true");
    for (const MemberRef& ref : asked.members) action.add(member(ref));
    return set(id, asked.group, std::move(action));
  }

  Node operator()(const SetSubject& asked) const { return set(id, asked.group, Node("subject").text(asked.subject)); }

  Node operator()(const SetDescription& asked) const {
    Node description("description");
    put(description, "id", asked.id);
    if (!asked.text) description.set("delete", "true");
    put(description, "prev", asked.prev);
    if (asked.text) description.add(Node("body").text(*asked.text));
    return set(id, asked.group, std::move(description));
  }

  Node operator()(const SetFlag& asked) const {
    if (!settable(asked.flag)) throw std::invalid_argument("a flag that only the server sets");
    return set(id, asked.group, Node(tag(asked.flag, asked.on)));
  }

  Node operator()(const SetMode& asked) const {
    return set(id, asked.group, Node(tag(asked.mode)).text(text(asked.mode, asked.who)));
  }

  Node operator()(const SetEphemeral& asked) const { return set(id, asked.group, ephemeral_node(asked.ephemeral)); }
  Node operator()(const SetJoinApproval& asked) const { return set(id, asked.group, join_approval_node(asked.on)); }

  Node operator()(const SetPicture& asked) const {
    return picture_iq(id, "set", asked.group).add(Node("picture").set("type", "image").bytes(asked.jpeg));
  }
  Node operator()(const RemovePicture& asked) const { return picture_iq(id, "set", asked.group); }
  Node operator()(const GetPicture& asked) const {
    Node picture("picture");
    picture.set("type", asked.preview ? "preview" : "image").set("query", "url");
    put(picture, "id", asked.known_id);
    return picture_iq(id, "get", asked.group).add(std::move(picture));
  }

  Node operator()(const GetInvite& asked) const { return get(id, asked.group, Node("invite")); }
  Node operator()(const ResetInvite& asked) const { return set(id, asked.group, Node("invite")); }
  Node operator()(const PreviewInvite& asked) const {
    return account_iq(id, "get", Node("invite").set("code", asked.code));
  }
  Node operator()(const JoinByInvite& asked) const {
    return account_iq(id, "set", Node("invite").set("code", asked.code));
  }
  Node operator()(const PreviewInvitation& asked) const {
    return get(id, asked.group, Node("query").add(invitation("add_request", asked.invitation)));
  }
  Node operator()(const AcceptInvitation& asked) const {
    return set(id, asked.group, invitation("accept", asked.invitation));
  }
  Node operator()(const RevokeInvitations& asked) const { return set(id, asked.group, people("revoke", asked.people)); }

  Node operator()(const ListJoinRequests& asked) const {
    return get(id, asked.group, Node("membership_approval_requests"));
  }
  Node operator()(const DecideJoinRequests& asked) const {
    Node action("membership_requests_action");
    if (!asked.approve.empty()) action.add(people("approve", asked.approve));
    if (!asked.reject.empty()) action.add(people("reject", asked.reject));
    return set(id, asked.group, std::move(action));
  }
  Node operator()(const CancelJoinRequests& asked) const {
    return set(id, asked.group, people("cancel_membership_requests", asked.people));
  }

  Node operator()(const LinkGroups& asked) const {
    Node link("link");
    link.set("link_type", "sub_group");
    for (const GroupToLink& one : asked.groups) {
      Node group("group");
      group.set("jid", one.group);
      if (one.hidden) group.add(Node("hidden_group"));
      link.add(std::move(group));
    }
    return set(id, asked.community, Node("links").add(std::move(link)));
  }
  Node operator()(const UnlinkGroups& asked) const {
    Node unlink("unlink");
    unlink.set("unlink_type", "sub_group");
    for (const Jid& jid : asked.groups) {
      Node group("group");
      group.set("jid", jid);
      if (asked.remove_orphaned_members) group.set("remove_orphaned_members", "true");
      unlink.add(std::move(group));
    }
    return set(id, asked.community, std::move(unlink));
  }
  Node operator()(const ListSubGroups& asked) const { return get(id, asked.community, Node("sub_groups")); }
  Node operator()(const ListLinkedMembers& asked) const {
    return get(id, asked.community, Node("linked_groups_participants"));
  }
  Node operator()(const JoinLinkedGroup& asked) const {
    return set(id, asked.community, Node("join_linked_group").set("jid", asked.group));
  }
  Node operator()(const DeactivateCommunity& asked) const { return set(id, asked.community, Node("delete_parent")); }

  Node operator()(const CleanGroupsDirty& asked) const { return clean_dirty_iq(id, "groups", asked.timestamp); }
};

}  // namespace

std::string_view tag(MemberAction action) {
  switch (action) {
    case MemberAction::add: return "add";
    case MemberAction::remove: return "remove";
    case MemberAction::promote: return "promote";
    case MemberAction::demote: break;
  }
  return "demote";
}

Node request_iq(std::string_view id, const GroupRequest& request) { return std::visit(Builder{id}, request); }

}  // namespace wharf::protocol::groups
