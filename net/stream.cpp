#include "net/stream.h"

#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <cerrno>

namespace wharf::net {
namespace {

constexpr int keepalive_idle_s = 60;
constexpr int keepalive_interval_s = 15;
constexpr int keepalive_probes = 4;
constexpr std::size_t record_bytes = 16u << 10;  // the most one TLS record carries
constexpr std::size_t gather_limit = 4096;       // a larger piece is not worth a copy

boost::system::error_code system_error(int value) { return {value, boost::system::system_category()}; }

void set_option(int fd, int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof value); }

}  // namespace

std::string to_text(const asio::ip::tcp::endpoint& endpoint) {
  asio::ip::address address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  const std::string host = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
  return host + ":" + std::to_string(endpoint.port());
}

Stream::Stream(TcpSocket socket) : socket_(std::move(socket)) {
  boost::system::error_code ignored;
  const auto remote = socket_.remote_endpoint(ignored);
  if (!ignored) remote_address_ = to_text(remote);
  socket_.non_blocking(true, ignored);
  const int fd = socket_.native_handle();
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle_s);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_interval_s);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, keepalive_probes);
}

void Stream::start_tls(Tls tls) {
  if (layers_.empty()) {
    SSL_set_fd(tls.get(), socket_.native_handle());
  } else {
    BIO* below = BIO_new(BIO_f_ssl());
    BIO_set_ssl(below, top(), BIO_NOCLOSE);  // layers_ owns it
    SSL_set_bio(tls.get(), below, below);
  }
  layers_.push_back(std::move(tls));
}

// Translates what OpenSSL returned. The error queue is per thread and must have been empty before the call.
Stream::Progress Stream::outcome(int result, std::size_t bytes) {
  Progress progress;
  if (result > 0) {
    progress.bytes = bytes;
    return progress;
  }
  const int saved_errno = errno;
  switch (SSL_get_error(top(), result)) {
    case SSL_ERROR_WANT_READ: progress.wait = Wait::read; return progress;
    case SSL_ERROR_WANT_WRITE: progress.wait = Wait::write; return progress;
    case SSL_ERROR_ZERO_RETURN: progress.error = asio::error::eof; break;
    case SSL_ERROR_SYSCALL:
      progress.error = saved_errno != 0 ? system_error(saved_errno) : boost::system::error_code(asio::error::eof);
      break;
    default:
      // Many servers drop the connection without close_notify; HTTP framing and WebSocket closing tell a cut message.
      if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        progress.error = asio::error::eof;
        break;
      }
      progress.error = system_error(EPROTO);
      if (const long verified = SSL_get_verify_result(top()); verified != X509_V_OK && !SSL_is_init_finished(top())) {
        failure_ = std::string("certificate refused: ") + X509_verify_cert_error_string(verified);
        ERR_clear_error();
        return progress;
      }
      failure_ = take_tls_error();
      return progress;
  }
  ERR_clear_error();
  failure_ = progress.error.message();
  return progress;
}

Stream::Progress Stream::handshake() {
  if (!open()) return {0, Wait::none, asio::error::operation_aborted};
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(top());
  return outcome(result, 0);
}

Stream::Progress Stream::read(std::span<std::uint8_t> into) {
  if (!unread_.empty()) {
    const std::size_t taken = std::min(into.size(), unread_.size());
    std::copy_n(unread_.begin(), taken, into.begin());
    unread_.erase(0, taken);
    if (unread_.empty()) unread_ = std::string();
    return {taken, Wait::none, {}};
  }
  // OpenSSL knows the descriptor by its number, which may be somebody else's by now.
  if (!open()) return {0, Wait::none, asio::error::operation_aborted};
  if (secure()) {
    ERR_clear_error();
    errno = 0;
    std::size_t got = 0;
    const int result = SSL_read_ex(top(), into.data(), into.size(), &got);
    return outcome(result, got);
  }
  Progress progress;
  progress.bytes = socket_.read_some(asio::buffer(into.data(), into.size()), progress.error);
  if (progress.error == asio::error::would_block) {
    progress.error.clear();
    progress.wait = Wait::read;
  } else if (progress.error) {
    failure_ = progress.error.message();
  }
  return progress;
}

bool Stream::read_ready() const {
  return !unread_.empty() ||
         std::any_of(layers_.begin(), layers_.end(), [](const Tls& tls) { return SSL_has_pending(tls.get()) == 1; });
}

Stream::Progress Stream::write(std::span<const asio::const_buffer> from) {
  if (!open()) return {0, Wait::none, asio::error::operation_aborted};
  if (secure()) return write_tls(from);
  Progress progress;
  progress.bytes = socket_.write_some(from, progress.error);
  if (progress.error == asio::error::would_block) {
    progress.error.clear();
    progress.wait = Wait::write;
  } else if (progress.error) {
    failure_ = progress.error.message();
  }
  return progress;
}

// Each call makes a record. A frame header or a chunk's length and what it announces go into one: a small piece at the
// front is gathered with those behind it.
Stream::Progress Stream::write_tls(std::span<const asio::const_buffer> from) {
  std::array<std::uint8_t, record_bytes> gathered;
  asio::const_buffer next = from.front();
  if (from.size() > 1 && next.size() < gather_limit) {
    next = asio::const_buffer(gathered.data(), asio::buffer_copy(asio::buffer(gathered), from));
  }
  ERR_clear_error();
  errno = 0;
  std::size_t put = 0;
  const int result = SSL_write_ex(top(), next.data(), next.size(), &put);
  return outcome(result, put);
}

void Stream::cancel_waits() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void Stream::shutdown_send() {
  if (secure() && SSL_is_init_finished(top())) {
    ERR_clear_error();
    SSL_shutdown(top());  // best effort: one close_notify, not waited for
    ERR_clear_error();
  }
  boost::system::error_code ignored;
  socket_.shutdown(TcpSocket::shutdown_send, ignored);
}

void Stream::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Stream::reset() {
  boost::system::error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

}  // namespace wharf::net
