#include "net/websocket_client.h"

#include <catch2/catch.hpp>

#include <set>

#include "net/http_server.h"
#include "tests/net/escapes.h"
#include "tests/net/frames.h"
#include "tests/net/loopback.h"

using namespace wharf::net;
using wharf::test::bytes_of;
using wharf::test::RawEnd;
using wharf::test::RawServer;
using wharf::test::run_ready;
using wharf::test::run_until;
using wharf::test::server_frame;
using wharf::test::websocket_accept;
using namespace std::chrono_literals;

namespace {

using Bytes = std::vector<std::uint8_t>;
Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

/// One side of a WebSocket: what it heard.
struct Side {
  std::shared_ptr<WebSocket> socket;
  std::vector<std::string> messages;
  std::vector<std::string> ends;
  void start() {
    WebSocket::Callbacks callbacks;
    callbacks.message = [this](MessageType, std::span<const std::uint8_t> payload) {
      messages.emplace_back(payload.begin(), payload.end());
    };
    callbacks.closed = [this](const std::string& reason) { ends.push_back(reason); };
    socket->start(std::move(callbacks));
  }
};

const TlsIdentity& identity() {
  static const TlsIdentity made = make_loopback_identity();
  return made;
}

struct Fixture {
  asio::io_context loop;
  bool secure = false;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<WebSocketClient> client;
  std::uint16_t port = 0;
  Side here, there;  // client, server
  std::string failure;
  unsigned refused_status = 0;
  HttpRequest upgrade;
  std::unique_ptr<WebSocketClient::Attempt> attempt;

  explicit Fixture(bool tls = false) : secure(tls) {
    HttpServerSettings settings;
    settings.listen = HostPort{"127.0.0.1", 0};
    if (tls) {
      settings.certificate_pem = identity().certificate_pem;
      settings.private_key_pem = identity().private_key_pem;
    }
    server = std::make_unique<HttpServer>(loop, settings, [this](HttpRequest request, Responder responder) {
      upgrade = request;
      if (request.target == "/refuse") return responder.send(HttpResponse(403, "text/plain", "no"));
      responder.accept_websocket(
          {[this](std::shared_ptr<WebSocket> socket) { there.socket = std::move(socket); }, 4u << 20, {}});
    });
    const auto bound = server->start();
    REQUIRE(bound.has_value());
    port = *bound;
    client = std::make_unique<WebSocketClient>(loop, TlsTrust{tls ? identity().ca_pem : ""});
  }
  std::string url(const std::string& host = "127.0.0.1", const std::string& path = "/ws") const {
    return (secure ? "wss://" : "ws://") + host + ":" + std::to_string(port) + path;
  }
  WebSocketRequest request(const std::string& to) const {
    WebSocketRequest out;
    out.url = *parse_url(to);
    out.max_message_bytes = 4u << 20;
    return out;
  }
  /// True: open on our side.
  bool connect(WebSocketRequest wanted) {
    bool done = false;
    attempt = client->connect(std::move(wanted), [&](WebSocketResult result) {
      done = true;
      if (result) {
        here.socket = *result;
      } else {
        failure = result.error().message;
        refused_status = result.error().http_status;
      }
    });
    REQUIRE(run_until(loop, [&] { return done; }));
    return here.socket != nullptr;
  }
  void open() {
    const bool connected = connect(request(url()));
    INFO(failure);
    REQUIRE(connected);
    REQUIRE(run_until(loop, [&] { return there.socket != nullptr; }));
    here.start();
    there.start();
  }
};

/// A server that upgrades by hand: what follows on the wire is the test's.
struct RawWebSocketServer {
  explicit RawWebSocketServer(asio::io_context& loop, std::string behind = "")
      : server(loop, [this, behind](std::shared_ptr<RawEnd> end) {
          peer = end;
          end->on_heard = [this, end = end.get(), behind] {
            if (upgraded || end->heard.find("\r\n\r\n") == std::string::npos) return;
            upgraded = true;
            const std::size_t at = end->heard.find("Sec-WebSocket-Key: ") + 19;
            request = end->heard;
            const std::string key = end->heard.substr(at, 24);
            end->heard.clear();
            end->say(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
                "Upgrade\r\n" +
                more_headers + "Sec-WebSocket-Accept: " + websocket_accept(key) + "\r\n\r\n" + behind);
          };
        }) {}
  bool upgraded = false;
  std::string request, more_headers;
  std::shared_ptr<RawEnd> peer;
  RawServer server;
};

}  // namespace

TEST_CASE("messages go both ways in order, plain and TLS, small and 1 MiB") {
  const bool tls = GENERATE(false, true);
  Fixture f(tls);
  f.open();
  const std::string large(1u << 20, 'x');
  f.here.socket->send(MessageType::binary, bytes("first"));
  f.here.socket->send(MessageType::text, bytes("caf\xc3\xa9"));
  f.here.socket->send(MessageType::binary, bytes(large));
  f.here.socket->send(MessageType::binary, {});
  f.there.socket->send(MessageType::binary, bytes(large));
  f.there.socket->send(MessageType::text, bytes("last"));
  REQUIRE(run_until(f.loop, [&] { return f.there.messages.size() == 4 && f.here.messages.size() == 2; }));
  CHECK(f.there.messages[0] == "first");
  CHECK(f.there.messages[1] == "caf\xc3\xa9");
  CHECK((f.there.messages[2] == large));
  CHECK(f.there.messages[3].empty());
  CHECK((f.here.messages[0] == large));
  CHECK(f.here.messages[1] == "last");
  CHECK(f.here.socket->queued_bytes() == 0);
  CHECK(f.there.socket->remote_address().starts_with("127.0.0.1:"));
  CHECK(f.here.socket->remote_address() == "127.0.0.1:" + std::to_string(f.port));
}

TEST_CASE("many messages of every length around the frame boundaries arrive unchanged") {
  const bool tls = GENERATE(false, true);
  Fixture f(tls);
  f.open();
  std::vector<std::string> sent;
  for (const std::size_t size :
       {0u, 1u, 124u, 125u, 126u, 127u, 4095u, 4096u, 4097u, 16383u, 16384u, 16385u, 65535u, 65536u, 65537u}) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('a' + i % 26);
    sent.push_back(text);
  }
  for (int round = 0; round < 20; ++round) {
    for (const std::string& text : sent) f.here.socket->send(MessageType::binary, bytes(text));
    for (const std::string& text : sent) f.there.socket->send(MessageType::binary, bytes(text));
  }
  REQUIRE(run_until(f.loop, [&] {
    return f.there.messages.size() == 20 * sent.size() && f.here.messages.size() == 20 * sent.size();
  }));
  for (std::size_t i = 0; i < f.there.messages.size(); ++i) {
    REQUIRE((f.there.messages[i] == sent[i % sent.size()]));
    REQUIRE((f.here.messages[i] == sent[i % sent.size()]));
  }
}

TEST_CASE("the caller's headers are sent and cannot replace the handshake's own") {
  Fixture f;
  WebSocketRequest request = f.request(f.url("127.0.0.1", "/ws/chat?ED=1"));
  request.headers = {
      {"Origin", "https://web.example.com"}, {"User-Agent", "test"}, {"Host", "evil"}, {"X-Bad", "a\r\nb: c"}};
  REQUIRE(f.connect(request));
  CHECK(f.upgrade.target == "/ws/chat?ED=1");
  CHECK(f.upgrade.header("origin") == "https://web.example.com");
  CHECK(f.upgrade.header("host") == "127.0.0.1:" + std::to_string(f.port));
  CHECK(f.upgrade.header("x-bad").empty());
  CHECK(f.upgrade.websocket_upgrade);
}

TEST_CASE("messages sent in one turn leave in one write") {
  asio::io_context loop;
  RawWebSocketServer raw(loop);
  WebSocketClient client(loop, TlsTrust{});
  std::shared_ptr<WebSocket> socket;
  WebSocketRequest request;
  request.url = *parse_url("ws://127.0.0.1:" + std::to_string(raw.server.port()));
  const auto attempt = client.connect(request, [&](WebSocketResult result) { socket = *result; });
  REQUIRE(run_until(loop, [&] { return socket != nullptr; }));
  int reads = 0;
  raw.peer->on_heard = [&] { ++reads; };
  for (int i = 0; i < 50; ++i) socket->send(MessageType::binary, Bytes(100, 'x'));
  CHECK(socket->queued_bytes() == 50 * 106);
  REQUIRE(run_until(loop, [&] { return raw.peer->heard.size() == 50 * 106; }));
  CHECK(reads == 1);
}

TEST_CASE("a fragmented message with a ping inside is put together and the ping answered") {
  asio::io_context loop;
  RawWebSocketServer raw(loop, server_frame(0x82, "early"));  // comes together with the 101
  WebSocketClient client(loop, TlsTrust{});
  Side side;
  WebSocketRequest request;
  request.url = *parse_url("ws://127.0.0.1:" + std::to_string(raw.server.port()));
  const auto attempt = client.connect(request, [&](WebSocketResult result) { side.socket = *result; });
  REQUIRE(run_until(loop, [&] { return side.socket != nullptr; }));
  side.start();
  raw.peer->say(server_frame(0x02, "one ") + server_frame(0x89, "you?") + server_frame(0x80, "two"));
  REQUIRE(run_until(loop, [&] { return side.messages.size() == 2 && raw.peer->heard.size() >= 10; }));
  CHECK(side.messages[0] == "early");
  CHECK(side.messages[1] == "one two");
  CHECK(static_cast<unsigned char>(raw.peer->heard[0]) == 0x8a);  // pong
  CHECK(static_cast<unsigned char>(raw.peer->heard[1]) == (0x80 | 4));
}

namespace {

/// A client whose server is made of bytes.
struct RawFixture {
  asio::io_context loop;
  RawWebSocketServer raw{loop};
  WebSocketClient client{loop, TlsTrust{}};
  Side side;
  std::unique_ptr<Transport::Attempt> attempt;

  RawFixture() {
    WebSocketRequest request;
    request.url = *parse_url("ws://127.0.0.1:" + std::to_string(raw.server.port()));
    request.max_message_bytes = 200'000;
    attempt = client.connect(request, [&](WebSocketResult result) { side.socket = *result; });
    REQUIRE(run_until(loop, [&] { return side.socket != nullptr; }));
    side.start();
  }
  /// The code of the one close frame that the client sent; 0 when it sent something else.
  unsigned said_code() const {
    const std::string& heard = raw.peer->heard;
    const auto at = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(heard[i])); };
    if (heard.size() < 8 || at(0) != 0x88 || heard.size() != 6 + (at(1) & 0x7f)) return 0;
    return ((at(6) ^ at(2)) << 8) | (at(7) ^ at(3));
  }
};

}  // namespace

TEST_CASE("a server's frames give the same messages however they are cut") {
  const std::string large(70'000, 'L'), medium(300, 'm');
  const std::string stream = server_frame(0x82, "one") + server_frame(0x01, "fr") + server_frame(0x89, "you?") +
                             server_frame(0x00, "") + server_frame(0x00, "ag") + server_frame(0x80, "ment") +
                             server_frame(0x82, "") + server_frame(0x82, medium) + server_frame(0x82, large) +
                             server_frame(0x02, large) + server_frame(0x80, medium) + server_frame(0x8a, "unasked") +
                             server_frame(0x01, "\xe2\x82") + server_frame(0x80, "\xac") +
                             server_frame(0x88,
                                          "\x03\xe8"
                                          "bye");
  const std::size_t step = GENERATE(1u, 2u, 7u, 1000u, 1u << 20);
  RawFixture f;
  f.raw.peer->socket.set_option(asio::ip::tcp::no_delay(true));
  for (std::size_t at = 0; at < stream.size();) {
    const bool inside = stream.compare(at, 1000, std::string(stream, at, 1)) == 0;  // a payload: in larger pieces
    const std::size_t size = inside ? 1000 : step;
    f.raw.peer->say(stream.substr(at, size));
    if (step < 1000 && at < 2000) run_ready(f.loop);
    at += size;
  }
  REQUIRE(run_until(f.loop, [&] { return f.raw.peer->closed && f.side.ends.size() == 1; }));
  CHECK((f.side.messages ==
         std::vector<std::string>{"one", "fragment", "", medium, large, large + medium, "\xe2\x82\xac"}));
  CHECK(f.side.ends[0] == "closed by peer 1000: bye");
}

TEST_CASE("what a server may not send ends the WebSocket with the right code") {
  struct Case {
    const char* what;
    std::string input;
    unsigned code;
  };
  const Case cases[] = {
      {"masked", wharf::test::client_frame(0x81, "x"), 1002},
      {"reserved bit", server_frame(0xc1, ""), 1002},
      {"reserved data opcode", server_frame(0x83, ""), 1002},
      {"reserved control opcode", server_frame(0x8b, ""), 1002},
      {"fragmented ping", server_frame(0x09, ""), 1002},
      {"long ping", server_frame(0x89, std::string(126, 'p')), 1002},
      {"continuation of nothing", server_frame(0x80, ""), 1002},
      {"message inside a message", server_frame(0x01, "") + server_frame(0x81, ""), 1002},
      {"length 125 in two bytes", bytes_of({0x82, 0x7e, 0x00, 0x7d}), 1002},
      {"length 65535 in eight bytes", bytes_of({0x82, 0x7f, 0, 0, 0, 0, 0, 0, 0xff, 0xff}), 1002},
      {"length over the limit", bytes_of({0x82, 0x7f, 0, 0, 0, 0, 0, 3, 0x0d, 0x41}), 1009},
      {"length with the highest bit", bytes_of({0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), 1009},
      {"fragments over the limit",
       server_frame(0x02, std::string(150'000, 'a')) + server_frame(0x80, std::string(50'001, 'b')), 1009},
      {"close of one byte", server_frame(0x88, "\x03"), 1002},
      {"close code 1005", server_frame(0x88, "\x03\xed"), 1002},
      {"close code 999", server_frame(0x88, "\x03\xe7"), 1002},
      {"close reason not UTF-8", server_frame(0x88, "\x03\xe8\xff"), 1002},
      {"text not UTF-8", server_frame(0x81, "\xc3\x28"), 1007},
      {"text cut inside a character", server_frame(0x81, "a\xc3"), 1007},
      {"not UTF-8 in a fragment", server_frame(0x01, "ok") + server_frame(0x80, "\xff"), 1007},
  };
  for (const Case& c : cases) {
    INFO(c.what);
    RawFixture f;
    f.raw.peer->say(c.input + server_frame(0x81, "not read any more"));
    CHECK(run_until(f.loop, [&] { return f.raw.peer->closed && f.side.ends.size() == 1; }));
    CHECK(f.said_code() == c.code);
    CHECK(f.side.messages.empty());
    REQUIRE(f.side.ends.size() == 1);
    CHECK(f.side.ends[0].starts_with("protocol error of peer: "));
  }
}

TEST_CASE("a server's messages of exactly the limit pass, whole and in fragments") {
  RawFixture f;
  f.raw.peer->say(server_frame(0x82, std::string(200'000, 'a')) + server_frame(0x02, std::string(150'000, 'b')) +
                  server_frame(0x80, std::string(50'000, 'c')));
  REQUIRE(run_until(f.loop, [&] { return f.side.messages.size() == 2; }));
  CHECK(f.side.messages[0].size() == 200'000);
  CHECK(f.side.messages[1].size() == 200'000);
}

TEST_CASE("what a client sends is masked, in pieces too, with a key that changes") {
  RawFixture f;
  for (const std::size_t size : {0u, 5u, 1023u, 1024u, 1025u, 5000u, 70'000u})
    f.side.socket->send(MessageType::binary, Bytes(size, 'x'));
  constexpr std::size_t headers = 2 * 2 + 4 * 4 + 10 + 7 * 4, payloads = 5 + 1023 + 1024 + 1025 + 5000 + 70'000;
  REQUIRE(run_until(f.loop, [&] { return f.raw.peer->heard.size() >= headers + payloads; }));
  std::set<std::string> keys;
  std::string_view rest = f.raw.peer->heard;
  for (const std::size_t size : {0u, 5u, 1023u, 1024u, 1025u, 5000u, 70'000u}) {
    const std::string header = wharf::test::frame_header(0x82, size, true);
    REQUIRE(rest.substr(0, header.size()) == header);
    rest.remove_prefix(header.size());
    const std::string key(rest.substr(0, 4));
    keys.insert(key);
    rest.remove_prefix(4);
    for (std::size_t i = 0; i < size; ++i) REQUIRE((rest[i] ^ key[i % 4]) == 'x');
    rest.remove_prefix(size);
  }
  CHECK(rest.empty());
  CHECK(keys.size() == 7);
}

TEST_CASE("a message over the limit is refused with 1009") {
  Fixture f;
  f.open();
  f.here.socket->send(MessageType::binary, Bytes((4u << 20) + 1));
  REQUIRE(run_until(f.loop, [&] { return f.here.ends.size() == 1 && f.there.ends.size() == 1; }));
  CHECK(f.here.ends[0].find("1009") != std::string::npos);
  CHECK(f.there.messages.empty());
}

TEST_CASE("nothing is read before start, and pause holds the peer back") {
  const bool tls = GENERATE(false, true);
  Fixture f(tls);
  REQUIRE(f.connect(f.request(f.url())));
  REQUIRE(run_until(f.loop, [&] { return f.there.socket != nullptr; }));
  f.here.start();
  for (int i = 0; i < 64; ++i) f.here.socket->send(MessageType::binary, Bytes(1u << 20, static_cast<std::uint8_t>(i)));
  // The kernel's buffers fill; with nobody reading, bytes stay queued.
  for (int i = 0; i < 200; ++i) run_ready(f.loop);
  CHECK(f.here.socket->queued_bytes() > (16u << 20));
  CHECK(f.there.messages.empty());

  bool drained = false;
  f.here.socket->when_drained([&] { drained = true; });
  CHECK_FALSE(drained);
  std::size_t heard = 0;
  WebSocket::Callbacks callbacks;
  callbacks.message = [&](MessageType, std::span<const std::uint8_t> payload) {
    REQUIRE(payload.front() == heard);
    if (++heard == 10) f.there.socket->pause(true);
  };
  f.there.socket->start(std::move(callbacks));
  REQUIRE(run_until(f.loop, [&] { return heard == 10; }));
  for (int i = 0; i < 200; ++i) run_ready(f.loop);
  CHECK(heard == 10);
  CHECK_FALSE(drained);
  f.there.socket->pause(false);
  REQUIRE(run_until(f.loop, [&] { return heard == 64 && drained; }));
  bool at_once = false;
  f.here.socket->when_drained([&] { at_once = true; });
  CHECK(at_once);
}

TEST_CASE("pausing inside a callback keeps the messages already read") {
  Fixture f;
  f.open();
  std::vector<std::string> heard;
  WebSocket::Callbacks callbacks;
  callbacks.message = [&](MessageType, std::span<const std::uint8_t> payload) {
    heard.emplace_back(payload.begin(), payload.end());
    f.there.socket->pause(true);
  };
  f.there.socket->start(std::move(callbacks));
  for (const char* text : {"a", "b", "c"}) f.here.socket->send(MessageType::text, bytes(text));
  for (std::size_t count = 1; count <= 3; ++count) {
    REQUIRE(run_until(f.loop, [&] { return heard.size() == count; }));
    run_ready(f.loop);
    CHECK(heard.size() == count);
    f.there.socket->pause(false);
  }
  CHECK(heard == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("close sends what is queued, then its code and reason") {
  const bool tls = GENERATE(false, true);
  Fixture f(tls);
  f.open();
  f.here.socket->send(MessageType::binary, Bytes(1u << 20));
  f.here.socket->close(4001, "done here");
  f.here.socket->send(MessageType::binary, bytes("too late"));
  REQUIRE(run_until(f.loop, [&] { return f.there.ends.size() == 1; }));
  CHECK(f.there.messages.size() == 1);
  CHECK(f.there.ends[0] == "closed by peer 4001: done here");
  CHECK(f.here.ends.empty());  // the owner closed: no callback
}

TEST_CASE("letting go of the socket in the closed callback still finishes the closing handshake") {
  Fixture f;
  f.open();
  std::string reason;
  WebSocket::Callbacks callbacks;
  callbacks.closed = [&](const std::string& why) {
    reason = why;
    f.there.socket.reset();
  };
  f.there.socket->start(std::move(callbacks));
  Side& here = f.here;
  asio::io_context& loop = f.loop;
  // A peer that closes by hand, to see the answer.
  const auto raw = RawEnd::connect(loop, f.port);
  here.socket->close(1000, "");
  REQUIRE(run_until(loop, [&] { return !reason.empty(); }));
  CHECK(reason == "closed by peer 1000");
  raw->say(
      "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  REQUIRE(run_until(loop, [&] { return f.there.socket != nullptr && !raw->heard.empty(); }));
  raw->heard.clear();
  reason.clear();
  WebSocket::Callbacks again;
  again.closed = [&](const std::string& why) {
    reason = why;
    f.there.socket.reset();
  };
  f.there.socket->start(std::move(again));
  raw->say(std::string("\x88\x82\x00\x00\x00\x00\x03\xe8", 8));
  REQUIRE(run_until(loop, [&] { return raw->closed; }));
  CHECK(raw->heard == std::string("\x88\x02\x03\xe8", 4));
}

TEST_CASE("abort is a reset, and dropping an open socket aborts it") {
  const bool drop = GENERATE(false, true);
  Fixture f;
  f.open();
  if (drop) f.here.socket.reset();
  else f.here.socket->abort();
  REQUIRE(run_until(f.loop, [&] { return f.there.ends.size() == 1; }));
  CHECK(f.there.ends[0].find("reset") != std::string::npos);
  CHECK(f.here.ends.empty());
}

TEST_CASE("a callback may close, abort or drop its own socket") {
  const int way = GENERATE(0, 1, 2);
  Fixture f;
  f.open();
  int calls = 0;
  WebSocket::Callbacks callbacks;
  callbacks.message = [&](MessageType, std::span<const std::uint8_t>) {
    ++calls;
    if (way == 0) f.there.socket->close(1000, "");
    if (way == 1) f.there.socket->abort();
    if (way == 2) f.there.socket.reset();
  };
  f.there.socket->start(std::move(callbacks));
  f.here.socket->send(MessageType::binary, bytes("one"));
  f.here.socket->send(MessageType::binary, bytes("two"));
  REQUIRE(run_until(f.loop, [&] { return f.here.ends.size() == 1; }));
  CHECK(calls == 1);
}

TEST_CASE("a peer that vanishes ends the socket once") {
  asio::io_context loop;
  RawWebSocketServer raw(loop);
  WebSocketClient client(loop, TlsTrust{});
  Side side;
  WebSocketRequest request;
  request.url = *parse_url("ws://127.0.0.1:" + std::to_string(raw.server.port()));
  const auto attempt = client.connect(request, [&](WebSocketResult result) { side.socket = *result; });
  REQUIRE(run_until(loop, [&] { return side.socket != nullptr; }));
  side.start();
  raw.peer->hang_up();
  REQUIRE(run_until(loop, [&] { return side.ends.size() == 1; }));
  side.socket->send(MessageType::binary, bytes("nobody"));
  CHECK(side.socket->queued_bytes() == 0);
  run_ready(loop);
  CHECK(side.ends.size() == 1);
}

TEST_CASE("a refused upgrade tells its status") {
  Fixture f;
  CHECK_FALSE(f.connect(f.request(f.url("127.0.0.1", "/refuse"))));
  CHECK(f.refused_status == 403);
  CHECK(f.failure.find("403") != std::string::npos);
}

TEST_CASE("answers that are no valid upgrade are refused") {
  const std::string answer =
      GENERATE(std::string("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
                           "Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n"),
               std::string("HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n"),
               std::string("garbage\r\n\r\n"));
  asio::io_context loop;
  RawServer server(
      loop, [&](std::shared_ptr<RawEnd> end) { end->on_heard = [end = end.get(), answer] { end->say(answer); }; });
  WebSocketClient client(loop, TlsTrust{});
  std::string failure;
  WebSocketRequest request;
  request.url = *parse_url("ws://127.0.0.1:" + std::to_string(server.port()));
  const auto attempt = client.connect(request, [&](WebSocketResult result) { failure = result.error().message; });
  REQUIRE(run_until(loop, [&] { return !failure.empty(); }));
}

TEST_CASE("an extension that was not offered is refused, and headers beyond a packet are not") {
  asio::io_context loop;
  RawWebSocketServer raw(loop, server_frame(0x82, "early"));
  WebSocketClient client(loop, TlsTrust{});
  std::string failure;
  Side side;
  WebSocketRequest request;
  request.url = *parse_url("ws://127.0.0.1:" + std::to_string(raw.server.port()));
  SECTION("an extension") {
    raw.more_headers = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    const auto attempt = client.connect(request, [&](WebSocketResult result) { failure = result.error().message; });
    REQUIRE(run_until(loop, [&] { return !failure.empty(); }));
    CHECK(failure == "the server chose an extension that was not offered");
    CHECK(run_until(loop, [&] { return raw.peer->closed; }));
  }
  SECTION("long headers") {
    raw.more_headers = "X-Long: " + std::string(12'000, 'x') + "\r\n";
    const auto attempt = client.connect(request, [&](WebSocketResult result) { side.socket = *result; });
    REQUIRE(run_until(loop, [&] { return side.socket != nullptr; }));
    side.start();
    REQUIRE(run_until(loop, [&] { return side.messages.size() == 1; }));
    CHECK(side.messages[0] == "early");
  }
}

TEST_CASE("a refusal is known by its header, an interim answer is none, and a header has its limit") {
  asio::io_context loop;
  std::string answer, failure;
  unsigned status = 0;
  RawServer server(
      loop, [&](std::shared_ptr<RawEnd> end) { end->on_heard = [end = end.get(), &answer] { end->say(answer); }; });
  WebSocketClient client(loop, TlsTrust{});
  SECTION("the body never comes") { answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 8000000\r\n\r\nhe"; }
  SECTION("behind an interim answer") {
    answer = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\n";
  }
  SECTION("an endless header") { answer = "HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'); }
  WebSocketRequest request;
  request.url = *parse_url("ws://127.0.0.1:" + std::to_string(server.port()));
  const auto attempt = client.connect(request, [&](WebSocketResult result) {
    failure = result.error().message;
    status = result.error().http_status;
  });
  REQUIRE(run_until(loop, [&] { return !failure.empty(); }));
  const bool refused = answer.find("403") != std::string::npos;
  CHECK(status == (refused ? 403u : 0u));
  CHECK((failure == "the server refused the WebSocket: HTTP 403") == refused);
}

TEST_CASE("a refused connection says where it went") {
  Fixture f;
  f.server.reset();
  CHECK_FALSE(f.connect(f.request(f.url())));
  CHECK(f.failure.find("127.0.0.1:" + std::to_string(f.port)) != std::string::npos);
  CHECK(f.failure.find("refused") != std::string::npos);
}

TEST_CASE("a certificate from an unknown authority is refused") {
  Fixture f(true);
  f.client = std::make_unique<WebSocketClient>(f.loop, TlsTrust{make_loopback_identity().ca_pem});
  CHECK_FALSE(f.connect(f.request(f.url())));
  CHECK(f.failure.find("certificate refused") != std::string::npos);
}

TEST_CASE("a certificate for another host is refused") {
  Fixture f(true);
  // 127.0.0.2 reaches the same machine but stands in no certificate; the listener must answer there.
  HttpServerSettings settings;
  settings.listen = HostPort{"127.0.0.2", 0};
  settings.certificate_pem = identity().certificate_pem;
  settings.private_key_pem = identity().private_key_pem;
  HttpServer elsewhere(f.loop, settings, [](HttpRequest, Responder) {});
  const auto bound = elsewhere.start();
  REQUIRE(bound.has_value());
  CHECK_FALSE(f.connect(f.request("wss://127.0.0.2:" + std::to_string(*bound) + "/")));
  CHECK(f.failure.find("certificate refused: IP address mismatch") != std::string::npos);
}

TEST_CASE("the loopback identity is good for localhost by name") {
  Fixture f(true);
  const bool connected = f.connect(f.request(f.url("localhost")));
  INFO(f.failure);
  CHECK(connected);
}

TEST_CASE("a server that says nothing runs into the deadline") {
  const bool tls = GENERATE(false, true);
  asio::io_context loop;
  RawServer silent(loop, [](std::shared_ptr<RawEnd>) {});
  WebSocketClient client(loop, TlsTrust{});
  WebSocketRequest request;
  request.url = *parse_url((tls ? "wss://127.0.0.1:" : "ws://127.0.0.1:") + std::to_string(silent.port()));
  request.timeout = 50ms;
  std::string failure;
  const auto attempt = client.connect(request, [&](WebSocketResult result) { failure = result.error().message; });
  REQUIRE(run_until(loop, [&] { return !failure.empty(); }));
  CHECK(failure.find("timed out") != std::string::npos);
}

TEST_CASE("destroying an attempt takes its callback back") {
  Fixture f;
  bool called = false;
  auto attempt = f.client->connect(f.request(f.url()), [&](WebSocketResult) { called = true; });
  attempt.reset();
  for (int i = 0; i < 50; ++i) run_ready(f.loop);
  // Cancelled in the middle: the server has seen the connection.
  attempt = f.client->connect(f.request(f.url()), [&](WebSocketResult) { called = true; });
  REQUIRE(run_until(f.loop, [&] { return f.server->connections() > 0; }));
  attempt.reset();
  REQUIRE(run_until(f.loop, [&] { return f.server->connections() == 0; }));
  CHECK_FALSE(called);
}

TEST_CASE("an attempt may be destroyed by its own callback") {
  Fixture f;
  std::shared_ptr<WebSocket> socket;
  std::unique_ptr<WebSocketClient::Attempt> attempt;
  attempt = f.client->connect(f.request(f.url()), [&](WebSocketResult result) {
    socket = *result;
    attempt.reset();
  });
  REQUIRE(run_until(f.loop, [&] { return socket != nullptr; }));
  CHECK(attempt == nullptr);
}

TEST_CASE("open WebSockets count as connections of their server until their socket is closed") {
  Fixture f;
  f.open();
  CHECK(f.server->websockets() == 1);
  CHECK(f.server->connections() == 0);
  SECTION("closed by the owner") { f.there.socket->close(1000, ""); }
  SECTION("aborted by the owner") { f.there.socket->abort(); }
  SECTION("let go") { f.there.socket.reset(); }
  SECTION("closed by the peer") { f.here.socket->close(1000, ""); }
  CHECK(run_until(f.loop, [&] { return f.server->websockets() == 0; }));
}

TEST_CASE("a callback that throws costs its own WebSocket and nothing else") {
  wharf::test::Escapes escapes;
  Fixture f;
  f.open();
  std::string end;
  WebSocket::Callbacks callbacks;
  callbacks.message = [](MessageType, std::span<const std::uint8_t>) { throw std::runtime_error("cannot take it"); };
  callbacks.closed = [&](const std::string& reason) { end = reason; };
  f.there.socket->start(std::move(callbacks));
  f.here.socket->send(MessageType::text, {'a'});
  CHECK(run_until(f.loop, [&] { return !end.empty() && !f.here.ends.empty(); }));
  CHECK(end == "an internal error");
  CHECK(escapes.seen == std::vector<std::string>{"WebSocket: cannot take it"});
  CHECK(f.server->websockets() == 0);
}
