// How a connection to the chat server ends, told by a server that really listens.
#include "sessions/link.h"

#include <catch2/catch.hpp>

#include "net/http_server.h"
#include "net/websocket_client.h"
#include "tests/net/loopback.h"

using namespace wharf;
using sessions::Link;
using sessions::LinkEnd;

namespace {

/// A chat server that accepts the WebSocket, hears the hello and closes without a word: what a server does to an IK
/// hello for a static key that it no longer has.
struct MuteServer {
  MuteServer() {
    net::HttpServerSettings settings;
    settings.listen = net::HostPort{"127.0.0.1", 0};
    server =
        std::make_unique<net::HttpServer>(loop, settings, [this](net::HttpRequest request, net::Responder responder) {
          target = request.target;
          if (refuse_upgrade) return responder.send(net::HttpResponse(503, "text/plain", "no"));
          responder.accept_websocket([this](std::shared_ptr<net::WebSocket> accepted) {
            socket = std::move(accepted);
            net::WebSocket::Callbacks callbacks;
            callbacks.message = [this](net::MessageType, std::span<const std::uint8_t>) { socket->close(1000, ""); };
            callbacks.closed = [](const std::string&) {};
            socket->start(std::move(callbacks));
          });
        });
    const auto bound = server->start();
    REQUIRE(bound.has_value());
    settings_.url = "ws://127.0.0.1:" + std::to_string(*bound) + "/ws/chat";
    settings_.device_static = protocol::KeyPair::generate(random);
    settings_.ephemeral = protocol::KeyPair::generate(random);
    settings_.payload = {1, 2, 3};
  }
  LinkEnd end_of(const Link::Settings& settings) {
    net::WebSocketClient client(loop, net::TlsTrust{});
    std::optional<LinkEnd> end;
    Link::Listener listener;
    listener.end = [&](LinkEnd ended) { end = std::move(ended); };
    Link link(scheduler, client, settings, std::move(listener));
    REQUIRE(test::run_until(loop, [&] { return end.has_value(); }));
    return *end;
  }

  net::asio::io_context loop;
  net::LoopScheduler scheduler{loop};
  protocol::SeededRandom random{5};
  std::unique_ptr<net::HttpServer> server;
  std::shared_ptr<net::WebSocket> socket;
  std::string target;
  bool refuse_upgrade = false;
  Link::Settings settings_;
};

}  // namespace

TEST_CASE(
    "a server that closes on the IK hello is a failed resumption; on an XX hello it is just a network that failed") {
  MuteServer server;
  Link::Settings settings = server.settings_;
  CHECK_FALSE(server.end_of(settings).resume_failed);
  settings.resume.emplace();
  settings.resume->static_key = protocol::KeyPair::generate(server.random).pub;
  const LinkEnd end = server.end_of(settings);
  CHECK(end.resume_failed);
  CHECK_FALSE(end.routing_failed);
}

TEST_CASE("an abandoned link says nothing more, whatever arrives before it dies") {
  MuteServer server;
  net::WebSocketClient client(server.loop, net::TlsTrust{});
  int heard = 0;
  Link::Listener listener;
  listener.end = [&](const LinkEnd&) { ++heard; };
  SECTION("while it dials") {
    Link link(server.scheduler, client, server.settings_, std::move(listener));
    link.abandon();
    for (int i = 0; i < 50; ++i) test::run_ready(server.loop);
    CHECK_FALSE(server.socket);
  }
  SECTION("while the server closes") {
    Link link(server.scheduler, client, server.settings_, std::move(listener));
    REQUIRE(test::run_until(server.loop, [&] { return server.socket != nullptr; }));
    link.abandon();
    REQUIRE(test::run_until(server.loop, [&] { return server.server->websockets() == 0; }));
  }
  CHECK(heard == 0);
}

TEST_CASE("a connection that carried routing info and did not come up says so, also when the upgrade was refused") {
  MuteServer server;
  Link::Settings settings = server.settings_;
  settings.routing_info = {9, 9};
  CHECK(server.end_of(settings).routing_failed);
  CHECK(server.target.find("ED=") != std::string::npos);
  server.refuse_upgrade = true;
  const LinkEnd refused = server.end_of(settings);
  CHECK(refused.routing_failed);
  CHECK_FALSE(refused.resume_failed);  // no hello was sent
  settings.routing_info.clear();
  settings.resume.emplace();
  CHECK_FALSE(server.end_of(settings).resume_failed);
}
