#include "sessions/groups/groups.h"

#include <algorithm>
#include <utility>

#include "events/event.h"
#include "protocol/groups/requests.h"
#include "protocol/groups/results.h"
#include "protocol/text.h"
#include "sessions/groups/group_events.h"
#include "sessions/server_time.h"

namespace wharf::sessions {

namespace groups = protocol::groups;

namespace {

constexpr std::size_t learnt_per_turn = 128, people_per_turn = 256;

/// What the group is called in the rows: the same pair of forms as its stanzas.
Bytes encoded(const groups::GroupMetadata& metadata) { return protocol::encode_node(groups::group_node(metadata)); }

}  // namespace

groups::OwnAccount Groups::own() const {
  return {c_.device.jid.user_jid(), c_.device.lid.empty() ? Jid() : c_.device.lid.user_jid()};
}

std::optional<Groups::Known> Groups::find(const Jid& group) const {
  const auto row = c_.records.find_group(group);
  if (!row) return std::nullopt;
  const auto node = protocol::decode_node(row->metadata);
  auto metadata = node ? groups::read_group(*node, group) : groups::read_group(Node("group"), group);
  if (!metadata) return std::nullopt;
  return Known{std::move(*metadata), row->member, row->stale || !node};
}

std::optional<groups::Participant> Groups::member(const Jid& group, const Jid& user) {
  const auto known = find(group);
  if (!known || !known->member) return std::nullopt;
  const Jid canonical = directory_.canonical_user(user);
  for (const groups::Participant& member : known->metadata.members) {
    if (directory_.canonical_user(member.jid) == canonical) return member;
  }
  return std::nullopt;
}

std::optional<groups::Role> Groups::role_of(const Jid& group, const Jid& user) {
  const auto found = member(group, user);
  return found ? std::optional(found->role) : std::nullopt;
}

Groups::Standing Groups::standing(const Jid& group) {
  if (const auto kept = standings_.find(group); kept != standings_.end()) return kept->second;
  Standing out;
  if (const auto known = find(group)) {
    out.known = true;
    out.member = known->member;
    out.stale = known->stale;
    out.announcement = known->metadata.announcement;
    out.mode = known->metadata.addressing_mode;
    const auto& members = known->metadata.members;
    out.admin = std::any_of(members.begin(), members.end(), [self = own()](const groups::Participant& who) {
      return who.role != groups::Role::member && self.is(who);
    });
  }
  return standings_[group] = out;
}

void Groups::changed(const Jid& group) {
  standings_.erase(group);
  if (on_changed) on_changed(group);
}

void Groups::end_turn(bool keep) {
  if (!keep || standings_.size() > kept_standings) standings_.clear();
}

void Groups::put(const groups::GroupMetadata& metadata, bool member, Freshness freshness) {
  storage::GroupRow row;
  row.group = metadata.group;
  row.metadata = encoded(metadata);
  row.subject = metadata.subject;
  row.member = member;
  row.stale = freshness == Freshness::stale;
  row.fetched_at = c_.now.unix_ms;
  c_.records.add(storage::PutGroup{c_.id(), std::move(row)});
  changed(metadata.group);
}

void Groups::store(groups::GroupMetadata described) {
  groups::IdentityPairs pairs;
  groups::collect(pairs, described);
  learn(pairs.take());
  const bool member = lists_own(described);
  if (described.partial && !member) return;
  adopt_timer(described);
  put(described, member);
}

bool Groups::lists_own(const groups::GroupMetadata& group) const {
  return std::any_of(group.members.begin(), group.members.end(),
                     [self = own()](const groups::Participant& who) { return self.is(who); });
}

// What was said before somebody came is not for them (Receipts::is_recipient).
void Groups::date_joins(groups::GroupMetadata& group, const groups::GroupNotification& notification) {
  for (const groups::GroupChange& change : notification.changes) {
    const auto* added = std::get_if<groups::MembersAdded>(&change);
    if (added == nullptr) continue;
    for (const groups::Participant& who : added->members) {
      for (groups::Participant& member : group.members)
        if (!member.joined_at && groups::same_person(member, who)) member.joined_at = notification.timestamp;
    }
  }
}

bool Groups::adds_own(const groups::GroupNotification& notification, const Jid& group) const {
  const auto is_own = [self = own()](const groups::Participant& who) { return self.is(who); };
  for (const groups::GroupChange& change : notification.changes) {
    const auto* added = std::get_if<groups::MembersAdded>(&change);
    if (added != nullptr && std::any_of(added->members.begin(), added->members.end(), is_own))
      return notification.group == group;
  }
  return false;
}

// Who joins by a link is told nothing of the group but that it is in it. The row is there at once, so that a group that
// cannot be asked for now is not forgotten: it is asked for before the first message to it.
void Groups::come_into(const Jid& group, groups::GroupMetadata known) {
  known.group = group;
  known.members.clear();
  put(known, true, Freshness::stale);
  refresh(group, [](Refreshed) {});
}

void Groups::leave(const Jid& group) {
  auto row = c_.records.find_group(group);
  c_.records.add(storage::ForgetGroupKeys{c_.id(), group});
  if (row && row->member) {
    row->member = false;
    // Who was in it is not known from here on: back in it, the own account must not take an old list for the new one.
    if (auto known = find(group)) {
      known->metadata.members.clear();
      row->metadata = encoded(known->metadata);
    }
    c_.records.add(storage::PutGroup{c_.id(), std::move(*row)});
  }
  changed(group);
}

void Groups::mark_stale(const Jid& group) {
  c_.records.add(storage::AgeGroup{c_.id(), group});
  changed(group);
}

void Groups::adopt_timer(const groups::GroupMetadata& metadata) {
  const std::uint32_t seconds = metadata.ephemeral.seconds;
  if (c_.records.chat_timer(metadata.group).seconds == seconds) return;
  c_.records.add(storage::PutChatTimer{c_.id(), metadata.group, {seconds, c_.server_ms() / 1000}});
  c_.emit(events::ChatUpdated{metadata.group, {}, seconds, c_.server_ms()});
}

// Some at a time: each may bring two chats together.
void Groups::learn(const std::vector<groups::LidPn>& pairs) {
  std::size_t learnt = 0;
  for (auto pair = pairs.begin(); pair != pairs.end(); ++pair) {
    if (directory_.canonical_user(pair->pn) == pair->lid) continue;
    if (learnt == learnt_per_turn) {
      c_.work([] {}, [this, rest = std::vector(pair, pairs.end())] { learn(rest); });
      return;
    }
    directory_.learn(pair->pn, pair->lid, Directory::Source::hints);
    ++learnt;
  }
}

// --- asking

void Groups::refresh(const Jid& group, UniqueFunction<void(Refreshed)> done) {
  auto& waiting = asked_[group];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;
  const groups::QueryGroup query{group, {}};
  c_.query(groups::request_iq(c_.ids.next(), query), [this, group, query](const Node* answer) {
    Refreshed outcome = Refreshed::later;
    if (answer != nullptr) {
      auto told = groups::read_queried(query, *answer);
      if (told && *told) {
        store(std::move(**told));
        const Standing now = standing(group);
        if (now.known && !now.stale) outcome = Refreshed::yes;
      } else if (!told && (told.error().code == 403 || told.error().code == 404 || told.error().code == 410)) {
        leave(group);
        outcome = Refreshed::no_member;
      }
    }
    auto waited = std::exchange(asked_[group], {});
    asked_.erase(group);
    for (auto& tell : waited) tell(outcome);
  });
}

void Groups::on_online() {
  if (listing_ || (!dirty_ && c_.records.has_groups())) return;
  list();
}

void Groups::on_dirty(const std::string& timestamp) {
  if (!protocol::acceptable_id(timestamp)) return;
  dirty_ = timestamp;
  if (c_.link.online()) on_online();
}

void Groups::on_link_down() {
  listing_ = false;
  dirty_.reset();  // the server says so again until it is cleaned
}

void Groups::list() {
  listing_ = true;
  c_.query(groups::request_iq(c_.ids.next(), groups::ListGroups{}), [this](const Node* answer) {
    listing_ = false;
    if (answer == nullptr) return;
    auto told = groups::read_listed(*answer);
    if (!told) return;
    announce(told->groups);
    store_all(std::move(told->groups));
  });
}

// What they are called at once, so that none is forgotten when this ends before all are stored: they are asked for
// again, each before the first message to it.
void Groups::announce(std::vector<groups::GroupMetadata>& described) {
  for (groups::GroupMetadata& group : described) {
    if (c_.records.find_group(group.group)) continue;
    auto members = std::exchange(group.members, {});
    put(group, true, Freshness::stale);
    group.members = std::move(members);
  }
}

// Some at a time: an account can be in hundreds of groups of a thousand people.
void Groups::store_all(std::vector<groups::GroupMetadata> described) {
  std::size_t people = 0;
  while (!described.empty() && people < people_per_turn) {
    people += described.back().members.size() + 1;
    store(std::move(described.back()));
    described.pop_back();
  }
  if (described.empty()) {
    const auto dirty = std::exchange(dirty_, std::nullopt);
    if (dirty && c_.link.online())
      c_.query(groups::request_iq(c_.ids.next(), groups::CleanGroupsDirty{*dirty}), [](const Node*) {});
    return;
  }
  c_.work([] {}, [this, rest = std::move(described)]() mutable { store_all(std::move(rest)); });
}

// --- what changes

void Groups::on_notification(const Node& notification) {
  const auto read = groups::read_group_notification(notification, c_.unix_seconds());
  if (!read) return;
  learn(read->identities);
  const groups::OwnAccount self = own();
  for (const Jid& group : groups::groups_of(*read)) {
    auto known = find(group);
    auto kept = known && known->member && !known->stale ? std::optional(known->metadata) : std::nullopt;
    const groups::Applied applied = groups::apply(group, std::move(kept), *read, self);
    if (applied.keys == groups::SenderKeys::forget) {
      leave(group);
    } else if (applied.keys == groups::SenderKeys::rotate) {
      c_.records.add(storage::DropOwnSenderKey{c_.id(), group});
    }
    // rotate_if_given: whoever has the key and is not in the list is found before the next message (GroupFanout).
    if (applied.metadata && applied.keys != groups::SenderKeys::forget) {
      groups::GroupMetadata now = *applied.metadata;
      date_joins(now, *read);
      adopt_timer(now);
      put(now, lists_own(now));
    }
    if (applied.refetch) mark_stale(group);
    if (applied.refetch && !(known && known->member) && adds_own(*read, group))
      come_into(group, known ? std::move(known->metadata) : groups::GroupMetadata());
    changed(group);
  }
  for (const auto& event : groups::events_of(*read, self)) tell(event);
}

void Groups::tell(const Event& event) {
  const PeopleLookup people{[this](const Jid& user) { return directory_.canonical_user(user); },
                            [this](const Jid& user) { return directory_.person(user); }};
  const UnixMs at = stated_ms(event.timestamp.value_or(0), c_.now.unix_ms);
  for (events::Event& told : told_of(event, at, people)) c_.emit(std::move(told));
}

}  // namespace wharf::sessions
