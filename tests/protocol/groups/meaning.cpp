#include "tests/protocol/groups/meaning.h"

#include "protocol/groups/invite.h"

namespace wharf::test {

using namespace protocol::groups;
using boost::json::array;
using boost::json::object;
using boost::json::value;
using protocol::Jid;

namespace {

value number_or_null(const std::optional<std::uint64_t>& number) { return number ? value(*number) : value(nullptr); }
value text_or_null(const std::string& text) { return text.empty() ? value(nullptr) : value(text); }
value text_or_null(const std::optional<std::string>& text) { return text ? value(*text) : value(nullptr); }
value string(std::string_view text) { return value(boost::json::string_view(text.data(), text.size())); }

value mode(Mode which, const std::optional<Allowed>& who) { return who ? string(text(which, *who)) : value(nullptr); }

object member(const Participant& who) {
  return {{"jid", who.jid.to_string()},
          {"pn", test::text_or_null(who.pn)},
          {"lid", test::text_or_null(who.lid)},
          {"role", string(name(who.role))}};
}

array members(const std::vector<Participant>& people) {
  array out;
  for (const Participant& who : people) out.push_back(member(who));
  return out;
}

value description(const Description& description) {
  if (!description.text) return nullptr;
  return object{{"id", description.id},
                {"text", *description.text},
                {"author", test::text_or_null(description.author)},
                {"time", number_or_null(description.time)}};
}

struct Fields {
  object& out;
  void operator()(const GroupJoined& joined) {
    out["how"] = joined.how;
    if (!joined.group) return;
    out["subject"] = joined.group->subject;
    out["participants"] = members(joined.group->participants);
  }
  void operator()(const GroupLeft& left) {
    out["how"] = string(name(left.how));
    if (left.how == Leaving::group_deleted) out["reason"] = text_or_null(left.reason);
  }
  void operator()(const MembersChanged& changed) {
    out["action"] = string(name(changed.action));
    const bool reasoned = changed.action == MemberEvent::join || changed.action == MemberEvent::remove ||
                          changed.action == MemberEvent::leave;
    if (reasoned) out["reason"] = text_or_null(changed.reason);
    out["participants"] = members(changed.participants);
  }
  void operator()(const GroupUpdated& updated) {
    struct Value {
      value operator()(std::monostate) const { return nullptr; }
      value operator()(bool on) const { return on; }
      value operator()(std::uint64_t number) const { return number; }
      value operator()(const std::string& text) const { return value(text); }
      value operator()(const std::vector<Jid>& jids) const {
        array list;
        for (const Jid& jid : jids) list.push_back(value(jid.to_string()));
        return list;
      }
    };
    out["field"] = updated.field;
    out["value"] = std::visit(Value{}, updated.value);
    if (updated.description_id) out["descriptionId"] = *updated.description_id;
    if (updated.until) out["until"] = *updated.until;
  }
  void operator()(const JoinRequestsChanged& changed) {
    out["action"] = string(name(changed.action));
    if (changed.action == RequestEvent::created) out["method"] = text_or_null(changed.method);
    array users;
    for (const Participant& who : changed.users) {
      users.push_back(object{{"jid", who.jid.to_string()}, {"pn", test::text_or_null(who.pn)}});
    }
    out["users"] = std::move(users);
  }
  void operator()(const CommunityChanged& changed) {
    out["type"] = changed.type;
    out["reason"] = text_or_null(changed.reason);
    array groups;
    for (const LinkedGroup& linked : changed.groups) {
      groups.push_back(object{{"jid", linked.group.to_string()}, {"subject", linked.subject}});
    }
    out["groups"] = std::move(groups);
  }
  void operator()(const UnknownGroupChange& unknown) { out["tag"] = unknown.tag; }
};

}  // namespace

value text_or_null(const std::optional<Jid>& jid) { return jid ? value(jid->to_string()) : value(nullptr); }

value meaning(const GroupMetadata& group) {
  object out = {
      {"jid", group.group.to_string()},
      {"addressingMode", string(name(group.addressing_mode))},
      {"subject", group.subject},
      {"subjectTime", number_or_null(group.subject_time)},
      {"subjectOwner", text_or_null(group.subject_owner)},
      {"creation", number_or_null(group.creation)},
      {"creator", text_or_null(group.creator)},
      {"size", group.size},
      {"memberListVersion", text_or_null(group.member_list_version)},
      {"description", description(group.description)},
      {"locked", group.locked},
      {"announce", group.announcement},
      {"ephemeralSeconds", group.ephemeral.seconds},
      {"joinApproval", group.join_approval},
      {"memberAddMode", mode(Mode::member_add, group.member_add)},
      {"memberLinkMode", mode(Mode::member_link, group.member_link)},
      {"historyShareMode", mode(Mode::history_share, group.history_share)},
      {"isCommunity", group.community.has_value()},
      {"communityApproval", group.community ? value(group.community->approval_required) : value(nullptr)},
      {"linkedParent", text_or_null(group.linked_parent)},
      {"isAnnouncementSubGroup", group.default_sub_group},
      {"growthLockedUntil", group.growth_lock ? number_or_null(group.growth_lock->until) : value(nullptr)},
  };
  array people;
  for (const Participant& who : group.members) {
    object row = member(who);
    if (!who.display_name.empty()) row["displayName"] = who.display_name;
    people.push_back(std::move(row));
  }
  out["members"] = std::move(people);
  if (group.not_added.empty()) return out;
  array refused;
  for (const MemberRow& row : group.not_added) refused.push_back(meaning(outcome_of(MemberOperation::add, row)));
  out["notAdded"] = std::move(refused);
  return out;
}

value meaning(const MemberOutcome& outcome) {
  object out = {{"jid", outcome.who.jid.to_string()}, {"result", string(name(outcome.result))}};
  if (outcome.who.pn && outcome.who.pn != outcome.who.jid) out["pn"] = outcome.who.pn->to_string();
  if (!outcome.succeeded()) out["code"] = outcome.code;
  if (outcome.invite) {
    out["inviteCode"] = outcome.invite->code;
    out["inviteExpiration"] = outcome.invite->expires_at;
  }
  return out;
}

value meaning(const MemberOutcomes& outcomes) {
  array out = meanings(outcomes.asked).as_array();
  for (const MemberOutcome& outcome : outcomes.unasked) out.push_back(meaning(outcome));
  return out;
}

value meaning(const GroupOutcomes& outcomes, std::string_view done) {
  array out;
  for (const auto* list : {&outcomes.asked, &outcomes.unasked}) {
    for (const GroupOutcome& outcome : *list) {
      object row = {{"group", outcome.group.to_string()}};
      if (outcome.succeeded()) row[boost::json::string_view(done.data(), done.size())] = true;
      else row["error"] = outcome.code ? value(*outcome.code) : value("unknown");
      out.push_back(std::move(row));
    }
  }
  return out;
}

value meaning(const GroupFailure& failure) {
  return object{{"error", string(name(failure.failure))}, {"code", failure.code}};
}

value meaning(const Joined& joined) {
  return object{{"groupJid", joined.group.to_string()}, {"state", string(name(joined.state))}};
}

value meaning(const JoinRequest& request) {
  return object{{"jid", request.who.jid.to_string()},
                {"time", number_or_null(request.time)},
                {"method", text_or_null(request.method)},
                {"requestor", text_or_null(request.requestor)},
                {"requestorPn", text_or_null(request.requestor_pn)}};
}

value meaning(const GroupEvent& event) {
  object out = {{"event", string(name(event.what))},
                {"group", event.group.to_string()},
                {"by", object{{"jid", text_or_null(event.by.jid)}, {"pn", text_or_null(event.by.pn)}}},
                {"timestamp", number_or_null(event.timestamp)}};
  std::visit(Fields{out}, event.what);
  return out;
}

}  // namespace wharf::test
