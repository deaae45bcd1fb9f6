// Control API: groups of a phone, what they are and who is in them.

#include "sandbox/control_groups.h"

#include <boost/json.hpp>
#include <memory>
#include <utility>

#include "sandbox/phone/groups/groups.h"
#include "web/envelope.h"

namespace wharf::sandbox {

namespace json = boost::json;
namespace groups = protocol::groups;
using protocol::Result;

// --- shared

std::optional<GroupCall> group_call(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return std::nullopt;
  const std::string& given = call.param("group");
  const auto jid = Jid::parse(given.find('@') == std::string::npos ? given + "@g.us" : given);
  if (jid && jid->is_group() && !jid->user.empty() && jid->user.find_first_not_of("0123456789-") == std::string::npos)
    return GroupCall{*phone, *jid};
  call.fail(404, "NOT_FOUND", "there is no group \"" + web::echo(given) + "\"");
  return std::nullopt;
}

groups::MemberRef member_named(ControlCall& call, std::string_view phone_or_jid) {
  if (phone_or_jid.find('@') != std::string_view::npos) {
    const auto jid = Jid::parse(phone_or_jid);
    if (jid) return {jid->user_jid(), std::nullopt, {}};
  }
  const std::string digits = normalise_phone(phone_or_jid.substr(0, phone_or_jid.find('@'))).value();
  const Jid number(digits, protocol::server::user);
  const Account* account = call.network.find_number(digits);
  if (account == nullptr || !account->has_lid()) return {number, std::nullopt, {}};
  return {account->lid_jid(), number, {}};
}

std::vector<groups::MemberRef> members_named(ControlCall& call, std::string_view list) {
  std::vector<groups::MemberRef> members;
  for (const std::string& who : web::texts_of(call.body, list)) members.push_back(member_named(call, who));
  return members;
}

json::object person_json(ControlCall& call, const groups::Participant& who) {
  const Account* account = call.network.find_account(who.jid);
  json::object out;
  out["phone"] = account != nullptr ? json::value(account->number) : json::value(who.jid.user);
  out["lid"] = who.lid ? json::value(who.lid->to_string()) : json::value(nullptr);
  out["role"] = groups::name(who.role);
  return out;
}

json::object group_json(ControlCall& call, const groups::GroupMetadata& group) {
  json::array participants;
  for (const auto& member : group.members) participants.push_back(person_json(call, member));
  const auto all_members = [](const std::optional<groups::Allowed>& who) {
    return who == groups::Allowed::all_members;
  };
  json::object out{{"id", group.group.to_string()},
                   {"subject", group.subject},
                   {"description", group.description.text ? json::value(*group.description.text) : nullptr},
                   {"addressing", groups::name(group.addressing_mode)},
                   {"size", group.size},
                   {"announcement", group.announcement},
                   {"locked", group.locked},
                   {"approval", group.join_approval},
                   {"membersAdd", all_members(group.member_add)},
                   {"membersLink", all_members(group.member_link)},
                   {"disappearing", group.ephemeral.seconds},
                   {"community", group.community.has_value()},
                   {"parent", group.linked_parent ? json::value(group.linked_parent->to_string()) : nullptr},
                   {"announcementGroup", group.default_sub_group},
                   {"participants", std::move(participants)}};
  if (group.creator) out["creator"] = person_json(call, groups::person(*group.creator))["phone"];
  return out;
}

json::array outcomes_json(ControlCall& call, std::span<const groups::MemberOutcome> outcomes) {
  json::array rows;
  for (const auto& outcome : outcomes) {
    json::object row{{"phone", person_json(call, outcome.who)["phone"]},
                     {"result", groups::name(outcome.result)},
                     {"code", outcome.code}};
    if (outcome.invite)
      row["invite"] = json::object{{"code", outcome.invite->code}, {"expiresAt", outcome.invite->expires_at}};
    rows.push_back(std::move(row));
  }
  return rows;
}

void fail(ControlCall& call, const groups::GroupFailure& failure) {
  const std::string why = "the network refused it: " + std::string(groups::name(failure.failure)) + " (" +
                          std::to_string(failure.code) + ")";
  if (failure.code == 404) return call.fail(404, "NOT_FOUND", why);
  if (failure.code == 409) return call.fail(409, "CONFLICT", why);
  call.fail(422, "REFUSED", why);
}

void ask_network(ControlCall& call, Phone& phone, const groups::GroupRequest& request, GroupAnswered then) {
  auto waiting = std::make_shared<ControlCall>(call);  // lives until the network has answered
  phone.ask(request, [waiting, then = std::move(then)](const Result<Node>& answer) {
    if (!answer) return waiting->fail(answer.error());
    then(*waiting, *answer);
  });
}

void ask_and_succeed(ControlCall& call, Phone& phone, const groups::GroupRequest& request, groups::Operation operation,
                     json::object result) {
  ask_network(call, phone, request, [operation, result = std::move(result)](ControlCall& waiting, const Node& answer) {
    const auto done = groups::read_done(operation, answer);
    if (!done) return fail(waiting, done.error());
    waiting.succeed(result);
  });
}

// --- a new group, and looking

void create_group(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  groups::CreateGroup asked;
  asked.subject = web::text_of(call.body, "subject");
  asked.key = protocol::to_hex(call.network.random().bytes<8>());
  asked.members = members_named(call, "participants");
  if (const auto text = web::text_of(call.body, "description"); !text.empty())
    asked.description = groups::NewDescription{protocol::to_hex(call.network.random().bytes<8>()), std::string(text)};
  asked.announcement = web::boolean_of(call.body, "announcement", false);
  asked.locked = web::boolean_of(call.body, "locked", false);
  if (const auto seconds = web::integer_of(call.body, "disappearing"))
    asked.ephemeral = groups::Ephemeral{static_cast<std::uint32_t>(*seconds), {}};
  if (web::boolean_of(call.body, "approval", false)) asked.join_approval = true;
  if (web::boolean_of(call.body, "membersAdd", false)) asked.member_add = groups::Allowed::all_members;
  if (web::boolean_of(call.body, "membersLink", false)) asked.member_link = groups::Allowed::all_members;
  if (web::boolean_of(call.body, "community", false)) asked.kind = groups::NewCommunity{};
  if (const auto parent = Jid::parse(web::text_of(call.body, "parent"))) asked.kind = groups::WithinCommunity{*parent};
  ask_network(call, *phone, asked, [asked](ControlCall& waiting, const Node& answer) {
    const auto created = groups::read_created(asked, answer);
    if (!created) return fail(waiting, created.error());
    json::object out = group_json(waiting, created->group);
    std::vector<groups::MemberOutcome> refused;
    for (const auto& outcome : created->members.asked) {
      if (!outcome.succeeded()) refused.push_back(outcome);
    }
    out["notAdded"] = outcomes_json(waiting, refused);
    waiting.succeed(std::move(out), 201);
  });
}

void list_groups(ControlCall& call) {
  const Phone* phone = call.phone();
  if (phone == nullptr) return;
  json::array all;
  for (const auto& [name, group] : phone->groups()) all.push_back(group_json(call, group->data));
  call.succeed(std::move(all));
}

void show_group(ControlCall& call) {
  const auto target = group_call(call);
  if (!target) return;
  const groups::QueryGroup asked{target->group, {}};
  ask_network(call, target->phone, asked, [asked](ControlCall& waiting, const Node& answer) {
    const auto queried = groups::read_queried(asked, answer);
    if (!queried) return fail(waiting, queried.error());
    waiting.succeed(group_json(waiting, **queried));
  });
}

// --- members

void change_group_members(ControlCall& call) {
  const auto target = group_call(call);
  if (!target) return;
  groups::ChangeMembers asked{target->group, groups::MemberAction::add, members_named(call, "participants"), false};
  for (const auto action :
       {groups::MemberAction::remove, groups::MemberAction::promote, groups::MemberAction::demote}) {
    if (groups::tag(action) == web::text_of(call.body, "action")) asked.action = action;
  }
  ask_network(call, target->phone, asked, [asked](ControlCall& waiting, const Node& answer) {
    const auto changed = groups::read_changed(asked, answer);
    if (!changed) return fail(waiting, changed.error());
    waiting.succeed(outcomes_json(waiting, changed->asked));
  });
}

void leave_group(ControlCall& call) {
  const auto target = group_call(call);
  if (!target) return;
  const groups::LeaveGroups asked{{target->group}};
  ask_network(call, target->phone, asked, [asked](ControlCall& waiting, const Node& answer) {
    const auto left = groups::read_left(asked, answer);
    if (!left) return fail(waiting, left.error());
    const auto code = left->asked.at(0).code.value_or(0);
    if (code != groups::code_success)
      return fail(waiting, {groups::failure_of(groups::Operation::leave, code), code, {}, 0});
    waiting.succeed(json::object{{"left", asked.groups.at(0).to_string()}});
  });
}

// --- what it is called and how it is set

void set_group_subject(ControlCall& call) {
  const auto target = group_call(call);
  if (!target) return;
  const std::string subject(web::text_of(call.body, "subject"));
  ask_and_succeed(call, target->phone, groups::SetSubject{target->group, subject}, groups::Operation::change,
                  {{"subject", subject}});
}

void set_group_description(ControlCall& call) {
  const auto target = group_call(call);
  if (!target) return;
  groups::SetDescription asked{target->group, std::nullopt, protocol::to_hex(call.network.random().bytes<8>()), {}};
  if (const auto text = web::text_of(call.body, "description"); !text.empty()) asked.text = std::string(text);
  if (const auto* known = target->phone.group(target->group.to_string())) asked.prev = known->data.description.id;
  json::object result{{"description", asked.text ? json::value(*asked.text) : nullptr}};
  ask_and_succeed(call, target->phone, asked, groups::Operation::description, std::move(result));
}

namespace {

/// One request for each setting that the body names.
std::vector<groups::GroupRequest> settings_of(const json::object& body, const Jid& group) {
  std::vector<groups::GroupRequest> asked;
  const auto flag = [&](std::string_view name, groups::Flag which, bool when_true) {
    if (body.contains(name))
      asked.push_back(groups::SetFlag{group, which, web::boolean_of(body, name, false) == when_true});
  };
  const auto mode = [&](std::string_view name, groups::Mode which) {
    if (!body.contains(name)) return;
    const bool all = web::boolean_of(body, name, false);
    asked.push_back(groups::SetMode{group, which, all ? groups::Allowed::all_members : groups::Allowed::admins});
  };
  flag("announcement", groups::Flag::announcement, true);
  flag("locked", groups::Flag::locked, true);
  flag("frequentlyForwarded", groups::Flag::frequently_forwarded, true);
  flag("membersCreateGroups", groups::Flag::non_admin_sub_groups, true);
  mode("membersAdd", groups::Mode::member_add);
  mode("membersLink", groups::Mode::member_link);
  if (body.contains("approval"))
    asked.push_back(groups::SetJoinApproval{group, web::boolean_of(body, "approval", false)});
  if (const auto seconds = web::integer_of(body, "disappearing"))
    asked.push_back(groups::SetEphemeral{group, {static_cast<std::uint32_t>(*seconds), {}}});
  return asked;
}

}  // namespace

void set_group_settings(ControlCall& call) {
  const auto target = group_call(call);
  if (!target) return;
  const auto asked = settings_of(call.body, target->group);
  if (asked.empty()) return call.invalid({{"body", "must name a setting"}});
  struct Progress {
    std::size_t open;
    bool failed = false;
  };
  auto progress = std::make_shared<Progress>(Progress{asked.size()});
  for (const auto& one : asked) {
    ask_network(call, target->phone, one, [progress](ControlCall& waiting, const Node& answer) {
      const auto done = groups::read_done(groups::Operation::change, answer);
      --progress->open;
      if (!done && !std::exchange(progress->failed, true)) return fail(waiting, done.error());
      if (progress->open == 0 && !progress->failed) waiting.succeed(waiting.body);
    });
  }
}

void set_group_picture(ControlCall& call) {
  const auto target = group_call(call);
  if (!target) return;
  const auto picture = call.picture();
  if (!picture) return;
  if (picture->empty()) {
    return ask_and_succeed(call, target->phone, groups::RemovePicture{target->group}, groups::Operation::picture,
                           {{"id", nullptr}});
  }
  ask_network(call, target->phone, groups::SetPicture{target->group, *picture},
              [](ControlCall& waiting, const Node& answer) {
                const auto id = groups::read_picture_set(answer);
                if (!id) return fail(waiting, id.error());
                waiting.succeed(json::object{{"id", *id}});
              });
}

}  // namespace wharf::sandbox
