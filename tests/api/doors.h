#pragma once
// The API on a real socket, asked in raw bytes. No WhatsApp network: sessions dial a port where nobody listens.

#include "api/server.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "net/websocket_client.h"
#include "net/worker_pool.h"
#include "tests/api/must.h"
#include "tests/api/temporary_store.h"
#include "tests/net/loopback.h"

namespace wharf::test {

struct ApiDoor {
  enum class Sandbox { present, absent };
  explicit ApiDoor(api::ApiSettings settings = open_limits(), Sandbox sandbox = Sandbox::present) {
    sessions::SupervisorSettings supervised;
    supervised.network.chat_url = "ws://127.0.0.1:1/ws/chat";
    supervised.network.name = "nowhere";
    supervisor = std::make_unique<sessions::Supervisor>(
        sessions::Supervisor::Ports{scheduler, random, *disk.store, workers, sockets}, supervised);
    waits = std::make_unique<sessions::Waits>(*supervisor, scheduler, *disk.store);
    api::SandboxControl control;
    if (sandbox == Sandbox::present) {
      control = [this](net::HttpRequest, net::Responder responder) {
        ++controlled;
        responder.send(net::HttpResponse(200, "application/json", "{}"));
      };
    }
    server = std::make_unique<api::ApiServer>(
        api::ApiServer::Ports{loop, scheduler, random, *disk.store, workers, *supervisor, *waits, http, http},
        std::move(settings), std::move(control));
    supervisor->start();
    port = must(server->start());
  }
  ~ApiDoor() {
    bool stopped = false;
    server->drain([&] { stopped = true; });
    until([&] { return stopped; });
    stopped = false;
    supervisor->stop([&] { stopped = true; });
    until([&] { return stopped; });
    server.reset();
  }
  static api::ApiSettings open_limits() {
    api::ApiSettings settings;
    settings.listen = {"127.0.0.1", 0};
    settings.session_creations_per_minute = settings.messages_per_minute = settings.requests_per_minute = 0;
    return settings;
  }
  template <class Condition>
  void until(Condition condition) {
    if (!run_until(loop, condition)) FAIL("the loop never got there");
  }
  /// Sends `text` and waits for a complete answer.
  std::shared_ptr<RawEnd> connect(const std::string& text) {
    const auto client = RawEnd::connect(loop, port);
    client->say(text);
    until([&] { return client->closed || answered(client->heard); });
    return client;
  }
  /// The same, and hangs up.
  std::string say(const std::string& text) {
    const auto client = connect(text);
    client->hang_up();
    return client->heard;
  }

  net::asio::io_context loop;
  net::LoopScheduler scheduler{loop};
  protocol::SeededRandom random{7};
  TemporaryStore disk;
  net::WorkerPool workers{loop.get_executor(), 1};
  net::WebSocketClient sockets{loop, net::TlsTrust()};
  net::HttpClient http{loop, net::TlsTrust()};
  std::unique_ptr<sessions::Supervisor> supervisor;
  std::unique_ptr<sessions::Waits> waits;
  std::unique_ptr<api::ApiServer> server;
  std::uint16_t port = 0;
  int controlled = 0;  // requests that reached the sandbox's control API

 private:
  static bool answered(const std::string& heard) {
    const std::size_t end = heard.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const std::size_t length = heard.find("Content-Length: ");
    if (length == std::string::npos || length > end) return true;
    return heard.size() >= end + 4 + std::stoul(heard.substr(length + 16));
  }
};

}  // namespace wharf::test
