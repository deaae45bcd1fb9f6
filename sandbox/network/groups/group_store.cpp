#include "sandbox/network/groups/group_store.h"

#include <utility>

#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace {

constexpr std::size_t code_length = 22;

/// Of a group_member's row: the id, NUL, the phone.
std::string member_name(const Group& group, const std::string& phone) { return group.id + '\0' + phone; }

}  // namespace

// --- looking

Group* GroupStore::find(std::string_view id) const {
  const auto found = groups_.find(id);
  return found == groups_.end() ? nullptr : found->second.get();
}

GroupStore::Coded GroupStore::by_code(std::string_view code) const {
  const auto found = codes_.find(code);
  if (found == codes_.end()) return {};
  return {found->second, found->second->code == code};
}

const std::set<std::string>& GroupStore::of(std::string_view phone) const {
  static const std::set<std::string> none;
  const auto found = memberships_.find(phone);
  return found == memberships_.end() ? none : found->second;
}

std::vector<const Group*> GroupStore::all() const {
  std::vector<const Group*> found;
  for (const auto& [id, group] : groups_) found.push_back(group.get());
  return found;
}

std::vector<Group*> GroupStore::linked_to(std::string_view root) const {
  std::vector<Group*> linked;
  for (const auto& [id, group] : groups_) {
    const auto& parent = group->settings.linked_parent;
    if (parent && parent->user == root) linked.push_back(group.get());
  }
  return linked;
}

std::set<std::string> GroupStore::acquaintances_of(const Party& party) const {
  std::set<std::string> known(party.contacts.begin(), party.contacts.end());
  for (const auto& id : of(party.account.phone)) {
    for (const auto& [phone, member] : find(id)->members) known.insert(phone);
  }
  known.erase(party.account.phone);
  return known;
}

// --- changing

std::string GroupStore::new_code() {
  constexpr std::string_view letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string code;
  do {
    code.clear();
    while (code.size() < code_length) code += letters[c_.random.below(letters.size())];
  } while (codes_.contains(code));
  return code;
}

Group& GroupStore::create(std::string creator) {
  auto group = std::make_unique<Group>();
  do {
    group->id = "120363";
    while (group->id.size() < 18) group->id += static_cast<char>('0' + c_.random.below(10));
  } while (groups_.contains(group->id));
  group->settings.group = group->jid();
  group->created = c_.now();
  group->creator = std::move(creator);
  group->members_version = group->admins_version = Group::next_version(0, c_.clock.unix_ms());
  group->code = new_code();
  codes_[group->code] = group.get();
  changed(*group);
  return *(groups_[group->id] = std::move(group));
}

void GroupStore::remove(Group& group) {
  while (!group.members.empty()) drop_member(group, std::string(group.members.begin()->first));
  codes_.erase(group.code);
  for (const auto& code : group.old_codes) codes_.erase(code);
  changed(group);
  if (group.picture != 0) picture_changed(group);
  groups_.erase(std::string(group.id));
}

void GroupStore::reset_code(Group& group) {
  group.old_codes.push_back(std::exchange(group.code, new_code()));
  if (group.old_codes.size() > Group::max_codes) {
    codes_.erase(group.old_codes.front());
    group.old_codes.pop_front();
  }
  codes_[group.code] = &group;
  changed(group);
}

void GroupStore::put_member(Group& group, const std::string& phone, GroupMember member) {
  group.members[phone] = member;
  memberships_[phone].insert(group.id);
  member_changed(group, phone);
}

void GroupStore::drop_member(Group& group, const std::string& phone) {
  group.members.erase(phone);
  const auto known = memberships_.find(phone);
  if (known != memberships_.end()) {
    known->second.erase(group.id);
    if (known->second.empty()) memberships_.erase(known);
  }
  member_changed(group, phone);
}

void GroupStore::member_changed(const Group& group, const std::string& phone) {
  c_.changes.changed(RowKind::group_member, {}, member_name(group, phone));
  // The version is a word in the group's row.
  auto& known = *groups_.find(group.id)->second;
  known.members_version = Group::next_version(known.members_version, c_.clock.unix_ms());
  changed(known);
}

// --- rows

std::optional<Bytes> GroupStore::row(const RowKey& key) const {
  const auto end = key.name.find('\0');
  const auto* group = find(std::string_view(key.name).substr(0, end));
  if (group == nullptr) return std::nullopt;
  if (key.kind == RowKind::group) return group_row(*group);
  if (key.kind == RowKind::group_picture)
    return group->picture == 0 ? std::nullopt : std::optional(group->picture_jpeg);
  const auto* member = group->member(std::string_view(key.name).substr(end + 1));
  return member == nullptr ? std::nullopt : std::optional(member_row(*member));
}

void GroupStore::restore(const RowKey& key, ByteView row) {
  if (key.kind == RowKind::group) {
    auto group = std::make_unique<Group>(read_group(key.name, row));
    codes_[group->code] = group.get();
    for (const auto& code : group->old_codes) codes_[code] = group.get();
    groups_[key.name] = std::move(group);
    return;
  }
  const auto end = key.name.find('\0');
  auto* group = find(std::string_view(key.name).substr(0, end));
  if (group == nullptr) damaged("a row of an unknown group");
  if (key.kind == RowKind::group_picture) {
    group->picture_jpeg = protocol::to_bytes(row);
    return;
  }
  if (end == std::string::npos) damaged("a member of a group");
  const std::string phone = key.name.substr(end + 1);
  group->members[phone] = read_member(row);
  memberships_[phone].insert(group->id);
}

}  // namespace wharf::sandbox
