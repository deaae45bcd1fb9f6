// The door: what every request meets before a handler, against the real routing table.
#include "api/router.h"

#include <algorithm>
#include <sstream>

#include "api/handlers.h"
#include "protocol/crypto/random.h"
#include "tests/api/fakes.h"

using namespace wharf;
using namespace wharf::api;
using wharf::test::FakeClient;
using wharf::test::FakeClock;
using wharf::test::request;

namespace {

struct Door {
  explicit Door(RouterSettings settings = RouterSettings())
      : router(routes(), settings, clock, random, [this](const CallPtr& call) {
          last = call;
          call->success("{}");
        }) {}

  FakeClient ask(net::HttpRequest what) {
    last.reset();
    const auto client = std::make_shared<FakeClient>();
    router.handle(std::move(what), net::Responder(client));
    REQUIRE(client->answer);
    return *client;
  }

  FakeClock clock;
  protocol::SeededRandom random{1};
  CallPtr last;  // the call the handler saw
  Router router;
};

net::HttpRequest with(net::HttpRequest request, std::string name, std::string value) {
  request.headers.emplace_back(std::move(name), std::move(value));
  return request;
}

}  // namespace

TEST_CASE("unknown paths and wrong methods answer in the envelope") {
  Door door;
  for (const char* path : {"/nothing", "/api/v1", "/api/v2/sessions", "/api/v1/sessions/a/b/c/d", "/api/v1//sessions",
                           "/api/v1/sessions/a/send-text/"
                           "x/y/z/1/2/3/4/5/6/7/8/9/10/11/12"}) {
    INFO(path);
    const FakeClient client = door.ask(request("GET", path));
    CHECK(client.answer->status == 404);
    CHECK(client.error_code() == "NOT_FOUND");
    CHECK(client.json().at("success") == false);
    CHECK_FALSE(client.header("X-Request-Id").empty());
  }
  const FakeClient wrong = door.ask(request("PUT", "/api/v1/sessions"));
  CHECK(wrong.answer->status == 405);
  CHECK(wrong.header("Allow") == "POST, GET");
  CHECK(wrong.error_code() == "METHOD_NOT_ALLOWED");
}

TEST_CASE("path parameters are percent-decoded and a literal wins over a parameter") {
  Door door;
  door.ask(request("GET", "/api/v1/sessions/my%2Dbot/chats/1234567890%40c.us/messages?limit=5"));
  REQUIRE(door.last);
  CHECK(door.last->param("sessionId") == "my-bot");
  CHECK(door.last->param("chatId") == "1234567890@c.us");
  CHECK(door.last->query.integer("limit", 0) == 5);
  door.ask(request("GET", "/api/v1/sessions/a/chats/+49 170 1234567/messages"));
  CHECK(door.last->param("chatId") == "+49 170 1234567");  // a plus in a path is a plus
  door.ask(request("GET", "/api/v1/sessions/"));
  CHECK(door.last->route->pattern == "/api/v1/sessions");
  for (const char* path :
       {"/api/v1/sessions/%", "/api/v1/sessions/%4", "/api/v1/sessions/%zz", "/api/v1/sessions/a%00b"}) {
    INFO(path);
    CHECK(door.ask(request("GET", path)).answer->status == 400);
    CHECK_FALSE(door.last);
  }
}

TEST_CASE("each malformed body gets its status, code and field") {
  struct Case {
    const char *method, *path, *body;
    unsigned status;
    const char *code, *field;
  };
  const Case cases[] = {
      {"POST", "/api/v1/sessions", "", 400, "VALIDATION_ERROR", "sessionId"},
      {"POST", "/api/v1/sessions", "{", 400, "VALIDATION_ERROR", "body"},
      {"POST", "/api/v1/sessions", "{} x", 400, "VALIDATION_ERROR", "body"},
      {"POST", "/api/v1/sessions", "[]", 400, "VALIDATION_ERROR", "body"},
      {"POST", "/api/v1/sessions", "\"x\"", 400, "VALIDATION_ERROR", "body"},
      {"POST", "/api/v1/sessions", "\xff\xfe", 400, "VALIDATION_ERROR", "body"},
      {"POST", "/api/v1/sessions", "{\"sessionId\":\"\xc3\x28\"}", 400, "VALIDATION_ERROR", "body"},
      {"POST", "/api/v1/sessions", R"({"sessionId":5})", 400, "VALIDATION_ERROR", "sessionId"},
      {"POST", "/api/v1/sessions", R"({"sessionId":""})", 400, "VALIDATION_ERROR", "sessionId"},
      {"POST", "/api/v1/sessions", R"({"sessionId":"../../etc"})", 400, "VALIDATION_ERROR", "sessionId"},
      {"POST", "/api/v1/sessions", R"({"sessionId":"a","config":5})", 400, "VALIDATION_ERROR", "config"},
      {"POST", "/api/v1/sessions", R"({"sessionId":"a","config":{"qrTimeout":1e300}})", 400, "VALIDATION_ERROR",
       "config.qrTimeout"},
      {"POST", "/api/v1/sessions", R"({"sessionId":"a","config":{"qrTimeout":1.5}})", 400, "VALIDATION_ERROR",
       "config.qrTimeout"},
      {"POST", "/api/v1/sessions/a/send-text", R"({"content":"x"})", 400, "VALIDATION_ERROR", "chatId"},
      {"POST", "/api/v1/sessions/a/send-text", R"({"chatId":null,"content":"x"})", 400, "VALIDATION_ERROR", "chatId"},
      {"POST", "/api/v1/sessions/a/send-text", R"({"chatId":"nobody","content":"x"})", 400, "INVALID_CHAT_ID",
       "chatId"},
      {"POST", "/api/v1/sessions/a/send-text", R"({"chatId":"status@broadcast","content":"x"})", 400, "INVALID_CHAT_ID",
       "chatId"},
      {"POST", "/api/v1/sessions/a/send-text", R"({"chatId":"1700000000@broadcast","content":"x"})", 400,
       "INVALID_CHAT_ID", "chatId"},
      {"POST", "/api/v1/sessions/a/send-text", R"({"chatId":"nobody","content":5})", 400, "VALIDATION_ERROR", "chatId"},
      {"POST", "/api/v1/sessions/a/send-text", R"({"chatId":"1234567890"})", 400, "VALIDATION_ERROR", "content"},
      {"POST", "/api/v1/sessions/a/send-text", R"({"chatId":"1234567890","content":"x","mentions":["y"]})", 400,
       "INVALID_CHAT_ID", "mentions[0]"},
      {"POST", "/api/v1/sessions/a/send-text", R"({"chatId":"1234567890","content":"x","mentions":["1@newsletter"]})",
       400, "INVALID_CHAT_ID", "mentions[0]"},
      {"PATCH", "/api/v1/sessions/a/messages/MESSAGE1", R"({"content":"x","mentions":["2@lid","1@newsletter"]})", 400,
       "INVALID_CHAT_ID", "mentions[1]"},
      {"POST", "/api/v1/sessions/a/send-text", R"({"chatId":"1234567890","content":"x","messageId":"a b c d e f"})",
       400, "VALIDATION_ERROR", "messageId"},
      {"POST", "/api/v1/sessions/a/send-text", R"({"chatId":"1234567890","content":"x","quotedMessageId":"true_"})",
       400, "VALIDATION_ERROR", "quotedMessageId"},
      {"POST", "/api/v1/sessions/a/send-text?waitFor=moon", R"({"chatId":"1234567890","content":"x"})", 400,
       "VALIDATION_ERROR", "waitFor"},
      {"POST", "/api/v1/sessions/a/send-text?timeout=-1", R"({"chatId":"1234567890","content":"x"})", 400,
       "VALIDATION_ERROR", "timeout"},
      {"POST", "/api/v1/sessions/a/send-text?strict=true", R"({"chatId":"1234567890","content":"x","foo":1})", 400,
       "VALIDATION_ERROR", "foo"},
      {"POST", "/api/v1/sessions/a/send-text?strict=true&foo=1", R"({"chatId":"1234567890","content":"x"})", 400,
       "VALIDATION_ERROR", "foo"},
      {"POST", "/api/v1/sessions/a/webhooks", R"({"events":["message"]})", 400, "VALIDATION_ERROR", "url"},
      {"POST", "/api/v1/sessions/a/webhooks", R"({"url":"ftp://x/"})", 400, "VALIDATION_ERROR", "url"},
      {"POST", "/api/v1/webhooks", R"({"url":"https://x/","events":[]})", 400, "VALIDATION_ERROR", "events"},
      {"PATCH", "/api/v1/sessions/a", R"({"metadata":"x"})", 400, "VALIDATION_ERROR", "metadata"},
      {"POST", "/api/v1/sessions/a/pairing-code", R"({})", 400, "VALIDATION_ERROR", "phone"},
      {"PUT", "/api/v1/sessions/a/chats/1234567890@c.us/presence", R"({})", 400, "VALIDATION_ERROR", "state"},
      {"PUT", "/api/v1/sessions/a/chats/1234567890@c.us/presence", R"({"state":"typing"})", 400, "VALIDATION_ERROR",
       "state"},
      {"GET", "/api/v1/sessions/a/qr/image?size=5", "", 400, "VALIDATION_ERROR", "size"},
      {"GET", "/api/v1/sessions/a/chats/1/messages?limit=x", "", 400, "VALIDATION_ERROR", "limit"},
      {"GET", "/api/v1/events?after=x", "", 400, "VALIDATION_ERROR", "after"},
      {"GET", "/api/v1/events?events=nonsense", "", 400, "VALIDATION_ERROR", "events"},
      {"GET", "/api/v1/events?a=%", "", 400, "VALIDATION_ERROR", "query"},
  };
  Door door;
  for (const Case& bad : cases) {
    INFO(bad.method << " " << bad.path << " " << bad.body);
    const FakeClient client = door.ask(request(bad.method, bad.path, bad.body));
    CHECK(client.answer->status == bad.status);
    CHECK(client.error_code() == bad.code);
    CHECK(client.details().contains(bad.field));
    CHECK_FALSE(door.last);
  }
  // Deep nesting ends at the parser's bound.
  CHECK(door.ask(request("POST", "/api/v1/sessions", "{\"metadata\":" + std::string(10'000, '['))).answer->status ==
        400);
}

TEST_CASE("what the query alone is asked for is refused in a body by name, and not lost") {
  Door door;
  const std::string path = "/api/v1/sessions/a/send-text", text = R"("chatId":"1234567890","content":"x")";
  for (const char* strict : {"", "?strict=true"}) {
    for (const char* name : {"waitFor", "timeout"}) {
      INFO(name << strict);
      const FakeClient client = door.ask(request("POST", path + strict, "{" + text + ",\"" + name + "\":\"server\"}"));
      CHECK(client.answer->status == 400);
      CHECK(client.details().contains(name));
      CHECK(client.json().at("error").at("message").as_string().find("?" + std::string(name) + "=") !=
            boost::json::string::npos);
      CHECK_FALSE(door.last);
    }
  }
  for (const char* more : {R"(,"waitFor":null)", R"(,"wait_for":"server")"})
    CHECK(door.ask(request("POST", path, "{" + text + more + "}")).answer->status == 200);
  CHECK(door.ask(request("PUT", "/api/v1/sessions/a/chats/1234567890/disappearing", R"({"seconds":0,"timeout":5})"))
            .details()
            .contains("timeout"));
}

TEST_CASE("only JSON bodies are read") {
  Door door;
  auto form = request("POST", "/api/v1/sessions");
  form.body = "sessionId=a";
  const FakeClient refused = door.ask(with(form, "content-type", "application/x-www-form-urlencoded"));
  CHECK(refused.answer->status == 415);
  CHECK(refused.error_code() == "UNSUPPORTED_MEDIA_TYPE");
  form.body = R"({"sessionId":"a"})";
  for (const char* type : {"application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json"})
    CHECK(door.ask(with(form, "content-type", type)).answer->status == 200);
  CHECK(door.ask(form).answer->status == 415);  // none given: what a page may send unasked
}

TEST_CASE("broken JSON is refused with the place where it breaks") {
  Door door;
  const auto where = [&](const char* body) {
    const FakeClient refused = door.ask(request("POST", "/api/v1/sessions", body));
    CHECK(refused.answer->status == 400);
    return std::string(refused.details().at("body").as_string());
  };
  CHECK(where("{\"sessionId\": oops}").ends_with("at line 1, column 15"));
  CHECK(where("{\n  \"sessionId\": \"a\",\n}").ends_with("at line 3, column 1"));
  CHECK(where("{\"sessionId\":\"a\"").ends_with("at line 1, column 17"));
  CHECK(where("{} x").ends_with("at line 1, column 4"));
}

TEST_CASE("the dialect of an error follows the profile of the Accept header") {
  Door door;
  CHECK(door.ask(with(request("GET", "/x"), "accept", "application/json; profile=gateway")).error_code() ==
        "not_found");
  CHECK(door.ask(with(request("GET", "/x"), "accept", "application/json;profile=\"gateway\"")).error_code() ==
        "not_found");
  CHECK(door.ask(with(request("GET", "/x"), "accept", "application/json; profile=gatewayx")).error_code() ==
        "NOT_FOUND");
  CHECK(door.ask(with(request("GET", "/x"), "accept", "*/*")).error_code() == "NOT_FOUND");
  Door gateway({.dialect = Dialect::gateway});
  CHECK(gateway.ask(request("GET", "/x")).error_code() == "not_found");
  CHECK(gateway.ask(with(request("GET", "/x"), "accept", "application/json; profile=openwa")).error_code() ==
        "NOT_FOUND");
}

TEST_CASE("a sane request id of the caller is kept") {
  Door door;
  CHECK(door.ask(with(request("GET", "/x"), "x-request-id", "trace-1:a.b_c")).header("X-Request-Id") ==
        "trace-1:a.b_c");
  for (const std::string& bad :
       {std::string("a b"), std::string("<script>"), std::string(129, 'x'), std::string("\xc3\xa9")})
    CHECK(door.ask(with(request("GET", "/x"), "x-request-id", bad)).header("X-Request-Id") != bad);
  CHECK(door.ask(request("GET", "/x")).header("X-Request-Id") != door.ask(request("GET", "/x")).header("X-Request-Id"));
}

TEST_CASE("more recipients than a minute may ever have are refused by name, and not told to wait") {
  Door door({.session_creations_per_minute = 5, .messages_per_minute = 2, .requests_per_minute = 100});
  const auto send = [&](const char* recipients) {
    return door.ask(request("POST", "/api/v1/sessions/a/broadcasts",
                            std::string(R"({"content":"x","recipients":)") + recipients + "}"));
  };
  const FakeClient refused = send(R"(["15550000002","15550000003","15550000004"])");
  CHECK(refused.answer->status == 400);
  // Both numbers, and the way out.
  const std::string what(refused.details().at("recipients").as_string());
  for (const char* said : {"at most 2 people", "has 3", "limits.messages_per_minute", "2 at a time"}) {
    INFO(said << " in " << what);
    CHECK(what.find(said) != std::string::npos);
  }
  CHECK(send(R"(["15550000002","15550000003"])").answer->status == 200);
  CHECK(send(R"(["15550000002"])").answer->status == 429);
}

TEST_CASE("messages are limited per session, sessions and requests per client") {
  Door door({.session_creations_per_minute = 5, .messages_per_minute = 30, .requests_per_minute = 100});
  const auto send = [&](const char* session) {
    return door.ask(request("POST", std::string("/api/v1/sessions/") + session + "/send-text",
                            R"({"chatId":"1234567890","content":"x"})"));
  };
  for (int i = 0; i < 30; ++i) {
    const FakeClient client = send("a");
    REQUIRE(client.answer->status == 200);
    CHECK(client.header("X-RateLimit-Limit") == "30");
    CHECK(client.header("X-RateLimit-Remaining") == std::to_string(29 - i));
    CHECK(client.header("X-RateLimit-Reset") == std::to_string(door.clock.now_ms / 1000 + 61));
  }
  const FakeClient refused = send("a");
  CHECK(refused.answer->status == 429);
  CHECK(refused.error_code() == "RATE_LIMITED");
  CHECK(refused.header("Retry-After") == "61");
  CHECK(refused.header("X-RateLimit-Remaining") == "0");
  CHECK(send("b").answer->status == 200);

  for (int i = 0; i < 5; ++i)
    CHECK(door.ask(request("POST", "/api/v1/sessions", R"({"sessionId":"a"})")).answer->status == 200);
  const FakeClient sixth = door.ask(request("POST", "/api/v1/sessions", R"({"sessionId":"a"})"));
  CHECK(sixth.answer->status == 429);
  CHECK(sixth.header("X-RateLimit-Limit") == "5");

  // 38 requests counted so far: the general limit ends after 62 more, 404s included, and health stays free.
  for (int i = 0; i < 62; ++i) REQUIRE(door.ask(request("GET", "/nothing")).answer->status == 404);
  CHECK(door.ask(request("GET", "/nothing")).answer->status == 429);
  CHECK(send("c").answer->status == 429);
  CHECK(door.ask(request("GET", "/api/v1/health")).answer->status == 200);
  auto reconnected = request("GET", "/api/v1/sessions");
  reconnected.remote_address = "127.0.0.1:40001";  // a new connection of the same client starts with nothing
  CHECK(door.ask(reconnected).answer->status == 429);
  auto other = request("GET", "/api/v1/sessions");
  other.remote_address = "10.0.0.9:40000";
  CHECK(door.ask(other).answer->status == 200);

  door.clock.now_ms += 61'000;
  CHECK(send("a").answer->status == 200);
}

TEST_CASE("a request that is refused as invalid takes nothing from the budget of a session") {
  Door door({.session_creations_per_minute = 1, .messages_per_minute = 1, .requests_per_minute = 100});
  const auto post = [&](const std::string& path, const char* body) {
    return door.ask(request("POST", path, body)).answer->status;
  };
  for (int i = 0; i < 3; ++i) CHECK(post("/api/v1/sessions/a/send-text", "{}") == 400);
  CHECK(post("/api/v1/sessions/a/send-text", R"({"chatId":"1234567890","content":"x"})") == 200);
  CHECK(post("/api/v1/sessions/a/send-text", R"({"chatId":"1234567890","content":"x"})") == 429);
  for (int i = 0; i < 3; ++i) CHECK(post("/api/v1/sessions", R"({"sessionId":"a b"})") == 400);
  CHECK(post("/api/v1/sessions", R"({"sessionId":"a"})") == 200);
  CHECK(post("/api/v1/sessions", R"({"sessionId":"b"})") == 429);
}

TEST_CASE("limits of zero are off and say nothing") {
  Door door;
  for (int i = 0; i < 500; ++i) REQUIRE(door.ask(request("GET", "/api/v1/sessions")).answer->status == 200);
  CHECK(door.ask(request("GET", "/api/v1/sessions")).header("X-RateLimit-Limit").empty());
}

TEST_CASE("what is not there yet says so for every such route") {
  Door door;
  std::size_t missing = 0;
  for (const Route& route : routes()) {
    if (route.handler) continue;
    ++missing;
    std::string path(route.pattern);
    for (auto at = path.find('{'); at != std::string::npos; at = path.find('{'))
      path.replace(at, path.find('}') - at + 1, "x");
    INFO(route.method << " " << path);
    const FakeClient client = door.ask(request(std::string(route.method), path, route.method == "GET" ? "" : "{}"));
    CHECK(client.answer->status == 501);
    CHECK(client.error_code() == "NOT_IMPLEMENTED");
  }
  CHECK(missing > 5);
}

// What the contract names in the requests of a route that has a handler. A field that is missing from the schema
// would be ignored in silence, which is how a `sendAt` once left at once.
TEST_CASE("every field that the contract knows is either read or refused with 501 and its name") {
  struct Known {
    const char *method, *pattern, *fields, *query;
  };
  const Known documents[] = {
      {"POST", "/api/v1/sessions", "sessionId waitForQR config metadata org", ""},
      {"PATCH", "/api/v1/sessions/{sessionId}", "config metadata org", ""},
      {"POST", "/api/v1/sessions/{sessionId}/pairing-code", "phone", ""},
      {"GET", "/api/v1/sessions/{sessionId}/qr/image", "", "size"},
      {"POST", "/api/v1/sessions/{sessionId}/send-text", "chatId content quotedMessageId messageId mentions sendAt",
       "waitFor timeout"},
      {"GET", "/api/v1/sessions/{sessionId}/chats", "", "limit cursor"},
      {"GET", "/api/v1/sessions/{sessionId}/chats/{chatId}/messages", "", "limit before cursor q"},
      {"PUT", "/api/v1/sessions/{sessionId}/chats/{chatId}/presence", "state", ""},
      {"POST", "/api/v1/sessions/{sessionId}/webhooks", "url events headers secret previousSecret paused org", ""},
      {"POST", "/api/v1/webhooks", "url events headers secret previousSecret paused org", ""},
      {"GET", "/api/v1/events", "", "after session events"},
      {"GET", "/api/v1/events/ws", "", "session events since ticket"},
      {"GET", "/ws/{sessionId}", "", "events since ticket"},
  };
  const auto has = [](const Schema* schema, std::string_view name) {
    return schema && std::any_of(schema->fields.begin(), schema->fields.end(),
                                 [&](const Field& field) { return field.name == name; });
  };
  for (const Known& known : documents) {
    INFO(known.method << " " << known.pattern);
    const auto route = std::find_if(routes().begin(), routes().end(), [&](const Route& r) {
      return r.method == known.method && r.pattern == known.pattern;
    });
    REQUIRE(route != routes().end());
    std::istringstream fields(known.fields), query(known.query);
    for (std::string name; fields >> name;) CHECK(has(route->body, name));
    for (std::string name; query >> name;) CHECK(has(route->query, name));
  }

  // And over all routes: what the schemas call later is refused, whatever else the request says.
  Door door;
  std::size_t refused = 0;
  const auto check = [&](const Route& route, const Field& field, const std::string& query, const std::string& body) {
    if (!field.later) return;
    ++refused;
    std::string path(route.pattern);
    for (auto at = path.find('{'); at != std::string::npos; at = path.find('{'))
      path.replace(at, path.find('}') - at + 1, "15550000001");
    INFO(route.method << " " << path << query << " " << body);
    const FakeClient client = door.ask(request(std::string(route.method), path + query, body));
    CHECK(client.answer->status == 501);
    CHECK(client.error_code() == "NOT_IMPLEMENTED");
    CHECK(client.details().contains(field.name));
    CHECK(client.json().at("error").at("message").as_string().find(field.name) != boost::json::string::npos);
    CHECK_FALSE(door.last);
  };
  for (const Route& route : routes()) {
    const std::string body = R"({"sessionId":"a","chatId":"1234567890","content":"x","url":"https://x.example/",)";
    if (route.body)
      for (const Field& field : route.body->fields)
        check(route, field, "", body + '"' + std::string(field.name) + R"(":"2030-01-01T00:00:00Z"})");
    if (route.query)
      for (const Field& field : route.query->fields) check(route, field, "?" + std::string(field.name) + "=x", "");
  }
  CHECK(refused >= 4);
  // An explicit null says the same as leaving it out.
  CHECK(door.ask(request("POST", "/api/v1/sessions/a/send-text",
                         R"({"chatId":"1234567890","content":"x","sendAt":null})"))
            .answer->status == 200);
}

TEST_CASE("a filter for events that never come yet is refused") {
  Door door;
  for (const char* path : {"/api/v1/events?events=history.progress", "/api/v1/events?events=message,history.progress",
                           "/api/v1/events?events=history*"}) {
    INFO(path);
    const FakeClient client = door.ask(request("GET", path));
    CHECK(client.answer->status == 501);
    CHECK(client.details().contains("events"));
  }
  CHECK(door.ask(request("GET", "/api/v1/events?events=message*,ack,presence,call,status*,*")).answer->status == 200);
  CHECK(door.ask(request("GET", "/api/v1/events?events=nonsense")).answer->status == 400);
}

TEST_CASE("a WebSocket endpoint asks plain requests to upgrade") {
  Door door;
  const FakeClient client = door.ask(request("GET", "/ws/a"));
  CHECK(client.answer->status == 426);
  CHECK(client.header("Upgrade") == "websocket");
  CHECK(client.header("Sec-WebSocket-Version") == "13");
}

TEST_CASE("a throwing handler ends its own request only") {
  FakeClock clock;
  protocol::SeededRandom random(1);
  Router router(routes(), RouterSettings(), clock, random, [](const CallPtr&) { throw std::logic_error("broken"); });
  const auto client = std::make_shared<FakeClient>();
  router.handle(request("GET", "/api/v1/info"), net::Responder(client));
  REQUIRE(client->answer);
  CHECK(client->answer->status == 500);
  CHECK(client->error_code() == "INTERNAL_ERROR");
  CHECK(client->answer->body.find("broken") == std::string::npos);
}
