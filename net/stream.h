#pragma once
// One TCP connection, plain or with TLS on top: the lean replacement for asio::ssl::stream. Internal to net/.
//
// asio::ssl::stream keeps two 17 kB vectors and a 2 x 17 kB BIO pair per connection for ever. Here OpenSSL works on the
// non-blocking socket itself, the caller waits for readiness, and between messages a connection owns no buffer at all.
// Operations never block and never wait: each returns what was moved, or what to wait for before it is called again.
// Loop thread only. Not movable while a wait is pending; hand it over as unique_ptr.

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "net/loop.h"
#include "net/tls.h"

namespace wharf::net {

using TcpSocket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

class Stream {
 public:
  enum class Wait { none, read, write };
  struct Progress {
    std::size_t bytes = 0;
    Wait wait = Wait::none;  // not none: nothing was moved, call again when the socket is ready for this
    boost::system::error_code error;
  };

  /// `socket` is connected. Turns on non-blocking mode, TCP_NODELAY and keep-alive probes (dead peers within 2 min).
  explicit Stream(TcpSocket socket);

  /// Puts one more TLS layer on top (a second one when the peer is a TLS proxy); handshake() is next.
  void start_tls(Tls tls);
  /// `error` is set when it failed; failure() then tells why.
  Progress handshake();
  /// End of input is asio::error::eof.
  Progress read(std::span<std::uint8_t> into);
  /// True when TLS holds bytes already taken from the kernel: reading must go on without waiting.
  bool read_ready() const;
  /// Writes from the front of `from`. After `wait` the next call must offer the same bytes first (more may follow).
  Progress write(std::span<const asio::const_buffer> from);

  template <class Callback>  // void(error_code)
  void wait(Wait what, Callback&& callback) {
    socket_.async_wait(what == Wait::write ? TcpSocket::wait_write : TcpSocket::wait_read,
                       std::forward<Callback>(callback));
  }
  /// Pending waits end with operation_aborted.
  void cancel_waits();

  /// Says that nothing more will be sent (close_notify, FIN); reading goes on.
  void shutdown_send();
  void close();
  /// Closes with RST: the peer sees an abort, nothing lingers in the kernel.
  void reset();
  bool open() const { return socket_.is_open(); }
  bool secure() const { return !layers_.empty(); }
  Executor executor() { return socket_.get_executor(); }

  /// "ip:port", "[v6]:port"; v4-mapped addresses as v4. Taken when the stream was made.
  const std::string& remote_address() const { return remote_address_; }
  /// Why the last operation failed, for logs.
  const std::string& failure() const { return failure_; }

 private:
  SSL* top() const { return layers_.back().get(); }
  Progress outcome(int result, std::size_t bytes);

  TcpSocket socket_;
  std::vector<Tls> layers_;  // innermost (on the socket) first
  std::string remote_address_;
  std::string failure_;
};

/// "ip:port" of an endpoint, as in remote_address().
std::string to_text(const asio::ip::tcp::endpoint& endpoint);

}  // namespace wharf::net
