#include "sessions/groups/own_changes.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "protocol/groups/people_index.h"

namespace wharf::sessions {

namespace groups = protocol::groups;
using groups::Participant;
using People = std::vector<Participant>;

namespace {

constexpr std::string_view picture_set = "picture set", picture_removed = "picture removed";

People people_in(const std::vector<groups::MemberRef>& who) {
  People out;
  for (const groups::MemberRef& one : who) out.push_back(groups::person(one.jid, one.phone_number));
  return out;
}
People people_in(const std::vector<Jid>& who) {
  People out;
  for (const Jid& one : who) out.push_back(groups::person(one));
  return out;
}

/// Whom a notification speaks of.
People people_in(const groups::GroupNotification& told) {
  People out;
  const auto add = [&](const People& some) { out.insert(out.end(), some.begin(), some.end()); };
  for (const groups::GroupChange& change : told.changes) {
    std::visit(
        [&](const auto& one) {
          if constexpr (requires { one.members; }) add(one.members);
          else if constexpr (requires { one.people; }) add(one.people);
        },
        change);
  }
  return out;
}

void remove(People& from, const People& who) {
  const groups::PeopleIndex index(who);
  std::erase_if(from, [&](const Participant& one) { return index.find(one).has_value(); });
}

/// Whether a setting that was asked for is that of the group. One overload for each request that has one.
struct IsSo {
  const groups::GroupMetadata& known;
  bool operator()(const groups::SetSubject& asked) const { return known.subject == asked.subject; }
  bool operator()(const groups::SetFlag& asked) const { return known.*groups::member_of(asked.flag) == asked.on; }
  bool operator()(const groups::SetMode& asked) const { return known.*groups::member_of(asked.mode) == asked.who; }
  bool operator()(const groups::SetEphemeral& asked) const {
    return known.ephemeral.seconds == asked.ephemeral.seconds;
  }
  bool operator()(const groups::SetJoinApproval& asked) const { return known.join_approval == asked.on; }
  bool operator()(const auto&) const { return false; }
};

/// Those of them who are by now as was asked, whoever did it.
People already_so(const groups::ChangeMembers& asked, const groups::GroupMetadata& known) {
  using Action = groups::MemberAction;
  const groups::PeopleIndex members(known.members);
  People out = people_in(asked.members);
  std::erase_if(out, [&](const Participant& who) {
    const auto place = members.find(who);
    switch (asked.action) {
      case Action::add: return !place;
      case Action::remove: return place.has_value();
      case Action::promote: return !place || known.members[*place].role == groups::Role::member;
      case Action::demote: return !place || known.members[*place].role != groups::Role::member;
    }
    return true;
  });
  return out;
}

}  // namespace

void OwnChanges::asked(const Node& iq, const groups::GroupRequest& request) {
  if (c_.cause.empty() || iq.attr("type") != "set") return;
  if (iq.attr("xmlns") == "w:profile:picture") {
    const bool removed = std::holds_alternative<groups::RemovePicture>(request);
    return expect(iq, iq.jid("target"), removed ? picture_removed : picture_set);
  }
  auto group = iq.jid("to");
  if (group && group->user.empty()) group.reset();  // of the account: the server of all groups
  if (const auto* change = std::get_if<groups::ChangeMembers>(&request))
    return expect(iq, group, tag(change->action), people_in(change->members));
  if (const auto* decided = std::get_if<groups::DecideJoinRequests>(&request)) {
    if (!decided->approve.empty()) expect(iq, group, "add", people_in(decided->approve));
    if (!decided->reject.empty()) expect(iq, group, "revoked_membership_requests", people_in(decided->reject));
    return;
  }
  if (const auto* cancel = std::get_if<groups::CancelJoinRequests>(&request))
    return expect(iq, group, "revoked_membership_requests", people_in(cancel->people));
  for (const Node& asked : iq.children()) {
    if (asked.is("create")) {
      expect(iq, std::nullopt, "create", {}, asked.attr("key"));
    } else if (asked.is("leave")) {
      for (const Node* left : asked.children("group")) expect(iq, left->jid("id"), "remove", self());
    } else if (asked.is("accept") || (asked.is("invite") && !group)) {
      expect(iq, group, "add", self());
    } else if (asked.is("links")) {
      expect(iq, group, "link");
    } else {
      expect(iq, group, asked.tag);  // changes have the names of their requests
    }
  }
}

OwnChanges::People OwnChanges::self() const {
  const Jid pn = c_.device.jid.user_jid();
  return {c_.device.lid.empty() ? groups::person(pn) : groups::person(c_.device.lid.user_jid(), pn)};
}

void OwnChanges::expect(const Node& iq, std::optional<Jid> group, std::string_view tag, People people,
                        std::string key) {
  if (expected_.size() >= most_expected) expected_.pop_front();
  expected_.push_back({iq.attr("id"), c_.cause, std::move(group), std::string(tag), std::move(people), std::move(key),
                       c_.now.steady + expected_for});
}

void OwnChanges::refused(std::string_view iq_id) {
  std::erase_if(expected_, [&](const Expected& one) { return one.iq_id == iq_id; });
}

bool OwnChanges::expects(std::string_view iq_id) const {
  return std::any_of(expected_.begin(), expected_.end(), [&](const Expected& one) { return one.iq_id == iq_id; });
}

void OwnChanges::drop(std::string_view iq_id, const People& people) {
  if (people.empty()) return;
  std::erase_if(expected_, [&](Expected& one) {
    if (one.iq_id != iq_id || one.people.empty()) return false;
    remove(one.people, people);
    return one.people.empty();
  });
}

// What the answer does not speak of may have been done.
void OwnChanges::answered(std::string_view iq_id, const groups::GroupRequest& request, const GroupAnswer& answer,
                          const groups::GroupMetadata* known) {
  People failed;
  for (const MemberOutcome& one : answer.members) {
    if (one.code == 0 || one.code == groups::code_success) continue;
    const bool by_lid = one.who.ids.lid && one.who.ids.pn;
    failed.push_back(by_lid ? groups::person(*one.who.ids.lid, one.who.ids.pn) : groups::person(one.who.jid));
  }
  drop(iq_id, failed);
  const auto& outcomes = answer.outcomes;
  const bool none = !outcomes.empty() && std::none_of(outcomes.begin(), outcomes.end(),
                                                      [](const auto& one) { return !one.code || one.succeeded(); });
  const bool waits = answer.joined && answer.joined->state == groups::JoinState::pending_approval;
  if (none || waits) return refused(iq_id);
  if (known == nullptr) return;
  // Had it made the difference, its notification would have come before and been taken, or would still be to come.
  if (const auto* change = std::get_if<groups::ChangeMembers>(&request))
    return drop(iq_id, already_so(*change, *known));
  if (std::visit(IsSo{*known}, request)) refused(iq_id);
}

std::string OwnChanges::take(const Jid& group, std::string_view tag, const People& people, const std::string& key) {
  std::erase_if(expected_, [this](const Expected& one) { return one.until <= c_.now.steady; });
  const groups::PeopleIndex told(people);
  const auto found = std::find_if(expected_.begin(), expected_.end(), [&](const Expected& one) {
    if (one.tag != tag || (one.group && *one.group != group) || one.key != key) return false;
    return one.people.empty() || std::any_of(one.people.begin(), one.people.end(),
                                             [&](const Participant& who) { return told.find(who).has_value(); });
  });
  if (found == expected_.end()) return {};
  std::string cause = found->cause;
  remove(found->people, people);
  if (found->people.empty()) expected_.erase(found);
  return cause;
}

std::string OwnChanges::behind(const groups::GroupNotification& told, const Node& notification) {
  if (expected_.empty()) return {};
  const People people = people_in(told);
  for (const Node& change : notification.children()) {
    auto cause = take(told.group, change.tag, people, change.is("create") ? change.attr("key") : std::string());
    if (!cause.empty()) return cause;
  }
  return {};
}

std::string OwnChanges::behind_picture(const Jid& group, bool removed) {
  return take(group, removed ? picture_removed : picture_set, {}, {});
}

}  // namespace wharf::sessions
