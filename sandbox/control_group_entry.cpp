// Control API: ways into a group and into communities.

#include <boost/json.hpp>
#include <utility>

#include "protocol/groups/invite.h"
#include "sandbox/control_groups.h"

namespace wharf::sandbox {

namespace json = boost::json;
namespace groups = protocol::groups;

// --- the link

namespace {

void answer_code(ControlCall& waiting, const Node& answer) {
  const auto code = groups::read_invite(answer);
  if (!code) return fail(waiting, code.error());
  waiting.succeed(json::object{{"code", *code}, {"link", groups::invite_link(*code)}});
}

void answer_joined(ControlCall& waiting, const Node& answer, const std::optional<Jid>& group) {
  const auto joined = groups::read_joined(answer, group);
  if (!joined) return fail(waiting, joined.error());
  waiting.succeed(json::object{{"group", joined->group.to_string()}, {"state", groups::name(joined->state)}});
}

}  // namespace

void show_group_link(ControlCall& call) {
  const auto target = group_call(call);
  if (target) ask_network(call, target->phone, groups::GetInvite{target->group}, answer_code);
}

void reset_group_link(ControlCall& call) {
  const auto target = group_call(call);
  if (target) ask_network(call, target->phone, groups::ResetInvite{target->group}, answer_code);
}

void join_group(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const auto* invite = call.body.if_contains("invite");
  if (invite == nullptr || !invite->is_object()) {
    const auto code = groups::invite_code(web::text_of(call.body, "link"));
    if (!code)
      return call.invalid({{"link", "is required (or \"invite\"), and must be the link of a group or its code"}});
    return ask_network(call, *phone, groups::JoinByInvite{*code},
                       [](ControlCall& waiting, const Node& answer) { answer_joined(waiting, answer, std::nullopt); });
  }
  const auto& shown = invite->get_object();
  const auto group = Jid::parse(web::text_of(shown, "group"));
  if (!group || !group->is_group()) return call.invalid({{"invite.group", "must be the id of a group"}});
  const groups::Invitation invitation{std::string(web::text_of(shown, "code")),
                                      static_cast<std::uint32_t>(web::integer_of(shown, "expiresAt").value_or(0)),
                                      member_named(call, web::text_of(shown, "from")).jid};
  ask_network(call, *phone, groups::AcceptInvitation{*group, invitation},
              [group = *group](ControlCall& waiting, const Node& answer) { answer_joined(waiting, answer, group); });
}

// --- requests

void list_group_requests(ControlCall& call) {
  const auto target = group_call(call);
  if (!target) return;
  ask_network(call, target->phone, groups::ListJoinRequests{target->group},
              [](ControlCall& waiting, const Node& answer) {
                const auto requests = groups::read_join_requests(answer);
                if (!requests) return fail(waiting, requests.error());
                json::array rows;
                for (const auto& request : *requests) {
                  json::object row{{"phone", person_json(waiting, request.who)["phone"]},
                                   {"method", request.method},
                                   {"at", request.time.value_or(0)}};
                  if (request.requestor) row["by"] = person_json(waiting, groups::person(*request.requestor))["phone"];
                  rows.push_back(std::move(row));
                }
                waiting.succeed(std::move(rows));
              });
}

void decide_group_requests(ControlCall& call) {
  const auto target = group_call(call);
  if (!target) return;
  groups::DecideJoinRequests asked{target->group, {}, {}};
  for (const auto& who : members_named(call, "approve")) asked.approve.push_back(who.jid);
  for (const auto& who : members_named(call, "reject")) asked.reject.push_back(who.jid);
  if (asked.approve.empty() && asked.reject.empty()) return call.invalid({{"approve", "is required, or \"reject\""}});
  ask_network(call, target->phone, asked, [asked](ControlCall& waiting, const Node& answer) {
    const auto decided = groups::read_decided(asked, answer);
    if (!decided) return fail(waiting, decided.error());
    waiting.succeed(json::object{{"approved", outcomes_json(waiting, decided->approved.asked)},
                                 {"rejected", outcomes_json(waiting, decided->rejected.asked)}});
  });
}

void withdraw_group_request(ControlCall& call) {
  const auto target = group_call(call);
  if (!target) return;
  const Account& own = *call.network.find_account(std::string_view(target->phone.account()));
  const groups::CancelJoinRequests asked{target->group, {own.jid()}};
  ask_network(call, target->phone, asked, [asked](ControlCall& waiting, const Node& answer) {
    const auto cancelled = groups::read_cancelled(asked, answer);
    if (!cancelled) return fail(waiting, cancelled.error());
    waiting.succeed(outcomes_json(waiting, cancelled->asked));
  });
}

// --- communities

namespace {

std::vector<Jid> groups_named(const ControlCall& call) {
  std::vector<Jid> named;
  for (const std::string& text : web::texts_of(call.body, "groups")) {
    if (const auto jid = Jid::parse(text); jid && jid->is_group()) named.push_back(*jid);
  }
  return named;
}

json::array rows_of(const groups::GroupOutcomes& outcomes) {
  json::array rows;
  for (const auto& outcome : outcomes.asked)
    rows.push_back(json::object{{"group", outcome.group.to_string()}, {"code", outcome.code.value_or(0)}});
  return rows;
}

}  // namespace

void list_sub_groups(ControlCall& call) {
  const auto target = group_call(call);
  if (!target) return;
  ask_network(call, target->phone, groups::ListSubGroups{target->group}, [](ControlCall& waiting, const Node& answer) {
    const auto listed = groups::read_sub_groups(answer);
    if (!listed) return fail(waiting, listed.error());
    json::array rows;
    for (const auto& group : *listed) {
      rows.push_back(json::object{{"id", group.group.to_string()},
                                  {"subject", group.subject},
                                  {"size", group.size},
                                  {"announcementGroup", group.default_sub_group}});
    }
    waiting.succeed(std::move(rows));
  });
}

void link_sub_groups(ControlCall& call) {
  const auto target = group_call(call);
  if (!target) return;
  groups::LinkGroups asked{target->group, {}};
  for (const Jid& jid : groups_named(call)) asked.groups.push_back({jid, false});
  if (asked.groups.empty()) return call.invalid({{"groups", "must be ids of groups"}});
  ask_network(call, target->phone, asked, [asked](ControlCall& waiting, const Node& answer) {
    const auto linked = groups::read_linked(asked, answer);
    if (!linked) return fail(waiting, linked.error());
    waiting.succeed(rows_of(*linked));
  });
}

void unlink_sub_groups(ControlCall& call) {
  const auto target = group_call(call);
  if (!target) return;
  const groups::UnlinkGroups asked{target->group, groups_named(call),
                                   web::boolean_of(call.body, "removeOrphans", false)};
  if (asked.groups.empty()) return call.invalid({{"groups", "must be ids of groups"}});
  ask_network(call, target->phone, asked, [asked](ControlCall& waiting, const Node& answer) {
    const auto unlinked = groups::read_unlinked(asked, answer);
    if (!unlinked) return fail(waiting, unlinked.error());
    waiting.succeed(rows_of(*unlinked));
  });
}

}  // namespace wharf::sandbox
