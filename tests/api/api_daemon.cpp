#include "tests/api/api_daemon.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "api/server.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "net/websocket_client.h"
#include "net/worker_pool.h"
#include "storage/messages.h"
#include "storage/sessions.h"
#include "tests/api/must.h"
#include "tests/api/temporary_store.h"
#include "tests/support/loop.h"

namespace wharf::test {

namespace {

class SystemRandom final : public protocol::Random {
 public:
  void fill(std::span<std::uint8_t> out) override { net::system_random(out); }
};

api::ApiSettings open_limits(const DaemonSettings& chosen) {
  api::ApiSettings settings;
  settings.listen = {"127.0.0.1", 0};
  settings.max_sessions = chosen.max_sessions;
  settings.max_body_bytes = chosen.max_body_bytes;
  settings.session_creations_per_minute = settings.messages_per_minute = settings.requests_per_minute = 0;
  settings.webhooks_allow_private = chosen.webhooks_allow_private;
  settings.version = "1.2.3";
  settings.network_name = "nowhere";
  return settings;
}

/// Its keys are of no use: nobody listens.
void link(TemporaryStore& disk, const std::string& name) {
  storage::DeviceRow device;
  device.session = storage::SessionId{1};
  disk.add_session(device.session.value, name);
  device.account = {1};
  device.jid = protocol::Jid("15550000001", "s.whatsapp.net", 7);
  device.lid = protocol::Jid("100000000000001", "lid", 7);
  storage::Changes changes;
  changes.add(storage::PutDevice{std::move(device)});
  disk.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
}

}  // namespace

// --- Answer

Answer::Answer() = default;
Answer::Answer(const Answer&) = default;
Answer::Answer(Answer&&) noexcept = default;
Answer& Answer::operator=(const Answer&) = default;
Answer& Answer::operator=(Answer&&) noexcept = default;
Answer::~Answer() = default;

std::string Answer::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return {};
}

boost::json::object Answer::json() const { return boost::json::parse(body).as_object(); }

std::string Answer::code() const { return std::string(json().at("error").at("code").as_string()); }

void check_documented(const boost::json::value& value, const api::Schema& schema) {
  INFO(schema.name << " " << boost::json::serialize(value));
  std::vector<api::FieldProblem> problems;
  api::validate(value.as_object(), schema, api::Unknown::refused, problems);
  for (const api::FieldProblem& problem : problems) {
    INFO(problem.field << " " << problem.what);
    CHECK(false);
  }
}

// --- Daemon

struct Daemon::Parts {
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

Daemon::Daemon(const DaemonSettings& settings) : Daemon(settings, {}) {}

Daemon::Daemon(const DaemonSettings& settings, SandboxControl sandbox) : parts_(std::make_unique<Parts>()) {
  Parts& p = *parts_;
  if (!settings.linked.empty()) link(p.disk, settings.linked);
  sessions::SupervisorSettings supervised;
  supervised.network.chat_url = "ws://127.0.0.1:1/ws/chat";
  supervised.network.name = "nowhere";
  supervised.max_sessions = settings.max_sessions;
  p.supervisor = std::make_unique<sessions::Supervisor>(
      sessions::Supervisor::Ports{p.scheduler, p.random, *p.disk.store, p.workers, p.sockets}, supervised);
  p.waits = std::make_unique<sessions::Waits>(*p.supervisor, p.scheduler, *p.disk.store);
  p.api = std::make_unique<api::ApiServer>(api::ApiServer::Ports{p.loop, p.scheduler, p.random, *p.disk.store,
                                                                 p.workers, *p.supervisor, *p.waits, p.http, p.http},
                                           open_limits(settings), std::move(sandbox));
  p.supervisor->start();
  p.port = must(p.api->start());
}

Daemon::~Daemon() {
  bool stopped = false;
  parts_->api->drain([&] { stopped = true; });
  until([&] { return stopped; });
  stopped = false;
  parts_->supervisor->stop([&] { stopped = true; });
  until([&] { return stopped; });
  parts_->api.reset();
}

void Daemon::until(const std::function<bool()>& condition) {
  if (!run_until(parts_->loop, std::cref(condition))) FAIL("the loop never got there");
}

Answer Daemon::ask(std::string_view method, std::string_view path, std::string_view body) {
  return ask(method, path, body, {});
}

Answer Daemon::ask(std::string_view method, std::string_view path, std::string_view body, Headers headers) {
  net::OutgoingRequest request;
  request.method = method;
  request.url = must(net::parse_url("http://127.0.0.1:" + std::to_string(parts_->port) + std::string(path)));
  request.headers = std::move(headers);
  if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  request.body = body;
  request.max_response_bytes = 8u << 20;
  request.allow_private = true;
  std::optional<Answer> answer;
  parts_->http.send(std::move(request), [&](net::OutgoingResult result) {
    if (!result) FAIL(result.error().message);
    answer.emplace();
    answer->status = result->status;
    answer->body = result->body;
    answer->headers = result->headers;
  });
  until([&] { return answer.has_value(); });
  return *answer;
}

Answer Daemon::create(const std::string& name) {
  return ask("POST", "/api/v1/sessions", R"({"sessionId":")" + name + R"("})");
}

storage::SessionId Daemon::id_of(const std::string& name) { return parts_->supervisor->find(name).value().id; }

bool Daemon::has_reason(const std::string& name) { return parts_->supervisor->find(name)->reason.has_value(); }

bool Daemon::has_failed(const std::string& name) {
  return parts_->supervisor->find(name)->status == sessions::Status::failed;
}

void Daemon::insert(storage::SessionId session, int number) {
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
  commit(std::move(changes));
}

void Daemon::commit(storage::Changes changes) {
  parts_->disk.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
}

storage::Database& Daemon::rows() { return parts_->disk.store->reader(); }

boost::asio::io_context& Daemon::loop() { return parts_->loop; }

// --- Listener

struct Listener::Connection {
  std::unique_ptr<net::Transport::Attempt> attempt;
  std::shared_ptr<net::WebSocket> socket;
};

Listener::Listener(Daemon& daemon, const std::string& path) : connection_(std::make_unique<Connection>()) {
  net::WebSocketRequest request;
  request.url = must(net::parse_url("ws://127.0.0.1:" + std::to_string(daemon.parts_->port) + path));
  connection_->attempt = daemon.parts_->sockets.connect(request, [this](net::WebSocketResult result) {
    if (!result) {
      refused = result.error().http_status;
      return;
    }
    connection_->socket = *result;
    net::WebSocket::Callbacks callbacks;
    callbacks.message = [this](net::MessageType, std::span<const std::uint8_t> bytes) {
      texts.emplace_back(protocol::as_text(bytes));
    };
    callbacks.closed = [this](const std::string& why) { closed = why; };
    connection_->socket->start(std::move(callbacks));
  });
  daemon.until([this] { return accepted() || refused; });
}

Listener::~Listener() {
  if (connection_->socket) connection_->socket->abort();
}

bool Listener::accepted() const { return connection_->socket != nullptr; }

}  // namespace wharf::test
