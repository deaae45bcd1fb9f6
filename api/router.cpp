#include "api/router.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

#include "api/chat_id.h"
#include "api/misplaced_fields.h"
#include "api/refused_body.h"
#include "api/request_id.h"
#include "sessions/log_value.h"
#include "storage/database.h"
#include "web/header_parameters.h"
#include "web/json_body.h"

namespace wharf::api {
namespace {

using sessions::log_value;

Failure too_many(const RateLimit::Verdict& limit) {
  return Failure(ErrorCode::rate_limited,
                 fmt::format("more than {} requests, or messages, in a minute; try again in {} s", limit.limit,
                             limit.reset.count()));
}

/// Clients that write JSON wherever they can write {} for nothing.
bool says_something(std::string_view body) {
  const std::string_view text = web::trimmed(body);
  return !text.empty() && text != "{}";
}

std::size_t listed(const Call& call, std::string_view name) {
  const auto* list = call.body.if_contains(name);
  return list != nullptr && list->is_array() ? list->get_array().size() : 0;
}

/// That it asks to be sent: one for each of several files, or recipients.
unsigned messages_of(const Call& call) {
  const std::size_t several = std::max({call.files.size(), listed(call, "files"), listed(call, "recipients")});
  return static_cast<unsigned>(std::max<std::size_t>(1, several));
}

/// More people than may ever be sent to at once: waiting would not help.
std::optional<Failure> beyond_any_minute(const Call& call, unsigned messages_per_minute) {
  if (call.route->budget != Budget::message || messages_per_minute == 0) return std::nullopt;
  const std::size_t people = listed(call, "recipients");
  if (people <= messages_per_minute) return std::nullopt;
  return failure_of({FieldProblem{
      "recipients",
      fmt::format("must be at most {} people, and has {}: limits.messages_per_minute lets no more messages "
                  "out of a session in a minute; send to {} at a time, a minute apart, or set it higher",
                  messages_per_minute, people, messages_per_minute)}});
}

constexpr std::string_view capability_names[] = {"none", "read", "send", "manage", "admin"};

}  // namespace

std::string_view name(Capability capability) { return capability_names[static_cast<std::size_t>(capability)]; }

// --- Call

const std::string& Call::param(std::string_view name) const {
  static const std::string none;
  for (const auto& [key, value] : params_)
    if (key == name) return value;
  return none;
}

void Call::success(std::string_view data, const Beside& beside) { send(render_success(data, beside)); }

void Call::failure(const Failure& failure) {
  net::HttpResponse response = render_failure(failure, dialect);
  if (response.status >= 500 && failure.retry_after_s != 0)
    response.headers.emplace_back("Retry-After", std::to_string(failure.retry_after_s));
  if (response.status == 429 && failure.code != ErrorCode::max_sessions)
    response.headers.emplace_back("Retry-After",
                                  std::to_string(std::max<std::int64_t>(
                                      1, failure.retry_after_s != 0 ? failure.retry_after_s : limit_.reset.count())));
  send(std::move(response));
}

void Call::add_headers(std::vector<std::pair<std::string, std::string>>& headers) const {
  headers.emplace_back("X-Request-Id", request_id);
  if (limit_.limit == 0) return;
  headers.emplace_back("X-RateLimit-Limit", std::to_string(limit_.limit));
  headers.emplace_back("X-RateLimit-Remaining", std::to_string(limit_.remaining));
  headers.emplace_back("X-RateLimit-Reset", std::to_string(limit_reset_unix_s_));
}

void Call::send(net::HttpResponse response) {
  add_headers(response.headers);
  log(response.status);
  responder_.send(std::move(response));
}

void Call::accept_websocket(std::function<void(std::shared_ptr<net::WebSocket>)> accepted) {
  // Subscribers have nothing to say; a small frame (a ping in text, say) is tolerated.
  constexpr std::size_t max_inbound_bytes = 4096;
  net::WebSocketUpgrade upgrade{std::move(accepted), max_inbound_bytes, {}};
  add_headers(upgrade.headers);
  log(101);
  responder_.accept_websocket(std::move(upgrade));
}

void Call::log(unsigned status) const {
  spdlog::debug("request method={} route={} status={} request={}", log_value(echo(request.method)),
                route ? route->pattern : "-", status, request_id);
}

Router::Router(std::span<const Route> table, RouterSettings settings, net::Clock& clock, protocol::Random& random,
               Dispatch dispatch, FileDoor files)
    : settings_(settings),
      clock_(clock),
      random_(random),
      dispatch_(std::move(dispatch)),
      files_(std::move(files)),
      routes_(table),
      session_creations_(settings.session_creations_per_minute),
      messages_(settings.messages_per_minute),
      requests_(settings.requests_per_minute) {
  for (std::size_t i = 0; i < routes_.size(); ++i) paths_.add(routes_[i].method, routes_[i].pattern, i);
}

// --- a request

void run_guarded(const CallPtr& call, const std::function<void()>& handler) {
  try {
    handler();
  } catch (const storage::ReadFailure& unreadable) {
    spdlog::error("request_failed route={} request={} error={}", call->route ? call->route->pattern : "-",
                  call->request_id, log_value(unreadable.what()));
    call->failure(failure_of(unreadable.error));
  } catch (const std::exception& broken) {
    // The edge of one request: a broken invariant ends this request and no other.
    spdlog::error("request_failed route={} request={} error={}", call->route ? call->route->pattern : "-",
                  call->request_id, log_value(broken.what()));
    call->failure(Failure(ErrorCode::internal, "an internal error; the log has it under this X-Request-Id"));
  }
}

void Router::handle(net::HttpRequest request, net::Responder responder) {
  const CallPtr call = std::make_shared<Call>(std::move(request), std::move(responder));
  call->request_id = request_id_of(call->request, random_);
  call->dialect = dialect_of(call->request.header("accept"), settings_.dialect);
  run_guarded(call, [&] { admit(call); });
}

std::unique_ptr<net::BodyReceiver> Router::receive_body(const net::HttpRequest& head) {
  if (!files_.open) return nullptr;
  const std::string_view content_type = head.header("content-type");
  const web::RouteTable::Match found =
      paths_.match(head.method, std::string_view(head.target).substr(0, head.target.find('?')));
  if (!found.route || !found.decodable || !MediaIntake::reads(content_type)) return nullptr;
  const Route& route = routes_[*found.route];
  if (!route.files || !route.handler) return nullptr;
  std::string session;
  for (const auto& [name, value] : found.params)
    if (name == "sessionId") session = value;

  RefusedBody::Why why;
  why.budget = used_up(route, client_key(head.remote_address), session);
  if (why.budget) why.failure = too_many(*why.budget);
  else if (files_.refusal) why.failure = files_.refusal(session);
  if (why.failure) return std::make_unique<RefusedBody>(head, std::move(why));
  return files_.open(route, content_type);
}

std::optional<RateLimit::Verdict> Router::used_up(const Route& route, const std::string& client,
                                                  const std::string& session) {
  const net::SteadyTime now = clock_.steady();
  std::optional<RateLimit::Verdict> out;
  const auto look = [&](RateLimit& budget, const std::string& key) {
    if (out) return;
    const RateLimit::Verdict verdict = budget.look(key, now);
    if (verdict.limit != 0 && verdict.remaining == 0) out = verdict;
  };
  if (route.budget != Budget::free) look(requests_, client);
  if (route.budget == Budget::message && is_session_name(session)) look(messages_, session);
  return out;
}

void Router::admit(const CallPtr& call) {
  const std::string_view target = call->request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  web::RouteTable::Match found = paths_.match(call->request.method, path);
  if (found.route) call->route = &routes_[*found.route];
  call->params_ = std::move(found.params);
  if (!count_request(*call)) return call->failure(too_many(call->limit_));
  // Refused before its body came: there is nothing to look at, whatever has changed since.
  if (const auto* refused = dynamic_cast<const RefusedBody*>(call->request.received.get())) {
    if (refused->why.budget) show(*call, *refused->why.budget);
    return call->failure(refused->why.failure.value_or(Failure(ErrorCode::forbidden, "the request was refused")));
  }

  if (!found.path_known)
    return call->failure(Failure(ErrorCode::route_not_found, fmt::format("there is nothing at {}", echo(path))));
  if (!call->route) {
    net::HttpResponse refused = render_failure(
        Failure(ErrorCode::method_not_allowed,
                fmt::format("{} is not allowed here; allowed: {}", echo(call->request.method), found.allow)),
        call->dialect);
    refused.headers.emplace_back("Allow", found.allow);
    return call->send(std::move(refused));
  }
  const Route& route = *call->route;
  if (!found.decodable) return call->failure(Failure(ErrorCode::validation, "the path has a broken percent-encoding"));
  if (!route.handler)
    return call->failure(Failure(ErrorCode::not_implemented, fmt::format("{} is not implemented yet", route.summary)));

  auto query = Query::parse(target.size() > path.size() ? target.substr(path.size() + 1) : std::string_view{});
  if (!query)
    return call->failure(Failure(ErrorCode::validation, "the query string is malformed",
                                 {{"query", "must be at most 64 percent-encoded name=value pairs"}}));
  call->query = std::move(*query);
  const Unknown unknown = web::unknown_of(call->query);
  std::vector<FieldProblem> problems;
  if (!route.body && route.method != "GET" && says_something(call->request.body))
    problems.push_back({"body", "must be empty: this route reads none"});
  static constexpr Schema no_query{"", {}};
  validate(call->query, route.query ? *route.query : no_query, unknown, problems);
  if (!problems.empty()) return call->failure(failure_of(problems));

  if (route.body) {
    if (!read_fields(*call, unknown)) return;
    if (route.method == "PATCH" && !names_a_field(call->body, *route.body))
      return call->failure(failure_of({FieldProblem{"body", nothing_to_change(call->body, *route.body)}}));
  }
  if (route.websocket && !call->request.websocket_upgrade) {
    net::HttpResponse response = render_failure(
        Failure(ErrorCode::upgrade_required, "this is a WebSocket endpoint: connect with a WebSocket client"),
        call->dialect);
    response.headers.emplace_back("Upgrade", "websocket");
    response.headers.emplace_back("Sec-WebSocket-Version", "13");
    return call->send(std::move(response));
  }
  if (const auto never = beyond_any_minute(*call, settings_.messages_per_minute)) return call->failure(*never);
  if (!count_action(*call)) return call->failure(too_many(call->limit_));
  dispatch_(call);
}

namespace {

/// What is asked in the body and read of the query alone would be lost without a word.
void find_parameters(const boost::json::object& body, const Route& route, std::vector<FieldProblem>& problems) {
  if (!route.query) return;
  for (const Field& parameter : route.query->fields) {
    const auto* value = body.if_contains(parameter.name);
    if (!value || value->is_null()) continue;
    if (route.body->find(parameter.name) == nullptr)
      problems.push_back({std::string(parameter.name),
                          fmt::format("is a query parameter: it stands in the address, as ?{}=…", parameter.name)});
  }
}

std::optional<Failure> failure_of_fields(const boost::json::object& body, const Route& route, Unknown unknown) {
  std::vector<FieldProblem> problems;
  find_parameters(body, route, problems);
  find_misplaced(body, *route.body, problems);
  if (problems.empty()) validate(body, *route.body, unknown, problems);
  return problems.empty() ? std::nullopt : std::optional(failure_of(problems));
}

}  // namespace

bool Router::read_fields(Call& call, Unknown unknown) {
  std::optional<Failure> failure;
  if (auto* intake = dynamic_cast<MediaIntake*>(call.request.received.get())) {
    auto result = intake->finish();
    call.request.received.reset();
    if (auto* taken = std::get_if<MediaIntake::Taken>(&result)) {
      failure = failure_of_fields(taken->fields, *call.route, unknown);
      call.body = std::move(taken->fields);
      call.files = std::move(taken->files);
    } else {
      failure = std::get<Failure>(std::move(result));
    }
  } else if (auto body =
                 read_body(*call.route, call.request.header("content-type"), call.request.body, unknown, failure)) {
    call.body = std::move(*body);
  }
  if (failure) call.failure(*failure);
  else web::drop_nulls(call.body, *call.route->body);
  return !failure;
}

bool Router::show(Call& call, const RateLimit::Verdict& verdict) {
  call.limit_ = verdict;
  call.limit_reset_unix_s_ = clock_.unix_ms() / 1000 + verdict.reset.count();
  return verdict.allowed;
}

bool Router::count_request(Call& call) {
  const std::string client = client_key(call.request.remote_address);
  const bool free = call.route && call.route->budget == Budget::free;
  const net::SteadyTime now = clock_.steady();
  return show(call, free ? requests_.look(client, now) : requests_.take(client, now)) || free;
}

bool Router::count_action(Call& call) {
  const net::SteadyTime now = clock_.steady();
  if (call.route->budget == Budget::session_creation && settings_.session_creations_per_minute != 0)
    return show(call, session_creations_.take(client_key(call.request.remote_address), now));
  // What is no session's name is no session's budget, and no key to remember.
  if (call.route->budget == Budget::message && settings_.messages_per_minute != 0 &&
      is_session_name(call.param("sessionId")))
    return show(call, messages_.take(call.param("sessionId"), now, messages_of(call)));
  return true;
}

// --- parts

std::optional<boost::json::object> read_body(const Route& route, std::string_view content_type, std::string_view body,
                                             Unknown unknown, std::optional<Failure>& failure) {
  auto read = web::read_json_object(content_type, body);
  if (!read) {
    const web::BodyProblem& problem = read.error();
    const auto code = [&] {
      switch (problem.kind) {
        case web::BodyProblem::Kind::media_type: return ErrorCode::unsupported_media_type;
        case web::BodyProblem::Kind::too_large: return ErrorCode::payload_too_large;
        case web::BodyProblem::Kind::malformed: break;
      }
      return ErrorCode::validation;
    };
    failure.emplace(code(), problem.explanation.message, problem.explanation.details);
    return std::nullopt;
  }
  failure = failure_of_fields(*read, route, unknown);
  if (failure) return std::nullopt;
  return std::move(*read);
}

Failure failure_of(const std::vector<FieldProblem>& problems) {
  const bool only_chat_ids = std::all_of(problems.begin(), problems.end(),
                                         [](const FieldProblem& p) { return formats::names_chat(p.format); });
  const bool later = std::any_of(problems.begin(), problems.end(), [](const FieldProblem& p) { return p.later; });
  web::Explanation explanation = web::explain(problems);
  return Failure(later           ? ErrorCode::not_implemented
                 : only_chat_ids ? ErrorCode::invalid_chat_id
                                 : ErrorCode::validation,
                 std::move(explanation.message), std::move(explanation.details));
}

}  // namespace wharf::api
