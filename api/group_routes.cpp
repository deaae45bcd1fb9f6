// Handlers of groups. What is read comes from the stored copy; what is changed is asked of WhatsApp, and told to
// everybody by the notification that follows (events group_join, group_leave, group_update).
#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <functional>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "api/chat_id.h"
#include "api/group_json.h"
#include "api/group_request.h"
#include "api/handlers.h"
#include "api/message_page.h"
#include "api/name_fields.h"
#include "api/page_cursor.h"
#include "api/schemas.h"
#include "api/sending.h"
#include "storage/groups.h"

namespace wharf::api {

namespace groups = protocol::groups;
using protocol::Jid;
using sessions::AskGroup;
using sessions::GroupAnswer;

std::optional<Jid> group_of(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return std::nullopt;
  const auto parsed = parse_chat_id(call->param("groupId"));
  if (parsed && parsed->is_group()) return parsed;
  return refuse_id(call, "groupId", group_id_problem(call->param("groupId"))), std::nullopt;
}

void ask_group(const ServicesPtr& services, const CallPtr& call, groups::GroupRequest request,
               std::function<void(const GroupAnswer&)> done) {
  ask_session(services, call, AskGroup{std::move(request)}, std::move(done));
}

bool is_no_community(const ServicesPtr& services, const CallPtr& call, const Jid& group) {
  const auto view = session_of(services, call);
  if (!view) return false;
  const auto row = storage::find_group(services->ports.store.reader(), view->id, group);
  if (!row || !row->member || row->stale) return false;
  const auto known = group_view(*row, {}, [](const Jid&) { return events::PersonIds(); });
  return known && !known->metadata.community;
}

namespace {

/// The people of a list in the body, which is validated; each spelling once.
std::vector<groups::MemberRef> people_of(const CallPtr& call, const char* field) {
  std::vector<groups::MemberRef> out;
  std::set<Jid> seen;
  for (const std::string& text : texts_of(call->body, field)) {
    const Jid jid = *parse_chat_id(text);
    if (seen.insert(jid).second) out.push_back({jid, {}, {}});
  }
  return out;
}

groups::Allowed allowed_of(std::string_view text) {
  return text == "all" ? groups::Allowed::all_members : groups::Allowed::admins;
}

/// Of a validated body.
groups::Ephemeral timer_of(const CallPtr& call) {
  return {static_cast<std::uint32_t>(integer_of(call->body, "disappearing").value_or(0)), std::nullopt};
}

/// As of messages (api/sending.cpp): whichever of their ids the request names its people by, it is the same.
void hash_creation(const ServicesPtr& services, const CallPtr& call, const std::vector<groups::MemberRef>& members,
                   AskGroup& asked) {
  const auto hash = [&](const std::function<Jid(const Jid&)>& naming) {
    boost::json::object said = call->body;
    boost::json::array people;
    for (const groups::MemberRef& one : members) people.emplace_back(naming(one.jid).to_string());
    said["participants"] = std::move(people);
    return request_hash(schemas::create_group, said);
  };
  const auto& supervisor = services->ports.supervisor;
  const auto view = supervisor.find(call->param("sessionId"));
  const auto as_said = hash([](const Jid& who) { return who; });
  asked.request_hash = as_said;
  if (!view) return;
  const auto canonical = [&](const Jid& who) { return supervisor.canonical_chat(view->id, who); };
  asked.request_hash = hash(canonical);
  asked.other_hashes = {
      as_said, hash([&](const Jid& who) { return supervisor.person(view->id, canonical(who)).pn.value_or(who); })};
}

}  // namespace

void create_group(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return;
  groups::CreateGroup create;
  create.subject = text_of(call->body, "name");
  if (!shows_something(call, create.subject)) return;
  create.members = people_of(call, "participants");
  if (const auto text = text_of(call->body, "description"); !text.empty())
    create.description = groups::NewDescription{{}, std::string(text)};
  create.announcement = boolean_of(call->body, "announce", false);
  create.locked = boolean_of(call->body, "locked", false);
  if (call->body.if_contains("joinApproval")) create.join_approval = boolean_of(call->body, "joinApproval", false);
  if (const auto who = text_of(call->body, "memberAddMode"); !who.empty()) create.member_add = allowed_of(who);
  if (const auto who = text_of(call->body, "memberLinkMode"); !who.empty()) create.member_link = allowed_of(who);
  if (call->body.if_contains("disappearing")) create.ephemeral = timer_of(call);
  const bool makes_one = boolean_of(call->body, "isCommunity", false);
  if (makes_one) create.kind = groups::NewCommunity{};
  if (const auto id = text_of(call->body, "communityId"); !id.empty()) {
    const Jid community = *parse_chat_id(id);  // validated
    if (makes_one)
      return refuse_field(call, "communityId", "must not be there with isCommunity: a community is in none");
    if (is_no_community(services, call, community)) return refuse_field(call, "communityId", no_community);
    create.kind = groups::WithinCommunity{community};
  }
  AskGroup asked;
  if (!read_idempotency_key(call, asked.idempotency_key)) return;
  if (asked.idempotency_key) {
    hash_creation(services, call, create.members, asked);
  }
  asked.request = std::move(create);
  ask_session(services, call, std::move(asked), [call](const GroupAnswer& answer) {
    call->success(created_group_json(answer, call->dialect), Beside{201, {}, {}});
  });
}

namespace {

constexpr char cursor_letter = 'g';

groups::OwnAccount own_of(const sessions::SessionView& view) {
  return {view.jid.user_jid(), view.lid.empty() ? Jid() : view.lid.user_jid()};
}

}  // namespace

void list_groups(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  std::int64_t after = 0;
  if (const auto cursor = call->query.text("cursor"); !cursor.empty()) {
    const auto place = parse_row_cursor(cursor_letter, cursor);
    if (!place) return call->failure(bad_cursor());
    after = *place;
  }
  read_on_worker(services, call,
                 [session = view->id, own = own_of(*view), after, limit = page_limit(call),
                  now = services->ports.scheduler.unix_ms(), dialect = call->dialect](storage::Database& db) {
                   const storage::GroupPage page = storage::page_groups(db, session, limit, after);
                   People people(db, session, now);
                   JsonWriter out(page.groups.size() * 2048 + 16);
                   out.begin_array();
                   for (const storage::GroupRow& row : page.groups) {
                     if (const auto group = group_view(row, own, [&](const Jid& who) { return people.of(who); }))
                       write_group(out, *group, dialect);
                   }
                   out.end_array();
                   return render_success(
                       out.view(),
                       Beside{200, {}, page.next ? cursor_json(row_cursor(cursor_letter, *page.next)) : "null"});
                 });
}

void get_group(const ServicesPtr& services, const CallPtr& call) {
  const auto group = group_of(services, call);
  if (!group) return;
  if (call->query.boolean("refresh")) {
    return ask_group(services, call, groups::QueryGroup{*group, {}}, [call](const GroupAnswer& answer) {
      if (!answer.group) return call->failure(Failure(ErrorCode::group_not_found, "WhatsApp says nothing of it"));
      call->success(group_json(*answer.group, call->dialect));
    });
  }
  const auto view = session_of(services, call);
  if (!view) return;
  read_on_worker(
      services, call,
      [session = view->id, own = own_of(*view), group = *group, now = services->ports.scheduler.unix_ms(),
       dialect = call->dialect](storage::Database& db) {
        const auto row = storage::find_group(db, session, group);
        People people(db, session, now);
        const auto known = row ? group_view(*row, own, [&](const Jid& who) { return people.of(who); }) : std::nullopt;
        if (known) return render_success(group_json(*known, dialect), {});
        return render_failure(
            Failure(ErrorCode::group_not_found, "this group is not known here; ?refresh=true asks WhatsApp"), dialect);
      });
}

// --- members

namespace {

void change_members(const ServicesPtr& services, const CallPtr& call, groups::MemberAction action) {
  const auto group = group_of(services, call);
  if (!group) return;
  ask_group(services, call, groups::ChangeMembers{*group, action, people_of(call, "participants"), false},
            [call](const GroupAnswer& answer) { call->success(members_json(answer.members, call->dialect)); });
}

}  // namespace

void add_participants(const ServicesPtr& services, const CallPtr& call) {
  change_members(services, call, groups::MemberAction::add);
}
void remove_participants(const ServicesPtr& services, const CallPtr& call) {
  change_members(services, call, groups::MemberAction::remove);
}
void promote_participants(const ServicesPtr& services, const CallPtr& call) {
  change_members(services, call, groups::MemberAction::promote);
}
void demote_participants(const ServicesPtr& services, const CallPtr& call) {
  change_members(services, call, groups::MemberAction::demote);
}

// --- settings

namespace {

struct Setting {
  const char* field;
  groups::GroupRequest request;
};

/// What the body sets, in the order of the schema. nullopt: answered.
std::optional<std::vector<Setting>> settings_of(const CallPtr& call, const Jid& group) {
  std::vector<Setting> out;
  const auto& body = call->body;
  if (const auto name = text_of(body, "name"); !name.empty()) {
    if (!shows_something(call, name)) return std::nullopt;
    out.push_back({"name", groups::SetSubject{group, std::string(name)}});
  }
  if (const auto* given = body.if_contains("description")) {
    groups::SetDescription description{group, std::nullopt, {}, {}};
    if (const auto text = text_of(body, "description"); !given->is_null() && !text.empty()) description.text = text;
    out.push_back({"description", std::move(description)});
  }
  for (const auto& [field, flag] :
       {std::pair{"announce", groups::Flag::announcement}, std::pair{"locked", groups::Flag::locked}}) {
    if (body.if_contains(field)) out.push_back({field, groups::SetFlag{group, flag, boolean_of(body, field, false)}});
  }
  if (body.if_contains("joinApproval"))
    out.push_back({"joinApproval", groups::SetJoinApproval{group, boolean_of(body, "joinApproval", false)}});
  for (const auto& [field, mode] :
       {std::pair{"memberAddMode", groups::Mode::member_add}, std::pair{"memberLinkMode", groups::Mode::member_link}}) {
    if (const auto who = text_of(body, field); !who.empty())
      out.push_back({field, groups::SetMode{group, mode, allowed_of(who)}});
  }
  if (body.if_contains("disappearing")) out.push_back({"disappearing", groups::SetEphemeral{group, timer_of(call)}});
  if (out.empty()) return refuse_field(call, "body", "must set something"), std::nullopt;
  return out;
}

/// One after the other; the first that is refused ends it, and the answer says what was done before.
void apply_settings(const ServicesPtr& services, const CallPtr& call, std::shared_ptr<std::vector<Setting>> settings,
                    std::size_t next) {
  if (next == settings->size()) {
    JsonWriter out(128);
    out.begin_object().text("id", call->param("groupId")).key("updated").begin_array();
    for (const Setting& done : *settings) out.text(done.field);
    return call->success(out.end_array().end_object().take());
  }
  ask(services, call, AskGroup{(*settings)[next].request},
      [services, call, settings, next](const sessions::Outcome<GroupAnswer>& answer) {
        if (answer) return apply_settings(services, call, settings, next + 1);
        Failure failure = failure_of(call, answer.error());
        const char* field = (*settings)[next].field;
        // What has nothing to do with the value (no connection, too much at once) is no fault of the field.
        if (failure.code == ErrorCode::validation || failure.code == ErrorCode::forbidden)
          failure.details.emplace_back(field, failure.message);
        std::string done;
        for (std::size_t i = 0; i < next; ++i) done += (i == 0 ? "" : ", ") + std::string((*settings)[i].field);
        failure.message =
            fmt::format("{}: {}{}", field, failure.message, done.empty() ? std::string() : "; done before it: " + done);
        call->failure(std::move(failure));
      });
}

}  // namespace

void update_group(const ServicesPtr& services, const CallPtr& call) {
  const auto group = group_of(services, call);
  if (!group) return;
  auto settings = settings_of(call, *group);
  if (settings) apply_settings(services, call, std::make_shared<std::vector<Setting>>(std::move(*settings)), 0);
}

// --- leaving

namespace {

/// What WhatsApp said of the one group that was to be left. Absent: nothing.
Failure not_left(std::optional<unsigned> code) {
  if (code == 404 || code == 410)
    return Failure(ErrorCode::group_not_found, fmt::format("WhatsApp knows no such group ({})", *code));
  if (code == 401 || code == 403 || code == 406)
    return Failure(ErrorCode::forbidden, fmt::format("the account is not a member of this group ({})", *code));
  return Failure(ErrorCode::refused, code ? fmt::format("WhatsApp did not let the account leave the group ({})", *code)
                                          : "WhatsApp says nothing of this group");
}

}  // namespace

void leave_group(const ServicesPtr& services, const CallPtr& call) {
  const auto group = group_of(services, call);
  if (!group) return;
  ask_group(services, call, groups::LeaveGroups{{*group}}, [call, group = *group](const GroupAnswer& answer) {
    const auto code = answer.outcomes.empty() ? std::nullopt : answer.outcomes.front().code;
    if (code != groups::code_success) return call->failure(not_left(code));
    JsonWriter out(64);
    call->success(out.begin_object().text("id", group.to_string()).boolean("left", true).end_object().take());
  });
}

// --- requests to join

void list_join_requests(const ServicesPtr& services, const CallPtr& call) {
  if (const auto group = group_of(services, call))
    ask_group(services, call, groups::ListJoinRequests{*group},
              [call](const GroupAnswer& answer) { call->success(join_requests_json(answer.requests, call->dialect)); });
}

void decide_join_requests(const ServicesPtr& services, const CallPtr& call) {
  const auto group = group_of(services, call);
  if (!group) return;
  groups::DecideJoinRequests decide{*group, {}, {}};
  for (const auto& [field, list] : {std::pair{"approve", &decide.approve}, std::pair{"reject", &decide.reject}}) {
    for (const groups::MemberRef& one : people_of(call, field)) list->push_back(one.jid);
  }
  const auto& supervisor = services->ports.supervisor;
  const auto view = supervisor.find(call->param("sessionId"));
  const auto person = [&](const Jid& who) { return view ? supervisor.canonical_chat(view->id, who) : who; };
  std::set<Jid> approved;
  for (const Jid& one : decide.approve) approved.insert(person(one));
  for (const Jid& one : decide.reject) {
    if (approved.contains(person(one))) return refuse_field(call, "reject", "names somebody who is to be approved too");
  }
  if (decide.approve.empty() && decide.reject.empty())
    return refuse_field(call, "approve", "must name somebody, or reject must");
  ask_group(services, call, std::move(decide),
            [call](const GroupAnswer& answer) { call->success(members_json(answer.members, call->dialect)); });
}

}  // namespace wharf::api
