#include <unordered_map>
#include <unordered_set>

#include "protocol/groups/fields.h"
#include "protocol/groups/invite.h"
#include "protocol/groups/limits.h"
#include "protocol/groups/results.h"
#include "protocol/text.h"

namespace wharf::protocol::groups {

namespace {

constexpr std::size_t max_url_bytes = 4096;

/// The payload of a successful answer.
GroupResult<const Node*> payload(Operation operation, const Node& answer, std::string_view tag) {
  if (auto success = succeeded(operation, answer); !success) return success.error();
  const Node* node = answer.child(tag);
  if (node == nullptr) return bad_response("no <" + std::string(tag) + ">");
  return node;
}

GroupResult<GroupMetadata> group_in(Operation operation, const Node& answer, const std::optional<Jid>& known) {
  const auto node = payload(operation, answer, "group");
  if (!node) return node.error();
  auto group = read_group(**node, known);
  if (!group) return bad_response(group.error().detail);
  return std::move(*group);
}

GroupResult<MemberOutcomes> outcomes_in(MemberOperation operation, std::span<const MemberRef> asked, const Node& list) {
  const auto rows = read_members(list);
  if (!rows) return bad_response(rows.error().detail);
  return correlate(operation, asked, *rows);
}

std::vector<MemberRef> refs(const std::vector<Jid>& people) {
  std::vector<MemberRef> out;
  out.reserve(people.size());
  for (const Jid& jid : people) out.push_back({jid, {}, {}});
  return out;
}

/// Whoever has no list in the answer is unknown.
GroupResult<MemberOutcomes> decided(MemberOperation operation, const std::vector<Jid>& people, const Node* list) {
  static const Node nothing;
  return outcomes_in(operation, refs(people), list != nullptr ? *list : nothing);
}

/// Groups wherever they stand below `node`, three levels down at most.
void collect_groups(GroupList& list, const Node& node, unsigned levels, bool& too_many) {
  for (const Node& child : node.children()) {
    if (list.groups.size() + list.unusable >= max_groups) {
      too_many = true;
      return;
    }
    if (child.is("group") || child.is("community")) {
      auto read = read_group(child);
      if (read) list.groups.push_back(std::move(*read));
      else ++list.unusable;
    } else if (levels > 1) {
      collect_groups(list, child, levels - 1, too_many);
    }
  }
}

std::optional<JoinRequest> read_join_request(const Node& node) {
  const auto jid = person_attr(node, "jid");
  if (!jid) return std::nullopt;
  JoinRequest request;
  request.who = person(*jid, phone_attr(node, "phone_number"));
  request.who.username = label_attr(node, "username");
  request.time = node.number("request_time");
  request.method = token_attr(node, "request_method");
  request.requestor = person_attr(node, "requestor");
  request.requestor_pn = phone_attr(node, "requestor_pn");
  if (!request.requestor_pn && request.requestor && request.requestor->is_phone_number()) {
    request.requestor_pn = request.requestor;
  }
  request.requestor_username = label_attr(node, "requestor_username");
  request.parent_group = group_attr(node, "parent_group_jid");
  return request;
}

std::string address_attr(const Node& node, std::string_view key) {
  std::string value = node.attr(key);
  return value.size() <= max_url_bytes && displayable(value) == value ? value : std::string();
}

}  // namespace

GroupResult<> read_done(Operation operation, const Node& answer) { return succeeded(operation, answer); }

GroupResult<CreatedGroup> read_created(const CreateGroup& asked, const Node& answer) {
  auto group = group_in(Operation::create, answer, std::nullopt);
  if (!group) return group.error();
  // All rows as the server wrote them, but for whoever made the group: the positions are those of the request then.
  auto rows = read_members(*answer.child("group"));
  if (!rows) return bad_response(rows.error().detail);
  std::erase_if(*rows, [](const auto& row) { return row && !row->error && row->who.role == Role::superadmin; });
  MemberOutcomes members = correlate(MemberOperation::add, asked.members, *rows);
  return CreatedGroup{std::move(*group), std::move(members)};
}

GroupResult<std::optional<GroupMetadata>> read_queried(const QueryGroup& asked, const Node& answer) {
  if (auto success = succeeded(Operation::metadata, answer); !success) return success.error();
  if (!asked.phash.empty() && answer.child("group") == nullptr) return std::optional<GroupMetadata>();
  auto group = group_in(Operation::metadata, answer, asked.group);
  if (!group) return group.error();
  return std::optional<GroupMetadata>(std::move(*group));
}

GroupResult<GroupMetadata> read_preview(const Node& answer) {
  return group_in(Operation::preview, answer, std::nullopt);
}

GroupResult<GroupList> read_listed(const Node& answer) {
  if (auto success = succeeded(Operation::list, answer); !success) return success.error();
  if (answer.child("groups") == nullptr && answer.child("communities") == nullptr) return bad_response("no <groups>");
  GroupList list;
  bool too_many = false;
  collect_groups(list, answer, 3, too_many);
  if (too_many) return bad_response("over 10000 groups");
  return list;
}

GroupResult<std::vector<QueriedGroup>> read_batch(const QueryGroups& asked, const Node& answer) {
  if (auto success = succeeded(Operation::metadata, answer); !success) return success.error();
  // The rows stand in the answer itself or in a container.
  const Node* list = answer.child("group") != nullptr || answer.children().empty() ? &answer : &answer.children()[0];
  const auto rows = list->children("group");
  if (rows.empty() && !asked.groups.empty()) return bad_response("no <group>");
  if (rows.size() > max_groups) return bad_response("over 10000 groups");
  std::unordered_map<Jid, const Node*> by_group;
  for (const Node* row : rows) {
    if (const auto group = group_attr(*row, row->has("id") ? "id" : "jid")) by_group.emplace(*group, row);
  }
  std::vector<QueriedGroup> out;
  for (const Jid& group : asked.groups) {
    QueriedGroup& queried = out.emplace_back(QueriedGroup{group, {}, 0});
    const auto found = by_group.find(group);
    if (found == by_group.end()) continue;
    if (const auto error = error_attr(*found->second)) {
      queried.code = *error;
    } else if (auto metadata = read_group(*found->second)) {
      queried.metadata = std::move(*metadata);
      if (found->second->attr("truncated") == "true") queried.metadata->partial = true;
    }
  }
  return out;
}

GroupResult<GroupOutcomes> read_left(const LeaveGroups& asked, const Node& answer) {
  const auto list = payload(Operation::leave, answer, "leave");
  if (!list) return list.error();
  return correlate(asked.groups, **list);
}

GroupResult<MemberOutcomes> read_changed(const ChangeMembers& asked, const Node& answer) {
  const auto list = payload(Operation::change, answer, tag(asked.action));
  if (!list) return list.error();
  return outcomes_in(operation_of(asked.action), asked.members, **list);
}

GroupResult<std::string> read_invite(const Node& answer) {
  const auto invite = payload(Operation::invite_code, answer, "invite");
  if (!invite) return invite.error();
  std::string code = (*invite)->attr("code");
  if (!is_invite_code(code)) return bad_response("no invite code");
  return code;
}

std::string_view name(JoinState state) { return state == JoinState::joined ? "joined" : "pending_approval"; }

GroupResult<Joined> read_joined(const Node& answer, const std::optional<Jid>& group) {
  if (auto success = succeeded(Operation::join, answer); !success) return success.error();
  // Pending wins where a server says both: whoever is not sure to be in, is not in.
  const Node* pending = answer.child("membership_approval_request");
  const Node* row = pending != nullptr ? pending : answer.child("group");
  if (row == nullptr) return bad_response("neither joined nor pending");
  auto jid = group_attr(*row, row->has("jid") ? "jid" : "id");
  if (!jid && !row->has("jid") && !row->has("id")) jid = group;
  if (!jid || (group && *group != *jid)) return bad_response("joined no or another group");
  return Joined{std::move(*jid), pending != nullptr ? JoinState::pending_approval : JoinState::joined};
}

GroupResult<std::vector<JoinRequest>> read_join_requests(const Node& answer) {
  const auto list = payload(Operation::change, answer, "membership_approval_requests");
  if (!list) return list.error();
  const auto rows = (*list)->children("membership_approval_request");
  if (rows.size() > max_members) return bad_response("over 20000 requests");
  std::vector<JoinRequest> requests;
  for (const Node* row : rows) {
    if (auto request = read_join_request(*row)) requests.push_back(std::move(*request));
  }
  return requests;
}

GroupResult<Decisions> read_decided(const DecideJoinRequests& asked, const Node& answer) {
  const auto action = payload(Operation::change, answer, "membership_requests_action");
  if (!action) return action.error();
  auto approved = decided(MemberOperation::approve, asked.approve, (*action)->child("approve"));
  if (!approved) return approved.error();
  auto rejected = decided(MemberOperation::reject, asked.reject, (*action)->child("reject"));
  if (!rejected) return rejected.error();
  return Decisions{std::move(*approved), std::move(*rejected)};
}

GroupResult<MemberOutcomes> read_cancelled(const CancelJoinRequests& asked, const Node& answer) {
  const auto list = payload(Operation::change, answer, "cancel_membership_requests");
  if (!list) return list.error();
  return decided(MemberOperation::cancel, asked.people, *list);
}

GroupResult<std::string> read_picture_set(const Node& answer) {
  const auto picture = payload(Operation::picture, answer, "picture");
  if (!picture) return picture.error();
  std::string id = token_attr(**picture, "id");
  if (id.empty()) return bad_response("picture without id");
  return id;
}

GroupResult<std::optional<Picture>> read_picture(const Node& answer) {
  const auto node = payload(Operation::picture, answer, "picture");
  if (!node) return node.error();
  const std::string status = (*node)->attr("status");
  if (status == "304" || status == "204") return std::optional<Picture>();
  Picture picture;
  picture.id = token_attr(**node, "id");
  picture.url = address_attr(**node, "url");
  picture.direct_path = address_attr(**node, "direct_path");
  picture.type = token_attr(**node, "type");
  picture.hash = token_attr(**node, "hash");
  if (picture.id.empty() || picture.url.empty()) return bad_response("picture without id or address");
  return std::optional<Picture>(std::move(picture));
}

GroupResult<GroupOutcomes> read_linked(const LinkGroups& asked, const Node& answer) {
  const auto links = payload(Operation::community, answer, "links");
  if (!links) return links.error();
  const Node* link = (*links)->child("link");
  if (link == nullptr) return bad_response("no <link>");
  std::vector<Jid> groups;
  groups.reserve(asked.groups.size());
  for (const GroupToLink& one : asked.groups) groups.push_back(one.group);
  return correlate(groups, *link);
}

GroupResult<GroupOutcomes> read_unlinked(const UnlinkGroups& asked, const Node& answer) {
  const auto list = payload(Operation::community, answer, "unlink");
  if (!list) return list.error();
  return correlate(asked.groups, **list);
}

GroupResult<std::vector<GroupMetadata>> read_sub_groups(const Node& answer) {
  const auto list = payload(Operation::community, answer, "sub_groups");
  if (!list) return list.error();
  const auto rows = (*list)->children("group");
  if (rows.size() > max_rows) return bad_response("over 1000 sub-groups");
  std::vector<GroupMetadata> groups;
  for (const Node* row : rows) {
    if (auto group = read_group(*row)) groups.push_back(std::move(*group));
  }
  return groups;
}

GroupResult<std::vector<Participant>> read_linked_members(const Node& answer) {
  const auto list = payload(Operation::community, answer, "linked_groups_participants");
  if (!list) return list.error();
  std::vector<Participant> members;
  std::unordered_set<Jid> seen;
  const auto add = [&](const Node& rows) {
    for (const Node* row : rows.children("participant")) {
      auto member = read_member(*row);
      if (!member || member->error || !seen.insert(member->who.jid).second) continue;
      if (members.size() == max_members) return false;
      members.push_back(std::move(member->who));
    }
    return true;
  };
  bool fits = add(**list);
  for (const Node* group : (*list)->children("group")) fits = fits && add(*group);
  if (!fits) return bad_response("over 20000 participants");
  return members;
}

}  // namespace wharf::protocol::groups
