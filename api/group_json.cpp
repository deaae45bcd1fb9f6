#include "api/group_json.h"

#include "api/chat_id.h"
#include "api/dialect.h"
#include "api/iso_time.h"
#include "protocol/groups/invite.h"

namespace wharf::api {

namespace groups = protocol::groups;
using sessions::GroupView;

namespace {

/// Opens the row of a person.
void begin_person(JsonWriter& out, const events::GroupPerson& who, Dialect dialect) {
  const PersonText text = person_text(who.jid, who.ids);
  out.begin_object().text("id", id_text(text, dialect)).text_if("lid", text.lid);
}

/// Not in the specification's names: an addition that an admin has to approve has not failed.
constexpr unsigned code_proposed = 202;

struct Reason {
  std::string_view result, reason;
};
/// Why it was not done, and what helps, for who does not know WhatsApp's codes by heart.
constexpr Reason reasons[] = {
    {"proposed", "an admin of the group has to approve it"},
    {"unknown", "WhatsApp says nothing of this person: GET …/groups/{groupId}?refresh=true shows who is in the group"},
    {"bad_jid", "WhatsApp does not take this id"},
    {"not_authorised", "WhatsApp does not let the account add this person"},
    {"invite_required", "this person lets nobody add him: POST …/send-group-invite sends the invitation"},
    {"privacy", "this person lets nobody add him: send the link of GET …/groups/{groupId}/invite"},
    {"not_on_whatsapp", "nobody on WhatsApp has this number"},
    {"not_acceptable",
     "WhatsApp does not take this person into this group: as an account without a LID, where members are known by it"},
    {"recently_left", "this person has left a short while ago, and comes back by the link of GET …/invite alone"},
    {"already_member", "this person is in the group"},
    {"community_full_or_closed", "the community takes nobody more so: send the link of GET …/groups/{groupId}/invite"},
    {"group_full", "the group is full"},
    {"server_error", "WhatsApp failed; the same may succeed later"},
    {"not_admin", "the account is no admin of the group"},
    {"not_permitted", "an admin may not do that to this person"},
    {"not_a_member", "this person is not in the group"},
    {"already_in_role", "this person is that already"},
};

std::string_view reason_of(std::string_view result, unsigned code) {
  // Of requests to join alone, whose failures have no names of their own.
  if (result == "failed")
    return code == 404 ? "this person asks for nothing: GET …/groups/{groupId}/requests lists who does"
                       : "WhatsApp gives this code and no reason";
  for (const Reason& row : reasons)
    if (row.result == result) return row.reason;
  return {};
}

void write_outcome(JsonWriter& out, const sessions::MemberOutcome& one, Dialect dialect) {
  begin_person(out, one.who, dialect);
  const std::string_view result = one.code == code_proposed ? std::string_view("proposed") : one.result;
  out.number("status", one.code).text("result", result).text_if("reason", reason_of(result, one.code));
  if (one.invite) {
    out.text("inviteCode", one.invite->code);
    out.text("inviteExpiresAt", iso_seconds(events::UnixMs{one.invite->expires_at} * 1000));
  }
  out.end_object();
}

void write_outcomes(JsonWriter& out, const std::vector<sessions::MemberOutcome>& members, Dialect dialect) {
  out.key("participants").begin_array();
  for (const sessions::MemberOutcome& one : members) write_outcome(out, one, dialect);
  out.end_array();
}

void write_time(JsonWriter& out, std::string_view name, const std::optional<std::uint64_t>& unix_s) {
  if (unix_s) out.text(name, iso_seconds(static_cast<events::UnixMs>(*unix_s) * 1000));
}

std::string_view allowed_text(const std::optional<groups::Allowed>& allowed) {
  if (!allowed) return {};
  return *allowed == groups::Allowed::admins ? "admins" : "all";
}

}  // namespace

std::optional<GroupView> group_view(const storage::GroupRow& row, const groups::OwnAccount& own,
                                    const std::function<events::PersonIds(const protocol::Jid&)>& ids) {
  const auto node = protocol::decode_node(row.metadata);
  auto metadata = node ? groups::read_group(*node, row.group) : node.error();
  if (!metadata) return std::nullopt;
  const auto person = [&](const groups::Participant& who) {
    events::GroupPerson out{who.jid, ids(who.jid), std::string(name(who.role))};
    if (!out.ids.pn) out.ids.pn = who.pn;
    if (!out.ids.lid) out.ids.lid = who.lid;
    return out;
  };
  GroupView view;
  view.member = row.member;
  for (const groups::Participant& who : metadata->members) {
    view.people.push_back(person(who));
    if (own.is(who)) view.admin = who.role != groups::Role::member;
  }
  if (metadata->creator) view.creator = person(groups::person(*metadata->creator, metadata->creator_pn));
  // Who has left is told of nobody who comes or goes: how many are in it nobody knows.
  if (!row.member && metadata->members.empty()) metadata->size = 0;
  metadata->members.clear();
  view.metadata = std::move(*metadata);
  return view;
}

void write_group(JsonWriter& out, const GroupView& group, Dialect dialect) {
  const groups::GroupMetadata& m = group.metadata;
  out.begin_object().text("id", m.group.to_string()).text("name", m.subject);
  if (m.description.text) out.text("description", *m.description.text);
  if (group.creator) {
    const PersonText owner = person_text(group.creator->jid, group.creator->ids);
    out.text("owner", id_text(owner, dialect)).text_if("ownerLid", owner.lid);
  }
  write_time(out, "createdAt", m.creation);
  if (group.member || m.size != 0) out.number("size", m.size);
  out.text("addressingMode", name(m.addressing_mode));
  out.boolean("isMember", group.member).boolean("isAdmin", group.admin);
  out.boolean("announce", m.announcement).boolean("locked", m.locked).boolean("joinApproval", m.join_approval);
  out.text_if("memberAddMode", allowed_text(m.member_add)).text_if("memberLinkMode", allowed_text(m.member_link));
  out.number("disappearing", m.ephemeral.seconds);
  out.boolean("isCommunity", m.community.has_value());
  if (m.linked_parent) out.text("communityId", m.linked_parent->to_string());
  if (m.default_sub_group) out.boolean("isCommunityAnnounce", true);
  if (m.suspended) out.boolean("suspended", true);
  out.key("participants").begin_array();
  for (const events::GroupPerson& who : group.people) {
    begin_person(out, who, dialect);
    out.text("role", who.role).boolean("isAdmin", who.role != "member").end_object();
  }
  out.end_array().end_object();
}

std::string group_json(const GroupView& group, Dialect dialect) {
  JsonWriter out(512 + group.people.size() * 128);
  write_group(out, group, dialect);
  return out.take();
}

std::string created_group_json(const sessions::GroupAnswer& answer, Dialect dialect) {
  JsonWriter out(512 + answer.members.size() * 128);
  out.begin_object();
  if (answer.made) out.text("gid", answer.made->to_string());
  write_outcomes(out, answer.members, dialect);
  if (answer.group) write_group(out.key("group"), *answer.group, dialect);
  if (answer.replayed) out.boolean("replayed", true);
  return out.end_object().take();
}

namespace {

std::string_view not_linked(unsigned code, bool links) {
  if (code == 0) return "WhatsApp says nothing of this group";
  if (code == 404) return links ? "WhatsApp knows no such group" : "the community has no such group";
  if (code == 405 && !links)
    return "the group where the community announces cannot be unlinked (GET …/groups shows it as isCommunityAnnounce)";
  if (code == 406) return "the community is full";
  return "WhatsApp gives this code and no reason";
}

}  // namespace

std::string linked_groups_json(const std::vector<groups::GroupOutcome>& outcomes, bool links) {
  JsonWriter out(32 + outcomes.size() * 96);
  out.begin_object().key("groups").begin_array();
  for (const groups::GroupOutcome& one : outcomes) {
    out.begin_object().text("id", one.group.to_string()).number("status", one.code.value_or(0));
    out.text("result", !one.succeeded() ? "failed" : links ? "linked" : "unlinked");
    if (!one.succeeded()) out.text("reason", not_linked(one.code.value_or(0), links));
    out.end_object();
  }
  return out.end_array().end_object().take();
}

std::string members_json(const std::vector<sessions::MemberOutcome>& members, Dialect dialect) {
  JsonWriter out(64 + members.size() * 128);
  write_outcomes(out.begin_object(), members, dialect);
  return out.end_object().take();
}

std::string join_requests_json(const std::vector<sessions::JoinRequester>& requests, Dialect dialect) {
  JsonWriter out(64 + requests.size() * 128);
  out.begin_array();
  for (const sessions::JoinRequester& one : requests) {
    begin_person(out, one.who, dialect);
    out.text_if("method", one.method);
    write_time(out, "requestedAt", one.time);
    out.end_object();
  }
  return out.end_array().take();
}

}  // namespace wharf::api
