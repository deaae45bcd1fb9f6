#pragma once
// The whole API over real sockets, with a real store and supervisor. The WhatsApp network is a port where nobody
// listens: sessions connect for ever, which is enough for everything but pairing and delivery (tests/e2e).

#include <boost/json/serialize.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/schemas.h"
#include "api/server.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "net/websocket_client.h"
#include "net/worker_pool.h"
#include "storage/messages.h"
#include "tests/api/fakes.h"
#include "tests/net/loopback.h"

namespace wharf::test {

class SystemRandom final : public protocol::Random {
 public:
  void fill(std::span<std::uint8_t> out) override { net::system_random(out); }
};

struct Answer {
  unsigned status = 0;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers)
      if (key == name) return value;
    return {};
  }
  boost::json::object json() const { return boost::json::parse(body).as_object(); }
  std::string code() const { return std::string(json().at("error").at("code").as_string()); }
};

// An answer has exactly what the OpenAPI document says: no unknown member, every required one.
inline void check_documented(const boost::json::value& value, const api::Schema& schema) {
  INFO(schema.name << " " << boost::json::serialize(value));
  std::vector<api::FieldProblem> problems;
  api::validate(value.as_object(), schema, api::Unknown::refused, problems);
  for (const api::FieldProblem& problem : problems) {
    INFO(problem.field << " " << problem.what);
    CHECK(false);
  }
}

struct Daemon {
  explicit Daemon(api::ApiSettings settings = open_limits(), api::SandboxControl sandbox = {}) {
    sessions::SupervisorSettings supervised;
    supervised.network.chat_url = "ws://127.0.0.1:1/ws/chat";
    supervised.network.name = "nowhere";
    supervised.max_sessions = settings.max_sessions;
    supervisor = std::make_unique<sessions::Supervisor>(
        sessions::Supervisor::Ports{scheduler, random, *disk.store, workers, sockets}, supervised);
    waits = std::make_unique<sessions::Waits>(*supervisor, scheduler, *disk.store);
    api = std::make_unique<api::ApiServer>(
        api::ApiServer::Ports{loop, scheduler, random, *disk.store, workers, *supervisor, *waits, http, http},
        std::move(settings), std::move(sandbox));
    supervisor->start();
    port = must(api->start());
  }
  ~Daemon() {
    bool stopped = false;
    api->drain([&] { stopped = true; });
    until([&] { return stopped; });
    stopped = false;
    supervisor->stop([&] { stopped = true; });
    until([&] { return stopped; });
    api.reset();
  }
  static api::ApiSettings open_limits() {
    api::ApiSettings settings;
    settings.listen = {"127.0.0.1", 0};
    settings.session_creations_per_minute = settings.messages_per_minute = settings.requests_per_minute = 0;
    settings.webhooks_allow_private = true;
    settings.version = "1.2.3";
    settings.network_name = "nowhere";
    return settings;
  }

  template <class Condition>
  void until(Condition condition) {
    if (!run_until(loop, condition)) FAIL("the loop never got there");
  }
  std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port) + path; }

  Answer ask(std::string method, const std::string& path, std::string body = {},
             std::vector<std::pair<std::string, std::string>> headers = {}) {
    net::OutgoingRequest request;
    request.method = std::move(method);
    request.url = must(net::parse_url(url(path)));
    request.headers = std::move(headers);
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    request.body = std::move(body);
    request.max_response_bytes = 8u << 20;
    request.allow_private = true;
    std::optional<Answer> answer;
    http.send(std::move(request), [&](net::OutgoingResult result) {
      if (!result) FAIL(result.error().message);
      answer = Answer{result->status, result->body, result->headers};
    });
    until([&] { return answer.has_value(); });
    return *answer;
  }
  Answer create(const std::string& name) {
    return ask("POST", "/api/v1/sessions", R"({"sessionId":")" + name + R"("})");
  }

  storage::SessionId id_of(const std::string& name) { return supervisor->find(name).value().id; }

  void insert(storage::SessionId session, int number) {
    storage::MessageRow row;
    row.session = session;
    row.chat = row.author = protocol::Jid("1234567890", "s.whatsapp.net");
    row.id = "MSG" + std::to_string(number);
    row.kind = "text";
    row.body = "body " + std::to_string(number);
    row.push_name = "John Doe";
    row.timestamp = row.created_at = 1642694598000 + number * 1000;
    storage::Changes changes;
    changes.add(storage::InsertMessage{std::move(row), true, std::nullopt});
    disk.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  }

  net::asio::io_context loop;
  net::LoopScheduler scheduler{loop};
  SystemRandom random;
  TemporaryStore disk;
  net::WorkerPool workers{loop.get_executor(), 1};
  net::WebSocketClient sockets{loop, net::TlsTrust()};
  net::HttpClient http{loop, net::TlsTrust()};
  std::unique_ptr<sessions::Supervisor> supervisor;
  std::unique_ptr<sessions::Waits> waits;
  std::unique_ptr<api::ApiServer> api;
  std::uint16_t port = 0;
};

struct Listener {
  Listener(Daemon& daemon, const std::string& path) {
    net::WebSocketRequest request;
    request.url = must(net::parse_url("ws://127.0.0.1:" + std::to_string(daemon.port) + path));
    attempt = daemon.sockets.connect(request, [this](net::WebSocketResult result) {
      if (!result) {
        refused = result.error().http_status;
        return;
      }
      socket = *result;
      net::WebSocket::Callbacks callbacks;
      callbacks.message = [this](net::MessageType, std::span<const std::uint8_t> bytes) {
        texts.emplace_back(protocol::as_text(bytes));
      };
      callbacks.closed = [this](const std::string& why) { closed = why; };
      socket->start(std::move(callbacks));
    });
    daemon.until([this] { return socket || refused; });
  }
  ~Listener() {
    if (socket) socket->abort();
  }
  std::unique_ptr<net::Transport::Attempt> attempt;
  std::shared_ptr<net::WebSocket> socket;
  std::optional<unsigned> refused;
  std::vector<std::string> texts;
  std::string closed;
};

}  // namespace wharf::test
