#include "protocol/groups/metadata.h"

#include <array>
#include <unordered_set>

#include "protocol/groups/fields.h"
#include "protocol/groups/limits.h"
#include "protocol/text.h"

namespace wharf::protocol::groups {

namespace {

/// Children that say yes by being there and that no request or notification changes.
struct Mark {
  std::string_view tag;
  bool GroupMetadata::*member;
};
constexpr std::array marks = {
    Mark{"default_sub_group", &GroupMetadata::default_sub_group},
    Mark{"general_chat", &GroupMetadata::general_chat},
    Mark{"hidden_group", &GroupMetadata::hidden_group},
    Mark{"support", &GroupMetadata::support},
    Mark{"incognito", &GroupMetadata::incognito},
    Mark{"auto_add_disabled", &GroupMetadata::auto_add_disabled},
    Mark{"capi", &GroupMetadata::hosted},
    Mark{"group_safety_check", &GroupMetadata::safety_check},
    Mark{"participant_label_enabled", &GroupMetadata::member_labels},
};
constexpr std::array flags = {Flag::announcement,  Flag::locked,        Flag::non_admin_sub_groups, Flag::admin_reports,
                              Flag::group_history, Flag::limit_sharing, Flag::frequently_forwarded, Flag::suspended};

Result<void> read_attributes(GroupMetadata& group, const Node& node) {
  if (node.attr("subject").size() > max_subject_bytes) return Error(Errc::too_large, "group subject over 1 KiB");
  group.subject = display_line(node.attr("subject"), max_subject_bytes);
  group.subject_time = node.number("s_t");
  group.subject_owner = person_attr(node, "s_o");
  group.subject_owner_pn = phone_attr(node, "s_o_pn");
  group.subject_owner_username = label_attr(node, "s_o_username");
  group.creation = node.number("creation");
  group.creator = person_attr(node, "creator");
  group.creator_pn = phone_attr(node, "creator_pn");
  group.creator_username = label_attr(node, "creator_username");
  group.creator_country_code = token_attr(node, "creator_country_code");
  group.notify = label_attr(node, "notify");
  group.member_list_version = token_attr(node, "p_v_id");
  group.announcement_version = token_attr(node, "a_v_id");
  return {};
}

Result<void> read_description(GroupMetadata& group, const Node& node) {
  const Node* child = node.child("description");
  if (child == nullptr) return {};
  Description& description = group.description;
  description.id = token_attr(*child, "id");
  description.author = person_attr(*child, "participant");
  description.author_pn = phone_attr(*child, "participant_pn");
  description.author_username = label_attr(*child, "participant_username");
  description.time = child->number("t");
  if (const auto body = child->child_data("body"); body && !body->empty()) {
    description.text = read_description_text(*body);
    if (!description.text) return Error(Errc::too_large, "group description over 8 KiB");
  }
  if (description.id.empty() && !description.text) description = {};
  return {};
}

void read_child(GroupMetadata& group, const Node& child) {
  if (const auto flag = flag_of(child.tag)) {
    group.*member_of(flag->first) = flag->second;
  } else if (const auto mode = mode_of(child.tag)) {
    group.*member_of(*mode) = allowed(*mode, child.text());
  } else if (child.is("ephemeral")) {
    group.ephemeral = read_ephemeral(child).value_or(Ephemeral{});
  } else if (child.is("membership_approval_mode")) {
    group.join_approval = read_join_approval(child).value_or(false);
  } else if (child.is("growth_locked")) {
    group.growth_lock = read_growth_lock(child);
  } else if (child.is("parent")) {
    group.community = CommunityRoot{child.attr("default_membership_approval_mode") == "request_required"};
  } else if (child.is("linked_parent")) {
    group.linked_parent = group_attr(child, "jid");
  } else if (child.is("missing_participant_identification")) {
    group.stale = true;
  } else {
    for (const Mark& mark : marks)
      if (child.is(mark.tag)) group.*mark.member = true;
  }
}

Result<void> read_member_list(GroupMetadata& group, const Node& node) {
  auto rows = read_members(node);
  if (!rows) return rows.error();
  std::unordered_set<Jid> seen;
  for (auto& row : *rows) {
    if (!row) {
      group.stale = true;
    } else if (row->error) {
      group.not_added.push_back(std::move(*row));
    } else if (seen.insert(row->who.jid).second) {
      group.members.push_back(std::move(row->who));
    }
  }
  return {};
}

AddressingMode mode_of_members(const GroupMetadata& group) {
  const bool lid = !group.members.empty() && group.members.front().jid.is_lid();
  return lid ? AddressingMode::lid : AddressingMode::phone_number;
}

void read_size(GroupMetadata& group, const Node& node) {
  const auto listed = static_cast<std::uint32_t>(group.members.size());
  const auto stated = node.number("size");
  group.size = stated && *stated <= max_stated_size ? static_cast<std::uint32_t>(*stated) : listed;
  group.partial = group.size > listed;
}

Node description_node(const Description& description) {
  Node node("description");
  put(node, "id", description.id);
  put(node, "participant", description.author);
  put(node, "participant_pn", description.author_pn);
  put(node, "participant_username", description.author_username);
  put(node, "t", description.time);
  if (description.text) node.add(Node("body").text(*description.text));
  return node;
}

}  // namespace

bool GroupMetadata::*member_of(Flag flag) {
  switch (flag) {
    case Flag::announcement: return &GroupMetadata::announcement;
    case Flag::locked: return &GroupMetadata::locked;
    case Flag::non_admin_sub_groups: return &GroupMetadata::non_admin_sub_groups;
    case Flag::admin_reports: return &GroupMetadata::admin_reports;
    case Flag::group_history: return &GroupMetadata::group_history;
    case Flag::frequently_forwarded: return &GroupMetadata::frequently_forwarded;
    case Flag::suspended: return &GroupMetadata::suspended;
    case Flag::limit_sharing: break;
  }
  return &GroupMetadata::limit_sharing;
}

std::optional<Allowed> GroupMetadata::*member_of(Mode mode) {
  switch (mode) {
    case Mode::member_add: return &GroupMetadata::member_add;
    case Mode::member_link: return &GroupMetadata::member_link;
    case Mode::history_share: break;
  }
  return &GroupMetadata::history_share;
}

Result<GroupMetadata> read_group(const Node& node, const std::optional<Jid>& known) {
  if (!node.is("group") && !node.is("community")) return Error(Errc::malformed, "no <group>");
  // Answers to joining and lists of sub-groups call it `jid`.
  auto id = group_attr(node, node.has("id") ? "id" : "jid");
  if (!id && !node.has("id") && !node.has("jid")) id = known;
  if (!id || (known && *known != *id)) return Error(Errc::malformed, "<group> of no or another group");
  GroupMetadata group;
  group.group = *id;
  if (auto read = read_attributes(group, node); !read) return read.error();
  if (auto read = read_description(group, node); !read) return read.error();
  for (const Node& child : node.children()) read_child(group, child);
  if (auto read = read_member_list(group, node); !read) return read.error();
  group.addressing_mode = read_addressing_mode(node.attr("addressing_mode")).value_or(mode_of_members(group));
  read_size(group, node);
  return group;
}

Node group_node(const GroupMetadata& group) {
  Node node("group");
  node.set("id", group_id(group.group));
  put(node, "subject", group.subject);
  put(node, "s_t", group.subject_time);
  put(node, "s_o", group.subject_owner);
  put(node, "s_o_pn", group.subject_owner_pn);
  put(node, "s_o_username", group.subject_owner_username);
  put(node, "creation", group.creation);
  put(node, "creator", group.creator);
  put(node, "creator_pn", group.creator_pn);
  put(node, "creator_username", group.creator_username);
  put(node, "creator_country_code", group.creator_country_code);
  put(node, "notify", group.notify);
  node.set("addressing_mode", name(group.addressing_mode)).set("size", group.size);
  put(node, "p_v_id", group.member_list_version);
  put(node, "a_v_id", group.announcement_version);

  for (const Participant& member : group.members) node.add(member_node(member));
  for (const MemberRow& row : group.not_added) node.add(member_node(row));
  if (!group.description.id.empty() || group.description.text) node.add(description_node(group.description));
  for (const Flag flag : flags) {
    const bool on = group.*member_of(flag);
    const bool usual = flag == Flag::frequently_forwarded;
    if (on != usual) node.add(Node(tag(flag, on)));
  }
  if (group.ephemeral.seconds != 0 || group.ephemeral.trigger) node.add(ephemeral_node(group.ephemeral));
  if (group.join_approval) node.add(join_approval_node(true));
  for (const Mode mode : {Mode::member_add, Mode::member_link, Mode::history_share}) {
    if (const auto who = group.*member_of(mode)) node.add(Node(tag(mode)).text(text(mode, *who)));
  }
  if (group.community) {
    Node parent("parent");
    if (group.community->approval_required) parent.set("default_membership_approval_mode", "request_required");
    node.add(std::move(parent));
  }
  if (group.linked_parent) node.add(Node("linked_parent").set("jid", *group.linked_parent));
  for (const Mark& mark : marks)
    if (group.*mark.member) node.add(Node(mark.tag));
  if (group.growth_lock) node.add(growth_lock_node(*group.growth_lock));
  return node;
}

void collect(IdentityPairs& pairs, const GroupMetadata& group) {
  for (const Participant& member : group.members) pairs.add(member);
  for (const MemberRow& row : group.not_added) pairs.add(row.who);
  pairs.add(group.subject_owner, group.subject_owner_pn);
  pairs.add(group.creator, group.creator_pn);
  pairs.add(group.description.author, group.description.author_pn);
}

}  // namespace wharf::protocol::groups
