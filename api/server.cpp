// Puts the parts behind api/server.h together: HTTP server -> router -> handler, and committed events -> hub and
// webhooks.
#include "api/server.h"

#include <spdlog/spdlog.h>

#include "api/file_door.h"
#include "api/handlers.h"
#include "api/request_id.h"
#include "api/router.h"
#include "net/loop_guard.h"
#include "net/web_guard.h"
#include "web/json_body.h"

namespace wharf::api {
namespace {

RouterSettings router_settings(const ApiSettings& settings) {
  return {settings.dialect, settings.session_creations_per_minute, settings.messages_per_minute,
          settings.requests_per_minute};
}

// Answers of the sandbox's control API go out under the request id like all others.
class WithRequestId final : public net::Responder::Sink {
 public:
  WithRequestId(net::Responder responder, std::string id) : responder_(std::move(responder)), id_(std::move(id)) {}
  void respond(net::HttpResponse response) override {
    response.headers.emplace_back("X-Request-Id", id_);
    responder_.send(std::move(response));
  }
  void upgrade(net::WebSocketUpgrade upgrade) override {
    upgrade.headers.emplace_back("X-Request-Id", id_);
    responder_.accept_websocket(std::move(upgrade));
  }
  bool peer_gone() const override { return responder_.peer_gone(); }

 private:
  net::Responder responder_;
  std::string id_;
};

// What the HTTP server refuses before there is a request.
ErrorCode code_of(unsigned status) {
  switch (status) {
    case 400: return ErrorCode::validation;
    case 403: return ErrorCode::forbidden;
    case 408: return ErrorCode::request_timeout;
    case 413: return ErrorCode::payload_too_large;
    case 426: return ErrorCode::upgrade_required;
    case 431: return ErrorCode::header_too_large;
    case 503: return ErrorCode::unavailable;
    default: return ErrorCode::internal;
  }
}

net::WebGuard web_guard(const ApiSettings& settings, bool sandbox, protocol::Random& random) {
  net::WebGuardSettings guard;
  guard.listen = settings.listen;
  guard.hosts = settings.hosts;
  guard.hosts_setting = "server.hosts";
  guard.origins = settings.cors_origins;
  guard.local_pages = sandbox ? net::LocalPages::welcome : net::LocalPages::refused;
  return net::WebGuard(std::move(guard),
                       [dialect = settings.dialect, &random](const net::HttpRequest& request, unsigned status,
                                                             const std::string& message) {
                         const Dialect chosen = dialect_of(request.header("accept"), dialect);
                         net::HttpResponse response = render_failure(Failure(code_of(status), message), chosen);
                         response.headers.emplace_back("X-Request-Id", request_id_of(request, random));
                         return response;
                       });
}

FileDoor door_of(const Services& services) {
  const auto& ports = services.ports;
  if (!ports.vault) return FileDoor();
  return file_door([vault = ports.vault](protocol::MediaKind kind) { return vault->write(kind, sidecar_of(kind)); },
                   services.settings.max_media_bytes,
                   [&supervisor = ports.supervisor](const std::string& session) {
                     return supervisor.find(session) ? std::nullopt : std::optional(session_not_found(session));
                   });
}

/// Who reads of a session finds what he was told before.
void run(const ServicesPtr& services, const CallPtr& call) {
  auto& supervisor = services->ports.supervisor;
  std::string session = call->param("sessionId");
  if (session.empty()) session = call->query.text("session");
  const bool reads = call->route->method == std::string_view("GET");
  if (!reads || !supervisor.behind(session)) return call->route->handler(services, call);
  supervisor.tell(
      session, sessions::CatchUp(),
      // A session that is gone or broken meanwhile is for the handler to tell.
      [services, call](const sessions::Outcome<>&) {
        run_guarded(call, [&] { call->route->handler(services, call); });
      },
      call->request_id);
}

}  // namespace

struct ApiServer::State {
  State(const Ports& ports, ApiSettings settings, SandboxControl control)
      : services(std::make_shared<Services>(ports, settings)),
        sandbox(std::move(control)),
        guard(web_guard(settings, static_cast<bool>(sandbox), ports.random)),
        router(
            routes(), router_settings(settings), ports.scheduler, ports.random,
            [this](const CallPtr& call) { run(services, call); }, door_of(*services)),
        http(ports.loop, http_settings(settings, ports.random),
             [this](net::HttpRequest request, net::Responder responder) {
               handle(std::move(request), std::move(responder));
             }) {}

  net::HttpServerSettings http_settings(const ApiSettings& settings, protocol::Random& random) {
    net::HttpServerSettings out;
    out.receive_body = [this](const net::HttpRequest& head) { return api::receive_body(router, guard, head); };
    out.max_streamed_bytes = settings.max_media_bytes + settings.max_media_bytes / 2 + web::max_json_bytes;
    out.listen = settings.listen;
    out.max_body_bytes = settings.max_body_bytes;
    out.max_connections = settings.max_connections;
    out.max_websockets = settings.max_websockets;
    out.render_error = [dialect = settings.dialect, &random](unsigned status, std::string_view message) {
      net::HttpResponse response = render_failure(Failure(code_of(status), std::string(message)), dialect);
      response.status = status;
      response.headers.emplace_back("X-Request-Id", protocol::to_hex(random.bytes<12>()));
      return response;
    };
    return out;
  }

  // One guard for every door: what it refuses reaches neither the API, nor a WebSocket, nor the sandbox's control API.
  void handle(net::HttpRequest request, net::Responder responder) {
    auto admitted = guard.admit(request, std::move(responder));
    if (!admitted) return;
    responder = std::move(*admitted);
    if (sandbox && request.target.starts_with("/sandbox/v1/")) {
      const std::string id = request_id_of(request, services->ports.random);
      return sandbox(std::move(request), net::Responder(std::make_shared<WithRequestId>(std::move(responder), id)));
    }
    router.handle(std::move(request), std::move(responder));
  }

  ServicesPtr services;
  SandboxControl sandbox;
  net::WebGuard guard;
  Router router;
  net::HttpServer http;
};

ApiServer::ApiServer(Ports ports, ApiSettings settings, SandboxControl sandbox)
    : state_(std::make_shared<State>(ports, std::move(settings), std::move(sandbox))) {
  ports.supervisor.on_events([weak = std::weak_ptr<State>(state_)](const std::vector<storage::Event>& events) {
    const auto state = weak.lock();
    if (!state) return;
    // Each has its own readers: what one cannot take must not cost the other its events.
    net::guard("event hub", [&] { state->services->hub.on_events(events); });
    net::guard("webhooks", [&] { state->services->webhooks.on_events(events); });
  });
}

ApiServer::~ApiServer() = default;

boost::system::result<std::uint16_t, std::string> ApiServer::start() {
  state_->services->webhooks.start();
  return state_->http.start();
}

void ApiServer::drain(std::function<void()> done) {
  constexpr std::uint16_t close_going_away = 1001;
  state_->http.stop_accepting();
  // Before the connections are waited for: a request with waitFor would hold them until its time is up.
  state_->services->ports.waits.end();
  // Nor may a server that drips, which somebody wanted a file from; nor the next one that was wanted behind it.
  state_->services->draining = true;
  for (const auto& [call, fetch] : std::exchange(state_->services->fetches, {}))
    call->failure(Failure(ErrorCode::unavailable, "the server is shutting down"));
  state_->services->hub.close_all(close_going_away, "the server is shutting down");
  state_->services->webhooks.drain(
      [state = state_, done = std::move(done)]() mutable { state->http.drain(std::move(done)); });
}

}  // namespace wharf::api
