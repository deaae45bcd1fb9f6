#pragma once
// One TCP connection, plain or with TLS on top: the lean replacement for asio::ssl::stream. Internal to net/.
//
// asio::ssl::stream keeps two 17 kB vectors and a 2 x 17 kB BIO pair per connection for ever. Here OpenSSL works on the
// non-blocking socket itself, the caller waits for readiness, and between messages a connection owns no buffer at all.
//
// Two ways to use it. It is an AsyncStream in Asio's sense (async_read_some, async_write_some, get_executor), which is
// how Beast's serializers and its WebSocket stand on it. Below are the steps these are made of, which never block and
// never wait: each returns what was moved, or what to wait for before it is called again. Who waits for readability and
// reads then (the HTTP connections, dial) needs no buffer while its peer is silent.
// Loop thread only. Not movable while a wait is pending; hand it over as unique_ptr. It outlives its pending
// operations.

#include <array>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <optional>
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

  using executor_type = Executor;
  executor_type get_executor() { return socket_.get_executor(); }

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

  // ---- AsyncStream: one read and one write may be pending at a time; never complete inside the call.

  template <class MutableBuffers, class Token>  // void(error_code, std::size_t)
  auto async_read_some(const MutableBuffers& into, Token&& token);
  template <class ConstBuffers, class Token>  // void(error_code, std::size_t)
  auto async_write_some(const ConstBuffers& from, Token&& token);
  /// Bytes that somebody read from the peer too early: they are read again, before anything else.
  void unread(std::string bytes) { unread_ = std::move(bytes); }

  /// "ip:port", "[v6]:port"; v4-mapped addresses as v4. Taken when the stream was made.
  const std::string& remote_address() const { return remote_address_; }
  /// Why the last operation failed, for logs.
  const std::string& failure() const { return failure_; }

 private:
  SSL* top() const { return layers_.back().get(); }
  Progress outcome(int result, std::size_t bytes);
  Progress write_tls(std::span<const asio::const_buffer> from);
  struct ReadSome;
  template <class ConstBuffers>
  struct WriteSome;
  template <class Step>
  class Operation;

  TcpSocket socket_;
  std::vector<Tls> layers_;  // innermost (on the socket) first
  std::string remote_address_;
  std::string failure_;
  std::string unread_;
};

/// Repeats a step until it has moved something, waiting in between.
template <class Step>
class Stream::Operation {
 public:
  Operation(Stream& stream, Step step) : stream_(stream), step_(std::move(step)) {}

  template <class Self>
  void operator()(Self& self, boost::system::error_code error = {}) {
    if (outcome_) return self.complete(outcome_->error, outcome_->bytes);
    const Progress progress = error ? Progress{0, Wait::none, error} : step_(stream_);
    if (progress.wait != Wait::none) {
      begun_ = true;
      return stream_.wait(progress.wait, std::move(self));
    }
    if (begun_) return self.complete(progress.error, progress.bytes);
    outcome_ = progress;  // still inside the call that began it
    asio::post(stream_.get_executor(), std::move(self));
  }

 private:
  Stream& stream_;
  Step step_;
  bool begun_ = false;
  std::optional<Progress> outcome_;
};

struct Stream::ReadSome {
  asio::mutable_buffer into;
  Progress operator()(Stream& stream) const {
    return into.size() == 0 ? Progress() : stream.read({static_cast<std::uint8_t*>(into.data()), into.size()});
  }
};

template <class ConstBuffers>
struct Stream::WriteSome {
  static constexpr std::size_t max_pieces = 64;  // of one gathering write; a serialised header has one for each field
  ConstBuffers from;
  Progress operator()(Stream& stream) const {
    std::array<asio::const_buffer, max_pieces> pieces;
    std::size_t count = 0;
    for (auto at = asio::buffer_sequence_begin(from); at != asio::buffer_sequence_end(from); ++at) {
      const asio::const_buffer piece = *at;
      if (piece.size() != 0) pieces[count++] = piece;
      if (count == max_pieces) break;
    }
    return count == 0 ? Progress() : stream.write(std::span(pieces).first(count));
  }
};

template <class MutableBuffers, class Token>
auto Stream::async_read_some(const MutableBuffers& into, Token&& token) {
  ReadSome step;
  for (auto at = asio::buffer_sequence_begin(into); at != asio::buffer_sequence_end(into); ++at) {
    step.into = *at;
    if (step.into.size() != 0) break;  // what follows is for the next call
  }
  return asio::async_compose<Token, void(boost::system::error_code, std::size_t)>(Operation<ReadSome>(*this, step),
                                                                                  token, socket_);
}

template <class ConstBuffers, class Token>
auto Stream::async_write_some(const ConstBuffers& from, Token&& token) {
  using Step = WriteSome<ConstBuffers>;
  return asio::async_compose<Token, void(boost::system::error_code, std::size_t)>(Operation<Step>(*this, Step{from}),
                                                                                  token, socket_);
}

/// "ip:port" of an endpoint, as in remote_address().
std::string to_text(const asio::ip::tcp::endpoint& endpoint);

}  // namespace wharf::net
