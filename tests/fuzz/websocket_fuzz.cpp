// What a peer says over a WebSocket, to either side: the same messages however the bytes are cut, none over the limit,
// text that is UTF-8, and one end. Over a socket pair, through the connection that the daemon uses.

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "net/websocket_connection.h"
#include "net/websocket_rules.h"
#include "tests/net/frames.h"

using namespace wharf::net;

namespace {

constexpr std::size_t max_message_bytes = 4096;

void check(bool invariant) {
  if (!invariant) std::abort();
}

/// One WebSocket whose peer is bytes.
class Peer {
 public:
  explicit Peer(bool client) {
    int ends[2];
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    fd_ = ends[0];
    TcpSocket socket(loop_.get_executor());
    socket.assign(boost::asio::ip::tcp::v4(), ends[1]);
    auto stream = std::make_unique<Stream>(std::move(socket));
    client ? open(std::move(stream)) : accept(std::move(stream));
    check(socket_ != nullptr);
    start();
  }
  ~Peer() {
    socket_.reset();
    loop_.restart();
    loop_.poll();
    ::close(fd_);
  }
  void say(std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return;  // it has closed
      if (sent > 0) bytes = bytes.subspan(static_cast<std::size_t>(sent));
      turn();
    }
  }
  std::string end() {
    ::shutdown(fd_, SHUT_WR);
    turn();
    check(ends_ == 1);
    return events_;
  }

 private:
  void accept(std::unique_ptr<Stream> stream) {
    WebSocketAcceptance acceptance;
    acceptance.stream = std::move(stream);
    acceptance.key = "dGhlIHNhbXBsZSBub25jZQ==";
    acceptance.max_message_bytes = max_message_bytes;
    acceptance.accepted = [this](std::shared_ptr<WebSocket> socket) { socket_ = std::move(socket); };
    accept_websocket(std::move(acceptance));
    turn();
  }
  void open(std::unique_ptr<Stream> stream) {
    WebSocketOpening opening;
    opening.stream = std::move(stream);
    opening.url = *parse_url("ws://127.0.0.1:1/");
    opening.max_message_bytes = max_message_bytes;
    opening.opened = [this](WebSocketResult result) { socket_ = *result; };
    const auto cancel = open_websocket(std::move(opening));
    const std::string request = turn();
    const std::string key = request.substr(request.find("Sec-WebSocket-Key: ") + 19, 24);
    const std::string answer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
        wharf::test::websocket_accept(key) + "\r\n\r\n";
    say({reinterpret_cast<const std::uint8_t*>(answer.data()), answer.size()});
  }
  void start() {
    WebSocket::Callbacks callbacks;
    callbacks.message = [this](MessageType type, std::span<const std::uint8_t> payload) {
      check(ends_ == 0);
      check(payload.size() <= max_message_bytes);
      if (type == MessageType::text) check(valid_utf8(payload));
      events_ += "message " + std::string(payload.begin(), payload.end()) + "\n";
    };
    callbacks.closed = [this](const std::string& reason) {
      ++ends_;
      events_ += reason.substr(0, reason.find(':'));
    };
    socket_->start(std::move(callbacks));
    turn();
  }
  /// Runs what is ready; what it says is read away, so that it never waits for us.
  std::string turn() {
    std::string heard;
    for (bool busy = true; busy;) {
      loop_.restart();
      busy = loop_.poll() != 0;
      char buffer[4096];
      for (ssize_t got = 0; (got = ::recv(fd_, buffer, sizeof buffer, 0)) > 0; busy = true)
        heard.append(buffer, static_cast<std::size_t>(got));
    }
    return heard;
  }

  asio::io_context loop_{1};
  int fd_ = -1;
  std::shared_ptr<WebSocket> socket_;
  std::string events_;
  int ends_ = 0;
};

std::string talk(bool client, std::span<const std::uint8_t> bytes, std::size_t piece) {
  Peer peer(client);
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    peer.say(bytes.subspan(at, std::min(piece, bytes.size() - at)));
  return peer.end();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const bool client = (data[0] & 1) == 0;
  const std::span<const std::uint8_t> bytes(data + 1, size - 1);
  const std::string whole = talk(client, bytes, bytes.size());
  check(talk(client, bytes, 1 + data[0] / 2 % 16 + bytes.size() / 64) == whole);
  return 0;
}
