#include "protocol/groups/fields.h"
#include "protocol/groups/results.h"

namespace wharf::protocol::groups {

namespace {

Node rows_node(std::string_view tag, std::span<const MemberRow> rows) {
  Node node(tag);
  for (const MemberRow& row : rows) node.add(member_node(row));
  return node;
}

/// As servers write them: an error of leaving is an attribute, of linking a child.
enum class ErrorPlace { attribute, child };
void add_groups(Node& list, std::string_view key, std::span<const GroupOutcome> rows, ErrorPlace place) {
  for (const GroupOutcome& row : rows) {
    Node group("group");
    group.set(key, row.group);
    if (!row.succeeded() && place == ErrorPlace::attribute) group.set("error", row.code.value_or(0));
    if (!row.succeeded() && place == ErrorPlace::child) group.add(Node("error").set("code", row.code.value_or(0)));
    list.add(std::move(group));
  }
}

}  // namespace

Node listed_node(std::span<const GroupMetadata> groups) {
  Node node("groups");
  for (const GroupMetadata& group : groups) node.add(group_node(group));
  return node;
}

Node batch_node(std::span<const QueriedGroup> groups) {
  Node node("groups");
  for (const QueriedGroup& queried : groups) {
    Node row("group");
    if (queried.metadata) row = group_node(*queried.metadata);
    else row.set("id", group_id(queried.group)).set("error", queried.code);
    if (queried.metadata && queried.metadata->partial) row.set("truncated", "true");
    node.add(std::move(row));
  }
  return node;
}

Node left_node(std::span<const GroupOutcome> rows) {
  Node node("leave");
  add_groups(node, "id", rows, ErrorPlace::attribute);
  return node;
}

Node changed_node(MemberAction action, std::span<const MemberRow> rows) { return rows_node(tag(action), rows); }

Node invite_node(std::string_view code) { return Node("invite").set("code", code); }

Node joined_node(const Joined& joined) {
  const bool pending = joined.state == JoinState::pending_approval;
  return Node(pending ? "membership_approval_request" : "group").set("jid", joined.group);
}

Node join_requests_node(std::span<const JoinRequest> requests) {
  Node node("membership_approval_requests");
  for (const JoinRequest& request : requests) {
    Node row("membership_approval_request");
    row.set("jid", request.who.jid);
    if (request.who.pn != request.who.jid) put(row, "phone_number", request.who.pn);
    put(row, "username", request.who.username);
    put(row, "request_time", request.time);
    put(row, "request_method", request.method);
    put(row, "requestor", request.requestor);
    if (request.requestor_pn != request.requestor) put(row, "requestor_pn", request.requestor_pn);
    put(row, "requestor_username", request.requestor_username);
    put(row, "parent_group_jid", request.parent_group);
    node.add(std::move(row));
  }
  return node;
}

Node decided_node(std::span<const MemberRow> approved, std::span<const MemberRow> rejected) {
  Node node("membership_requests_action");
  if (!approved.empty()) node.add(rows_node("approve", approved));
  if (!rejected.empty()) node.add(rows_node("reject", rejected));
  return node;
}

Node cancelled_node(std::span<const MemberRow> rows) { return rows_node("cancel_membership_requests", rows); }

Node picture_node(const Picture& picture) {
  Node node("picture");
  put(node, "id", picture.id);
  put(node, "url", picture.url);
  put(node, "direct_path", picture.direct_path);
  put(node, "type", picture.type);
  put(node, "hash", picture.hash);
  return node;
}

Node linked_node(std::span<const GroupOutcome> rows) {
  Node link("link");
  link.set("link_type", "sub_group");
  add_groups(link, "jid", rows, ErrorPlace::child);
  return Node("links").add(std::move(link));
}

Node unlinked_node(std::span<const GroupOutcome> rows) {
  Node node("unlink");
  node.set("unlink_type", "sub_group");
  add_groups(node, "jid", rows, ErrorPlace::attribute);
  return node;
}

Node sub_groups_node(std::span<const GroupMetadata> groups) {
  Node node("sub_groups");
  for (const GroupMetadata& group : groups) node.add(group_node(group));
  return node;
}

Node linked_members_node(std::span<const Participant> members) {
  Node node("linked_groups_participants");
  for (const Participant& member : members) node.add(member_node(member));
  return node;
}

}  // namespace wharf::protocol::groups
