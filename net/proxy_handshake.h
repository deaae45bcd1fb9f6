#pragma once
// Asking a proxy for a tunnel, without I/O: HTTP CONNECT (RFC 9110 9.3.6) and SOCKS5 (RFC 1928, user name and password
// RFC 1929); neither Asio nor Beast has one. The target's name goes to the proxy unresolved. Internal to net/.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/websocket.h"

namespace wharf::net {

class ProxyHandshake {
 public:
  virtual ~ProxyHandshake() = default;

  enum class Progress { more, done, failed };
  /// Takes what the proxy sent (nothing at first); to_send() may have grown.
  virtual Progress feed(std::string_view received) = 0;
  /// Bytes for the proxy; emptied by the call.
  std::string take_to_send() { return std::exchange(to_send_, {}); }
  const std::string& failure() const { return failure_; }
  /// The proxy does not accept our user name and password: another try would not help.
  bool login_refused() const { return login_refused_; }

 protected:
  Progress refuse_login(std::string why) {
    login_refused_ = true;
    return fail(std::move(why));
  }
  Progress fail(std::string why) {
    failure_ = "proxy: " + std::move(why);
    return Progress::failed;
  }
  std::string to_send_;
  std::string failure_;
  bool login_refused_ = false;
};

/// Null when the proxy's protocol is none of http, https, socks5, socks5h.
std::unique_ptr<ProxyHandshake> make_proxy_handshake(const Proxy& proxy, const std::string& host, std::uint16_t port);

}  // namespace wharf::net
