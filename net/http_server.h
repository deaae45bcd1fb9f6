#pragma once
// The HTTP/1.1 server under the API, the sandbox's chat listener and its media host. Type-erased: Beast stays in .cpp.
// Loop thread only.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/body_stream.h"
#include "net/loop.h"
#include "net/url.h"
#include "net/websocket.h"

namespace wharf::net {

struct HttpRequest {
  std::string method;                                        // upper case
  std::string target;                                        // raw: path and query
  std::vector<std::pair<std::string, std::string>> headers;  // names lower case
  std::string body;
  std::string remote_address;  // "ip:port", "[v6]:port"
  bool websocket_upgrade = false;
  std::shared_ptr<BodyReceiver> received;  // has taken the body, whole or enough() of it; `body` is empty then
  std::string_view header(std::string_view lower_case_name) const;  // "" when absent
  bool has_header(std::string_view lower_case_name) const;
};

struct HttpResponse {
  HttpResponse() = default;
  HttpResponse(unsigned s, std::string type, std::string b)
      : status(s), content_type(std::move(type)), body(std::move(b)) {}
  unsigned status = 200;  // 0: no answer at all, the connection is reset
  std::string content_type;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  BodySource more;  // set: what follows `body`, sent in chunks (to HTTP/1.0 clients until the connection ends)
  /// Beside `more`: exactly so many bytes follow `body`, and the answer has a Content-Length. The source marks the last
  /// piece as such; one that gives more or fewer resets the connection, before the last byte has left. 0: not asked.
  std::optional<std::uint64_t> more_bytes;
  bool close = false;
};

/// How an upgrade is accepted.
struct WebSocketUpgrade {
  std::function<void(std::shared_ptr<WebSocket>)> accepted;
  std::size_t max_message_bytes = 16u << 20;
  std::vector<std::pair<std::string, std::string>> headers;  // of the 101 answer
};

/// Answers one request, once. Dropping it unanswered sends 500. Copies share the one answer.
class Responder {
 public:
  struct Sink {
    virtual ~Sink() = default;
    virtual void respond(HttpResponse response) = 0;
    virtual void upgrade(WebSocketUpgrade upgrade) = 0;
    virtual bool peer_gone() const = 0;
  };
  Responder() = default;
  explicit Responder(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}
  void send(HttpResponse response);
  /// Only for a request with websocket_upgrade (any other is answered 426): completes the upgrade and hands over the
  /// socket in a later turn of the loop. Not called when the client has gone, nor when too many WebSockets are open
  /// (answered 503).
  void accept_websocket(WebSocketUpgrade upgrade);
  void accept_websocket(std::function<void(std::shared_ptr<WebSocket>)> accepted) {
    accept_websocket(WebSocketUpgrade{std::move(accepted), 16u << 20, {}});
  }
  bool peer_gone() const { return !sink_ || sink_->peer_gone(); }

 private:
  std::shared_ptr<Sink> sink_;  // shared by the copies of one responder
};

/// What the server answers by itself (without the handler), so that the API can keep its envelope: given the status
/// (400 malformed, 408 slow client, 413 body too large, 431 header too large, 503 too many connections) -> response.
using ProtocolErrorRenderer = std::function<HttpResponse(unsigned status, std::string_view message)>;

struct HttpServerSettings {
  HostPort listen;  // port 0 picks one
  std::size_t max_body_bytes = 16u << 20;
  /// Of the bodies of all connections that have not come whole, beyond the first 64 KiB of each; who would need more is
  /// answered 503. Small requests are served however many large ones are under way.
  std::size_t max_unfinished_body_bytes = 64u << 20;
  /// Asked behind the header of each request (its body is empty then). Null: the body is collected.
  std::function<std::unique_ptr<BodyReceiver>(const HttpRequest& head)> receive_body;
  std::size_t max_streamed_bytes = 0;  // of a body that has a receiver
  /// So many bytes of a streamed body earn a new body_timeout; fewer in one are too slow (408). The time in which the
  /// receiver is busy does not count.
  std::size_t min_streamed_bytes_per_interval = 16u << 10;
  std::size_t max_header_bytes = 16u << 10;
  std::size_t max_connections = 1024;  // open sockets, upgraded ones included
  std::size_t max_websockets = 0;      // of these; 0: as many as there are connections
  std::chrono::milliseconds header_timeout{
      10'000};  // from the first byte wanted to the end of the header; idle keep-alive too: 75 s
  std::chrono::milliseconds body_timeout{30'000};
  std::chrono::milliseconds idle_timeout{75'000};
  std::string certificate_pem, private_key_pem;  // both set: TLS
  ProtocolErrorRenderer render_error;
};

class HttpServer {
 public:
  using Handler = std::function<void(HttpRequest, Responder)>;
  HttpServer(asio::io_context& loop, HttpServerSettings settings, Handler handler);
  ~HttpServer();
  /// Binds and accepts. Error: a message ("bind 127.0.0.1:8080: Address already in use").
  boost::system::result<std::uint16_t, std::string> start();  // the bound port
  void stop_accepting();
  /// Closes idle connections and lets running requests end; calls back when none is left.
  void drain(std::function<void()> done);
  /// Open HTTP connections, without the upgraded ones.
  std::size_t connections() const;
  /// Upgraded ones whose socket is open; their owners close them.
  std::size_t websockets() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with pending accepts
};

/// A self-signed CA and a leaf for 127.0.0.1, ::1, localhost: the sandbox's TLS identity.
struct TlsIdentity {
  std::string ca_pem;
  std::string certificate_pem;  // leaf and CA
  std::string private_key_pem;
};
TlsIdentity make_loopback_identity();

}  // namespace wharf::net
