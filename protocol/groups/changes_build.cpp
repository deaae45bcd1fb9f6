#include "protocol/groups/changes.h"
#include "protocol/groups/fields.h"

namespace wharf::protocol::groups {

namespace {

Node with_members(std::string_view tag, const std::vector<Participant>& members) {
  Node node(tag);
  for (const Participant& member : members) node.add(member_node(member));
  return node;
}

Node versioned(Node node, const Versions& versions) {
  put(node, "prev_v_id", versions.before);
  put(node, "v_id", versions.after);
  return node;
}

Node with_groups(Node node, const std::vector<LinkedGroup>& groups) {
  for (const LinkedGroup& linked : groups) {
    Node group("group");
    group.set("jid", linked.group);
    put(group, "subject", linked.subject);
    put(group, "s_t", linked.subject_time);
    if (linked.hidden) group.add(Node("hidden_group"));
    node.add(std::move(group));
  }
  return node;
}

struct Builder {
  Node operator()(const GroupCreated& change) const {
    Node create("create");
    put(create, "type", change.type);
    put(create, "reason", change.reason);
    put(create, "key", change.key);
    put(create, "context_group_jid", change.context_group);
    return create.add(group_node(change.group));
  }
  Node operator()(const MembersAdded& change) const {
    Node add = versioned(with_members("add", change.members), change.versions);
    put(add, "reason", change.reason);
    return add;
  }
  Node operator()(const MembersRemoved& change) const {
    Node remove = versioned(with_members(change.left ? "leave" : "remove", change.members), change.versions);
    put(remove, "reason", change.reason);
    return remove;
  }
  Node operator()(const RolesChanged& change) const {
    std::string tag = change.linked_group ? "linked_group_" : "";
    tag += change.change == RoleChange::promote ? "promote" : "demote";
    Node roles = versioned(with_members(tag, change.members), change.versions);
    put(roles, "jid", change.linked_group);
    return roles;
  }
  Node operator()(const MemberReplaced& change) const { return with_members("modify", change.members); }
  Node operator()(const GroupDeleted& change) const {
    Node node("delete");
    put(node, "reason", change.reason);
    return node;
  }
  Node operator()(const SubjectChanged& change) const {
    Node subject("subject");
    subject.set("subject", change.subject);
    put(subject, "s_t", change.time);
    put(subject, "s_o", change.owner);
    put(subject, "s_o_pn", change.owner_pn);
    put(subject, "s_o_username", change.owner_username);
    return subject;
  }
  Node operator()(const DescriptionChanged& change) const {
    Node description("description");
    put(description, "id", change.id);
    if (change.text) return description.add(Node("body").text(*change.text));
    return description.add(Node("delete"));
  }
  Node operator()(const FlagChanged& change) const {
    Node flag(tag(change.flag, change.on));
    put(flag, "v_id", change.version);
    return flag;
  }
  Node operator()(const ModeChanged& change) const {
    return Node(tag(change.mode)).text(text(change.mode, change.who));
  }
  Node operator()(const EphemeralChanged& change) const { return ephemeral_node(change.ephemeral); }
  Node operator()(const JoinApprovalChanged& change) const { return join_approval_node(change.on); }
  Node operator()(const GrowthLockChanged& change) const {
    return change.lock ? growth_lock_node(*change.lock) : Node("growth_unlocked");
  }
  Node operator()(const InviteChanged& change) const { return Node("invite").set("code", change.code); }
  Node operator()(const InvitationsRevoked& change) const { return with_members("revoke", change.people); }
  Node operator()(const JoinRequested& change) const {
    Node node("created_membership_requests");
    put(node, "request_method", change.method);
    put(node, "parent_group_jid", change.parent_group);
    for (const Participant& who : change.people) node.add(member_node(who, "requested_user"));
    return node;
  }
  Node operator()(const JoinRequestsRevoked& change) const {
    return with_members("revoked_membership_requests", change.people);
  }
  Node operator()(const GroupsLinked& change) const {
    Node link("link");
    put(link, "link_type", change.type);
    return with_groups(std::move(link), change.groups);
  }
  Node operator()(const GroupsUnlinked& change) const {
    Node unlink("unlink");
    put(unlink, "unlink_type", change.type);
    put(unlink, "unlink_reason", change.reason);
    return with_groups(std::move(unlink), change.groups);
  }
  Node operator()(const OtherChange& change) const { return Node(change.tag); }
  Node operator()(const UnknownChange& change) const { return Node(change.tag); }
};

}  // namespace

Node notification_node(const GroupNotification& notification) {
  Node node("notification");
  node.set("from", notification.group).set("type", "w:gp2").set("id", notification.id);
  const Author& author = notification.author;
  put(node, "participant", author.jid);
  if (author.pn != author.jid) put(node, "participant_pn", author.pn);
  if (author.lid != author.jid) put(node, "participant_lid", author.lid);
  put(node, "participant_username", notification.author_username);
  put(node, "participant_country_code", notification.author_country_code);
  put(node, "notify", notification.author_name);
  if (notification.addressing_mode) node.set("addressing_mode", name(*notification.addressing_mode));
  put(node, "t", notification.timestamp);
  if (notification.offline) node.set("offline", "0");
  for (const GroupChange& change : notification.changes) node.add(std::visit(Builder{}, change));
  if (notification.missing_identification) node.add(Node("missing_participant_identification"));
  return node;
}

}  // namespace wharf::protocol::groups
