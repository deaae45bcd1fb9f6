#include "sessions/groups/rosters.h"

#include <algorithm>
#include <utility>

namespace wharf::sessions {

using protocol::groups::Participant;

Rosters::Roster* Rosters::open(const Jid& group) {
  auto kept = kept_.find(group);
  if (kept == kept_.end()) {
    auto known = groups_.find(group);
    if (!known) return nullptr;
    const auto older = [](const auto& a, const auto& b) { return a.second.used < b.second.used; };
    if (kept_.size() == most) kept_.erase(std::min_element(kept_.begin(), kept_.end(), older));
    protocol::groups::PeopleIndex people(known->metadata.members);
    Roster roster{std::move(*known), std::move(people), std::nullopt, std::nullopt};
    kept = kept_.emplace(group, std::move(roster)).first;
  }
  kept->second.used = ++clock_;
  return &kept->second;
}

void Rosters::on_joined() {
  for (auto& [group, roster] : kept_) {
    roster.some_without_number.reset();
    roster.some_without_lid.reset();
  }
}

const Groups::Known* Rosters::find(const Jid& group) {
  const Roster* roster = open(group);
  return roster == nullptr ? nullptr : &roster->known;
}

// By all names of his, as the list may have another one than he is known by now.
const Participant* Rosters::member(const Roster& roster, const Jid& user) {
  const PersonIds ids = directory_.person(user);
  Participant who;
  who.jid = user;
  who.pn = ids.pn;
  who.lid = ids.lid;
  const auto place = roster.people.find(who);
  if (!place) return nullptr;
  const Participant& found = roster.known.metadata.members[*place];
  // The number alone may be somebody else's by now.
  const auto lid = found.jid.is_lid() ? std::optional(found.jid) : found.lid;
  return ids.lid && lid && lid->user_jid() != ids.lid->user_jid() ? nullptr : &found;
}

const Participant* Rosters::member(const Jid& group, const Jid& user) {
  const Roster* roster = open(group);
  return roster == nullptr || !roster->known.member ? nullptr : member(*roster, user);
}

// Both stop at the first one, as in a group that hides numbers it would be a look-up for each.
bool Rosters::some_without_number(Roster& roster) {
  if (!roster.some_without_number) {
    const auto& members = roster.known.metadata.members;
    roster.some_without_number = std::any_of(members.begin(), members.end(), [this](const Participant& who) {
      return who.jid.is_lid() && !who.pn && !directory_.person(who.jid).pn;
    });
  }
  return *roster.some_without_number;
}

bool Rosters::some_without_lid(Roster& roster) {
  if (!roster.some_without_lid) {
    const auto& members = roster.known.metadata.members;
    roster.some_without_lid = std::any_of(members.begin(), members.end(), [this](const Participant& who) {
      return !who.lid && !directory_.canonical_user(who.jid).is_lid();
    });
  }
  return *roster.some_without_lid;
}

std::optional<bool> Rosters::lists(const Jid& group, const Jid& user) {
  Roster* roster = open(group);
  if (roster == nullptr || !roster->known.member || roster->known.metadata.partial) return std::nullopt;
  if (member(*roster, user) != nullptr) return true;
  const bool may_be_another =
      user.is_lid() ? !directory_.person(user).pn && some_without_lid(*roster) : some_without_number(*roster);
  return may_be_another ? std::nullopt : std::optional(false);
}

}  // namespace wharf::sessions
