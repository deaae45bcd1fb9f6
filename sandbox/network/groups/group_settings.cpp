#include "sandbox/network/groups/group_settings.h"

#include <utility>

#include "sandbox/network/groups/group_texts.h"

namespace wharf::sandbox {

namespace groups = protocol::groups;

namespace {

/// What apps offer; nobody can set another one (03 section 5.5).
bool is_timer(std::uint32_t seconds) {
  return seconds == 0 || seconds == 86'400 || seconds == 604'800 || seconds == 7'776'000;
}

}  // namespace

std::optional<unsigned> GroupSettings::why_not(const Group* group, const Party& actor, For whom) const {
  if (group == nullptr) return 404;
  const auto& phone = actor.account.phone;
  if (group->member(phone) == nullptr) return 403;
  const bool admins_alone = whom == For::admins || group->settings.locked;
  if (admins_alone && !group->is_admin(phone)) return 401;
  return std::nullopt;
}

template <class Value>
GroupAnswer GroupSettings::put(Group& group, const Party& actor, Value& place, Value value,
                               GroupNotices::Change change) {
  if (place == value) return GroupAnswer::done();
  place = std::move(value);
  store_.changed(group);
  notices_.tell(group, &actor, std::move(change));
  return GroupAnswer::done();
}

GroupAnswer GroupSettings::set(const Party& actor, const groups::SetSubject& asked) {
  auto* group = store_.find(asked.group);
  if (const auto refusal = why_not(group, actor, For::editors)) return GroupAnswer::refused(*refusal);
  if (!acceptable_subject(asked.subject, c_.settings)) return GroupAnswer::refused(406);
  group->subject = {asked.subject, c_.now(), actor.account.phone};
  store_.changed(*group);
  notices_.tell(*group, &actor, [&](const Party& viewer) {
    const auto owner = views_.participant(*group, viewer, actor);
    groups::SubjectChanged change{asked.subject, c_.unix_seconds(), owner.jid, {}, {}};
    if (owner.jid.is_lid()) change.owner_pn = owner.pn;
    return change;
  });
  return GroupAnswer::done();
}

GroupAnswer GroupSettings::set(const Party& actor, const groups::SetDescription& asked) {
  auto* group = store_.find(asked.group);
  if (const auto refusal = why_not(group, actor, For::editors)) return GroupAnswer::refused(*refusal);
  if (asked.text && !acceptable_description(*asked.text, c_.settings)) return GroupAnswer::refused(406);
  if (asked.prev != (group->description ? group->description->id : std::string())) return GroupAnswer::refused(409);
  group->description = GroupDescription{asked.id, asked.text.value_or(std::string()), actor.account.phone, c_.now()};
  store_.changed(*group);
  notices_.tell(*group, &actor, groups::DescriptionChanged{asked.id, asked.text});
  return GroupAnswer::done();
}

GroupAnswer GroupSettings::set(const Party& actor, const groups::SetFlag& asked) {
  auto* group = store_.find(asked.group);
  if (const auto refusal = why_not(group, actor, For::admins)) return GroupAnswer::refused(*refusal);
  const bool of_root = asked.flag == groups::Flag::non_admin_sub_groups;
  if (of_root != group->is_root()) return GroupAnswer::refused(405);
  if (asked.flag == groups::Flag::announcement && group->settings.default_sub_group) return GroupAnswer::refused(405);
  groups::FlagChanged change{asked.flag, asked.on, {}};
  auto& place = group->settings.*groups::member_of(asked.flag);
  if (asked.flag == groups::Flag::announcement && place != asked.on) {
    group->admins_version = Group::next_version(group->admins_version, c_.clock.unix_ms());
    change.version = std::to_string(group->admins_version);
  }
  return put(*group, actor, place, asked.on, std::move(change));
}

GroupAnswer GroupSettings::set(const Party& actor, const groups::SetMode& asked) {
  auto* group = store_.find(asked.group);
  if (const auto refusal = why_not(group, actor, For::admins)) return GroupAnswer::refused(*refusal);
  return put(*group, actor, group->settings.*groups::member_of(asked.mode), std::optional(asked.who),
             groups::ModeChanged{asked.mode, asked.who});
}

GroupAnswer GroupSettings::set(const Party& actor, const groups::SetEphemeral& asked) {
  auto* group = store_.find(asked.group);
  if (const auto refusal = why_not(group, actor, For::editors)) return GroupAnswer::refused(*refusal);
  if (!is_timer(asked.ephemeral.seconds)) return GroupAnswer::refused(406);
  return put(*group, actor, group->settings.ephemeral, asked.ephemeral, groups::EphemeralChanged{asked.ephemeral});
}

GroupAnswer GroupSettings::set(const Party& actor, const groups::SetJoinApproval& asked) {
  auto* group = store_.find(asked.group);
  if (const auto refusal = why_not(group, actor, For::admins)) return GroupAnswer::refused(*refusal);
  return put(*group, actor, group->settings.join_approval, asked.on, groups::JoinApprovalChanged{asked.on});
}

}  // namespace wharf::sandbox
