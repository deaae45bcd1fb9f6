// The whole API over real sockets, with a real store and supervisor. The WhatsApp network is a port where nobody
// listens: sessions connect for ever, which is enough for everything but pairing and delivery (tests/e2e).
#include "api/server.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include "api/schemas.h"
#include "events/event.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "net/websocket_client.h"
#include "net/worker_pool.h"
#include "storage/messages.h"
#include "storage/webhooks.h"
#include "tests/api/fakes.h"
#include "tests/net/loopback.h"

using namespace wharf;
using namespace wharf::api;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

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
  json::object json() const { return json::parse(body).as_object(); }
  std::string code() const { return std::string(json().at("error").at("code").as_string()); }
};

// An answer has exactly what the OpenAPI document says: no unknown member, every required one.
void check_documented(const json::value& value, const Schema& schema) {
  INFO(schema.name << " " << json::serialize(value));
  std::vector<FieldProblem> problems;
  validate(value.as_object(), schema, Unknown::refused, problems);
  for (const FieldProblem& problem : problems) {
    INFO(problem.field << " " << problem.what);
    CHECK(false);
  }
}

struct Daemon {
  explicit Daemon(ApiSettings settings = open_limits(), SandboxControl sandbox = {}) {
    sessions::SupervisorSettings supervised;
    supervised.network.chat_url = "ws://127.0.0.1:1/ws/chat";
    supervised.network.name = "nowhere";
    supervised.max_sessions = settings.max_sessions;
    supervisor = std::make_unique<sessions::Supervisor>(
        sessions::Supervisor::Ports{scheduler, random, *disk.store, workers, sockets}, supervised);
    waits = std::make_unique<sessions::Waits>(*supervisor, scheduler, *disk.store);
    api = std::make_unique<ApiServer>(
        ApiServer::Ports{loop, scheduler, random, *disk.store, workers, *supervisor, *waits, http}, std::move(settings),
        std::move(sandbox));
    supervisor->start();
    port = test::must(api->start());
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
  static ApiSettings open_limits() {
    ApiSettings settings;
    settings.listen = {"127.0.0.1", 0};
    settings.session_creations_per_minute = settings.messages_per_minute = settings.requests_per_minute = 0;
    settings.webhooks_allow_private = true;
    settings.version = "1.2.3";
    settings.network_name = "nowhere";
    return settings;
  }

  template <class Condition>
  void until(Condition condition) {
    if (!test::run_until(loop, condition)) FAIL("the loop never got there");
  }
  std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port) + path; }

  Answer ask(std::string method, const std::string& path, std::string body = {},
             std::vector<std::pair<std::string, std::string>> headers = {}) {
    net::OutgoingRequest request;
    request.method = std::move(method);
    request.url = test::must(net::parse_url(url(path)));
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
  test::TemporaryStore disk;
  net::WorkerPool workers{loop.get_executor(), 1};
  net::WebSocketClient sockets{loop, net::TlsTrust()};
  net::HttpClient http{loop, net::TlsTrust()};
  std::unique_ptr<sessions::Supervisor> supervisor;
  std::unique_ptr<sessions::Waits> waits;
  std::unique_ptr<ApiServer> api;
  std::uint16_t port = 0;
};

struct Listener {
  Listener(Daemon& daemon, const std::string& path) {
    net::WebSocketRequest request;
    request.url = test::must(net::parse_url("ws://127.0.0.1:" + std::to_string(daemon.port) + path));
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

}  // namespace

TEST_CASE("sessions are created, listed, changed and removed as the first API generation shows it") {
  Daemon d;
  const Answer created =
      d.ask("POST", "/api/v1/sessions",
            R"({"sessionId":"my-bot","waitForQR":false,"config":{"multiDevice":true,"headless":true,"qrTimeout":120,
      "proxyServerCredentials":{"protocol":"http","address":"127.0.0.1:1","username":"u","password":"secret"}},"metadata":{"tenant":7}})");
  CHECK(created.status == 201);
  CHECK(created.json().at("success") == true);
  CHECK(created.json().at("message") == "Session created successfully");
  const json::object data = created.json().at("data").as_object();
  check_documented(data, schemas::session);
  CHECK(data.at("org") == "default");
  CHECK(data.at("sessionId") == "my-bot");
  CHECK(data.at("status") == "initializing");
  CHECK(std::string(data.at("createdAt").as_string()).ends_with("Z"));
  CHECK(data.at("metadata") == json::object({{"tenant", 7}}));
  CHECK(created.body.find("secret") == std::string::npos);

  CHECK(d.create("my-bot").status == 409);
  CHECK(d.create("my-bot").code() == "SESSION_ALREADY_EXISTS");
  CHECK(d.create("second").status == 201);

  const json::object list = d.ask("GET", "/api/v1/sessions").json();
  REQUIRE(list.at("data").as_array().size() == 2);
  CHECK(list.at("data").at(0).at("sessionId") == "my-bot");
  const json::object info = d.ask("GET", "/api/v1/sessions/my-bot").json().at("data").as_object();
  CHECK(info.at("config").at("qrTimeout") == 120);
  CHECK(info.at("config").at("multiDevice") == true);
  CHECK(info.at("me").is_null());
  CHECK(info.contains("lastActivity"));

  const Answer changed =
      d.ask("PATCH", "/api/v1/sessions/my-bot", R"({"config":{"qrTimeout":60},"metadata":{"tenant":8}})");
  CHECK(changed.status == 200);
  CHECK(changed.json().at("data").at("config").at("qrTimeout") == 60);
  CHECK(changed.json().at("data").at("config").at("headless") == true);
  CHECK(changed.json().at("data").at("metadata").at("tenant") == 8);

  const json::object status = d.ask("GET", "/api/v1/sessions/my-bot/status").json().at("data").as_object();
  check_documented(status, schemas::session_status);
  CHECK(status.contains("status"));
  CHECK(status.contains("connection"));
  CHECK(status.contains("lastActivity"));

  CHECK(d.ask("GET", "/api/v1/sessions/my-bot/qr").code() == "QR_NOT_AVAILABLE");
  CHECK(d.ask("GET", "/api/v1/sessions/my-bot/me").code() == "SESSION_NOT_READY");
  CHECK(d.ask("POST", "/api/v1/sessions/my-bot/stop").status == 200);
  CHECK(d.ask("POST", "/api/v1/sessions/my-bot/start").status == 200);

  const Answer removed = d.ask("DELETE", "/api/v1/sessions/my-bot");
  CHECK(removed.status == 200);
  CHECK(removed.json().at("message") == "Session removed successfully");
  const Answer gone = d.ask("GET", "/api/v1/sessions/my-bot");
  CHECK(gone.status == 404);
  CHECK(gone.code() == "SESSION_NOT_FOUND");
  CHECK(gone.json().at("error").at("message") == "Session with ID 'my-bot' not found");
}

TEST_CASE("every session route answers 404 for an unknown session") {
  Daemon d;
  for (const char* path : {"/status", "/qr", "/qr/image", "/me", "/chats", "/chats/1234567890@c.us/messages",
                           "/webhooks", "/messages/ABC"}) {
    INFO(path);
    const Answer answer = d.ask("GET", std::string("/api/v1/sessions/nobody") + path, {},
                                {{"Accept", "application/json; profile=gateway"}});
    CHECK(answer.status == 404);
    CHECK(answer.code() == "not_found");
  }
  CHECK(d.ask("POST", "/api/v1/sessions/nobody/send-text", R"({"chatId":"1234567890@c.us","content":"x"})").code() ==
        "SESSION_NOT_FOUND");
  CHECK(d.ask("POST", "/api/v1/sessions/nobody/webhooks", R"({"url":"https://x.example/"})").code() ==
        "SESSION_NOT_FOUND");
  CHECK(d.ask("DELETE", "/api/v1/sessions/nobody").code() == "SESSION_NOT_FOUND");
  CHECK(d.ask("GET", "/api/v1/events?session=nobody").code() == "SESSION_NOT_FOUND");
  CHECK(Listener(d, "/ws/nobody").refused == 404);
}

TEST_CASE("the gateway dialect's presence tells a bad request and an unknown session before that it is missing") {
  Daemon d;
  d.create("a");
  const std::vector<std::pair<std::string, std::string>> gateway = {{"Accept", "application/json; profile=gateway"}};
  CHECK(d.ask("PUT", "/api/v1/sessions/a/chats/1234567890@c.us/presence", R"({"state":"singing"})", gateway).code() ==
        "validation_error");
  CHECK(d.ask("PUT", "/api/v1/sessions/nobody/chats/1234567890@c.us/presence", R"({"state":"composing"})", gateway)
            .code() == "not_found");
  CHECK(d.ask("PUT", "/api/v1/sessions/a/chats/nowhere/presence", R"({"state":"composing"})").code() ==
        "INVALID_CHAT_ID");
  const Answer answer =
      d.ask("PUT", "/api/v1/sessions/a/chats/1234567890@c.us/presence", R"({"state":"composing"})", gateway);
  CHECK(answer.status == 501);
  CHECK(answer.code() == "not_implemented");
}

TEST_CASE("a session that was never linked does not accept messages") {
  Daemon d;
  d.create("a");
  const Answer answer =
      d.ask("POST", "/api/v1/sessions/a/send-text", R"({"chatId":"1234567890@c.us","content":"Hello, World!"})");
  CHECK(answer.status == 409);
  CHECK(answer.code() == "SESSION_NOT_READY");
}

TEST_CASE("the number of sessions is bounded") {
  ApiSettings settings = Daemon::open_limits();
  settings.max_sessions = 2;
  Daemon d(settings);
  CHECK(d.create("a").status == 201);
  CHECK(d.create("b").status == 201);
  CHECK(d.create("c").code() == "MAX_SESSIONS_REACHED");
}

TEST_CASE("chats and messages are paged in both dialects") {
  Daemon d;
  d.create("a");
  for (int i = 1; i <= 25; ++i) d.insert(d.id_of("a"), i);

  const json::object chats = d.ask("GET", "/api/v1/sessions/a/chats").json();
  REQUIRE(chats.at("data").as_array().size() == 1);
  const json::object chat = chats.at("data").at(0).as_object();
  check_documented(chat, schemas::chat);
  CHECK(chat.at("id") == "1234567890@c.us");
  CHECK(chat.at("name") == "John Doe");
  CHECK(chat.at("isGroup") == false);
  CHECK(chat.at("unreadCount") == 25);
  CHECK(chat.at("lastMessage").at("body") == "body 25");
  CHECK(chats.at("nextCursor").is_null());

  const std::string messages = "/api/v1/sessions/a/chats/1234567890%40c.us/messages";
  json::object page = d.ask("GET", messages + "?limit=10").json();
  REQUIRE(page.at("data").as_array().size() == 10);
  check_documented(page.at("data").at(0), schemas::message);
  CHECK(page.at("data").at(0).at("body") == "body 25");
  CHECK(page.at("data").at(0).at("id") == "true_1234567890@c.us_MSG25");
  page = d.ask("GET", messages + "?limit=10&cursor=" + std::string(page.at("nextCursor").as_string())).json();
  CHECK(page.at("data").at(0).at("body") == "body 15");
  page = d.ask("GET", messages + "?limit=10&cursor=" + std::string(page.at("nextCursor").as_string())).json();
  CHECK(page.at("data").as_array().size() == 5);
  CHECK(page.at("nextCursor").is_null());

  for (const char* before : {"true_1234567890@c.us_MSG6", "MSG6"}) {
    const json::object older = d.ask("GET", messages + "?before=" + before).json();
    REQUIRE(older.at("data").as_array().size() == 5);
    CHECK(older.at("data").at(0).at("body") == "body 5");
  }
  CHECK(d.ask("GET", messages + "?before=NOSUCH").code() == "MESSAGE_NOT_FOUND");
  for (const char* cursor : {"x", "m", "m0", "m-1", "m01", "m1x", "1"})
    CHECK(d.ask("GET", messages + "?cursor=" + cursor).json().at("error").at("details").as_object().contains("cursor"));
  CHECK(d.ask("GET", messages).json().at("data").as_array().size() == 25);
  CHECK(d.ask("GET", messages + "?limit=0").json().at("data").as_array().size() == 25);

  const std::vector<std::pair<std::string, std::string>> gateway = {{"Accept", "application/json; profile=gateway"}};
  const json::object theirs =
      d.ask("GET", "/api/v1/sessions/a/chats/+1%20234-567%20890/messages?limit=1", {}, gateway).json();
  check_documented(theirs.at("data").at(0), schemas::message);
  CHECK(theirs.at("data").at(0).at("id") == "MSG25");
  CHECK(theirs.at("data").at(0).at("chatJid") == "1234567890@s.whatsapp.net");
  CHECK(theirs.at("data").at(0).at("timestamp") == 1642694623000);
  CHECK(d.ask("GET", "/api/v1/sessions/a/messages/true_1234567890@c.us_MSG7").json().at("data").at("body") == "body 7");

  CHECK(d.ask("GET", "/api/v1/sessions/a/chats/555555555/messages", {}, gateway).code() == "not_found");
  CHECK(d.ask("GET", "/api/v1/sessions/a/chats/bad/messages").code() == "INVALID_CHAT_ID");
  CHECK(d.ask("DELETE", "/api/v1/sessions/a/chats/1234567890@c.us").status == 204);
  CHECK(d.ask("DELETE", "/api/v1/sessions/a/chats/1234567890@c.us").status == 404);
  CHECK(d.ask("GET", "/api/v1/sessions/a/chats").json().at("data").as_array().empty());
}

TEST_CASE("without a limit the chats come all, in slices that no client sees") {
  Daemon d;
  d.create("a");
  CHECK(d.ask("GET", "/api/v1/sessions/a/chats").body == R"({"success":true,"data":[],"nextCursor":null})");
  storage::Changes changes;
  constexpr int chats = 730;
  for (int i = 0; i < chats; ++i) {
    storage::MessageRow row;
    row.session = d.id_of("a");
    row.chat = row.author = protocol::Jid(std::to_string(1'000'000'000 + i), "s.whatsapp.net");
    row.id = "M" + std::to_string(i);
    row.kind = "text";
    row.body = "body " + std::to_string(i);
    row.timestamp = 1'642'694'598'000 + i * 1000;
    changes.add(storage::InsertMessage{std::move(row), true, std::nullopt});
  }
  d.disk.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });

  for (const char* path : {"/api/v1/sessions/a/chats", "/api/v1/sessions/a/chats?limit=0"}) {
    const Answer answer = d.ask("GET", path);
    CHECK(answer.header("transfer-encoding") == "chunked");
    CHECK_FALSE((answer.header("X-Request-Id").empty() && answer.header("x-request-id").empty()));
    const json::object all = answer.json();
    CHECK(all.at("nextCursor").is_null());
    REQUIRE(all.at("data").as_array().size() == chats);
    for (int i = 0; i < chats; ++i) {
      const json::object& chat = all.at("data").as_array()[static_cast<std::size_t>(i)].as_object();
      REQUIRE(chat.at("id").as_string() == std::to_string(1'000'000'000 + chats - 1 - i) + "@c.us");
    }
    check_documented(all.at("data").at(700), schemas::chat);
  }
  const json::object page = d.ask("GET", "/api/v1/sessions/a/chats?limit=50").json();
  CHECK(page.at("data").as_array().size() == 50);
  const std::string next(page.at("nextCursor").as_string());
  CHECK(d.ask("GET", "/api/v1/sessions/a/chats?cursor=" + next).json().at("data").as_array().size() == 50);
  for (const char* bogus : {"bogus", "1", "1.", ".1", "m1", "01.1", "1.01", "1.-0", "1.1x"}) {
    INFO(bogus);
    const Answer answer = d.ask("GET", std::string("/api/v1/sessions/a/chats?cursor=") + bogus);
    CHECK(answer.status == 400);
    CHECK(answer.json().at("error").at("details").as_object().contains("cursor"));
  }
  CHECK(
      d.ask("GET", "/api/v1/sessions/a/chats?limit=x").json().at("error").at("details").as_object().contains("limit"));
}

TEST_CASE("webhooks are registered, shown without their secrets, tried and removed") {
  Daemon d;
  d.create("a");
  const Answer added = d.ask("POST", "/api/v1/sessions/a/webhooks",
                             R"({"url":"http://127.0.0.1:1/webhook","events":["message","ack","group_join"],
      "headers":{"Authorization":"Bearer your-token"},"secret":"some-secret"})");
  CHECK(added.status == 201);
  const json::object webhook = added.json().at("data").as_object();
  CHECK(webhook.at("headers").at("Authorization") == "Bearer your-token");
  check_documented(webhook, schemas::webhook);
  CHECK(webhook.at("org") == "default");
  CHECK(webhook.at("signed") == true);
  CHECK(webhook.at("sessionId") == "a");
  CHECK(added.body.find("some-secret") == std::string::npos);
  const std::string path = "/api/v1/sessions/a/webhooks/" + std::string(webhook.at("id").as_string());

  CHECK(d.ask("GET", "/api/v1/sessions/a/webhooks").body.find("your-token") == std::string::npos);
  CHECK(d.ask("GET", path).json().at("data").at("url") == "http://127.0.0.1:1/webhook");
  CHECK(d.ask("GET", "/api/v1/webhooks").json().at("data").as_array().empty());
  const std::string organisation_path = "/api/v1/webhooks/" + std::string(webhook.at("id").as_string());
  CHECK(d.ask("GET", organisation_path).code() == "WEBHOOK_NOT_FOUND");

  const json::object outcome = d.ask("POST", path + "/test").json().at("data").as_object();
  check_documented(outcome, schemas::delivery_outcome);
  CHECK(outcome.at("delivered") == false);
  CHECK(outcome.contains("error"));
  CHECK(d.ask("GET", path + "/deliveries").status == 200);
  CHECK(d.ask("POST", path + "/deliveries/999999/redeliver").code() == "EVENT_NOT_FOUND");
  CHECK(d.ask("POST", path + "/deliveries/x/redeliver").code() == "VALIDATION_ERROR");

  CHECK(d.ask("DELETE", path).status == 200);
  CHECK(d.ask("DELETE", path).status == 404);
  CHECK(d.ask("POST", "/api/v1/webhooks", R"({"url":"http://127.0.0.1:1/all"})")
            .json()
            .at("data")
            .at("sessionId")
            .is_null());
}

TEST_CASE("what would be ignored is refused, by its name") {
  Daemon d;
  d.create("a");
  const std::string text = R"({"chatId":"15550000002","content":"hi"})";
  const std::string hooks = "/api/v1/sessions/a/webhooks";
  const json::object hook = d.ask("POST", hooks, R"({"url":"http://user:pass-word@127.0.0.1:1/w"})").json();
  const std::string path = hooks + "/" + std::string(hook.at("data").at("id").as_string());
  struct Row {
    const char* method;
    std::string path, body;
    unsigned status;
    const char* field;
    std::vector<std::pair<std::string, std::string>> headers = {};
  };
  const std::vector<Row> rows = {
      {"POST", "/api/v1/sessions/a/send-text", text, 400, "Idempotency-Key", {{"Idempotency-Key", ""}}},
      {"POST", "/api/v1/sessions/a/send-text?waitFor=", text, 400, "waitFor"},
      {"POST", "/api/v1/sessions/a/send-text?strict=maybe", text, 400, "strict"},
      {"POST", "/api/v1/sessions/a/start?strict=true", R"({"foo":1})", 400, "body"},
      {"GET", "/api/v1/events?after=1&cursor=2", "", 400, "cursor"},
      {"GET", "/api/v1/events?after=-1", "", 400, "after"},
      {"GET", "/api/v1/events?since=%2B1", "", 400, "since"},
      {"GET", "/api/v1/events?cursor=01", "", 400, "cursor"},
      {"GET", "/api/v1/events/ws?after=9223372036854775808", "", 400, "after"},
      {"GET", "/ws/a?since=x", "", 400, "since"},
      {"GET", "/ws/a?cursor=" + std::string(500, '1'), "", 400, "cursor"},
      {"POST", path + "/deliveries/01/redeliver", "", 400, "eventId"},
      {"GET", path + "/deliveries?state=parked", "", 501, "state"},
      {"GET", path + "/deliveries?cursor=x", "", 501, "cursor"},
      {"PATCH", "/api/v1/sessions/a", "", 400, "body"},
      {"PATCH", path, "", 400, "body"},
  };
  for (const Row& row : rows) {
    INFO(row.method << " " << row.path);
    const Answer answer = d.ask(row.method, row.path, row.body, row.headers);
    CHECK(answer.status == row.status);
    CHECK(answer.json().at("error").at("details").as_object().contains(row.field));
  }
  CHECK(d.ask("GET", hooks).body.find("pass-word") == std::string::npos);
  CHECK(d.ask("GET", hooks).body.find("user:***@") != std::string::npos);
  // Reading and writing back keeps what is stored; a mask of nothing stored is no credential.
  const auto patched = [&](const char* body) { return d.ask("PATCH", path, body); };
  CHECK(patched(R"({"headers":{"A":"value-of-a"}})").body.find("pass-word") == std::string::npos);
  CHECK(patched(R"({"url":"http://user:***@127.0.0.1:1/w","headers":{"A":"***"},"events":["*"]})").status == 200);
  // A mask that is sent back buys no look at what it stands for, nor does null.
  for (const char* body : {R"({"url":"http://user:***@127.0.0.1:1/w"})", R"({"headers":{"A":"***"}})"}) {
    CHECK(patched(body).status == 200);
    CHECK(patched(body).body.find("pass-word") == std::string::npos);
    CHECK(patched(body).body.find("value-of-a") == std::string::npos);
  }
  const Answer again = d.ask("POST", hooks, R"({"url":"http://user:pass-word@127.0.0.1:1/w","headers":null})");
  CHECK(again.status == 201);
  CHECK(again.body.find("value-of-a") == std::string::npos);
  CHECK(d.ask("POST", hooks, R"({"url":"http://user:***@127.0.0.1:1/w"})").code() == "VALIDATION_ERROR");
  CHECK(d.ask("POST", hooks, R"({"url":"http://127.0.0.1:1/***"})").status == 201);  // a path, no mask
  const storage::WebhookRow stored = storage::load_webhooks(d.disk.store->reader()).at(0);
  CHECK(stored.url == "http://user:pass-word@127.0.0.1:1/w");
  CHECK(stored.headers.at(0).second == "value-of-a");
  CHECK(patched(R"({"url":"http://user:***@127.0.0.1:1/other"})").code() == "VALIDATION_ERROR");
  CHECK(patched(R"({"headers":{"B":"***"}})").code() == "VALIDATION_ERROR");
}

TEST_CASE("the same URL registered twice is one webhook, and PATCH changes it") {
  Daemon d;
  d.create("a");
  const std::string base = "/api/v1/sessions/a/webhooks";
  const json::object first =
      d.ask("POST", base,
            R"({"url":"http://127.0.0.1:1/w","events":["message","group_join"],"headers":{"A":"secret-value"}})")
          .json()
          .at("data")
          .as_object();
  CHECK(first.at("notYetFired") == json::array({"group_join"}));
  const Answer again = d.ask("POST", base, R"({"url":"http://127.0.0.1:1/w"})");
  CHECK(again.status == 201);
  CHECK(again.json().at("data").at("id") == first.at("id"));
  CHECK(again.json().at("data").at("events") == json::array({"message", "group_join"}));
  CHECK(again.body.find("secret-value") == std::string::npos);
  CHECK(d.ask("GET", base).json().at("data").as_array().size() == 1);
  // Whoever registers it with something else gets that, and the rest stays.
  const Answer signing =
      d.ask("POST", base, R"({"url":"http://127.0.0.1:1/w","secret":"a-new-secret","events":["*"]})");
  CHECK(signing.status == 201);
  CHECK(signing.json().at("data").at("id") == first.at("id"));
  CHECK(signing.json().at("data").at("signed") == true);
  CHECK(signing.json().at("data").at("events") == json::array({"*"}));
  CHECK(signing.json().at("data").at("headers").as_object().contains("A"));
  const Answer unsigned_again = d.ask("POST", base, R"({"url":"http://127.0.0.1:1/w","events":["message"]})");
  CHECK(unsigned_again.json().at("data").at("secrets") == 1);
  CHECK(d.ask("POST", base, R"({"url":"http://127.0.0.1:1/w","secret":"a-new-secret"})")
            .json()
            .at("data")
            .at("secrets") == 1);

  const std::string path = base + "/" + std::string(first.at("id").as_string());
  const auto patch = [&](const char* body) { return d.ask("PATCH", path, body); };
  Answer changed = patch(R"({"url":"http://127.0.0.1:1/x","events":["ack"]})");
  CHECK(changed.status == 200);
  check_documented(changed.json().at("data"), schemas::webhook);
  CHECK(changed.json().at("data").at("url") == "http://127.0.0.1:1/x");
  CHECK(changed.json().at("data").at("events") == json::array({"ack"}));
  CHECK(changed.json().at("data").at("headers").as_object().contains("A"));
  CHECK(patch(R"({"secret":null,"previousSecret":null})").json().at("data").at("signed") == false);
  CHECK(patch(R"({"secret":"first-secret"})").json().at("data").at("secrets") == 1);
  CHECK(patch(R"({"secret":"second-secret"})").json().at("data").at("secrets") == 2);
  CHECK(patch(R"({"secret":"second-secret"})").json().at("data").at("secrets") == 2);  // a repeat ends nothing
  CHECK(patch(R"({"previousSecret":null})").json().at("data").at("secrets") == 1);
  CHECK(patch(R"({"secret":null})").json().at("data").at("signed") == false);
  CHECK(patch(R"({"headers":null})").json().at("data").at("headers").as_object().empty());
  for (const char* nothing : {"{}", R"({"foo":1})", R"({"url":null})"})
    CHECK(patch(nothing).code() == "VALIDATION_ERROR");
  CHECK(patch(R"({"events":[]})").code() == "VALIDATION_ERROR");
  CHECK(patch(R"({"url":"ftp://x/"})").code() == "VALIDATION_ERROR");
  CHECK(patch(R"({"paused":true})").code() == "NOT_IMPLEMENTED");
  d.ask("POST", base, R"({"url":"http://127.0.0.1:1/other"})");
  CHECK(patch(R"({"url":"http://127.0.0.1:1/other"})").code() == "WEBHOOK_ALREADY_EXISTS");
  CHECK(d.ask("PATCH", base + "/wh_none", R"({"events":["*"]})").code() == "WEBHOOK_NOT_FOUND");
  CHECK(d.ask("PATCH", "/api/v1/webhooks/" + std::string(first.at("id").as_string()), R"({"events":["*"]})").code() ==
        "WEBHOOK_NOT_FOUND");
}

TEST_CASE("private webhook addresses are refused unless allowed") {
  ApiSettings settings = Daemon::open_limits();
  settings.webhooks_allow_private = false;
  Daemon d(settings);
  for (const char* url : {"http://127.0.0.1/x", "http://localhost/x", "http://[::1]/x", "https://10.0.0.1/",
                          "http://169.254.169.254/latest"}) {
    INFO(url);
    const Answer answer = d.ask("POST", "/api/v1/webhooks", std::string(R"({"url":")") + url + R"("})");
    CHECK(answer.status == 400);
    CHECK(answer.json().at("error").at("details").as_object().contains("url"));
  }
}

TEST_CASE("events reach WebSockets and long-polls in one shape, and since= replays them") {
  Daemon d;
  d.create("a");
  Listener live(d, "/ws/a");
  Listener all(d, "/api/v1/events/ws?events=session.status,disconnected");
  REQUIRE(live.socket);
  d.ask("POST", "/api/v1/sessions/a/stop");
  d.until([&] { return !live.texts.empty() && !all.texts.empty(); });
  const json::object event = json::parse(live.texts.back()).as_object();
  check_documented(event, schemas::event);
  CHECK(event.at("sessionId") == "a");
  CHECK(event.at("data").is_object());

  const json::object log = d.ask("GET", "/api/v1/events?session=a&after=0").json();
  const auto& events = log.at("data").as_array();
  REQUIRE_FALSE(events.empty());
  CHECK(log.at("nextCursor") == events.back().at("id"));

  for (const char* spelling : {"since=0", "cursor=0"})
    CHECK(d.ask("GET", std::string("/api/v1/events?session=a&") + spelling).json().at("data") == log.at("data"));
  Listener replayed(d, "/ws/a?after=0");
  d.until([&] { return replayed.texts.size() >= events.size(); });
  for (std::size_t i = 0; i < events.size(); ++i) CHECK(json::parse(replayed.texts[i]) == events[i]);
  CHECK(replayed.texts.back() == live.texts.back());  // the same bytes

  d.ask("DELETE", "/api/v1/sessions/a");
  d.until([&] { return !live.closed.empty(); });
}

TEST_CASE("an event goes by one id in the log, at its webhook and in a redelivery, and it is text") {
  Daemon d;
  d.create("a");
  const json::object hook = d.ask("POST", "/api/v1/webhooks", R"({"url":"http://127.0.0.1:1/w"})").json();
  const std::string deliveries =
      "/api/v1/webhooks/" + std::string(hook.at("data").at("id").as_string()) + "/deliveries";
  d.ask("POST", "/api/v1/sessions/a/stop");
  json::array waiting;
  d.until([&] {
    waiting = d.ask("GET", deliveries).json().at("data").as_array();
    return !waiting.empty();
  });
  check_documented(waiting.at(0), schemas::delivery);
  const std::string id(waiting.at(0).at("eventId").as_string());
  const json::object log = d.ask("GET", "/api/v1/events?after=0").json();
  const auto& events = log.at("data").as_array();
  const auto same = [&](const json::value& event) { return event.at("id") == json::value(id); };
  CHECK(std::count_if(events.begin(), events.end(), same) == 1);
  CHECK(log.at("nextCursor").is_string());
  const Answer again = d.ask("POST", deliveries + "/" + id + "/redeliver");
  CHECK(again.status == 202);
  CHECK(again.json().at("data").at("eventId") == json::value(id));
}

TEST_CASE("the request that caused an event is shown on the WebSocket and in the log") {
  Daemon d;
  d.create("a");
  Listener live(d, "/ws/a?events=ready");
  storage::Changes changes;
  events::Event told = events::Ready{protocol::Jid("1", "s.whatsapp.net"), {}, {}};
  told.request_id = "req-1";
  changes.emit(storage::NewEvent(d.id_of("a"), std::move(told), 5));
  d.disk.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  d.until([&] { return !live.texts.empty(); });
  const json::value shown = json::parse(live.texts.back());
  check_documented(shown, schemas::event);
  CHECK(shown.at("requestId") == "req-1");
  const json::object log = d.ask("GET", "/api/v1/events?events=ready").json();
  CHECK(log.at("data").as_array().back() == shown);
}

TEST_CASE("server-sent events are refused by name where only JSON is to be had") {
  Daemon d;
  CHECK(d.ask("GET", "/api/v1/events", {}, {{"Accept", "text/event-stream"}}).status == 406);
  CHECK(d.ask("GET", "/api/v1/events", {}, {{"Accept", "text/event-stream, application/json"}}).status == 200);
  CHECK(d.ask("GET", "/api/v1/events", {}, {{"Accept", "*/*"}}).status == 200);
}

TEST_CASE("info, health, the document and the first page tell the truth") {
  Daemon d;
  d.create("a");
  const json::object info = d.ask("GET", "/api/v1/info").json().at("data").as_object();
  check_documented(info, schemas::server_info);
  CHECK(info.at("version") == "1.2.3");
  CHECK(info.at("activeSessions") == 1);
  CHECK(info.at("maxSessions") == 10'000);
  CHECK(std::string(info.at("memory").at("used").as_string()).ends_with("MB"));
  const Answer health = d.ask("GET", "/api/v1/health");
  CHECK(health.status == 200);
  check_documented(health.json().at("data"), schemas::health);
  CHECK(health.json().at("data").at("status") == "healthy");
  CHECK(health.json().at("data").at("checks").at("database") == "ok");
  CHECK(d.ask("GET", "/api/v1/openapi.json").json().at("openapi") == "3.1.0");
  const Answer page = d.ask("GET", "/");
  CHECK(page.header("content-type").starts_with("text/html"));
  CHECK(page.body.find("/api/v1/sessions") != std::string::npos);
}

TEST_CASE("what the HTTP server refuses by itself has the envelope too") {
  ApiSettings settings = Daemon::open_limits();
  settings.max_body_bytes = 1000;
  Daemon d(settings);
  const Answer large =
      d.ask("POST", "/api/v1/sessions", R"({"sessionId":"a","metadata":{"x":")" + std::string(2000, 'x') + R"("}})");
  CHECK(large.status == 413);
  CHECK(large.code() == "PAYLOAD_TOO_LARGE");
  CHECK_FALSE(large.header("x-request-id").empty());
}

TEST_CASE("the sandbox control gets its requests when there is one") {
  {
    Daemon d;
    CHECK(d.ask("GET", "/sandbox/v1/network").status == 404);
  }
  Daemon d(Daemon::open_limits(), [](net::HttpRequest request, net::Responder responder) {
    responder.send(net::HttpResponse(200, "application/json", R"({"target":")" + request.target + R"("})"));
  });
  const Answer answer = d.ask("GET", "/sandbox/v1/network");
  CHECK(answer.json().at("target") == "/sandbox/v1/network");
  CHECK_FALSE(answer.header("x-request-id").empty());
}

TEST_CASE("an address where no proxy listens is told as such, not as the network's failure") {
  Daemon d;
  const std::string closed = [&] {
    test::RawServer gone(d.loop, [](std::shared_ptr<test::RawEnd>) {});
    return fmt::format("127.0.0.1:{}", gone.port());
  }();
  const std::string body = fmt::format(
      R"({{"sessionId":"p","config":{{"proxyServerCredentials":{{"protocol":"http","address":"{}"}}}}}})", closed);
  REQUIRE(d.ask("POST", "/api/v1/sessions", body).status == 201);
  d.until([&] { return d.supervisor->find("p")->reason.has_value(); });
  const json::value shown = d.ask("GET", "/api/v1/sessions/p").json();
  CHECK(shown.at("data").at("reason").at("code") == "proxy_unreachable");
  // A QR that is not there says why in fields, not in one text.
  const json::value qr = d.ask("GET", "/api/v1/sessions/p/qr").json();
  CHECK(qr.at("error").at("details").at("reason") == "proxy_unreachable");
  CHECK(qr.at("error").at("details").at("nextStep").as_string().find("PATCH") != std::string::npos);
}

TEST_CASE(
    "a proxy that refuses the login is the reason that a session shows, while it tries and after its QR time-out") {
  Daemon d;
  const auto refuses_http = [](std::shared_ptr<test::RawEnd> end) {
    end->on_heard = [end = end.get()] {
      if (end->heard.find("\r\n\r\n") == std::string::npos) return;
      end->say("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    };
  };
  const auto refuses_socks = [](std::shared_ptr<test::RawEnd> end) {
    end->on_heard = [end = end.get()] {
      const bool greeting = end->heard.front() == 5;
      end->heard.clear();
      end->say(greeting ? std::string("\x05\x02") : std::string("\x01\x01"));  // a login, please; not this one
    };
  };
  test::RawServer http(d.loop, refuses_http), socks(d.loop, refuses_socks);
  struct Row {
    const char* protocol;
    std::uint16_t port;
  };
  for (const Row& row : {Row{"http", http.port()}, Row{"socks5", socks.port()}}) {
    INFO(row.protocol);
    const std::string name = fmt::format("by-{}", row.protocol);
    const std::string path = "/api/v1/sessions/" + name;
    const auto shown = [&] { return d.ask("GET", path).json().at("data").as_object(); };
    const std::string proxy = fmt::format(
        R"({{"protocol":"{}","address":"127.0.0.1:{}","username":"u","password":"wrong"}})", row.protocol, row.port);
    const std::string body =
        fmt::format(R"({{"sessionId":"{}","config":{{"qrTimeout":1,"proxyServerCredentials":{}}}}})", name, proxy);
    REQUIRE(d.ask("POST", "/api/v1/sessions", body).status == 201);
    d.until([&] { return d.supervisor->find(name)->reason.has_value(); });
    const json::object trying = shown();
    REQUIRE(trying.at("reason").at("code") == "proxy_refused");
    CHECK(std::string(trying.at("reason").at("nextStep").as_string()).find("proxyServerCredentials") !=
          std::string::npos);
    d.until([&] { return d.supervisor->find(name)->status == sessions::Status::failed; });
    const json::object failed = shown();
    CHECK(failed.at("status") == "failed");
    CHECK(failed.at("reason").at("code") == "proxy_refused");
    CHECK(std::string(failed.at("reason").at("message").as_string()).find("timeout") == std::string::npos);
    CHECK(failed.at("reason").at("nextStep").as_string().find("/start") != std::string::npos);
    const Answer code = d.ask("POST", path + "/pairing-code", R"({"phone":"15550000009"})");
    CHECK(code.status == 409);
    const std::string ended(code.json().at("error").at("message").as_string());
    CHECK(ended.starts_with("the session has ended: "));
    CHECK(ended.ends_with("; POST " + path + "/start first"));
  }
}
