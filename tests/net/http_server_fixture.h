#pragma once
// An HTTP server on a loopback port whose handler answers by the path of the request.

#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "net/http_server.h"
#include "tests/net/loopback.h"

namespace wharf::test {

using namespace wharf::net;

struct HttpServerFixture {
  asio::io_context loop;
  HttpServerSettings settings;
  std::vector<HttpRequest> requests;
  std::vector<Responder> pending;  // of /later
  std::unique_ptr<HttpServer> server;
  std::uint16_t port = 0;

  HttpServerFixture() {
    settings.listen = HostPort{"127.0.0.1", 0};
    settings.render_error = [](unsigned status, std::string_view) {
      return HttpResponse(status, "application/json", "{\"error\":" + std::to_string(status) + "}");
    };
  }
  void start() {
    server = std::make_unique<HttpServer>(loop, settings, [this](HttpRequest request, Responder responder) {
      requests.push_back(request);
      if (request.target == "/throw") throw std::runtime_error("boom");
      if (request.target == "/drop") return;
      if (request.target == "/later") return pending.push_back(responder);
      if (request.target == "/socket") return responder.accept_websocket([](std::shared_ptr<WebSocket>) {});
      if (request.target == "/big") return responder.send(HttpResponse(200, "text/plain", std::string(4u << 20, 'b')));
      responder.send(HttpResponse(200, "text/plain", request.method + " " + request.target + " " + request.body));
    });
    const auto bound = server->start();
    REQUIRE(bound.has_value());
    port = *bound;
  }
  /// Says `text`, runs until the answer holds `wanted`; returns everything heard.
  std::string exchange(const std::string& text, const std::string& wanted) {
    const auto client = RawEnd::connect(loop, port);
    client->say(text);
    const bool found =
        run_until(loop, [&] { return client->heard.find(wanted) != std::string::npos || client->closed; });
    CHECK(found);
    return client->heard;
  }
  std::string exchange_until_closed(const std::string& text) {
    const auto client = RawEnd::connect(loop, port);
    client->say(text);
    CHECK(run_until(loop, [&] { return client->closed; }));
    return client->heard;
  }
};

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace wharf::test
