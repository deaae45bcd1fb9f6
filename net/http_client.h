#pragma once
// Outgoing HTTP for webhooks and media: a pool per origin, lean TLS, deadlines, a body cap, no redirects, and the
// address guard: the name is resolved here, refused addresses are dropped, the connection goes to the literal, SNI and
// certificate check use the original name. Re-checked for every new connection.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/loop.h"
#include "net/outgoing_http.h"
#include "net/tls_trust.h"

namespace wharf::net {

struct HttpClientSettings {
  std::size_t max_connections_per_origin = 8;
  std::size_t max_connections = 256;
  std::size_t max_waiting = 4096;
  std::size_t max_names_waiting = 4096;  // for the resolver: net/resolver.h
  std::chrono::milliseconds idle_timeout{30'000};
};

class HttpClient final : public OutgoingHttp {
 public:
  HttpClient(asio::io_context& loop, TlsTrust trust, HttpClientSettings settings = HttpClientSettings());
  ~HttpClient() override;  // pending requests fail without callback
  /// A reused connection that turns out closed before any response byte is retried once on a fresh one.
  void send(OutgoingRequest request, std::function<void(OutgoingResult)> done) override;
  [[nodiscard]] OutgoingHandle start(OutgoingRequest request, std::function<void(OutgoingResult)> done) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wharf::net
