#include "sessions/groups/group_events.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "protocol/groups/people_index.h"

namespace wharf::sessions {

namespace groups = protocol::groups;
using events::InGroup;

namespace {

std::vector<events::GroupPerson> all(const std::vector<groups::Participant>& who, const PeopleLookup& people) {
  std::vector<events::GroupPerson> out;
  out.reserve(who.size());
  for (const groups::Participant& one : who) out.push_back(group_person(one, people));
  return out;
}

InGroup place_of(const groups::GroupEvent& event, events::UnixMs at, const PeopleLookup& people) {
  InGroup in;
  in.chat = event.group;
  in.at = at;
  if (event.by.jid) {
    in.by = people.canonical_user(*event.by.jid);
    in.by_ids = people.person(*in.by);
    if (!in.by_ids.pn) in.by_ids.pn = event.by.pn;
  }
  return in;
}

/// One overload for each kind of change.
class Telling {
 public:
  Telling(InGroup in, const GroupSeen& seen, const PeopleLookup& people)
      : in_(std::move(in)), seen_(seen), people_(people) {}

  std::vector<events::Event> operator()(const groups::GroupJoined& e) const {
    events::GroupJoined out{in_, e.how, seen_.subject, true, {}};
    if (e.group) {
      out.subject = e.group->subject;
      out.people = all(e.group->participants, people_);
    }
    const auto own = group_person(seen_.own, people_);
    const bool named = std::any_of(out.people.begin(), out.people.end(),
                                   [&](const events::GroupPerson& one) { return one.jid == own.jid; });
    if (!named) out.people.push_back(own);
    return {std::move(out)};
  }
  std::vector<events::Event> operator()(const groups::GroupLeft& e) const {
    return {events::GroupLeft{in_, std::string(name(e.how)), seen_.subject, true, leaving({seen_.own})}};
  }
  std::vector<events::Event> operator()(const groups::MembersChanged& e) const {
    using Action = groups::MemberEvent;
    const bool leave = e.action == Action::remove || e.action == Action::leave;
    auto who = leave ? leaving(e.participants) : all(e.participants, people_);
    switch (e.action) {
      case Action::join: return {events::GroupJoined{in_, e.reason.value_or("added"), {}, false, std::move(who)}};
      case Action::remove: return {events::GroupLeft{in_, "removed", {}, false, std::move(who)}};
      case Action::leave: return {events::GroupLeft{in_, "left", {}, false, std::move(who)}};
      case Action::promote:
      case Action::demote: return {updated("role", std::string(name(e.action)), std::move(who))};
      case Action::number_changed: return {updated("number", {}, std::move(who))};
    }
    return {};
  }
  std::vector<events::Event> operator()(const groups::GroupUpdated& e) const {
    events::GroupUpdated out = updated(e.field, {}, {});
    if (const auto* on = std::get_if<bool>(&e.value)) out.on = *on;
    if (const auto* number = std::get_if<std::uint64_t>(&e.value)) out.number = static_cast<events::UnixMs>(*number);
    if (const auto* text = std::get_if<std::string>(&e.value)) out.text = *text;
    if (const auto* jids = std::get_if<std::vector<protocol::Jid>>(&e.value)) {
      for (const protocol::Jid& jid : *jids) out.people.push_back(group_person(groups::person(jid), people_));
    }
    return {std::move(out)};
  }
  std::vector<events::Event> operator()(const groups::JoinRequestsChanged& e) const {
    return {events::GroupJoinRequested{in_, std::string(name(e.action)), e.method.value_or(""), all(e.users, people_)}};
  }
  std::vector<events::Event> operator()(const groups::CommunityChanged& e) const {
    std::vector<events::Event> out;
    for (const groups::LinkedGroup& group : e.groups)
      out.emplace_back(updated(e.linked ? "linked" : "unlinked", group.group.to_string(), {}));
    return out;
  }
  std::vector<events::Event> operator()(const groups::UnknownGroupChange& e) const {
    return {updated("unknown", e.tag, {})};
  }

 private:
  /// As what they were in it; where that is not known nothing is said.
  std::vector<events::GroupPerson> leaving(const std::vector<groups::Participant>& who) const {
    const std::vector<groups::Participant> nobody;
    const auto& before = seen_.before != nullptr ? *seen_.before : nobody;
    const groups::PeopleIndex index(before);
    std::vector<events::GroupPerson> out = all(who, people_);
    for (std::size_t i = 0; i < who.size(); ++i) {
      const auto place = index.find(who[i]);
      out[i].role = place ? std::string(name(before[*place].role)) : std::string();
    }
    return out;
  }
  events::GroupUpdated updated(std::string field, std::string text, std::vector<events::GroupPerson> who) const {
    return {in_, std::move(field), {}, {}, std::move(text), std::move(who)};
  }
  InGroup in_;
  const GroupSeen& seen_;
  const PeopleLookup& people_;
};

}  // namespace

events::GroupPerson group_person(const groups::Participant& who, const PeopleLookup& people) {
  events::GroupPerson out;
  out.jid = people.canonical_user(who.jid);
  out.ids = people.person(out.jid);
  if (!out.ids.pn) out.ids.pn = who.pn;
  if (!out.ids.lid) out.ids.lid = who.lid;
  out.role = name(who.role);
  return out;
}

std::vector<events::Event> told_of(const groups::GroupEvent& event, events::UnixMs at, const GroupSeen& seen,
                                   const PeopleLookup& people) {
  return std::visit(Telling(place_of(event, at, people), seen, people), event.what);
}

}  // namespace wharf::sessions
