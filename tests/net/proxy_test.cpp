#include <catch2/catch.hpp>

#include "net/base64.h"
#include "net/http_server.h"
#include "net/stream.h"
#include "net/websocket_client.h"
#include "tests/net/loopback.h"

using namespace wharf::net;
using wharf::test::RawEnd;
using wharf::test::RawServer;
using wharf::test::run_until;

namespace {

const TlsIdentity& identity() {
  static const TlsIdentity made = make_loopback_identity();
  return made;
}

/// An echo service behind the proxy; the proxy sends every name here.
struct Target {
  asio::io_context loop;
  std::unique_ptr<HttpServer> server;
  std::shared_ptr<WebSocket> accepted;
  std::uint16_t port = 0;

  explicit Target(bool tls) {
    HttpServerSettings settings;
    settings.listen = HostPort{"127.0.0.1", 0};
    if (tls) {
      settings.certificate_pem = identity().certificate_pem;
      settings.private_key_pem = identity().private_key_pem;
    }
    server = std::make_unique<HttpServer>(loop, settings, [this](HttpRequest, Responder responder) {
      responder.accept_websocket([this](std::shared_ptr<WebSocket> socket) {
        accepted = socket;
        WebSocket::Callbacks callbacks;
        callbacks.message = [this](MessageType type, std::span<const std::uint8_t> payload) {
          accepted->send(type, {payload.begin(), payload.end()});
        };
        socket->start(std::move(callbacks));
      });
    });
    const auto bound = server->start();
    REQUIRE(bound.has_value());
    port = *bound;
  }

  /// Connects through the proxy and has one message echoed; "" or the failure.
  std::string echo_through(const Proxy& proxy, const std::string& url) {
    WebSocketClient client(loop, TlsTrust{identity().ca_pem});
    WebSocketRequest request;
    request.url = *parse_url(url);
    request.proxy = proxy;
    std::shared_ptr<WebSocket> socket;
    std::string failure, echoed;
    const auto attempt = client.connect(request, [&](WebSocketResult result) {
      if (result) socket = *result;
      else failure = result.error().message;
    });
    CHECK(run_until(loop, [&] { return socket || !failure.empty(); }));
    if (!socket) return failure;
    WebSocket::Callbacks callbacks;
    callbacks.message = [&](MessageType, std::span<const std::uint8_t> payload) {
      echoed.assign(payload.begin(), payload.end());
    };
    callbacks.closed = [&](const std::string& why) { failure = why; };
    socket->start(std::move(callbacks));
    const std::string text(100'000, 'e');
    socket->send(MessageType::binary, {text.begin(), text.end()});
    CHECK(run_until(loop, [&] { return echoed.size() == text.size() || !failure.empty(); }));
    return failure;
  }
};

void tunnel(asio::io_context& loop, std::uint16_t to, const std::shared_ptr<RawEnd>& from) {
  const auto onward = RawEnd::connect(loop, to);
  from->heard.clear();
  from->on_heard = [from = from.get(), onward] { onward->say(std::exchange(from->heard, {})); };
  onward->on_heard = [onward = onward.get(), from] { from->say(std::exchange(onward->heard, {})); };
  from->on_closed = [onward] { onward->hang_up(); };
}

std::function<void(std::shared_ptr<RawEnd>)> http_proxy(Target& target, std::string& heard, std::string answer) {
  return [&target, &heard, answer](std::shared_ptr<RawEnd> end) {
    end->on_heard = [&target, &heard, answer, end = end.get()] {
      if (end->heard.find("\r\n\r\n") == std::string::npos) return;
      heard = end->heard;
      if (answer.find(" 200 ") != std::string::npos) tunnel(target.loop, target.port, end->shared_from_this());
      end->say(answer);
    };
  };
}

/// Plays `script`: waits for as many bytes as each step wants, then says its answer; then tunnels.
struct SocksStep {
  std::string expected, answer;
};
std::function<void(std::shared_ptr<RawEnd>)> socks_proxy(Target& target, std::vector<SocksStep> script,
                                                         std::string& wrong) {
  return [&target, script, &wrong](std::shared_ptr<RawEnd> end) {
    auto step = std::make_shared<std::size_t>(0);
    end->on_heard = [&target, &wrong, script, step, end = end.get()] {
      const SocksStep& now = script[*step];
      if (end->heard.size() < now.expected.size()) return;
      if (end->heard != now.expected) wrong = end->heard;
      end->heard.clear();
      const std::string answer = now.answer;
      if (++*step == script.size()) tunnel(target.loop, target.port, end->shared_from_this());
      // Byte by byte: the client must not count on whole packets.
      for (const char c : answer) end->say(std::string(1, c));
    };
  };
}

std::string raw(std::initializer_list<int> bytes) {
  std::string out;
  for (const int b : bytes) out += static_cast<char>(b);
  return out;
}

std::string port_bytes(std::uint16_t port) { return raw({port >> 8, port & 0xff}); }

}  // namespace

TEST_CASE("HTTP CONNECT tunnels plain and TLS, with the name left to the proxy") {
  const bool tls = GENERATE(false, true);
  Target target(tls);
  std::string heard;
  RawServer proxy(target.loop, http_proxy(target, heard, "HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n"));
  // For TLS the name must be one the certificate knows; the proxy decides where it leads.
  const std::string host = tls ? "localhost" : "chat.invalid";
  const Proxy settings{"http", "127.0.0.1", proxy.port(), "user", "pa:ss"};
  CHECK(target.echo_through(settings, (tls ? "wss://" : "ws://") + host + ":7777/ws") == "");
  CHECK(heard.starts_with("CONNECT " + host + ":7777 HTTP/1.1\r\nHost: " + host + ":7777\r\n"));
  CHECK(heard.find("\r\nProxy-Authorization: Basic dXNlcjpwYTpzcw==\r\n") != std::string::npos);
}

TEST_CASE("a proxy that refuses CONNECT is named") {
  Target target(false);
  std::string heard;
  RawServer login(target.loop,
                  http_proxy(target, heard, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"));
  CHECK(target.echo_through({"http", "127.0.0.1", login.port(), "", ""}, "ws://x.invalid/").find("HTTP 407") !=
        std::string::npos);
  CHECK(heard.find("Proxy-Authorization") == std::string::npos);
  RawServer forbidden(target.loop,
                      http_proxy(target, heard, "HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nnope!"));
  CHECK(target.echo_through({"http", "127.0.0.1", forbidden.port(), "", ""}, "ws://x.invalid/").find("HTTP 403") !=
        std::string::npos);
  RawServer chatty(target.loop, [&](std::shared_ptr<RawEnd> end) {
    end->on_heard = [end = end.get()] { end->say("HTTP/1.1 200 OK\r\n\r\nunasked"); };
  });
  CHECK(target.echo_through({"http", "127.0.0.1", chatty.port(), "", ""}, "ws://x.invalid/").find("unexpected bytes") !=
        std::string::npos);
  CHECK(target.echo_through({"gopher", "127.0.0.1", 1, "", ""}, "ws://x.invalid/").find("gopher") != std::string::npos);
}

TEST_CASE("SOCKS5 without login sends the name to the proxy") {
  const bool tls = GENERATE(false, true);
  const std::string protocol = GENERATE("socks5", "socks5h");
  Target target(tls);
  std::string wrong;
  const std::string host = tls ? "localhost" : "chat.invalid";
  const std::string request = raw({5, 1, 0, 3, static_cast<int>(host.size())}) + host + port_bytes(443);
  RawServer proxy(
      target.loop,
      socks_proxy(target, {{raw({5, 1, 0}), raw({5, 0})}, {request, raw({5, 0, 0, 1, 1, 2, 3, 4, 0, 80})}}, wrong));
  CHECK(target.echo_through({protocol, "127.0.0.1", proxy.port(), "", ""},
                            (tls ? "wss://" : "ws://") + host + ":443/") == "");
  CHECK(wrong == "");
}

TEST_CASE("SOCKS5 with user name and password, literal target, domain in the reply") {
  Target target(false);
  std::string wrong;
  const std::string request = raw({5, 1, 0, 1, 10, 0, 0, 1}) + port_bytes(8000);
  RawServer proxy(target.loop, socks_proxy(target,
                                           {{raw({5, 2, 0, 2}), raw({5, 2})},
                                            {raw({1, 4}) + "anna" + raw({2}) + "pw", raw({1, 0})},
                                            {request, raw({5, 0, 0, 3, 3}) + "abc" + raw({0, 1})}},
                                           wrong));
  CHECK(target.echo_through({"socks5", "127.0.0.1", proxy.port(), "anna", "pw"}, "ws://10.0.0.1:8000/") == "");
  CHECK(wrong == "");
}

TEST_CASE("a SOCKS server's refusals are named") {
  struct Case {
    std::vector<SocksStep> script;
    const char* user;
    const char* expected;
  };
  const std::string request = raw({5, 1, 0, 3, 9}) + "x.invalid" + port_bytes(80);
  const Case cases[] = {
      {{{raw({5, 2, 0, 2}), raw({5, 0xff})}, {"never", ""}}, "u", "another kind of login"},
      {{{raw({5, 1, 0}), raw({5, 2})}, {"never", ""}}, "", "another kind of login"},
      {{{raw({5, 1, 0}), raw({4, 0})}, {"never", ""}}, "", "not a SOCKS5"},
      {{{raw({5, 2, 0, 2}), raw({5, 2})}, {raw({1, 1}) + "u" + raw({0}), raw({1, 1})}, {"never", ""}}, "u", "refused"},
      {{{raw({5, 1, 0}), raw({5, 0})}, {request, raw({5, 5, 0, 1, 0, 0, 0, 0, 0, 0})}, {"never", ""}},
       "",
       "connection refused"},
      {{{raw({5, 1, 0}), raw({5, 0})}, {request, raw({5, 0, 0, 9, 0})}, {"never", ""}}, "", "malformed"},
  };
  for (const Case& c : cases) {
    Target target(false);
    std::string wrong;
    RawServer proxy(target.loop, socks_proxy(target, c.script, wrong));
    const std::string failure =
        target.echo_through({"socks5", "127.0.0.1", proxy.port(), c.user, ""}, "ws://x.invalid/");
    INFO(failure);
    CHECK(failure.find(c.expected) != std::string::npos);
  }
}

namespace {

/// A CONNECT proxy that is itself reached over TLS.
class TlsProxy {
 public:
  TlsProxy(asio::io_context& loop, std::uint16_t onward)
      : loop_(loop),
        context_(make_server_context(identity().certificate_pem, identity().private_key_pem)),
        onward_(onward),
        acceptor_(loop.get_executor(), tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    acceptor_.async_accept(loop.get_executor(), [this](boost::system::error_code error, TcpSocket socket) {
      if (error) return;
      stream_ = std::make_unique<Stream>(std::move(socket));
      stream_->start_tls(make_server_tls(context_.get()));
      shake();
    });
  }
  ~TlsProxy() {
    if (onward_end_) onward_end_->hang_up();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::string request;

 private:
  using tcp = asio::ip::tcp;
  void again(Stream::Wait what, void (TlsProxy::*next)()) {
    stream_->wait(what, [this, next](boost::system::error_code error) {
      if (!error) (this->*next)();
    });
  }
  void shake() {
    const auto progress = stream_->handshake();
    if (progress.error) return;
    if (progress.wait != Stream::Wait::none) return again(progress.wait, &TlsProxy::shake);
    read();
  }
  void read() {
    std::array<std::uint8_t, 4096> bytes;
    for (;;) {
      const auto progress = stream_->read(bytes);
      if (progress.error) return;
      if (progress.wait != Stream::Wait::none) return again(progress.wait, &TlsProxy::read);
      const std::string text(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(progress.bytes));
      if (onward_end_) {
        onward_end_->say(text);
        continue;
      }
      request += text;
      if (request.find("\r\n\r\n") == std::string::npos) continue;
      onward_end_ = RawEnd::connect(loop_, onward_);
      onward_end_->on_heard = [this] {
        to_client_ += std::exchange(onward_end_->heard, {});
        if (!blocked_) write();
      };
      to_client_ = "HTTP/1.1 200 OK\r\n\r\n";
      write();
    }
  }
  void write() {
    blocked_ = false;
    while (!to_client_.empty()) {
      const asio::const_buffer piece(to_client_.data(), to_client_.size());
      const auto progress = stream_->write(std::span(&piece, 1));
      if (progress.error) return;
      if (progress.wait != Stream::Wait::none) {
        blocked_ = true;
        return again(progress.wait, &TlsProxy::write);
      }
      to_client_.erase(0, progress.bytes);
    }
  }

  asio::io_context& loop_;
  TlsContext context_;
  std::uint16_t onward_;
  asio::basic_socket_acceptor<tcp, Executor> acceptor_;
  std::unique_ptr<Stream> stream_;
  std::shared_ptr<RawEnd> onward_end_;
  std::string to_client_;
  bool blocked_ = false;
};

}  // namespace

TEST_CASE("a proxy reached over TLS carries plain and TLS connections") {
  const bool tls = GENERATE(false, true);
  Target target(tls);
  TlsProxy proxy(target.loop, target.port);
  CHECK(target.echo_through({"https", "localhost", proxy.port(), "", ""},
                            (tls ? "wss://" : "ws://") + std::string("localhost:99/")) == "");
  CHECK(proxy.request.starts_with("CONNECT localhost:99 HTTP/1.1\r\n"));
}

TEST_CASE("a proxy that cannot be reached is a connect failure") {
  Target target(false);
  std::uint16_t port = 0;
  {
    RawServer gone(target.loop, [](std::shared_ptr<RawEnd>) {});
    port = gone.port();
  }
  const std::string failure = target.echo_through({"socks5", "127.0.0.1", port, "", ""}, "ws://x.invalid/");
  CHECK(failure.find("refused") != std::string::npos);
}
