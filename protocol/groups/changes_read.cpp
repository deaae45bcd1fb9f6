#include <algorithm>
#include <array>

#include "protocol/groups/changes.h"
#include "protocol/groups/fields.h"
#include "protocol/groups/invite.h"
#include "protocol/groups/limits.h"
#include "protocol/text.h"

namespace wharf::protocol::groups {

namespace {

constexpr std::size_t max_tag_bytes = 64;

/// Tags of 05 section 4 that say everything by being there.
constexpr std::array<std::string_view, 7> other_tags = {
    "created_sub_group_suggestion",
    "revoked_sub_group_suggestions",
    "change_number",
    "auto_add_disabled",
    "is_capi_hosted_group",
    "group_safety_check",
    "reports",
};

/// Reads one child. What it says of the stanza as a whole (stale, identities) goes to `told_`.
class ChildReader {
 public:
  ChildReader(GroupNotification& told, IdentityPairs& pairs) : told_(told), pairs_(pairs) {}

  /// nullopt: the child is no change, or none of its rows can be used.
  std::optional<GroupChange> read(const Node& child);

 private:
  using Change = std::optional<GroupChange>;

  GroupChange unreadable(const Node& child) {
    told_.stale = true;
    return UnknownChange{display_line(child.tag, max_tag_bytes)};
  }

  /// The rows that can be used; nullopt when there are too many to be read at all.
  std::optional<std::vector<Participant>> people(const Node& child, std::string_view tag = "participant") {
    auto rows = read_members(child, tag);
    if (!rows) return std::nullopt;
    std::vector<Participant> out;
    for (auto& row : *rows) {
      // An error says that the change did not happen to that person.
      if (!row) told_.stale = true;
      if (!row || row->error) continue;
      pairs_.add(row->who);
      out.push_back(std::move(row->who));
    }
    if (rows->empty()) told_.stale = true;  // a change of nobody: something was not understood
    return out;
  }

  std::optional<std::vector<LinkedGroup>> linked_groups(const Node& child) {
    const auto rows = child.children("group");
    if (rows.size() > max_rows) return std::nullopt;
    std::vector<LinkedGroup> groups;
    for (const Node* row : rows) {
      const auto group = group_attr(*row, row->has("jid") ? "jid" : "id");
      if (!group || row->attr("subject").size() > max_subject_bytes) {
        told_.stale = true;
        continue;
      }
      groups.push_back({*group, display_line(row->attr("subject"), max_subject_bytes), row->number("s_t"),
                        row->child("hidden_group") != nullptr});
    }
    return groups;
  }

  Change members(const Node& child);
  Change replaced(const Node& child);
  Change created(const Node& child);
  Change subject(const Node& child);
  Change description(const Node& child);
  Change mode(const Node& child, Mode mode);
  Change join_request(const Node& child);
  Change link(const Node& child);

  GroupNotification& told_;
  IdentityPairs& pairs_;
};

Versions versions_of(const Node& child) { return {token_attr(child, "prev_v_id"), token_attr(child, "v_id")}; }

std::optional<GroupChange> ChildReader::members(const Node& child) {
  auto rows = people(child);
  if (!rows) return unreadable(child);
  const std::string reason = token_attr(child, "reason");
  if (child.is("revoke")) return rows->empty() ? Change() : InvitationsRevoked{std::move(*rows)};
  if (child.is("revoked_membership_requests")) return rows->empty() ? Change() : JoinRequestsRevoked{std::move(*rows)};
  if (rows->empty()) return std::nullopt;
  if (child.is("add")) return MembersAdded{reason, versions_of(child), std::move(*rows)};
  if (child.is("remove") || child.is("leave")) {
    return MembersRemoved{reason, versions_of(child), std::move(*rows), child.is("leave")};
  }
  RolesChanged roles;
  roles.change = child.tag.ends_with("promote") ? RoleChange::promote : RoleChange::demote;
  roles.versions = versions_of(child);
  roles.members = std::move(*rows);
  if (child.tag.starts_with("linked_group_")) {
    roles.linked_group = group_attr(child, "jid");
    if (!roles.linked_group) return unreadable(child);
  }
  return roles;
}

std::optional<GroupChange> ChildReader::replaced(const Node& child) {
  auto rows = people(child);
  if (!rows) return unreadable(child);
  if (rows->empty()) return std::nullopt;
  return MemberReplaced{std::move(*rows)};
}

std::optional<GroupChange> ChildReader::created(const Node& child) {
  const Node* node = child.child("group");
  if (node == nullptr) return unreadable(child);
  auto group = read_group(*node, told_.group);
  if (!group) return unreadable(child);
  collect(pairs_, *group);
  return GroupCreated{token_attr(child, "type"), token_attr(child, "reason"), token_attr(child, "key"),
                      group_attr(child, "context_group_jid"), std::move(*group)};
}

std::optional<GroupChange> ChildReader::subject(const Node& child) {
  const std::string subject = child.attr("subject");
  if (!child.has("subject") || subject.size() > max_subject_bytes) return unreadable(child);
  SubjectChanged changed{display_line(subject, max_subject_bytes), child.number("s_t"), person_attr(child, "s_o"),
                         phone_attr(child, "s_o_pn"), label_attr(child, "s_o_username")};
  pairs_.add(changed.owner, changed.owner_pn);
  return changed;
}

std::optional<GroupChange> ChildReader::description(const Node& child) {
  DescriptionChanged changed{token_attr(child, "id"), std::nullopt};
  const auto body = child.child_data("body");
  if (!body || body->empty() || child.child("delete") != nullptr) return changed;
  auto text = read_description_text(*body);
  if (!text) return unreadable(child);
  changed.text = std::move(*text);
  return changed;
}

std::optional<GroupChange> ChildReader::mode(const Node& child, Mode mode) {
  const auto who = allowed(mode, child.text());
  if (!who) return unreadable(child);
  return ModeChanged{mode, *who};
}

std::optional<GroupChange> ChildReader::join_request(const Node& child) {
  JoinRequested requested{token_attr(child, "request_method"), group_attr(child, "parent_group_jid"), {}};
  if (child.is("membership_approval_request")) {
    // The form for one: whoever asks is the author of the stanza.
    if (!told_.author.jid) return unreadable(child);
    requested.people.push_back(person(*told_.author.jid, told_.author.pn));
    if (!requested.people[0].lid) requested.people[0].lid = told_.author.lid;
    requested.people[0].username = told_.author_username;
    return requested;
  }
  if (child.children("requested_user").size() > max_rows) return unreadable(child);
  auto rows = people(child, "requested_user");
  if (!rows) return unreadable(child);
  if (rows->empty()) return std::nullopt;
  requested.people = std::move(*rows);
  return requested;
}

std::optional<GroupChange> ChildReader::link(const Node& child) {
  auto groups = linked_groups(child);
  if (!groups) return unreadable(child);
  if (groups->empty()) {
    told_.stale = true;
    return std::nullopt;
  }
  if (child.is("link")) return GroupsLinked{token_attr(child, "link_type"), std::move(*groups)};
  return GroupsUnlinked{token_attr(child, "unlink_type"), token_attr(child, "unlink_reason"), std::move(*groups)};
}

std::optional<GroupChange> ChildReader::read(const Node& child) {
  if (deeper_than(child, max_nesting - 1)) return unreadable(child);
  const std::string& tag = child.tag;
  if (tag == "missing_participant_identification") {
    told_.missing_identification = true;
    return std::nullopt;
  }
  constexpr std::array<std::string_view, 9> of_members = {"add",
                                                          "remove",
                                                          "leave",
                                                          "promote",
                                                          "demote",
                                                          "linked_group_promote",
                                                          "linked_group_demote",
                                                          "revoke",
                                                          "revoked_membership_requests"};
  if (std::find(of_members.begin(), of_members.end(), tag) != of_members.end()) return members(child);
  if (tag == "modify") return replaced(child);
  if (tag == "create") return created(child);
  if (tag == "delete") return GroupDeleted{token_attr(child, "reason")};
  if (tag == "subject") return subject(child);
  if (tag == "description") return description(child);
  if (const auto flag = flag_of(tag)) {
    const bool versioned = flag->first == Flag::announcement;
    return FlagChanged{flag->first, flag->second, versioned ? token_attr(child, "v_id") : std::string()};
  }
  if (const auto which = mode_of(tag)) return mode(child, *which);
  if (tag == "ephemeral" || tag == "not_ephemeral") {
    const auto ephemeral = read_ephemeral(child);
    return ephemeral ? GroupChange(EphemeralChanged{*ephemeral}) : unreadable(child);
  }
  if (tag == "membership_approval_mode") {
    const auto on = read_join_approval(child);
    return on ? GroupChange(JoinApprovalChanged{*on}) : unreadable(child);
  }
  if (tag == "growth_locked") return GrowthLockChanged{read_growth_lock(child)};
  if (tag == "growth_unlocked") return GrowthLockChanged{};
  if (tag == "invite") {
    const std::string code = child.attr("code");
    return is_invite_code(code) ? GroupChange(InviteChanged{code}) : unreadable(child);
  }
  if (tag == "membership_approval_request" || tag == "created_membership_requests") return join_request(child);
  if (tag == "link" || tag == "unlink") return link(child);
  if (std::find(other_tags.begin(), other_tags.end(), tag) != other_tags.end()) return OtherChange{tag};
  return UnknownChange{display_line(tag, max_tag_bytes)};
}

Author read_author(const Node& notification) {
  Author author;
  author.jid = person_attr(notification, "participant");
  if (!author.jid) return author;
  const Participant who = person(*author.jid, phone_attr(notification, "participant_pn"));
  author.pn = who.pn;
  author.lid = who.lid ? who.lid : lid_attr(notification, "participant_lid");
  return author;
}

}  // namespace

Result<GroupNotification> read_group_notification(const Node& notification, std::uint64_t now) {
  if (!notification.is("notification") || notification.attr("type") != "w:gp2") {
    return Error(Errc::malformed, "no group notification");
  }
  GroupNotification told;
  told.id = notification.attr("id");
  if (told.id.empty() || !notification.has("from"))
    return Error(Errc::malformed, "group notification without id or from");
  const auto from = notification.jid("from");
  if (!from || !names_group(*from)) {
    return Error(Errc::unsupported, "group notification that is not from a group");
  }
  told.group = *from;
  told.author = read_author(notification);
  told.author_username = label_attr(notification, "participant_username");
  told.author_country_code = token_attr(notification, "participant_country_code");
  told.author_name = label_attr(notification, "notify");
  told.addressing_mode = read_addressing_mode(notification.attr("addressing_mode"));
  told.timestamp = time_attr(notification, "t", now);
  told.offline = notification.has("offline");

  IdentityPairs pairs;
  pairs.add(told.author);
  if (notification.children().size() > max_rows) {
    told.stale = true;
    told.changes.push_back(UnknownChange{notification.tag});
  } else {
    ChildReader reader(told, pairs);
    for (const Node& child : notification.children()) {
      if (auto change = reader.read(child)) told.changes.push_back(std::move(*change));
    }
  }
  told.identities = pairs.take();
  return told;
}

}  // namespace wharf::protocol::groups
