#pragma once
// Outgoing HTTP for webhooks (later media): a pool per origin, lean TLS, deadlines, a body cap, no redirects, and the
// address guard: the name is resolved here, refused addresses are dropped, the connection goes to the literal, SNI and
// certificate check use the original name. Re-checked for every new connection.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/loop.h"
#include "net/url.h"
#include "net/websocket.h"

namespace wharf::net {

struct OutgoingRequest {
  std::string method = "POST";
  Url url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::chrono::milliseconds timeout{10'000};
  std::size_t max_response_bytes = 64u << 10;
  bool allow_private = false;  // loopback, private and link-local targets
};
struct OutgoingResponse {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names lower case
  std::string body;                                          // cut at max_response_bytes
};
struct OutgoingFailure {
  /// proxy: it could not be reached or made no tunnel; proxy_login: it does not accept our user name and password.
  enum class Kind { bad_address, resolve, connect, proxy, proxy_login, tls, timeout, protocol } kind = Kind::connect;
  std::string message;
};
using OutgoingResult = boost::system::result<OutgoingResponse, OutgoingFailure>;

struct HttpClientSettings {
  std::size_t max_connections_per_origin = 8;
  std::size_t max_connections = 256;
  std::size_t max_waiting = 4096;
  std::chrono::milliseconds idle_timeout{30'000};
};

class HttpClient {
 public:
  HttpClient(asio::io_context& loop, TlsTrust trust, HttpClientSettings settings = HttpClientSettings());
  ~HttpClient();  // pending requests fail without callback
  /// A reused connection that turns out closed before any response byte is retried once on a fresh one.
  void send(OutgoingRequest request, std::function<void(OutgoingResult)> done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wharf::net
