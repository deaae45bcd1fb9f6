#include "protocol/groups/cache.h"

#include <algorithm>
#include <unordered_set>

#include "protocol/groups/people_index.h"

namespace wharf::protocol::groups {

namespace {

/// The person as members of a group in this mode are kept; nullopt when that name is not known.
std::optional<Participant> in_mode(Participant who, AddressingMode mode) {
  const std::optional<Jid>& jid = mode == AddressingMode::lid ? who.lid : who.pn;
  const bool has_names = who.jid.is_lid() || who.jid.is_phone_number();
  if (!has_names) return who;  // bots and hosted accounts have one name
  if (!jid) return std::nullopt;
  who.jid = *jid;
  return who;
}

bool same_people(const GroupMetadata& a, const GroupMetadata& b) { return gone(a, b).empty() && gone(b, a).empty(); }

class Application {
 public:
  Application(const Jid& group, std::optional<GroupMetadata> kept, const GroupNotification& told, const OwnAccount& own)
      : group_(group), told_(told), own_(own) {
    applied_.metadata = std::move(kept);
  }

  Applied run() {
    const bool of_stanza = group_ == told_.group;
    applied_.refetch = !applied_.metadata || applied_.metadata->stale;
    if (of_stanza && applied_.metadata && told_.addressing_mode &&
        *told_.addressing_mode != applied_.metadata->addressing_mode) {
      doubt();
      keys(SenderKeys::rotate);  // own messages go out under the other name from now on
    }
    for (const GroupChange& change : told_.changes) {
      if (is_of_group(change)) std::visit(*this, change);
    }
    if (of_stanza && (told_.stale || told_.missing_identification)) doubt();
    if (out_) {
      applied_.metadata.reset();
      applied_.refetch = false;
    }
    return std::move(applied_);
  }

  void operator()(const GroupCreated& change) {
    if (inside()) {
      // The creator knows the group from the answer to its request; and a stanza that comes again may be old.
      if (!same_people(*applied_.metadata, change.group)) doubt();
      return;
    }
    keys(SenderKeys::rotate);  // whatever is left of an earlier membership is not used again
    out_ = false;
    applied_.refetch = false;
    applied_.metadata = change.group;
    applied_.metadata->not_added.clear();
    if (change.group.stale || change.group.partial) doubt();
  }

  void operator()(const MembersAdded& change) {
    if (names_own(change.members) && !inside()) {
      // Back after an absence: what is kept is of before, and the own key starts afresh.
      out_ = false;
      keys(SenderKeys::rotate);
      return doubt();
    }
    if (!follows(change.versions)) return;
    merge(change.members, [](Participant&, const Participant&) {});
  }

  void operator()(const MembersRemoved& change) {
    if (names_own(change.members)) return leave();
    lose(change.members);
    if (!follows(change.versions)) return;
    GroupMetadata& kept = *applied_.metadata;
    const PeopleIndex removed(change.members);
    const std::size_t before = kept.members.size();
    std::erase_if(kept.members, [&](const Participant& member) { return removed.find(member).has_value(); });
    resize(before);
  }

  void operator()(const RolesChanged& change) {
    if (!follows(change.versions)) return;
    std::vector<Participant> members = change.members;
    for (Participant& member : members) {
      if (change.change == RoleChange::promote && member.role == Role::member) member.role = Role::admin;
    }
    merge(members, [](Participant& member, const Participant& row) { member.role = row.role; });
  }

  void operator()(const MemberReplaced& change) {
    keys(SenderKeys::rotate);
    if (!applied_.metadata || applied_.metadata->stale) return;
    // One row for one author; anything else is not understood.
    if (change.members.size() != 1 || !told_.author.jid) return doubt();
    GroupMetadata& kept = *applied_.metadata;
    auto member = in_mode(change.members.front(), kept.addressing_mode);
    if (!member) return doubt();
    const auto old = std::find_if(kept.members.begin(), kept.members.end(),
                                  [&](const Participant& who) { return told_.author.is(who); });
    const bool seen = std::any_of(kept.members.begin(), kept.members.end(),
                                  [&](const Participant& who) { return same_person(who, *member); });
    if (old == kept.members.end()) {
      // Whoever had the old name is not there: it happened before, or something was missed.
      if (!seen) doubt();
      return;
    }
    if (member->role == Role::member) member->role = old->role;
    const std::size_t before = kept.members.size();
    kept.members.erase(old);
    std::erase_if(kept.members, [&](const Participant& who) { return same_person(who, *member); });
    kept.members.push_back(std::move(*member));
    resize(before);
  }

  void operator()(const GroupDeleted&) { leave(); }

  void operator()(const SubjectChanged& change) {
    if (!applied_.metadata) return;
    GroupMetadata& kept = *applied_.metadata;
    kept.subject = change.subject;
    kept.subject_time = change.time ? change.time : told_.timestamp;
    kept.subject_owner = change.owner ? change.owner : told_.author.jid;
    kept.subject_owner_pn = change.owner ? change.owner_pn : told_.author.pn;
    kept.subject_owner_username = change.owner ? change.owner_username : told_.author_username;
  }
  void operator()(const DescriptionChanged& change) {
    if (!applied_.metadata) return;
    applied_.metadata->description = {change.id,       change.text,           told_.author.jid,
                                      told_.author.pn, told_.author_username, told_.timestamp};
  }
  void operator()(const FlagChanged& change) {
    if (!applied_.metadata) return;
    *applied_.metadata.*member_of(change.flag) = change.on;
    if (!change.version.empty()) applied_.metadata->announcement_version = change.version;
  }
  void operator()(const ModeChanged& change) {
    if (applied_.metadata) *applied_.metadata.*member_of(change.mode) = change.who;
  }
  void operator()(const EphemeralChanged& change) {
    if (applied_.metadata) applied_.metadata->ephemeral = change.ephemeral;
  }
  void operator()(const JoinApprovalChanged& change) {
    if (applied_.metadata) applied_.metadata->join_approval = change.on;
  }
  void operator()(const GrowthLockChanged& change) {
    if (applied_.metadata) applied_.metadata->growth_lock = change.lock;
  }
  void operator()(const GroupsLinked& change) {
    if (applied_.metadata && change.type == "parent_group") {
      applied_.metadata->linked_parent = change.groups.front().group;
    }
  }
  void operator()(const GroupsUnlinked& change) {
    if (applied_.metadata && change.type == "parent_group") applied_.metadata->linked_parent.reset();
  }
  void operator()(const InviteChanged&) {}
  void operator()(const InvitationsRevoked&) {}
  void operator()(const JoinRequested&) {}
  void operator()(const JoinRequestsRevoked&) {}
  void operator()(const OtherChange&) {}
  void operator()(const UnknownChange&) {}

 private:
  bool is_of_group(const GroupChange& change) const {
    const auto* roles = std::get_if<RolesChanged>(&change);
    return group_ == (roles != nullptr && roles->linked_group ? *roles->linked_group : told_.group);
  }
  bool names_own(const std::vector<Participant>& people) const {
    return std::any_of(people.begin(), people.end(), [&](const Participant& who) { return own_.is(who); });
  }
  bool inside() const { return applied_.metadata && names_own(applied_.metadata->members); }
  void keys(SenderKeys needed) { applied_.keys = std::max(applied_.keys, needed); }
  void doubt() {
    if (applied_.metadata) applied_.metadata->stale = true;
    applied_.refetch = true;
  }
  void leave() {
    applied_.metadata.reset();
    keys(SenderKeys::forget);
    out_ = true;
  }
  void lose(const std::vector<Participant>& people) {
    if (people.empty()) return;
    keys(SenderKeys::rotate_if_given);
    applied_.gone.insert(applied_.gone.end(), people.begin(), people.end());
  }

  /// Whether a change of the member list is the next one to apply to what is kept; takes its version over.
  bool follows(const Versions& versions) {
    if (!applied_.metadata || applied_.metadata->stale) return false;
    std::string& version = applied_.metadata->member_list_version;
    if (!versions.after.empty() && versions.after == version) return false;  // seen
    if (!versions.before.empty() && versions.before != version) {
      doubt();
      return false;
    }
    version = versions.after;  // none: of unknown age from now on
    return true;
  }

  /// Adds whoever is not there yet, and lets `change` have those who are.
  template <class Change>
  void merge(const std::vector<Participant>& rows, Change change) {
    GroupMetadata& kept = *applied_.metadata;
    std::vector<Participant> people;  // as they are kept, each once
    std::unordered_set<Jid> seen;
    for (const Participant& row : rows) {
      auto who = in_mode(row, kept.addressing_mode);
      if (!who) return doubt();  // nobody could say who of the members that is
      if (seen.insert(who->jid).second) people.push_back(std::move(*who));
    }
    const PeopleIndex names(people);
    std::vector<bool> present(people.size());
    for (Participant& member : kept.members) {
      const auto index = names.find(member);
      if (!index) continue;
      change(member, people[*index]);
      present[*index] = true;
    }
    const std::size_t before = kept.members.size();
    for (std::size_t i = 0; i < people.size(); ++i)
      if (!present[i]) kept.members.push_back(std::move(people[i]));
    resize(before);
  }

  /// The size follows the list; of a sample it is counted on.
  void resize(std::size_t before) {
    GroupMetadata& kept = *applied_.metadata;
    const auto grown = static_cast<std::int64_t>(kept.members.size()) - static_cast<std::int64_t>(before);
    kept.size = static_cast<std::uint32_t>(std::max<std::int64_t>(std::int64_t{kept.size} + grown, 0));
    if (!kept.partial) kept.size = static_cast<std::uint32_t>(kept.members.size());
  }

  const Jid& group_;
  const GroupNotification& told_;
  const OwnAccount& own_;
  Applied applied_;
  bool out_ = false;  // the own account left with the last change that speaks of it
};

}  // namespace

std::vector<Jid> groups_of(const GroupNotification& notification) {
  std::vector<Jid> groups = {notification.group};
  for (const GroupChange& change : notification.changes) {
    const auto* roles = std::get_if<RolesChanged>(&change);
    if (roles == nullptr || !roles->linked_group) continue;
    if (std::find(groups.begin(), groups.end(), *roles->linked_group) == groups.end()) {
      groups.push_back(*roles->linked_group);
    }
  }
  return groups;
}

Applied apply(const Jid& group, std::optional<GroupMetadata> kept, const GroupNotification& notification,
              const OwnAccount& own) {
  return Application(group, std::move(kept), notification, own).run();
}

Applied compare(const GroupMetadata& older, GroupMetadata fetched) {
  Applied applied;
  if (!fetched.partial) applied.gone = gone(older, fetched);
  if (!applied.gone.empty()) applied.keys = SenderKeys::rotate_if_given;
  if (older.addressing_mode != fetched.addressing_mode) applied.keys = SenderKeys::rotate;
  applied.metadata = std::move(fetched);
  return applied;
}

std::vector<Participant> gone(const GroupMetadata& older, const GroupMetadata& newer) {
  const PeopleIndex present(newer.members);
  std::vector<Participant> missing;
  for (const Participant& member : older.members)
    if (!present.find(member)) missing.push_back(member);
  return missing;
}

}  // namespace wharf::protocol::groups
