#include "sandbox/network/groups/group_views.h"

#include <string>
#include <utility>

namespace wharf::sandbox {

namespace groups = protocol::groups;

namespace {

constexpr std::size_t members_in_preview = 5;

}  // namespace

bool GroupViews::same_for_all(const Group& group) const {
  return !group.lid || !(c_.faults.hide_group_numbers || group.settings.default_sub_group);
}

bool GroupViews::shows_number(const Group& group, const Party& viewer, const Party& shown) const {
  if (same_for_all(group) || &viewer == &shown) return true;
  return group.is_admin(viewer.account.phone) || viewer.contacts.contains(shown.account.phone);
}

std::optional<Jid> GroupViews::number(const Group& group, const Party& viewer, const Party& shown) const {
  if (!group.lid || !shown.account.has_lid() || !shows_number(group, viewer, shown)) return std::nullopt;
  return shown.account.pn_jid();
}

groups::Participant GroupViews::participant(const Group& group, const Party& viewer, const Party& shown) const {
  groups::Participant row;
  row.jid = group.form(shown.account);
  if (row.jid.is_lid()) {
    row.lid = row.jid;
    row.pn = number(group, viewer, shown);
  } else {
    row.pn = row.jid;
    if (shown.account.has_lid()) row.lid = shown.account.lid_jid();
  }
  if (const auto* member = group.member(shown.account.phone)) {
    row.role = member->role;
    row.joined_at = static_cast<std::uint64_t>(member->since);
  }
  return row;
}

groups::GroupMetadata GroupViews::without_members(const Group& group, const Party& viewer) const {
  auto out = group.settings;
  out.group = group.jid();
  out.addressing_mode = group.lid ? groups::AddressingMode::lid : groups::AddressingMode::phone_number;
  out.size = static_cast<std::uint32_t>(group.members.size());
  out.member_list_version = std::to_string(group.members_version);
  out.announcement_version = std::to_string(group.admins_version);
  out.creation = static_cast<std::uint64_t>(group.created);
  if (const auto* creator = accounts_.find(group.creator)) {
    out.creator = group.form(creator->account);
    out.creator_pn = number(group, viewer, *creator);
  }
  out.subject = group.subject.text;
  out.subject_time = static_cast<std::uint64_t>(group.subject.at);
  if (const auto* owner = accounts_.find(group.subject.by)) {
    out.subject_owner = group.form(owner->account);
    out.subject_owner_pn = number(group, viewer, *owner);
  }
  if (const auto& description = group.description) {
    out.description.id = description->id;
    if (!description->text.empty()) out.description.text = description->text;
    out.description.time = static_cast<std::uint64_t>(description->at);
    if (const auto* author = accounts_.find(description->by)) {
      out.description.author = group.form(author->account);
      out.description.author_pn = number(group, viewer, *author);
    }
  }
  return out;
}

groups::GroupMetadata GroupViews::metadata(const Group& group, const Party& viewer) const {
  auto out = without_members(group, viewer);
  out.members.reserve(group.members.size());
  for (const auto& [phone, member] : group.members)
    out.members.push_back(participant(group, viewer, *accounts_.find(phone)));
  return out;
}

groups::GroupMetadata GroupViews::preview(const Group& group, const Party& viewer) const {
  auto out = without_members(group, viewer);
  for (const auto& [phone, member] : group.members) {
    if (out.members.size() == members_in_preview) break;
    out.members.push_back(participant(group, viewer, *accounts_.find(phone)));
  }
  out.partial = out.members.size() < group.members.size();
  return out;
}

void GroupViews::add_other_identity(Node& stanza, std::string_view who, const Group& group, const Party& viewer,
                                    const Party& shown) const {
  const auto& account = shown.account;
  if (!account.has_lid()) return;
  if (!group.lid) stanza.set(std::string(who) + "_lid", account.lid_jid());
  else if (shows_number(group, viewer, shown)) stanza.set(std::string(who) + "_pn", account.pn_jid());
}

}  // namespace wharf::sandbox
