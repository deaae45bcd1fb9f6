#include "net/web_guard.h"

#include <catch2/catch.hpp>

using namespace wharf::net;

namespace {

struct Answered final : Responder::Sink {
  std::optional<HttpResponse> response;
  void respond(HttpResponse r) override { response = std::move(r); }
  void upgrade(WebSocketUpgrade) override {}
  bool peer_gone() const override { return false; }
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : response.value().headers)
      if (key == name) return value;
    return {};
  }
};

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Door {
  explicit Door(WebGuardSettings settings = local())
      : guard(std::move(settings), [](const HttpRequest&, unsigned status, const std::string& message) {
          return HttpResponse(status, "text/plain", message);
        }) {}
  static WebGuardSettings local() {
    WebGuardSettings settings;
    settings.listen = {"127.0.0.1", 8080};
    return settings;
  }
  /// 200 when the request was let through.
  Answered ask(std::string method, Headers headers) {
    HttpRequest request;
    request.method = std::move(method);
    request.target = "/";
    request.headers = std::move(headers);
    const auto client = std::make_shared<Answered>();
    auto admitted = guard.admit(request, Responder(client));
    CHECK(guard.admits(request) == admitted.has_value());
    if (admitted) admitted->send(HttpResponse(200, "text/plain", "ok"));
    REQUIRE(client->response);
    return *client;
  }
  unsigned host(std::string value) { return ask("GET", {{"host", std::move(value)}}).response->status; }
  unsigned page(std::string origin, std::string method = "POST", std::string host = "127.0.0.1:8080") {
    return ask(std::move(method), {{"host", std::move(host)}, {"origin", std::move(origin)}}).response->status;
  }
  WebGuard guard;
};

}  // namespace

TEST_CASE("loopback is decided by the parsed address, never by how a name begins") {
  for (const char* host : {"127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:127.0.0.1"})
    CHECK(is_loopback_host(host));
  for (const char* host :
       {"127.evil.example", "127.0.0.1.evil.example", "127.1", "127.0.0.01", "0177.0.0.1", "2130706433",
        "localhost.evil.example", "128.0.0.1", "::2", "", "0.0.0.0", "10.0.0.1", "::ffff:10.0.0.1"}) {
    INFO(host);
    CHECK_FALSE(is_loopback_host(host));
  }
}

TEST_CASE("only names of this server may be asked for: a name that was rebound to it is refused") {
  Door door;
  for (const char* host :
       {"127.0.0.1:8080", "127.0.0.1", "localhost:8080", "LocalHost", "[::1]:8080", "[::1]", "127.0.0.2:1"}) {
    INFO(host);
    CHECK(door.host(host) == 200);
  }
  for (const char* host : {"evil.example", "evil.example:8080", "127.evil.example", "127.0.0.1.evil.example:8080",
                           "localhost.evil.example", "10.0.0.1", "0.0.0.0:8080", "[fe80::1]:8080", "localhost."}) {
    INFO(host);
    CHECK(door.host(host) == 403);
  }
  for (const char* host :
       {"", "a b", "127.0.0.1:port", "[::1", "[::1]x", "127.0.0.1:1:2", "localhost/x", "user@localhost"}) {
    INFO(host);
    CHECK(door.host(host) == 400);
  }
}

TEST_CASE("the listen address and configured names may be asked for") {
  auto settings = Door::local();
  settings.listen = {"192.0.2.7", 80};
  settings.hosts = {"wa.example.org"};
  Door door(settings);
  CHECK(door.host("192.0.2.7") == 200);
  CHECK(door.host("wa.example.org:443") == 200);
  CHECK(door.host("WA.example.org") == 200);
  CHECK(door.host("192.0.2.8") == 403);
  CHECK(door.host("x.wa.example.org") == 403);

  settings.listen = {"0.0.0.0", 80};
  Door everywhere(settings);
  CHECK(everywhere.host("192.0.2.8") == 200);
  CHECK(everywhere.host("evil.example") == 403);
}

TEST_CASE("pages of other sites are refused with every method") {
  Door door;
  for (const char* method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
    for (const char* origin : {"https://evil.example", "null", "http://127.evil.example",
                               "http://localhost.evil.example", "http://localhost:3000", "http://127.0.0.1:9999",
                               "http://localhost:8080", "chrome-extension://abc", "garbage"}) {
      INFO(method << " " << origin);
      CHECK(door.page(origin, method) == 403);
    }
    CHECK(door.page("http://127.0.0.1:8080", method) == 200);
  }
  CHECK(door.page("https://localhost", "POST", "LOCALHOST") == 200);  // our own page behind a proxy that speaks TLS
}

TEST_CASE("requests that a page makes without naming itself are told by Sec-Fetch-Site") {
  Door door;
  const Headers host = {{"host", "127.0.0.1:8080"}};
  const auto ask = [&](Headers more) {
    more.insert(more.end(), host.begin(), host.end());
    return door.ask("GET", more).response->status;
  };
  CHECK(ask({{"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "no-cors"}, {"sec-fetch-dest", "image"}}) == 403);
  CHECK(ask({{"sec-fetch-site", "same-site"}, {"sec-fetch-mode", "no-cors"}, {"sec-fetch-dest", "script"}}) == 403);
  CHECK(ask({{"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "navigate"}, {"sec-fetch-dest", "iframe"}}) == 403);
  CHECK(ask({{"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "navigate"}, {"sec-fetch-dest", "document"}}) ==
        200);  // a followed link
  CHECK(ask({{"sec-fetch-site", "same-origin"}, {"sec-fetch-mode", "cors"}}) == 200);
  CHECK(ask({{"sec-fetch-site", "none"}, {"sec-fetch-mode", "navigate"}, {"sec-fetch-dest", "document"}}) == 200);
}

TEST_CASE("a listed page may call, reads the answers and gets its preflight answered") {
  auto settings = Door::local();
  settings.origins = {"https://app.example.org"};
  Door door(settings);
  const Answered answer = door.ask("POST", {{"host", "127.0.0.1:8080"}, {"origin", "https://app.example.org"}});
  CHECK(answer.response->status == 200);
  CHECK(answer.header("Access-Control-Allow-Origin") == "https://app.example.org");
  CHECK(answer.header("Vary") == "Origin");
  CHECK(answer.header("Access-Control-Expose-Headers").find("X-Request-Id") != std::string::npos);
  CHECK(answer.header("Access-Control-Allow-Credentials").empty());

  const Answered preflight = door.ask("OPTIONS", {{"host", "127.0.0.1:8080"},
                                                  {"origin", "https://app.example.org"},
                                                  {"access-control-request-method", "DELETE"},
                                                  {"access-control-request-headers", "content-type,idempotency-key"},
                                                  {"access-control-request-private-network", "true"}});
  CHECK(preflight.response->status == 204);
  CHECK(preflight.header("Access-Control-Allow-Origin") == "https://app.example.org");
  CHECK(preflight.header("Access-Control-Allow-Methods").find("DELETE") != std::string::npos);
  CHECK(preflight.header("Access-Control-Allow-Headers") == "content-type,idempotency-key");
  CHECK(preflight.header("Access-Control-Allow-Private-Network") == "true");

  const Answered other = door.ask(
      "OPTIONS",
      {{"host", "127.0.0.1:8080"}, {"origin", "https://evil.example"}, {"access-control-request-method", "DELETE"}});
  CHECK(other.response->status == 403);
  CHECK(other.header("Access-Control-Allow-Origin").empty());
  // Programs and our own pages need none of it.
  CHECK(door.ask("GET", {{"host", "127.0.0.1:8080"}}).header("Access-Control-Allow-Origin").empty());
}

TEST_CASE("pages of this machine are welcome where that was chosen, and no name that looks like it") {
  auto settings = Door::local();
  settings.local_pages = LocalPages::welcome;
  Door door(settings);
  CHECK(door.page("http://localhost:3000") == 200);
  CHECK(door.page("http://127.0.0.1:5173") == 200);
  CHECK(door.page("http://[::1]:5173") == 200);
  CHECK(door.page("http://127.evil.example") == 403);
  CHECK(door.page("http://localhost.evil.example:3000") == 403);
  CHECK(door.page("null") == 403);
}

TEST_CASE("origins of the configuration are read as browsers write them") {
  CHECK(parse_origin("HTTPS://App.Example.org:443") == "https://app.example.org");
  CHECK(parse_origin("http://localhost:3000") == "http://localhost:3000");
  CHECK(parse_origin("http://[::1]:3000") == "http://[::1]:3000");
  for (const char* text :
       {"*", "app.example.org", "https://app.example.org/path", "ftp://a", "https://a@b", "null", ""}) {
    INFO(text);
    CHECK_FALSE(parse_origin(text));
  }
}

TEST_CASE("JSON types are JSON types") {
  for (const char* type :
       {"application/json", "Application/JSON; charset=utf-8", "application/json ;x", "application/problem+json"})
    CHECK(is_json_type(type));
  for (const char* type : {"", "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data",
                           "text/plain; application/json", "application/jsonx"}) {
    INFO(type);
    CHECK_FALSE(is_json_type(type));
  }
}
