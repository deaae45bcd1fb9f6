#include "sandbox/phone/groups/groups.h"

#include <utility>

#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace groups = protocol::groups;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

// --- one group

std::vector<std::string> PhoneGroup::phones() const {
  std::vector<std::string> all;
  all.reserve(members.size());
  for (const auto& [phone, role] : members) all.push_back(phone);
  return all;
}

bool PhoneGroup::is_admin(const std::string& phone) const {
  const auto found = members.find(phone);
  return found != members.end() && found->second != groups::Role::member;
}

// --- what is known

const PhoneGroup* PhoneGroups::find(std::string_view group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : &found->second;
}

bool PhoneGroups::may_have_written(const PhoneGroup& group, const std::string& phone, std::uint64_t at) const {
  return group.has(phone) || at <= group.as_of;
}

groups::OwnAccount PhoneGroups::own() const {
  return {c_.account.pn_jid(), c_.account.has_lid() ? c_.account.lid_jid() : Jid()};
}

void PhoneGroups::keep(const std::string& group, groups::GroupMetadata data, std::uint64_t as_of) {
  auto& kept = groups_[group];
  kept.data = std::move(data);
  if (as_of != 0) kept.as_of = as_of;
  kept.members.clear();
  for (const auto& member : kept.data.members) {
    if (const auto who = c_.key_of(member.jid)) kept.members[who->phone] = member.role;
  }
  changed(group);
}

void PhoneGroups::drop(const std::string& group) {
  if (groups_.erase(group) > 0) changed(group);
}

void PhoneGroups::take(const std::string& group, groups::Applied applied, std::uint64_t as_of) {
  switch (applied.keys) {
    case groups::SenderKeys::keep: break;
    case groups::SenderKeys::rotate: keys_.rotate(group); break;
    case groups::SenderKeys::forget: keys_.forget(group); break;
    case groups::SenderKeys::rotate_if_given:
      for (const auto& who : applied.gone) {
        const auto account = c_.key_of(who.jid);
        if (account) keys_.rotate_if_given(group, account->phone);
        else keys_.rotate(group);
      }
      break;
  }
  if (applied.metadata) keep(group, std::move(*applied.metadata), as_of);
  else drop(group);
}

void PhoneGroups::on_notification(const Node& notification) {
  const auto read = groups::read_group_notification(notification, c_.now());
  if (!read) return;
  for (const Jid& jid : groups::groups_of(*read)) {
    const std::string group = jid.to_string();
    const auto* known = find(group);
    auto applied = groups::apply(jid, known != nullptr ? std::optional(known->data) : std::nullopt, *read, own());
    const bool refetch = applied.refetch;
    // Of a group that is new to the phone nothing is known but that it is there.
    if (refetch && !applied.metadata && applied.keys != groups::SenderKeys::forget) {
      applied.metadata.emplace();
      applied.metadata->group = jid;
      applied.metadata->stale = true;
    }
    take(group, std::move(applied), 0);
    if (refetch) fetch(group);
  }
}

// --- asking

void PhoneGroups::ask(const groups::GroupRequest& request, Answer answer) {
  if (!c_.powered()) return answer(Error(Errc::closed, "the phone is switched off"));
  c_.ask(groups::request_iq(c_.ids.next(), request), std::move(answer));
}

void PhoneGroups::with_group(const std::string& group, Then then) {
  const auto* known = find(group);
  if (known != nullptr && !known->data.stale) return then({});
  asked_[group].push_back(std::move(then));
  if (asked_[group].size() == 1) fetch(group);
}

void PhoneGroups::distrust(const std::string& group) {
  const auto found = groups_.find(group);
  if (found == groups_.end() || std::exchange(found->second.data.stale, true)) return;
  changed(group);
}

void PhoneGroups::fetch(const std::string& group) {
  const auto jid = Jid::parse(group);
  if (!jid) return;
  ask(groups::QueryGroup{*jid, {}}, [this, group](const Result<Node>& answer) { fetched(group, answer); });
}

void PhoneGroups::fetched(const std::string& group, const Result<Node>& answer) {
  const auto outcome = read(group, answer);
  const auto waiting = asked_.find(group);
  if (waiting == asked_.end()) return;
  const auto all = std::move(waiting->second);
  asked_.erase(waiting);
  for (const auto& then : all) then(outcome);
}

Result<void> PhoneGroups::read(const std::string& group, const Result<Node>& answer) {
  if (!answer) return answer.error();
  auto queried = groups::read_queried({*Jid::parse(group), {}}, *answer);
  if (!queried) {
    const auto why = queried.error().failure;
    if (why != groups::Failure::not_in_group && why != groups::Failure::group_not_found) return queried.error().error();
    drop(group);
    keys_.forget(group);
    return Error(Errc::not_found, "this phone is not in the group");
  }
  if (!*queried) return Error(Errc::malformed, "an answer without the group");
  if (const auto* older = find(group)) take(group, groups::compare(older->data, std::move(**queried)), c_.now());
  else keep(group, std::move(**queried), c_.now());
  return {};
}

void PhoneGroups::fetch_all() {
  ask(groups::ListGroups{}, [this](const Result<Node>& answer) {
    auto listed =
        answer ? groups::read_listed(*answer) : groups::GroupResult<groups::GroupList>(groups::bad_response("none"));
    if (!listed) return;
    for (auto& group : listed->groups) {
      const std::string name = group.group.to_string();
      keep(name, std::move(group), c_.now());
    }
  });
}

void PhoneGroups::resume() {
  for (const auto& [group, known] : groups_) {
    if (known.data.stale) fetch(group);
  }
}

void PhoneGroups::clear() {
  for (const auto& [group, known] : std::exchange(groups_, {})) changed(group);
  asked_.clear();
}

// --- rows: 8 bytes of when it was asked for, then the group as a server writes it

std::optional<Bytes> PhoneGroups::row(const std::string& group) const {
  const auto* known = find(group);
  if (known == nullptr) return std::nullopt;
  Node whole("known");
  if (known->data.stale) whole.set("stale", "true");
  return protocol::encode_node(whole.set("as_of", known->as_of).add(groups::group_node(known->data)));
}

void PhoneGroups::restore(const std::string& group, ByteView row) {
  const auto whole = stanza_of(row);
  const auto* node = whole.child("group");
  auto data = node != nullptr ? groups::read_group(*node) : Error(Errc::malformed, "no group");
  if (!data) damaged("a group");
  data->stale = whole.attr("stale") == "true";
  keep(group, std::move(*data), whole.number("as_of").value_or(0));
}

}  // namespace wharf::sandbox
