#pragma once
// The door: one table of routes, and what happens to every request before a handler sees it. From a request the router
// makes a Call: request id, dialect, matched route, decoded parameters, counted rate limits, validated query and body.
// Whatever is wrong with it is answered here, in the envelope, so that a handler is a short story.

#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/envelope.h"
#include "api/media_intake.h"
#include "api/rate_limit.h"
#include "api/request_turns.h"
#include "api/validation.h"
#include "protocol/crypto/random.h"
#include "protocol/media/media_kind.h"
#include "web/route_table.h"

namespace wharf::api {

/// What a credential must carry for a route. `none`: open to everybody (health, this page).
enum class Capability { none, read, send, manage, admin };
std::string_view name(Capability capability);

/// Which of the limits a route counts against, beside the general one.
enum class Budget { free, general, session_creation, message };

class Call;
/// Shared by the handler's pending completions; whoever holds the last one has answered.
using CallPtr = std::shared_ptr<Call>;
struct Services;
/// Shared with the pending completions of handlers; ApiServer is the owner.
using ServicesPtr = std::shared_ptr<Services>;
using Handler = void (*)(const ServicesPtr& services, const CallPtr& call);

struct Route {
  std::string_view method, pattern;  // "/api/v1/sessions/{sessionId}"
  Capability capability = Capability::read;
  std::string_view tag, summary;
  Handler handler = nullptr;  // nullptr: documented, answers 501 not_implemented
  const Schema* body = nullptr;
  const Schema* query = nullptr;
  const Schema* answer = nullptr;  // of `data`; nullptr: none
  bool answer_is_list = false;
  unsigned success = 200;
  Budget budget = Budget::general;
  bool websocket = false;
  std::string_view media_type = "application/json";         // of the answer
  bool later = false;                                       // the handler checks what it is given, then answers 501
  std::optional<protocol::MediaKind> files = std::nullopt;  // the body may bring files, kept as of this kind
  bool gives_file = false;         // the answer is a file: in ranges, of a version (web/byte_range.h)
  bool may_be_empty = false;       // it may answer 204 as well
  bool asks_whatsapp = false;      // and answers what WhatsApp says: 403, 404, 409, 502, 504
  std::string_view conflict = {};  // when it answers 409, where no budget of messages says so
};

/// Every route of the API, in the order of the document (routes.cpp).
std::span<const Route> routes();

/// One request on its way to its answer. Loop thread only.
class Call {
 public:
  Call(net::HttpRequest r, net::Responder responder) : request(std::move(r)), responder_(std::move(responder)) {}

  net::HttpRequest request;
  const Route* route = nullptr;
  Dialect dialect = Dialect::openwa;
  std::string request_id;
  Query query;
  boost::json::object body;
  std::vector<TakenFile> files;  // of a route that takes them; those that the handler does not finish are gone with it
  RequestTurns::Turn turn;       // while requests of the same name wait for what becomes of this one
  std::string no_preview;        // why its text goes without the preview that it asked for

  /// A decoded path parameter; "" when the route has none of that name.
  const std::string& param(std::string_view name) const;
  void success(std::string_view data = {}, const Beside& beside = Beside());
  void failure(const Failure& failure);
  void send(net::HttpResponse response);
  void accept_websocket(std::function<void(std::shared_ptr<net::WebSocket>)> accepted);
  bool peer_gone() const { return responder_.peer_gone(); }

 private:
  friend class Router;
  void add_headers(std::vector<std::pair<std::string, std::string>>& headers) const;  // of every answer, 101 included
  void log(unsigned status) const;
  std::vector<std::pair<std::string_view, std::string>> params_;
  RateLimit::Verdict limit_;
  std::int64_t limit_reset_unix_s_ = 0;
  net::Responder responder_;
};

/// Runs a handler, or what goes on of one: an exception ends this request and no other.
void run_guarded(const CallPtr& call, const std::function<void()>& handler);

struct RouterSettings {
  Dialect dialect = Dialect::openwa;
  unsigned session_creations_per_minute = 0, messages_per_minute = 0, requests_per_minute = 0;  // 0 = off
};

/// Where files in bodies go. Both are asked behind the head of a request, before its body.
struct FileDoor {
  /// Null: no route takes files, every body is collected.
  std::function<std::unique_ptr<MediaIntake>(const Route& route, std::string_view content_type)> open;
  /// What stands against any message of a session, as the handler would answer it. Null: nothing.
  std::function<std::optional<Failure>(const std::string& session)> refusal;
};

class Router {
 public:
  using Dispatch = std::function<void(const CallPtr&)>;
  /// `table` outlives the router. `dispatch` runs the handler of call->route, which is never null there.
  Router(std::span<const Route> table, RouterSettings settings, net::Clock& clock, protocol::Random& random,
         Dispatch dispatch, FileDoor files = FileDoor());
  /// Who takes the body behind this head: an intake where it brings files; nobody's hands (RefusedBody) where such a
  /// request is refused already, which handle() then answers; nullptr: it is collected. Counts nothing.
  std::unique_ptr<net::BodyReceiver> receive_body(const net::HttpRequest& head);
  void handle(net::HttpRequest request, net::Responder responder);

 private:
  void admit(const CallPtr& call);
  /// Against the general budget of the caller, each request that is not free. The headers show the last budget asked.
  bool count_request(Call& call);
  /// Against the budget of what the route does, once the request is known to be sound.
  bool count_action(Call& call);
  /// False: answered.
  bool read_fields(Call& call, Unknown unknown);
  std::optional<RateLimit::Verdict> used_up(const Route& route, const std::string& client, const std::string& session);
  bool show(Call& call, const RateLimit::Verdict& verdict);

  RouterSettings settings_;
  net::Clock& clock_;
  protocol::Random& random_;
  Dispatch dispatch_;
  FileDoor files_;
  std::span<const Route> routes_;
  web::RouteTable paths_;
  RateLimit session_creations_, messages_, requests_;
};

/// Parses and validates a body against the route's schema; used by the router and driven by the fuzzer.
/// nullopt: `failure` says why.
std::optional<boost::json::object> read_body(const Route& route, std::string_view content_type, std::string_view body,
                                             Unknown unknown, std::optional<Failure>& failure);
Failure failure_of(const std::vector<FieldProblem>& problems);

}  // namespace wharf::api
