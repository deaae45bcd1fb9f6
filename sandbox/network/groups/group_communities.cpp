#include "sandbox/network/groups/group_communities.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace wharf::sandbox {

namespace groups = protocol::groups;

namespace {

constexpr std::size_t max_linked = 100;

groups::LinkedGroup line_of(const Group& group) {
  return {group.jid(), group.subject.text, static_cast<std::uint64_t>(group.subject.at), group.settings.hidden_group};
}

}  // namespace

Group* GroupCommunities::root_of(const Group& group) const {
  if (group.is_root()) return store_.find(group.id);
  return group.settings.linked_parent ? store_.find(*group.settings.linked_parent) : nullptr;
}

Group* GroupCommunities::announcement_group(const Group& root) const {
  for (auto* group : store_.linked_to(root.id)) {
    if (group->settings.default_sub_group) return group;
  }
  return nullptr;
}

std::optional<unsigned> GroupCommunities::why_not(const Group* root, const Party& actor, bool as_admin) const {
  if (root == nullptr || !root->is_root()) return 404;
  if (root->member(actor.account.phone) == nullptr) return 403;
  if (as_admin && !root->is_admin(actor.account.phone)) return 401;
  return std::nullopt;
}

// --- creating

std::optional<unsigned> GroupCommunities::why_not_create(const Party& creator, const groups::CreateGroup& asked) const {
  const auto* within = std::get_if<groups::WithinCommunity>(&asked.kind);
  if (within == nullptr) return std::nullopt;
  const auto* root = store_.find(within->community);
  if (const auto refusal = why_not(root, creator, false)) return refusal;
  if (!root->is_admin(creator.account.phone) && !root->settings.non_admin_sub_groups) return 401;
  if (store_.linked_to(root->id).size() >= max_linked) return 406;
  return std::nullopt;
}

void GroupCommunities::created(Group& group, const Party&, const groups::CreateGroup& asked) {
  if (const auto* community = std::get_if<groups::NewCommunity>(&asked.kind)) {
    group.settings.community = groups::CommunityRoot{community->approval_required};
    group.settings.non_admin_sub_groups = community->non_admin_sub_groups;
  } else if (const auto* within = std::get_if<groups::WithinCommunity>(&asked.kind)) {
    group.settings.linked_parent = within->community;
  }
  store_.changed(group);
}

Group& GroupCommunities::make_sub_group(Group& root, const Party& creator, std::string_view subject) {
  auto& group = store_.create(creator.account.phone);
  group.lid = root.lid;
  group.subject = {std::string(subject), c_.now(), creator.account.phone};
  group.settings.linked_parent = root.jid();
  for (const auto& [phone, member] : root.members) store_.put_member(group, phone, member);
  return group;
}

void GroupCommunities::announce_created(Group& group, const Party& creator, const groups::CreateGroup& asked) {
  const auto tell = [&](const Group& made) {
    notices_.tell(made, &creator, [&](const Party& viewer) {
      return groups::GroupCreated{"new", {}, {}, {}, views_.metadata(made, viewer)};
    });
  };
  if (const auto* community = std::get_if<groups::NewCommunity>(&asked.kind)) {
    auto& announcements = make_sub_group(group, creator, group.subject.text);
    announcements.settings.default_sub_group = announcements.settings.announcement = true;
    tell(announcements);
    if (!community->general_chat) return;
    auto& general = make_sub_group(group, creator, "General");
    general.settings.general_chat = true;
    tell(general);
  } else if (std::holds_alternative<groups::WithinCommunity>(asked.kind)) {
    make_link(*root_of(group), group, creator);
  }
}

// --- members

void GroupCommunities::members_added(Group& group, const Parties& who) {
  auto* root = root_of(group);
  if (root == nullptr) return;
  const auto bring = [&](Group* to, std::string_view reason) {
    if (to == nullptr || to == &group) return;
    Parties fresh;
    for (const auto* party : who) {
      const auto& phone = party->account.phone;
      if (group.member(phone) != nullptr && to->member(phone) == nullptr) fresh.push_back(party);
    }
    membership_.add(*to, nullptr, fresh, reason);
  };
  bring(root, "linked_group_join");
  bring(announcement_group(*root), "default_sub_group_admin_add");
}

void GroupCommunities::role_set(Group& group, const Party& actor, const Parties& who, GroupRole role) {
  auto* announcements = group.is_root() ? announcement_group(group) : nullptr;
  if (announcements == nullptr) return;
  Parties there;
  for (const auto* party : who) {
    const auto* known = announcements->member(party->account.phone);
    if (known == nullptr) continue;
    auto member = *known;
    member.role = role;
    store_.put_member(*announcements, party->account.phone, member);
    there.push_back(party);
  }
  if (there.empty()) return;
  const auto change = role == GroupRole::member ? groups::RoleChange::demote : groups::RoleChange::promote;
  notices_.tell(group, &actor, [&](const Party& viewer) {
    groups::RolesChanged told{change, {}, {}, announcements->jid()};
    for (const auto* party : there) told.members.push_back(views_.participant(*announcements, viewer, *party));
    return told;
  });
}

void GroupCommunities::remove_everywhere(Group& group, const Party& actor, const Parties& who) {
  auto* root = root_of(group);
  if (root == nullptr) return membership_.remove(group, &actor, who);
  std::vector<Group*> all = store_.linked_to(root->id);
  all.push_back(root);
  for (auto* one : all) {
    Parties there;
    for (const auto* party : who) {
      if (one->member(party->account.phone) != nullptr) there.push_back(party);
    }
    membership_.remove(*one, &actor, there);
  }
}

// --- links

void GroupCommunities::make_link(Group& root, Group& group, const Party& actor) {
  group.settings.linked_parent = root.jid();
  store_.changed(group);
  notices_.tell(root, &actor, groups::GroupsLinked{"sub_group", {line_of(group)}});
  notices_.tell(group, &actor, groups::GroupsLinked{"parent_group", {line_of(root)}});
  Parties all;
  for (const auto& [phone, member] : group.members) all.push_back(accounts_.find(phone));
  members_added(group, all);
}

void GroupCommunities::break_link(Group& root, Group& group, const Party* actor, std::string_view reason) {
  group.settings.linked_parent.reset();
  group.settings.hidden_group = false;
  store_.changed(group);
  notices_.tell(root, actor, groups::GroupsUnlinked{"sub_group", std::string(reason), {line_of(group)}});
  notices_.tell(group, actor, groups::GroupsUnlinked{"parent_group", std::string(reason), {line_of(root)}});
}

std::optional<unsigned> GroupCommunities::why_not_link(const Group& root, const Group* group,
                                                       const Party& actor) const {
  if (group == nullptr || group->is_root()) return 404;
  if (group->member(actor.account.phone) == nullptr) return 403;
  if (!group->is_admin(actor.account.phone)) return 401;
  if (group->settings.linked_parent) return 409;
  if (group->lid != root.lid) return 406;
  return store_.linked_to(root.id).size() >= max_linked ? std::optional(406u) : std::nullopt;
}

GroupAnswer GroupCommunities::link(const Party& actor, const groups::LinkGroups& asked) {
  auto* root = store_.find(asked.community);
  if (const auto refusal = why_not(root, actor, true)) return GroupAnswer::refused(*refusal);
  std::vector<groups::GroupOutcome> rows;
  for (const auto& wanted : asked.groups) {
    auto* group = store_.find(wanted.group);
    const auto refusal = why_not_link(*root, group, actor);
    rows.push_back({wanted.group, refusal.value_or(200)});
    if (refusal) continue;
    group->settings.hidden_group = wanted.hidden;
    make_link(*root, *group, actor);
  }
  return GroupAnswer::with(groups::linked_node(rows));
}

void GroupCommunities::remove_orphans(Group& root, const Party& actor, const Parties& candidates) {
  Parties orphans;
  const auto linked = store_.linked_to(root.id);
  for (const auto* party : candidates) {
    const auto& phone = party->account.phone;
    const bool elsewhere = std::any_of(linked.begin(), linked.end(), [&phone](const Group* group) {
      return !group->settings.default_sub_group && group->member(phone) != nullptr;
    });
    if (!elsewhere && root.member(phone) != nullptr && !root.is_admin(phone)) orphans.push_back(party);
  }
  remove_everywhere(root, actor, orphans);
}

GroupAnswer GroupCommunities::unlink(const Party& actor, const groups::UnlinkGroups& asked) {
  auto* root = store_.find(asked.community);
  if (const auto refusal = why_not(root, actor, true)) return GroupAnswer::refused(*refusal);
  std::vector<groups::GroupOutcome> rows;
  Parties left_behind;
  for (const auto& jid : asked.groups) {
    auto* group = store_.find(jid);
    const bool linked = group != nullptr && group->settings.linked_parent == root->jid();
    const unsigned code = !linked ? 404 : group->settings.default_sub_group ? 405 : 200;
    rows.push_back({jid, code});
    if (code != 200) continue;
    for (const auto& [phone, member] : group->members) left_behind.push_back(accounts_.find(phone));
    break_link(*root, *group, &actor, "unlink_group");
  }
  if (asked.remove_orphaned_members) remove_orphans(*root, actor, left_behind);
  return GroupAnswer::with(groups::unlinked_node(rows));
}

// --- looking

GroupAnswer GroupCommunities::sub_groups(const Party& actor, const groups::ListSubGroups& asked) const {
  const auto* root = store_.find(asked.community);
  if (const auto refusal = why_not(root, actor, false)) return GroupAnswer::refused(*refusal);
  std::vector<groups::GroupMetadata> lines;
  for (const auto* group : store_.linked_to(root->id)) {
    if (!group->settings.hidden_group || group->member(actor.account.phone) != nullptr)
      lines.push_back(views_.metadata(*group, actor));
  }
  return GroupAnswer::with(groups::sub_groups_node(lines));
}

GroupAnswer GroupCommunities::linked_members(const Party& actor, const groups::ListLinkedMembers& asked) const {
  const auto* root = store_.find(asked.community);
  if (const auto refusal = why_not(root, actor, false)) return GroupAnswer::refused(*refusal);
  std::vector<groups::Participant> members;
  for (const auto& [phone, member] : root->members)
    members.push_back(views_.participant(*root, actor, *accounts_.find(phone)));
  return GroupAnswer::with(groups::linked_members_node(members));
}

// --- joining, ending

GroupAnswer GroupCommunities::join(const Party& actor, const groups::JoinLinkedGroup& asked) {
  auto* root = store_.find(asked.community);
  if (const auto refusal = why_not(root, actor, false)) return GroupAnswer::refused(*refusal);
  auto* group = store_.find(asked.group);
  const auto& phone = actor.account.phone;
  if (group == nullptr || group->settings.linked_parent != root->jid()) return GroupAnswer::refused(404);
  if (group->settings.hidden_group) return GroupAnswer::refused(403);
  if (group->member(phone) != nullptr) return GroupAnswer::refused(409);
  if (group->members.size() >= c_.settings.max_group_members) return GroupAnswer::refused(419);
  if (!group->settings.join_approval && !root->settings.community->approval_required) {
    membership_.add(*group, &actor, {&actor}, "linked_group_join");
    return GroupAnswer::done();
  }
  if (group->request_of(phone) != nullptr) return GroupAnswer::done();
  if (group->requests.size() == Group::max_requests) return GroupAnswer::refused(419);
  group->requests.push_back({phone, c_.now(), "linked_group_join", {}});
  store_.changed(*group);
  notices_.tell_only(notices_.admins(*group), *group, &actor, [&](const Party& viewer) {
    return groups::JoinRequested{"linked_group_join", root->jid(), {views_.participant(*group, viewer, actor)}};
  });
  return GroupAnswer::done();
}

GroupAnswer GroupCommunities::deactivate(const Party& actor, const groups::DeactivateCommunity& asked) {
  auto* root = store_.find(asked.community);
  if (const auto refusal = why_not(root, actor, true)) return GroupAnswer::refused(*refusal);
  for (auto* group : store_.linked_to(root->id)) {
    if (group->settings.default_sub_group) {
      notices_.tell(*group, &actor, groups::GroupDeleted{"delete_parent"});
      store_.remove(*group);
    } else {
      break_link(*root, *group, &actor, "delete_parent");
    }
  }
  notices_.tell(*root, &actor, groups::GroupDeleted{"delete_parent"});
  store_.remove(*root);
  return GroupAnswer::done();
}

}  // namespace wharf::sandbox
