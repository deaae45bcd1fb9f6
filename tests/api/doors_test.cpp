// Web pages at every door of a running server: the API, its WebSockets, the sandbox's control API. What a browser would
// send is said byte by byte over a real socket, because no client of ours would.
#include "tests/api/doors.h"

using namespace wharf;
using namespace wharf::api;
using wharf::test::ApiDoor;

namespace {

struct Way {
  const char* method;
  const char* target;
  const char* extra;  // header lines and body
};
constexpr const char* upgrade =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    "dGhlIHNhbXBsZSBub25jZQ==\r\n";
constexpr Way ways[] = {{"GET", "/api/v1/sessions", ""},
                        {"POST", "/api/v1/sessions", ""},
                        {"DELETE", "/api/v1/sessions/a", ""},
                        {"GET", "/api/v1/events/ws", upgrade},
                        {"GET", "/", ""},
                        {"GET", "/sandbox/v1/network", ""},
                        {"POST", "/sandbox/v1/kick", ""}};

std::string request(const Way& way, const std::string& host, const std::string& more) {
  return std::string(way.method) + " " + way.target + " HTTP/1.1\r\nHost: " + host + "\r\n" + more + way.extra + "\r\n";
}

}  // namespace

TEST_CASE("a rebound name gets nothing at any door") {
  ApiDoor door;
  for (const Way& way : ways) {
    for (const char* host : {"evil.example", "127.evil.example:8080"}) {
      INFO(way.method << " " << way.target << " " << host);
      const std::string heard = door.say(request(way, host, std::string("Origin: http://") + host + "\r\n"));
      CHECK(heard.starts_with("HTTP/1.1 403 "));
      CHECK(heard.find("server.hosts") != std::string::npos);
      CHECK(heard.find("X-Request-Id: ") != std::string::npos);
    }
  }
  CHECK(door.controlled == 0);
}

TEST_CASE("a page of another site gets nothing at any door") {
  ApiDoor door;
  for (const Way& way : ways) {
    for (const char* origin :
         {"Origin: https://evil.example\r\n", "Origin: null\r\n", "Origin: http://127.evil.example\r\n",
          "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n"}) {
      INFO(way.method << " " << way.target << " " << origin);
      CHECK(door.say(request(way, "127.0.0.1", origin)).starts_with("HTTP/1.1 403 "));
    }
  }
  CHECK(door.controlled == 0);
}

TEST_CASE("a body without the type of JSON is not read: pages may send others unasked") {
  ApiDoor door;
  for (const char* type : {"", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n"}) {
    INFO(type);
    const std::string body = R"({"sessionId":"a"})";
    const std::string heard = door.say("POST /api/v1/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\n" + std::string(type) +
                                       "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    CHECK(heard.starts_with("HTTP/1.1 415 "));
    CHECK(door.supervisor->count() == 0);
  }
}

TEST_CASE("a listed page passes every door, and its preflight is answered") {
  ApiSettings settings = ApiDoor::open_limits();
  settings.cors_origins = {"https://app.example.org"};
  settings.hosts = {"wa.example.org"};
  ApiDoor door(settings);
  const std::string read =
      door.say("GET /api/v1/info HTTP/1.1\r\nHost: wa.example.org\r\nOrigin: https://app.example.org\r\n\r\n");
  CHECK(read.starts_with("HTTP/1.1 200 "));
  CHECK(read.find("Access-Control-Allow-Origin: https://app.example.org\r\n") != std::string::npos);
  // An error is readable for the page too.
  const std::string missing =
      door.say("GET /nothing HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example.org\r\n\r\n");
  CHECK(missing.starts_with("HTTP/1.1 404 "));
  CHECK(missing.find("Access-Control-Allow-Origin: https://app.example.org\r\n") != std::string::npos);
  const std::string preflight = door.say(
      "OPTIONS /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\nOrigin: "
      "https://app.example.org\r\nAccess-Control-Request-Method: POST\r\n"
      "Access-Control-Request-Headers: content-type\r\n\r\n");
  CHECK(preflight.starts_with("HTTP/1.1 204 "));
  CHECK(preflight.find("Access-Control-Allow-Headers: content-type\r\n") != std::string::npos);
  CHECK(door.say(request({"GET", "/api/v1/events/ws", upgrade}, "localhost", "Origin: https://app.example.org\r\n"))
            .starts_with("HTTP/1.1 101 "));
  CHECK(door.say(request({"GET", "/sandbox/v1/network", ""}, "localhost", "Origin: https://app.example.org\r\n"))
            .starts_with("HTTP/1.1 200 "));
}

TEST_CASE("pages of this machine are welcome beside the sandbox only") {
  const std::string ask = "GET /api/v1/info HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://localhost:3000\r\n\r\n";
  ApiDoor sandboxed;
  CHECK(sandboxed.say(ask).starts_with("HTTP/1.1 200 "));
  ApiDoor alone(ApiDoor::open_limits(), ApiDoor::Sandbox::absent);
  CHECK(alone.say(ask).starts_with("HTTP/1.1 403 "));
}

TEST_CASE("an upgrade's answer carries the request id and the limits like any other") {
  ApiSettings settings = ApiDoor::open_limits();
  settings.requests_per_minute = 100;
  ApiDoor door(settings);
  const std::string heard =
      door.say(request({"GET", "/api/v1/events/ws", upgrade}, "localhost", "X-Request-Id: mine\r\n"));
  CHECK(heard.starts_with("HTTP/1.1 101 "));
  CHECK(heard.find("X-Request-Id: mine\r\n") != std::string::npos);
  CHECK(heard.find("X-RateLimit-Remaining: 99\r\n") != std::string::npos);
}

TEST_CASE("WebSockets have a limit of their own, in the envelope, and give their place back") {
  ApiSettings settings = ApiDoor::open_limits();
  settings.max_websockets = 1;
  ApiDoor door(settings);
  const std::string ask = request({"GET", "/api/v1/events/ws", upgrade}, "localhost", "");
  {
    const auto held = door.connect(ask);
    REQUIRE(held->heard.starts_with("HTTP/1.1 101 "));
    const std::string second = door.say(ask);
    CHECK(second.starts_with("HTTP/1.1 503 "));
    CHECK(second.find(R"("code":"UNAVAILABLE")") != std::string::npos);
    held->hang_up();
  }
  // The server notices the end in a turn of the loop of its own.
  std::string third;
  door.until([&] {
    third = door.say(ask);
    return third.starts_with("HTTP/1.1 101 ");
  });
  CHECK(third.starts_with("HTTP/1.1 101 "));
}

TEST_CASE("who waits for something is answered at once when the server stops") {
  ApiDoor door;
  const std::string body = R"({"sessionId":"a","waitForQR":true})";
  const auto client = test::RawEnd::connect(door.loop, door.port);
  client->say(
      "POST /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  door.until([&] { return door.supervisor->count() == 1; });
  bool drained = false;
  door.server->drain([&] { drained = true; });
  door.until([&] { return drained && client->closed; });
  CHECK(client->heard.starts_with("HTTP/1.1 2"));
  CHECK(client->heard.find(R"("sessionId":"a")") != std::string::npos);
}
