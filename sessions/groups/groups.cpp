#include "sessions/groups/groups.h"

#include <algorithm>
#include <utility>

#include "events/event.h"
#include "protocol/crypto/hash.h"
#include "protocol/groups/people_index.h"
#include "protocol/groups/requests.h"
#include "protocol/groups/results.h"
#include "sessions/server_time.h"

namespace wharf::sessions {

namespace groups = protocol::groups;

namespace {

constexpr std::size_t learnt_per_turn = 128;
constexpr std::size_t counted_out = 64;  // one by one
constexpr std::size_t digest_bytes = 8, digests_kept = 64;

/// What the group is called in the rows: the same pair of forms as its stanzas.
Bytes encoded(const groups::GroupMetadata& metadata) { return protocol::encode_node(groups::group_node(metadata)); }

/// A group of which nothing but its name is known.
groups::GroupMetadata nameless(const Jid& group) {
  groups::GroupMetadata out;
  out.group = group;
  out.addressing_mode = groups::AddressingMode::lid;
  return out;
}

// --- notifications that come again

/// The same for one that is delivered again, which has other attributes then.
Bytes digest_of(const Node& notification) {
  Node said("said");
  said.set("id", notification.attr("id")).set("t", notification.attr("t"));
  said.set("participant", notification.attr("participant"));
  said.content = notification.content;
  const auto digest = protocol::sha256(protocol::encode_node(said));
  return {digest.begin(), digest.begin() + digest_bytes};
}

bool is_heard(const Bytes& heard, ByteView digest) {
  for (std::size_t at = 0; at + digest_bytes <= heard.size(); at += digest_bytes)
    if (protocol::equal(ByteView(heard).subspan(at, digest_bytes), digest)) return true;
  return false;
}

void note_heard(Bytes& heard, ByteView digest) {
  protocol::append(heard, digest);
  constexpr std::size_t most = digest_bytes * digests_kept;
  if (heard.size() > most) heard.erase(heard.begin(), heard.end() - most);
}

// --- who came when: what was said before that is not for them (Receipts::is_recipient)

/// Who is added though the list has them already had gone meanwhile, or it is told again.
void date_joins(groups::GroupMetadata& group, const groups::GroupNotification& told) {
  if (!told.timestamp) return;
  for (const groups::GroupChange& change : told.changes) {
    const auto* added = std::get_if<groups::MembersAdded>(&change);
    if (added == nullptr) continue;
    const groups::PeopleIndex came(added->members);
    for (groups::Participant& member : group.members)
      if (came.find(member)) member.joined_at = std::max(member.joined_at.value_or(0), *told.timestamp);
  }
}

/// A list need not say it: as it was before, and of those who were not in the list before `now`.
void carry_joins(const groups::GroupMetadata& older, groups::GroupMetadata& newer, std::uint64_t now) {
  if (older.members.empty()) return;
  const groups::PeopleIndex before(older.members);
  for (groups::Participant& member : newer.members) {
    if (member.joined_at) continue;
    if (const auto place = before.find(member)) member.joined_at = older.members[*place].joined_at;
    else if (!older.partial) member.joined_at = now;
  }
}

/// Back in a group nobody knows who came while the own account was out of it.
void date_by_return(groups::GroupMetadata& group, std::uint64_t now) {
  for (groups::Participant& member : group.members)
    if (!member.joined_at) member.joined_at = now;
}

/// It was described once, and who was in it is known no more. Of one that was never described nothing was said before.
bool was_out_of(const storage::GroupRow& row, const groups::GroupMetadata* known) {
  return row.fetched_at != 0 && (!row.member || known == nullptr || known->members.empty());
}

bool lets_in(const groups::GroupNotification& told, const groups::OwnAccount& own) {
  return std::any_of(told.changes.begin(), told.changes.end(), [&](const groups::GroupChange& change) {
    if (std::holds_alternative<groups::GroupCreated>(change)) return true;
    const auto* added = std::get_if<groups::MembersAdded>(&change);
    return added != nullptr && std::any_of(added->members.begin(), added->members.end(),
                                           [&](const groups::Participant& who) { return own.is(who); });
  });
}

bool tells_of_leaving(const groups::GroupEvent& event) {
  const auto* members = std::get_if<groups::MembersChanged>(&event.what);
  return std::holds_alternative<groups::GroupLeft>(event.what) ||
         (members != nullptr &&
          (members->action == groups::MemberEvent::remove || members->action == groups::MemberEvent::leave));
}

bool sets_timer(const groups::GroupNotification& told) {
  return std::any_of(told.changes.begin(), told.changes.end(), [](const groups::GroupChange& change) {
    return std::holds_alternative<groups::EphemeralChanged>(change);
  });
}

}  // namespace

groups::OwnAccount Groups::own() const {
  return {c_.device.jid.user_jid(), c_.device.lid.empty() ? Jid() : c_.device.lid.user_jid()};
}

PeopleLookup Groups::people() const {
  return {[this](const Jid& user) { return directory_.canonical_user(user); },
          [this](const Jid& user) { return directory_.person(user); }};
}

std::optional<Groups::Known> Groups::read(const storage::GroupRow& row) {
  const auto node = protocol::decode_node(row.metadata);
  auto metadata = groups::read_group(node ? *node : Node("group"), row.group);
  if (!metadata) return std::nullopt;
  return Known{std::move(*metadata), row.member, row.stale || !node};
}

std::optional<Groups::Known> Groups::find(const Jid& group) const {
  const auto row = c_.records.find_group(group);
  return row ? read(*row) : std::nullopt;
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
    out.community = known->metadata.community.has_value();
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
  if (!keep) {
    listing_.forget_all();
    own_changes_.forget_all();
    expected_.clear();
    for (const Jid& group : std::exchange(by_list_, {})) asked_.erase(group);
  }
  if (!keep || standings_.size() > kept_standings) standings_.clear();
}

void Groups::put(storage::GroupRow row, const groups::GroupMetadata& metadata) {
  row.group = metadata.group;
  row.metadata = encoded(metadata);
  row.subject = metadata.subject;
  c_.records.add(storage::PutGroup{c_.id(), std::move(row)});
  changed(metadata.group);
}

void Groups::store(groups::GroupMetadata described) {
  groups::IdentityPairs pairs;
  groups::collect(pairs, described);
  learn(pairs.take());
  const bool member = lists_own(described);
  if (described.partial && !member) return;
  storage::GroupRow row = c_.records.find_group(described.group).value_or(storage::GroupRow());
  const auto older = row.metadata.empty() || !row.member ? std::nullopt : read(row);
  if (was_out_of(row, older ? &older->metadata : nullptr)) date_by_return(described, c_.server_seconds());
  else if (older) carry_joins(older->metadata, described, c_.server_seconds());
  adopt_timer(described);
  row.member = member;
  row.stale = false;
  row.fetched_at = c_.now.unix_ms;
  expected_.erase(described.group);
  put(std::move(row), described);
  listing_.on_written(described.group, true);
}

void Groups::announce(const groups::GroupMetadata& described) {
  if (c_.records.find_group(described.group)) return;
  storage::GroupRow row;
  row.stale = true;
  put(std::move(row), described);
}

void Groups::expect(const Jid& group, std::string subject) {
  if (expected_.size() >= most_expected) expected_.clear();
  expected_[group] = std::move(subject);
}

groups::GroupMetadata Groups::expected_group(const Jid& group, groups::AddressingMode mode) {
  groups::GroupMetadata out = nameless(group);
  out.addressing_mode = mode;
  if (const auto known = expected_.find(group); known != expected_.end()) out.subject = known->second;
  return out;
}

void Groups::enter(const Jid& group) {
  storage::GroupRow row = c_.records.find_group(group).value_or(storage::GroupRow());
  if (row.metadata.empty() || !row.member) {
    const auto known = row.metadata.empty() ? std::nullopt : read(row);
    row.member = row.stale = true;
    put(std::move(row), known ? known->metadata : expected_group(group, groups::AddressingMode::lid));
  }
  mark_stale(group);
}

bool Groups::lists_own(const groups::GroupMetadata& group) const {
  return std::any_of(group.members.begin(), group.members.end(),
                     [self = own()](const groups::Participant& who) { return self.is(who); });
}

void Groups::leave(const Jid& group) {
  c_.records.add(storage::ForgetGroupKeys{c_.id(), group});
  auto row = c_.records.find_group(group);
  if (row && (row->member || row->stale)) {
    // Who was in it is not known from here on: back in it, the own account must not take an old list for the new one.
    groups::GroupMetadata rest = nameless(group);
    if (auto known = read(*row)) rest = std::move(known->metadata);
    rest.members.clear();
    row->member = row->stale = false;
    put(std::move(*row), rest);
  }
  changed(group);
  listing_.on_written(group, false);
}

void Groups::mark_stale(const Jid& group) {
  c_.records.add(storage::AgeGroup{c_.id(), group});
  changed(group);
  listing_.on_written(group, false);
  listing_.wants(group);
}

void Groups::mark_all_stale() {
  c_.records.add(storage::AgeGroup{c_.id(), std::nullopt});
  standings_.clear();
  if (on_all_changed) on_all_changed();
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
      c_.in_later_turn([this, rest = std::vector(pair, pairs.end())] { learn(rest); });
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
  // With everything stale each group that something waits for would be a question of its own.
  if (listing_.will_tell(group)) by_list_.insert(group);
  else ask(group);
}

void Groups::ask(const Jid& group) {
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
    answer_waiting(group, outcome);
  });
}

void Groups::answer_waiting(const Jid& group, Refreshed outcome) {
  auto waited = std::exchange(asked_[group], {});
  asked_.erase(group);
  for (auto& tell : waited) tell(outcome);
}

void Groups::on_listed(const Jid& group) {
  if (by_list_.erase(group) == 0) return;
  const Standing now = standing(group);
  if (now.known && !now.stale) answer_waiting(group, Refreshed::yes);
  else ask(group);
}

void Groups::on_list_over() {
  for (const Jid& group : std::exchange(by_list_, {})) ask(group);
}

void Groups::on_link_down() {
  listing_.on_link_down();
  for (const Jid& group : std::exchange(by_list_, {})) answer_waiting(group, Refreshed::later);
}

// --- what changes

void Groups::on_notification(const Node& notification) {
  const auto read = groups::read_group_notification(notification, c_.unix_seconds());
  if (!read) return;
  const Bytes digest = digest_of(notification);
  auto row = c_.records.find_group(read->group);
  // Taken in with a commit whose ack did not reach the server: all of it is done, and told.
  if (row && is_heard(row->heard, digest)) return;
  const bool by_us = read->author.jid && own().is(read->author);
  const UnderCause asked(c_, by_us ? own_changes_.behind(*read, notification) : std::string());
  if (by_us && on_made) {
    for (const groups::GroupChange& change : read->changes)
      if (const auto* created = std::get_if<groups::GroupCreated>(&change)) on_made(created->key, read->group);
  }
  learn(read->identities);
  const auto told = groups::events_of(*read, own());
  const auto before =
      row && std::any_of(told.begin(), told.end(), tells_of_leaving) ? Groups::read(*row) : std::nullopt;
  const std::string subject = follow(read->group, std::move(row), *read, digest);
  for (const Jid& group : groups::groups_of(*read))
    if (group != read->group) follow(group, c_.records.find_group(group), *read, {});
  for (const Event& event : told)
    tell(event, subject, before && event.group == read->group ? &before->metadata.members : nullptr);
}

void Groups::on_picture(const Node& notification, const protocol::PictureChanged& change) {
  auto row = c_.records.find_group(change.jid);
  const Bytes digest = digest_of(notification);
  if (!row || is_heard(row->heard, digest)) return;
  note_heard(row->heard, digest);
  c_.records.add(storage::PutGroup{c_.id(), std::move(*row)});
  const bool by_us = change.author && own().is(groups::person(*change.author));
  const UnderCause asked(c_, by_us ? own_changes_.behind_picture(change.jid, change.removed) : std::string());
  events::GroupUpdated told;
  told.in.chat = change.jid;
  if (change.author) {
    told.in.by = directory_.canonical_user(*change.author);
    told.in.by_ids = directory_.person(*told.in.by);
  }
  told.in.at = stated_ms(change.at.value_or(0), c_.now.unix_ms);
  told.field = "picture";
  told.text = change.removed ? std::string() : change.picture_id;
  c_.emit(std::move(told));
}

// Whoever has the key and is not in the list is found before the next message (GroupFanout), which is another key for
// all. Who is back by then may have forgotten it, and is given it again.
void Groups::count_out(const Jid& group, const std::vector<groups::Participant>& gone) {
  if (gone.size() > counted_out) return c_.records.add(storage::DropOwnSenderKey{c_.id(), group});
  for (const groups::Participant& who : gone)
    c_.records.add(storage::TakeKeyCopiesBack{c_.id(), directory_.canonical_user(who.jid), group, std::nullopt});
}

// There is a row from here on, whatever is said: the first thing that is heard of a group may be anything, and whoever
// ends before the group was asked for finds by it that it is to be.
std::string Groups::follow(const Jid& group, std::optional<storage::GroupRow> row,
                           const groups::GroupNotification& told, ByteView digest) {
  const groups::OwnAccount self = own();
  auto known = row ? read(*row) : std::nullopt;
  std::optional<groups::GroupMetadata> kept;
  if (known && known->member) {
    kept = known->metadata;
    kept->stale = known->stale;
  }
  groups::Applied applied = groups::apply(group, std::move(kept), told, self);
  const bool out = !applied.metadata && !applied.refetch;
  if (applied.keys == groups::SenderKeys::forget) c_.records.add(storage::ForgetGroupKeys{c_.id(), group});
  else if (applied.keys == groups::SenderKeys::rotate) c_.records.add(storage::DropOwnSenderKey{c_.id(), group});
  else if (applied.keys == groups::SenderKeys::rotate_if_given) count_out(group, applied.gone);

  groups::GroupMetadata now = expected_group(group, told.addressing_mode.value_or(groups::AddressingMode::lid));
  if (applied.metadata) {
    now = std::move(*applied.metadata);
  } else if (known) {
    now = std::move(known->metadata);
    if (applied.keys == groups::SenderKeys::forget) now.members.clear();  // as in leave()
  }
  const bool of_stanza = group == told.group;
  if (of_stanza) date_joins(now, told);
  if (row && !applied.refetch && was_out_of(*row, known ? &known->metadata : nullptr))
    date_by_return(now, c_.server_seconds());
  if (!row) {
    row.emplace();
    row->member = false;  // until something says so
  }
  row->stale = applied.refetch;
  if (out) row->member = false;
  else if (!row->stale) row->member = lists_own(now);
  else if (of_stanza && lets_in(told, self)) row->member = true;
  if (!row->stale && row->fetched_at == 0) row->fetched_at = c_.now.unix_ms;
  note_heard(row->heard, digest);
  // Of one that was never described nobody knows the timer.
  if (!out && (!row->stale || (of_stanza && sets_timer(told)))) adopt_timer(now);
  put(std::move(*row), now);
  listing_.on_written(group, false);
  if (applied.refetch) listing_.wants(group);
  return now.subject;
}

void Groups::tell(const Event& event, const std::string& subject, const std::vector<groups::Participant>* before) {
  const UnixMs at = stated_ms(event.timestamp.value_or(0), c_.now.unix_ms);
  const groups::OwnAccount self = own();
  const GroupSeen seen{self.lid.empty() ? groups::person(self.pn) : groups::person(self.lid, self.pn), subject, before};
  for (events::Event& told : told_of(event, at, seen, people())) c_.emit(std::move(told));
}

}  // namespace wharf::sessions
