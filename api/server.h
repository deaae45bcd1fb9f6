#pragma once
// The three doors: REST, WebSocket events, webhooks. docs/api.md is the contract.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/dialect_choice.h"
#include "net/http_server.h"
#include "net/outgoing_http.h"
#include "net/workers.h"
#include "sessions/media/media_vault.h"
#include "sessions/supervisor.h"
#include "sessions/waits.h"
#include "storage/store.h"

namespace wharf::api {

struct ApiSettings {
  net::HostPort listen{"127.0.0.1", 8080};
  std::vector<std::string> hosts;         // further names of this server in Host (net/web_guard.h)
  std::vector<std::string> cors_origins;  // pages that may call
  Dialect dialect = Dialect::openwa;
  std::size_t max_body_bytes = 16u << 20;
  std::uint64_t max_media_bytes = 2ull << 30;  // of one file in a body, decoded; the body may have half as much again
  std::size_t max_connections = 1024;          // WebSockets included
  std::size_t max_websockets = 512;
  std::size_t max_sessions = 10'000;
  // 0 = off
  unsigned session_creations_per_minute = 5;
  unsigned messages_per_minute = 30;        // per session
  unsigned requests_per_minute = 100;       // per credential (client address while auth is open)
  bool media_allow_private = false;         // addresses that `url` of a file may lead to
  std::string media_ffmpeg;                 // media/converter.h
  std::chrono::seconds preview_timeout{5};  // of a linkPreview, whose text waits for it; 0: none is fetched
  bool webhooks_allow_private = false;
  std::size_t webhook_concurrency = 64;  // requests under way over all webhooks
  std::chrono::milliseconds webhook_timeout{10'000};
  std::chrono::milliseconds webhook_first_retry{1'000};  // doubles with full jitter up to 1 h
  std::string version;
  std::string network_name;
};

/// Requests under /sandbox/v1/ when the embedded network runs (serve --sandbox); empty otherwise.
using SandboxControl = std::function<void(net::HttpRequest, net::Responder)>;

class ApiServer {
 public:
  struct Ports {
    net::asio::io_context& loop;  // of the listener
    net::Scheduler& scheduler;
    protocol::Random& random;
    storage::Store& store;
    net::Workers& workers;
    sessions::Supervisor& supervisor;
    sessions::Waits& waits;
    net::OutgoingHttp& http_client;         // of webhooks, and of files by `url`
    net::OutgoingHttp& preview_client;      // its own: texts of strangers name hosts whose name servers are silent
    sessions::MediaVault* vault = nullptr;  // null: no body may bring files
    net::Workers* media_workers = nullptr;  // of the vault: for looking into files
  };
  ApiServer(Ports ports, ApiSettings settings, SandboxControl sandbox);
  ~ApiServer();
  boost::system::result<std::uint16_t, std::string> start();  // the bound port
  /// SIGTERM: stop accepting, let running requests and webhook deliveries end, close event streams with a reason.
  void drain(std::function<void()> done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wharf::api
