#include "sandbox/control_api.h"

#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "net/web_guard.h"
#include "sandbox/control_actions.h"
#include "sandbox/control_call.h"
#include "sandbox/control_schemas.h"
#include "web/envelope.h"
#include "web/json_body.h"
#include "web/route_table.h"

namespace wharf::sandbox {

namespace {

constexpr std::string_view prefix = "/sandbox/v1";

enum class Body { none, json, text };
enum class Steps { yes, no };  // of scenarios: not what takes or answers no JSON, nor scenarios themselves

struct Route {
  std::string_view method;
  std::string_view pattern;  // below the prefix
  Body body;
  ControlHandler handler;
  const web::Schema* fields = nullptr;  // of a JSON body; nullptr: the handler looks at it
  const web::Schema* query = nullptr;
  Steps steps = Steps::yes;
  ControlCheck check = nullptr;  // of a body without `fields`, for scenarios: the handler asks it too
};

constexpr Route routes[] = {
    {"GET", "/network", Body::none, show_network},
    {"GET", "/phones", Body::none, list_phones},
    {"POST", "/phones", Body::json, create_phone, &schemas::create_phone},
    {"GET", "/phones/{phone}", Body::none, show_phone},
    {"POST", "/phones/{phone}/scan", Body::json, scan, &schemas::scan},
    {"POST", "/phones/{phone}/enter-code", Body::json, enter_code, &schemas::enter_code},
    {"POST", "/phones/{phone}/messages", Body::json, send_message, &schemas::send_message},
    {"GET", "/phones/{phone}/messages", Body::none, list_messages, nullptr, &schemas::messages_query},
    {"GET", "/phones/{phone}/messages/{id}/media", Body::none, show_message_media, nullptr, nullptr, Steps::no},
    {"POST", "/phones/{phone}/statuses", Body::json, post_phone_status, &schemas::post_status},
    {"GET", "/phones/{phone}/statuses", Body::none, list_phone_statuses},
    {"DELETE", "/phones/{phone}/statuses/{id}", Body::none, delete_phone_status},
    {"POST", "/phones/{phone}/statuses/{id}/view", Body::json, view_phone_status, &schemas::view_status},
    {"POST", "/phones/{phone}/status-audience", Body::json, set_phone_status_audience, &schemas::status_audience},
    {"POST", "/phones/{phone}/media-retry", Body::json, set_media_retry, &schemas::media_retry},
    {"POST", "/phones/{phone}/read", Body::json, mark_read, &schemas::mark_read},
    {"POST", "/phones/{phone}/typing", Body::json, set_typing, &schemas::set_typing},
    {"POST", "/phones/{phone}/unlink", Body::json, unlink_companions, &schemas::unlink},
    {"POST", "/phones/{phone}/deliver", Body::json, set_deliver, &schemas::switched},
    {"POST", "/phones/{phone}/power", Body::json, set_power, &schemas::switched},
    {"POST", "/phones/{phone}/forget-sessions", Body::json, forget_sessions, &schemas::peer},
    {"POST", "/phones/{phone}/corrupt-sessions", Body::json, corrupt_sessions, &schemas::peer},
    {"POST", "/phones/{phone}/forget-sender-keys", Body::json, forget_sender_keys, &schemas::no_fields},
    {"POST", "/phones/{phone}/reinstall", Body::json, reinstall, &schemas::no_fields},
    {"POST", "/phones/{phone}/account", Body::json, set_account, &schemas::set_account},
    {"POST", "/phones/{phone}/number", Body::json, change_number, &schemas::change_number},
    {"POST", "/phones/{phone}/lid", Body::json, change_lid, &schemas::change_lid},
    {"POST", "/phones/{phone}/auto-reply", Body::json, set_auto_reply, &schemas::set_auto_reply},
    {"POST", "/phones/{phone}/auto-read", Body::json, set_auto_read, &schemas::switched},
    {"POST", "/phones/{phone}/call", Body::json, place_phone_call, &schemas::phone_call},
    {"POST", "/phones/{phone}/calls", Body::json, place_phone_call, &schemas::phone_call},
    {"GET", "/phones/{phone}/calls", Body::none, list_phone_calls},
    {"POST", "/phones/{phone}/calls/{call}/cancel", Body::json, cancel_phone_call, &schemas::no_fields},
    {"POST", "/phones/{phone}/calls/{call}/accept", Body::json, accept_phone_call, &schemas::no_fields},
    {"POST", "/phones/{phone}/calls/{call}/reject", Body::json, reject_phone_call, &schemas::no_fields},
    {"POST", "/phones/{phone}/picture", Body::json, set_phone_picture, &schemas::phone_picture},
    {"POST", "/phones/{phone}/about", Body::json, set_phone_about, &schemas::phone_about},
    {"POST", "/phones/{phone}/privacy", Body::json, set_phone_privacy, &schemas::phone_privacy},
    {"POST", "/phones/{phone}/block", Body::json, set_phone_block, &schemas::phone_block},
    {"POST", "/phones/{phone}/default-timer", Body::json, set_phone_default_timer, &schemas::phone_default_timer},
    {"POST", "/phones/{phone}/name", Body::json, set_phone_name, &schemas::phone_name},
    {"POST", "/phones/{phone}/presence", Body::json, set_phone_presence, &schemas::phone_presence},
    {"POST", "/phones/{phone}/trust", Body::json, give_trust, &schemas::phone_trust},
    {"POST", "/phones/{phone}/contacts", Body::json, save_phone_contact, &schemas::phone_contact},
    {"POST", "/phones/{phone}/watch", Body::json, set_phone_watch, &schemas::phone_watch},
    {"GET", "/phones/{phone}/seen", Body::none, list_phone_seen},
    {"POST", "/phones/{phone}/business", Body::json, set_phone_business, &schemas::phone_business},
    {"POST", "/phones/{phone}/groups", Body::json, create_group, &schemas::create_group},
    {"GET", "/phones/{phone}/groups", Body::none, list_groups},
    {"POST", "/phones/{phone}/groups/join", Body::json, join_group, &schemas::join_group},
    {"GET", "/phones/{phone}/groups/{group}", Body::none, show_group},
    {"POST", "/phones/{phone}/groups/{group}/participants", Body::json, change_group_members, &schemas::group_members},
    {"POST", "/phones/{phone}/groups/{group}/leave", Body::json, leave_group, &schemas::no_fields},
    {"POST", "/phones/{phone}/groups/{group}/subject", Body::json, set_group_subject, &schemas::group_subject},
    {"POST", "/phones/{phone}/groups/{group}/description", Body::json, set_group_description,
     &schemas::group_description},
    {"POST", "/phones/{phone}/groups/{group}/settings", Body::json, set_group_settings, &schemas::group_settings},
    {"POST", "/phones/{phone}/groups/{group}/picture", Body::json, set_group_picture, &schemas::group_picture},
    {"GET", "/phones/{phone}/groups/{group}/link", Body::none, show_group_link},
    {"POST", "/phones/{phone}/groups/{group}/link/reset", Body::json, reset_group_link, &schemas::no_fields},
    {"GET", "/phones/{phone}/groups/{group}/requests", Body::none, list_group_requests},
    {"POST", "/phones/{phone}/groups/{group}/requests", Body::json, decide_group_requests, &schemas::group_requests},
    {"POST", "/phones/{phone}/groups/{group}/requests/withdraw", Body::json, withdraw_group_request,
     &schemas::no_fields},
    {"GET", "/phones/{phone}/groups/{group}/sub-groups", Body::none, list_sub_groups},
    {"POST", "/phones/{phone}/groups/{group}/sub-groups", Body::json, link_sub_groups, &schemas::sub_groups},
    {"POST", "/phones/{phone}/groups/{group}/sub-groups/unlink", Body::json, unlink_sub_groups, &schemas::sub_groups},
    {"POST", "/channels", Body::json, create_channel, &schemas::create_channel},
    {"GET", "/channels", Body::none, list_channels},
    {"GET", "/channels/{channel}", Body::none, show_channel},
    {"POST", "/channels/{channel}", Body::json, update_channel, &schemas::update_channel},
    {"POST", "/channels/{channel}/followers", Body::json, set_channel_follower, &schemas::channel_follower},
    {"POST", "/channels/{channel}/posts", Body::json, post_to_channel, &schemas::channel_post},
    {"POST", "/channels/{channel}/posts/{serverId}", Body::json, edit_post, &schemas::channel_edit},
    {"DELETE", "/channels/{channel}/posts/{serverId}", Body::none, delete_post},
    {"POST", "/channels/{channel}/posts/{serverId}/reactions", Body::json, react_to_post, &schemas::channel_reaction},
    {"POST", "/scan-qr", Body::text, scan_qr_text, nullptr, &schemas::scan_query, Steps::no},
    {"GET", "/media", Body::none, list_media, nullptr, &schemas::media_query},
    {"DELETE", "/media/{id}", Body::none, forget_media},
    {"GET", "/faults", Body::none, show_faults},
    {"POST", "/faults", Body::json, set_faults, nullptr, nullptr, Steps::yes, check_faults},
    {"POST", "/faults/release", Body::json, release_faults, &schemas::no_fields},
    {"POST", "/kick", Body::json, kick_device, &schemas::kick},
    {"GET", "/stats", Body::none, show_stats},
    {"GET", "/wire", Body::none, show_wire, nullptr, &schemas::wire_query},
    {"POST", "/clock", Body::json, advance_clock, &schemas::advance_clock},
    {"POST", "/devices/{phone}/{device}/drain-prekeys", Body::json, drain_prekeys, &schemas::no_fields},
    {"POST", "/script", Body::json, play_script, &schemas::play_script, nullptr, Steps::no},
    {"GET", "/scripts", Body::none, list_scripts, nullptr, nullptr, Steps::no},
    {"GET", "/script/{id}", Body::none, show_script, nullptr, nullptr, Steps::no},
    {"DELETE", "/script/{id}", Body::none, forget_script, nullptr, nullptr, Steps::no},
};

const web::RouteTable& paths() {
  static const web::RouteTable table = [] {
    web::RouteTable out;
    for (std::size_t i = 0; i < std::size(routes); ++i) out.add(routes[i].method, routes[i].pattern, i);
    return out;
  }();
  return table;
}

net::HttpResponse invalid(std::string message) {
  return web::render_error(400, "VALIDATION_ERROR", {std::move(message), {}});
}

net::HttpResponse refused_body(const web::BodyProblem& problem) {
  using Kind = web::BodyProblem::Kind;
  if (problem.kind == Kind::media_type) return web::render_error(415, "UNSUPPORTED_MEDIA_TYPE", problem.explanation);
  if (problem.kind == Kind::too_large) return web::render_error(413, "PAYLOAD_TOO_LARGE", problem.explanation);
  return web::render_error(400, "VALIDATION_ERROR", problem.explanation);
}

/// Reads what the route wants into `call`; the refusal otherwise.
std::optional<net::HttpResponse> read_inputs(const Route& route, const net::HttpRequest& request,
                                             std::string_view query, ControlCall& call) {
  auto parsed = web::Query::parse(query);
  if (!parsed) return invalid("the query must be at most 64 percent-encoded name=value pairs");
  call.query = std::move(*parsed);
  const web::Unknown unknown = web::unknown_of(call.query);
  std::vector<web::FieldProblem> problems;
  if (unknown == web::Unknown::refused && route.body == Body::none && !request.body.empty())
    problems.push_back({"body", "must be empty: this route reads none"});
  web::validate(call.query, route.query ? *route.query : schemas::no_fields, unknown, problems);
  const std::string_view type = request.header("content-type");
  if (route.body == Body::text) {
    if (net::is_json_type(type))
      return web::render_error(415, "UNSUPPORTED_MEDIA_TYPE",
                               {"this route takes the raw QR text: Content-Type: text/plain", {}});
    call.text = request.body;
  } else if (route.body == Body::json) {
    auto body = web::read_json_object(type, request.body, web::NullBody::empty);
    if (!body) return refused_body(body.error());
    call.body = std::move(*body);
    if (route.fields) web::validate(call.body, *route.fields, unknown, problems);
  }
  if (problems.empty()) return std::nullopt;
  return refused_fields(problems);
}

}  // namespace

ControlApi::ControlApi(Network& network, Phones& phones, const SandboxAddresses& addresses, AfterCommit after_commit,
                       MediaHost* media)
    : network_(network),
      phones_(phones),
      addresses_(addresses),
      after_commit_(std::move(after_commit)),
      media_(media),
      scripts_(network, phones, [this](net::HttpRequest request, net::Responder responder) {
        handle(std::move(request), std::move(responder));
      }) {}

void ControlApi::end_scripts() { scripts_.end("the network ends"); }

void ControlApi::handle(net::HttpRequest request, net::Responder responder) {
  const std::string_view target = request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  const auto refuse = [&](net::HttpResponse response) { responder.send(std::move(response)); };
  const bool ours = path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
  web::RouteTable::Match found;
  if (ours) found = paths().match(request.method, path.substr(prefix.size()));
  if (!found.path_known)
    return refuse(web::render_error(404, "NOT_FOUND", {"there is nothing at " + web::echo(path), {}}));
  if (!found.route) {
    net::HttpResponse response = web::render_error(
        405, "METHOD_NOT_ALLOWED", {web::echo(request.method) + " is not allowed here; allowed: " + found.allow, {}});
    response.headers.emplace_back("Allow", found.allow);
    return refuse(std::move(response));
  }
  if (!found.decodable) return refuse(invalid("the path has a broken percent-encoding"));
  const Route& route = routes[*found.route];
  ControlCall call{network_, phones_,   addresses_, after_commit_, std::move(found.params), {}, {},
                   {},       responder, media_,     &scripts_};
  const std::string_view query = path.size() < target.size() ? target.substr(path.size() + 1) : std::string_view();
  if (auto refusal = read_inputs(route, request, query, call)) return refuse(std::move(*refusal));
  route.handler(call);
}

std::span<const ControlAction> control_actions() {
  static const std::vector<ControlAction> actions = [] {
    std::vector<ControlAction> all;
    for (const Route& route : routes) {
      if (route.steps == Steps::no) continue;
      all.push_back({route.method, route.pattern, route.body == Body::json, route.fields, route.query, route.check});
    }
    return all;
  }();
  return actions;
}

}  // namespace wharf::sandbox
