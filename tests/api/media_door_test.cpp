// Files through the door: HTTP server, web guard and router as the API puts them together, into a real vault.
#include <boost/json/parse.hpp>

#include "api/file_door.h"
#include "api/handlers.h"
#include "api/router.h"
#include "net/http_server.h"
#include "net/web_guard.h"
#include "tests/api/fakes.h"
#include "tests/api/vault_room.h"
#include "tests/net/loopback.h"

using namespace wharf;
using namespace wharf::api;
using web::Field;
using web::Type;
using wharf::test::base64;
using wharf::test::media_bytes;
using wharf::test::RawEnd;
using wharf::test::run_ready;
using wharf::test::run_until;

namespace {

constexpr Field fields[] = {{.name = "chatId", .required = true}, {.name = "viewOnce", .type = Type::boolean}};
const Schema schema{"SendImage", fields};
void unused(const ServicesPtr&, const CallPtr&) {}

const Route table[] = {
    {.method = "POST",
     .pattern = "/api/v1/sessions/{sessionId}/send-image",
     .tag = "messages",
     .summary = "Send an image",
     .handler = unused,
     .body = &schema,
     .budget = Budget::message,
     .files = protocol::MediaKind::image},
    {.method = "POST",
     .pattern = "/api/v1/sessions/{sessionId}/send-text",
     .tag = "messages",
     .summary = "Send a text",
     .handler = unused,
     .body = &schema},
};

struct Door : wharf::test::VaultRoom {
  explicit Door(RouterSettings limits = {}) {
    FileDoor files = file_door([this](protocol::MediaKind) { return new_writer()(); }, 4u << 20,
                               [](const std::string& session) -> std::optional<Failure> {
                                 if (session == "anna") return std::nullopt;
                                 return Failure(ErrorCode::session_not_found, "no session " + session);
                               });
    router = std::make_unique<Router>(
        table, limits, clock, random, [this](const CallPtr& call) { on_call(call); }, files);
    net::HttpServerSettings settings;
    settings.listen = {"127.0.0.1", 0};
    settings.max_body_bytes = 1u << 20;
    settings.max_streamed_bytes = 16u << 20;
    settings.receive_body = [this](const net::HttpRequest& head) { return receive_body(*router, guard, head); };
    server =
        std::make_unique<net::HttpServer>(loop, settings, [this](net::HttpRequest request, net::Responder responder) {
          auto admitted = guard.admit(request, std::move(responder));
          if (admitted) router->handle(std::move(request), std::move(*admitted));
        });
    port = *server->start();
  }
  void on_call(const CallPtr& call) {
    last = call;
    call->success("{}");
  }
  /// What is heard of one request, once `wanted` is in it.
  std::string ask(const std::string& text, const std::string& wanted) {
    client = RawEnd::connect(loop, port);
    client->say(text);
    CHECK(run_until(loop, [&] { return client->heard.find(wanted) != std::string::npos || client->closed; }));
    return client->heard;
  }

  wharf::test::FakeClock clock;
  net::WebGuard guard{net::WebGuardSettings{{"127.0.0.1", 80}, {}, "", {}, net::LocalPages::refused},
                      [](const net::HttpRequest&, unsigned status, const std::string& message) {
                        return net::HttpResponse(status, "text/plain", message);
                      }};
  std::unique_ptr<Router> router;
  std::unique_ptr<net::HttpServer> server;
  std::uint16_t port = 0;
  CallPtr last;  // that reached a handler
  std::shared_ptr<RawEnd> client;
};

std::string post(const std::string& body, const std::string& path = "/api/v1/sessions/anna/send-image",
                 const std::string& more_headers = "Content-Type: application/json\r\n") {
  return "POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + more_headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
std::string json_body(const std::string& bytes) {
  return R"({"chatId":"1","data":")" + base64(bytes) + R"(","viewOnce":true})";
}

}  // namespace

TEST_CASE("a handler gets the validated fields and the files beside them") {
  Door f;
  const std::string bytes = media_bytes(2u << 20);  // more than a collected body may have
  SECTION("JSON") { f.ask(post(json_body(bytes)), "\"success\":true"); }
  SECTION("a form") {
    const std::string body =
        "--b\r\nContent-Disposition: form-data; name=\"viewOnce\"\r\n\r\ntrue\r\n"
        "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.png\"\r\n\r\n" +
        bytes + "\r\n--b\r\nContent-Disposition: form-data; name=\"chatId\"\r\n\r\n1\r\n--b--\r\n";
    f.ask(post(body, "/api/v1/sessions/anna/send-image", "Content-Type: multipart/form-data; boundary=b\r\n"),
          "\"success\":true");
  }
  REQUIRE(f.last);
  CHECK(f.last->body == boost::json::parse(R"({"chatId":"1","viewOnce":true})"));
  REQUIRE(f.last->files.size() == 1);
  CHECK((f.content(*f.last->files[0].writer) == bytes));
  f.last->files.clear();
  f.client->say(post(json_body("hello")));
  CHECK(run_until(f.loop, [&] { return f.last->files.size() == 1 && f.last->files[0].length == 5; }));
}

TEST_CASE("fields are validated as ever, and their file is gone with the refusal") {
  Door f;
  const std::string heard = f.ask(post(R"({"data":"aGVsbG8=","viewOnce":"yes"})"), "}}");
  CHECK(heard.starts_with("HTTP/1.1 400"));
  CHECK(heard.find("\"chatId\"") != std::string::npos);
  CHECK(heard.find("\"viewOnce\"") != std::string::npos);
  CHECK_FALSE(f.last);
  CHECK(f.nothing_written());
  CHECK(f.ask(post(R"({"data":"aGV!"})"), "}}").find("\"data\":") != std::string::npos);
}

TEST_CASE("what is refused by its head writes nothing, and is answered as ever") {
  RouterSettings limits;
  limits.messages_per_minute = 1;
  Door f(limits);
  const bool large = GENERATE(false, true);
  const std::string body = json_body(media_bytes(large ? 3u << 20 : 100));
  std::string heard;
  SECTION("an unknown session") {
    heard = f.ask(post(body, "/api/v1/sessions/nobody/send-image"), "}}");
    CHECK(heard.starts_with("HTTP/1.1 404"));
    CHECK(heard.find("SESSION_NOT_FOUND") != std::string::npos);
  }
  SECTION("a budget that is used up") {
    f.ask(post(R"({"chatId":"1"})"), "\"success\":true");
    f.last.reset();
    heard = f.ask(post(body), "}}");
    CHECK(heard.starts_with("HTTP/1.1 429"));
    CHECK(heard.find("X-RateLimit-Remaining: 0\r\n") != std::string::npos);
    CHECK(heard.find("Retry-After: ") != std::string::npos);
  }
  SECTION("a page of another site") {
    heard = f.ask(post(body, "/api/v1/sessions/anna/send-image",
                       "Content-Type: application/json\r\nOrigin: https://evil.example\r\n"),
                  "refused");
    CHECK(heard.starts_with("HTTP/1.1 403"));
  }
  SECTION("another name of this server") {
    std::string text = post(body);
    text.replace(text.find("Host: 127.0.0.1"), 15, "Host: evil.test");
    heard = f.ask(text, "known as");
    CHECK(heard.starts_with("HTTP/1.1 403"));
  }
  CHECK(f.writers == 0);
  CHECK_FALSE(f.last);
  // Short ones are read to their end; who sends much is let go.
  CHECK((heard.find("Connection: close\r\n") != std::string::npos) == large);
}

TEST_CASE("a client that asks before it sends is refused without its body") {
  Door f;
  const std::string heard = f.ask(
      "POST /api/v1/sessions/nobody/send-image HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
      "application/json\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n",
      "}}");
  CHECK(heard.starts_with("HTTP/1.1 404"));
}

TEST_CASE("looking does not count: a budget of two takes two files") {
  RouterSettings limits;
  limits.messages_per_minute = 2;
  Door f(limits);
  CHECK(f.ask(post(json_body("a")), "}").starts_with("HTTP/1.1 200"));
  CHECK(f.ask(post(json_body("b")), "}").starts_with("HTTP/1.1 200"));
  CHECK(f.ask(post(json_body("c")), "}}").starts_with("HTTP/1.1 429"));
}

TEST_CASE("each of several files counts as a message, and all of them pass or none") {
  RouterSettings limits;
  limits.messages_per_minute = 3;
  Door f(limits);
  const auto form = [](int files) {
    std::string body = "--b\r\nContent-Disposition: form-data; name=\"chatId\"\r\n\r\n1\r\n";
    for (int i = 0; i < files; ++i)
      body += "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nx\r\n";
    return post(body + "--b--\r\n", "/api/v1/sessions/anna/send-image",
                "Content-Type: multipart/form-data; boundary=b\r\n");
  };
  CHECK(f.ask(form(4), "}}").starts_with("HTTP/1.1 429"));
  CHECK(f.ask(form(2), "}").starts_with("HTTP/1.1 200"));
  REQUIRE(f.last->files.size() == 2);
  CHECK(f.ask(post(R"({"chatId":"1","files":[{"data":"eA=="},{"url":"u"}]})"), "}}").starts_with("HTTP/1.1 429"));
  CHECK(f.ask(form(1), "}").starts_with("HTTP/1.1 200"));
}

TEST_CASE("a file that grows too large is answered while it is still coming") {
  Door f;
  const std::string heard = f.ask(post(json_body(media_bytes(8u << 20))), "}}");
  CHECK(heard.starts_with("HTTP/1.1 413"));
  CHECK(heard.find("\"data\"") != std::string::npos);
  CHECK(f.nothing_written());
}

TEST_CASE("the document says that the body may be a form, where it may") {
  const auto document = boost::json::parse(openapi_document(table, "1"));
  const auto content = [&](const char* path) -> const boost::json::object& {
    return document.at("paths").at(path).at("post").at("requestBody").at("content").as_object();
  };
  const auto& image = content("/api/v1/sessions/{sessionId}/send-image");
  CHECK(image.contains("application/json"));
  REQUIRE(image.contains("multipart/form-data"));
  const auto& parts = image.at("multipart/form-data").at("schema").at("allOf").as_array();
  CHECK(parts.at(0).at("$ref") == "#/components/schemas/SendImage");
  CHECK(parts.at(1).at("properties").as_object().contains("file"));
  CHECK_FALSE(content("/api/v1/sessions/{sessionId}/send-text").contains("multipart/form-data"));
}

TEST_CASE("other types and other routes are collected as ever") {
  Door f;
  CHECK(f.ask(post("hello", "/api/v1/sessions/anna/send-image", "Content-Type: text/plain\r\n"), "}")
            .starts_with("HTTP/1.1 415"));
  CHECK(f.ask(post(R"({"chatId":"1","data":"aGVsbG8="})", "/api/v1/sessions/anna/send-text"), "}")
            .starts_with("HTTP/1.1 200"));
  CHECK(f.last->body.contains("data"));
  CHECK(f.writers == 0);
}

TEST_CASE("a client that goes in the middle of its file leaves nothing") {
  Door f;
  f.client = RawEnd::connect(f.loop, f.port);
  f.client->say(post(json_body(media_bytes(1u << 20))).substr(0, 500'000));
  REQUIRE(run_until(f.loop, [&] { return f.files("writing") == 1; }));
  f.client->hang_up();
  CHECK(f.nothing_written());
  CHECK(run_until(f.loop, [&] { return f.server->connections() == 0; }));
  CHECK_FALSE(f.last);
}

TEST_CASE("a client that stalls in the middle of its file leaves nothing") {
  Door f;
  net::HttpServerSettings settings;
  settings.listen = {"127.0.0.1", 0};
  settings.max_streamed_bytes = 16u << 20;
  settings.body_timeout = std::chrono::milliseconds(200);
  settings.receive_body = [&](const net::HttpRequest& head) { return f.router->receive_body(head); };
  net::HttpServer strict(f.loop, settings, [](net::HttpRequest, net::Responder) { FAIL("no request came whole"); });
  const auto client = RawEnd::connect(f.loop, *strict.start());
  client->say(post(json_body(media_bytes(1u << 20))).substr(0, 500'000));
  REQUIRE(run_until(f.loop, [&] { return f.files("writing") == 1; }));
  CHECK(run_until(f.loop, [&] { return client->closed; }));
  CHECK(client->heard.starts_with("HTTP/1.1 408"));
  CHECK(f.nothing_written());
}
