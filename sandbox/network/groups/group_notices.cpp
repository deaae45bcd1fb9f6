#include "sandbox/network/groups/group_notices.h"

#include <optional>
#include <utility>

namespace wharf::sandbox {

namespace groups = protocol::groups;

Node GroupNotices::notification(const Group& group, const Party* author, const Party& viewer, Change change) {
  groups::GroupNotification out;
  out.id = c_.next_id();
  out.group = group.jid();
  if (author != nullptr) {
    const auto who = views_.participant(group, viewer, *author);
    out.author = {who.jid, who.pn, who.lid};
    out.author_name = author->account.name;
  }
  out.addressing_mode = group.lid ? groups::AddressingMode::lid : groups::AddressingMode::phone_number;
  out.timestamp = c_.unix_seconds();
  out.changes.push_back(std::move(change));
  return groups::notification_node(out);
}

void GroupNotices::enqueue(const Party& party, const Node& notification) {
  for (const auto& [device, known] : party.account.devices) {
    const DeviceKey target{party.account.phone, device};
    auto& lost = c_.faults.lose_group_notifications;
    if (device != 0 && lost > 0) {
      --lost;
      dirt_.mark(target);
    } else {
      delivery_.enqueue(target, notification);
    }
  }
}

void GroupNotices::tell_only(const Parties& who, const Group& group, const Party* author, const ChangeFor& change) {
  std::optional<Node> same;
  for (const auto* party : who) {
    if (!views_.same_for_all(group)) same.reset();
    if (!same) same = notification(group, author, *party, change(*party));
    enqueue(*party, *same);
  }
}

void GroupNotices::tell(const Group& group, const Party* author, const ChangeFor& change, const Parties& besides) {
  Parties all;
  all.reserve(group.members.size() + besides.size());
  for (const auto& [phone, member] : group.members) all.push_back(accounts_.find(phone));
  for (const auto* party : besides) {
    if (group.member(party->account.phone) == nullptr) all.push_back(party);
  }
  tell_only(all, group, author, change);
}

void GroupNotices::tell(const Group& group, const Party* author, Change change, const Parties& besides) {
  tell(
      group, author, [&change](const Party&) { return change; }, besides);
}

GroupNotices::Parties GroupNotices::admins(const Group& group) const {
  Parties all;
  for (const auto& [phone, member] : group.members) {
    if (member.role != GroupRole::member) all.push_back(accounts_.find(phone));
  }
  return all;
}

}  // namespace wharf::sandbox
