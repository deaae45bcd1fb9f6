// The API over its sockets: what is refused, what it tells of itself.
#include "net/http_server.h"
#include "storage/webhooks.h"
#include "tests/api/api_daemon.h"

using namespace wharf;
using namespace wharf::api;
using test::Answer;
using test::check_documented;
using test::Daemon;
namespace json = boost::json;

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
      {"POST", "/api/v1/sessions", R"({"sessionId":"b","org":"other"})", 501, "org"},
      {"PATCH", "/api/v1/sessions/a", R"({"org":"other"})", 501, "org"},
      {"POST", hooks, R"({"url":"http://127.0.0.1:1/o","org":"other"})", 501, "org"},
      {"PATCH", path, R"({"org":"other"})", 501, "org"},
      {"POST", hooks, R"({"url":"http://127.0.0.1:1/p","previousSecret":"long enough"})", 400, "previousSecret"},
      {"PATCH", path, R"({"previousSecret":"long enough"})", 400, "previousSecret"},
      {"PATCH", path, R"({"secret":null,"previousSecret":"long enough"})", 400, "previousSecret"},
      {"POST", "/api/v1/sessions/a/send-text?timeout=1000", text, 400, "timeout"},
      {"POST", "/api/v1/sessions/a/start", R"({"force":true})", 400, "body"},
      {"POST", "/api/v1/sessions/a/logout", "now", 400, "body"},
      {"DELETE", path, R"({"really":true})", 400, "body"},
      {"GET", "/api/v1/events?limit=501", "", 400, "limit"},
      {"GET", "/api/v1/events?limit=0", "", 400, "limit"},
      {"GET", "/api/v1/events?wait=60001", "", 400, "wait"},
      {"GET", "/api/v1/sessions/a/chats?limit=1001", "", 400, "limit"},
      {"GET", path + "/deliveries?limit=1001", "", 400, "limit"},
  };
  for (const Row& row : rows) {
    INFO(row.method << " " << row.path);
    const Answer answer = d.ask(row.method, row.path, row.body, row.headers);
    CHECK(answer.status == row.status);
    CHECK(answer.json().at("error").at("details").as_object().contains(row.field));
  }
  CHECK(test::Listener(d, "/ws/a?session=a").refused == 400u);
  CHECK(d.ask("POST", "/api/v1/sessions/a/stop", " {} ").status == 200);  // says nothing
  // Of messages it is moved into its range: clients of the gateway dialect are promised that.
  CHECK(d.ask("GET", "/api/v1/sessions/a/chats/15550000002/messages?limit=5000").code() == "CHAT_NOT_FOUND");
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
  const storage::WebhookRow stored = storage::load_webhooks(d.rows()).at(0);
  CHECK(stored.url == "http://user:pass-word@127.0.0.1:1/w");
  CHECK(stored.headers.at(0).second == "value-of-a");
  CHECK(patched(R"({"url":"http://user:***@127.0.0.1:1/other"})").code() == "VALIDATION_ERROR");
  CHECK(patched(R"({"headers":{"B":"***"}})").code() == "VALIDATION_ERROR");
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
  Daemon d({.max_body_bytes = 1000});
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
  Daemon d({}, [](net::HttpRequest request, net::Responder responder) {
    responder.send(net::HttpResponse(200, "application/json", R"({"target":")" + request.target + R"("})"));
  });
  const Answer answer = d.ask("GET", "/sandbox/v1/network");
  CHECK(answer.json().at("target") == "/sandbox/v1/network");
  CHECK_FALSE(answer.header("x-request-id").empty());
}
