#include "sandbox/network/groups/group.h"

#include <algorithm>

namespace wharf::sandbox {

namespace {

template <class List>
auto place_of(List& list, std::string_view phone) {
  return std::find_if(list.begin(), list.end(), [phone](const auto& entry) { return entry.phone == phone; });
}

template <class List>
auto entry_of(const List& list, std::string_view phone) -> decltype(&list.front()) {
  const auto found = place_of(list, phone);
  return found == list.end() ? nullptr : &*found;
}

/// One entry for an account, the newest last.
template <class Entry>
void note(std::deque<Entry>& list, Entry entry, std::size_t limit) {
  if (const auto before = place_of(list, entry.phone); before != list.end()) list.erase(before);
  list.push_back(std::move(entry));
  if (list.size() > limit) list.pop_front();
}

}  // namespace

Jid Group::other_form(const Account& account) const {
  if (lid) return account.has_lid() ? account.pn_jid() : Jid();
  return account.has_lid() ? account.lid_jid() : Jid();
}

bool Group::members_may(protocol::groups::Mode mode) const {
  return settings.*protocol::groups::member_of(mode) == protocol::groups::Allowed::all_members;
}

const GroupMember* Group::member(std::string_view phone) const {
  const auto found = members.find(phone);
  return found == members.end() ? nullptr : &found->second;
}

bool Group::is_admin(std::string_view phone) const {
  const auto* known = member(phone);
  return known != nullptr && known->role != GroupRole::member;
}

bool Group::is_superadmin(std::string_view phone) const {
  const auto* known = member(phone);
  return known != nullptr && known->role == GroupRole::superadmin;
}

const GroupRequest* Group::request_of(std::string_view phone) const { return entry_of(requests, phone); }

const GroupDeparture* Group::departure_of(std::string_view phone) const { return entry_of(departures, phone); }

const GroupInvitation* Group::invitation(std::string_view asked, std::string_view phone) const {
  const auto* known = entry_of(invitations, phone);
  return known != nullptr && known->code == asked ? known : nullptr;
}

std::uint64_t Group::next_version(std::uint64_t before, std::int64_t unix_ms) {
  return std::max(before + 1, static_cast<std::uint64_t>(unix_ms) * 1'000);
}

void Group::note_departure(GroupDeparture departure) { note(departures, std::move(departure), max_departures); }

void Group::note_invitation(GroupInvitation invitation) { note(invitations, std::move(invitation), max_invitations); }

void Group::drop_request(std::string_view phone) {
  if (const auto found = place_of(requests, phone); found != requests.end()) requests.erase(found);
}

}  // namespace wharf::sandbox
