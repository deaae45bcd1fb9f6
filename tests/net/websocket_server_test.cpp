// The server's WebSockets as a client's bytes meet them.
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include "net/http_server.h"
#include "tests/net/frames.h"
#include "tests/net/loopback.h"

using namespace wharf::net;
using wharf::test::bytes_of;
using wharf::test::RawEnd;
using wharf::test::run_ready;
using wharf::test::run_until;

namespace {

constexpr auto& frame = wharf::test::client_frame;
constexpr std::size_t max_message_bytes = 200'000;
constexpr std::string_view upgrade =
    "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A server, and a client that is made of bytes.
struct Fixture {
  asio::io_context loop;
  std::unique_ptr<HttpServer> server;
  std::uint16_t port = 0;
  std::shared_ptr<WebSocket> socket;
  std::shared_ptr<RawEnd> client;
  std::vector<std::string> heard;  // by the server: messages
  std::vector<std::string> ends;
  std::vector<std::pair<std::string, std::string>> answer_headers;

  Fixture() {
    HttpServerSettings settings;
    settings.listen = HostPort{"127.0.0.1", 0};
    server = std::make_unique<HttpServer>(loop, settings, [this](HttpRequest, Responder responder) {
      responder.accept_websocket({[this](std::shared_ptr<WebSocket> opened) { socket = std::move(opened); },
                                  max_message_bytes, answer_headers});
    });
    port = *server->start();
  }
  /// Sends the request with `behind` at its heels; the client's `heard` then begins behind the 101.
  std::string connect(std::string behind = "", std::string more_headers = "") {
    client = RawEnd::connect(loop, port);
    client->say(std::string(upgrade) + more_headers + "\r\n" + behind);
    REQUIRE(run_until(loop, [&] { return socket && client->heard.find("\r\n\r\n") != std::string::npos; }));
    const std::size_t end = client->heard.find("\r\n\r\n") + 4;
    std::string answer = client->heard.substr(0, end);
    client->heard.erase(0, end);
    return answer;
  }
  void start() {
    WebSocket::Callbacks callbacks;
    callbacks.message = [this](MessageType type, std::span<const std::uint8_t> payload) {
      heard.push_back((type == MessageType::text ? "text " : "binary ") + std::string(payload.begin(), payload.end()));
    };
    callbacks.closed = [this](const std::string& reason) { ends.push_back(reason); };
    socket->start(std::move(callbacks));
  }
  void open() {
    connect();
    start();
  }
};

}  // namespace

TEST_CASE("the 101 names no extension, and the owner's headers cannot replace the handshake's") {
  Fixture f;
  f.answer_headers = {
      {"X-Request-Id", "7"}, {"Sec-WebSocket-Accept", "mine"}, {"Upgrade", "h2c"}, {"X-Bad", "a\r\nb: c"}};
  const std::string answer = f.connect("", "Sec-WebSocket-Extensions: permessage-deflate\r\n");
  CHECK(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
  CHECK(answer.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") != std::string::npos);
  CHECK(answer.find("X-Request-Id: 7\r\n") != std::string::npos);
  for (const char* absent : {"mine", "h2c", "X-Bad", "b: c", "Extensions", "Beast"}) {
    INFO(absent);
    CHECK(answer.find(absent) == std::string::npos);
  }
  CHECK(f.client->heard.empty());
}

TEST_CASE("frames that come at the heels of the upgrade request are its first, in one piece or cut") {
  const std::size_t cut = GENERATE(0u, 1u, 5u, 9u);
  Fixture f;
  const std::string first = frame(0x81, "early");
  f.connect(first.substr(0, cut));
  f.start();
  f.client->say(first.substr(cut) + frame(0x82, "late"));
  REQUIRE(run_until(f.loop, [&] { return f.heard.size() == 2; }));
  CHECK(f.heard == std::vector<std::string>{"text early", "binary late"});
}

TEST_CASE("a client's frames give the same messages however they are cut, and its pings their pongs") {
  const std::string large(70'000, 'L'), medium(300, 'm');
  const std::string stream = frame(0x82, "one") + frame(0x01, "fr") + frame(0x89, "are you there") + frame(0x00, "") +
                             frame(0x00, "ag") + frame(0x80, "ment") + frame(0x82, "") + frame(0x82, medium) +
                             frame(0x82, large) + frame(0x02, large) + frame(0x80, medium) + frame(0x8a, "unasked") +
                             frame(0x01, "\xe2\x82") + frame(0x80, "\xac") +
                             frame(0x88,
                                   "\x03\xe8"
                                   "bye");
  const std::vector<std::string> expected = {"binary one",       "text fragment",   "binary ",
                                             "binary " + medium, "binary " + large, "binary " + large + medium,
                                             "text \xe2\x82\xac"};
  const std::size_t step = GENERATE(1u, 2u, 7u, 1000u, 1u << 20);
  Fixture f;
  f.open();
  f.client->socket.set_option(asio::ip::tcp::no_delay(true));
  // Byte by byte only where the header bytes are; the large payloads in one piece.
  for (std::size_t at = 0; at < stream.size();) {
    const bool inside = stream.compare(at, 1000, std::string(stream, at, 1)) == 0;
    const std::size_t size = inside ? 1000 : step;
    f.client->say(stream.substr(at, size));
    if (step < 1000 && at < 2000) run_ready(f.loop);
    at += size;
  }
  REQUIRE(run_until(f.loop, [&] { return f.client->closed && f.ends.size() == 1; }));
  CHECK((f.heard == expected));
  CHECK(f.ends[0] == "closed by peer 1000: bye");
  CHECK(f.client->heard ==
        "\x8a\x0d"
        "are you there" +
            bytes_of({0x88, 0x02, 0x03, 0xe8}));
  CHECK(f.server->websockets() == 0);
}

TEST_CASE("what a client may not send ends its WebSocket with the right code") {
  struct Case {
    const char* what;
    std::string input;
    unsigned code;
  };
  const Case cases[] = {
      {"not masked", bytes_of({0x81, 0x00}), 1002},
      {"reserved bit", frame(0xc1, ""), 1002},
      {"another reserved bit", frame(0x92, "x"), 1002},
      {"reserved data opcode", frame(0x83, ""), 1002},
      {"reserved control opcode", frame(0x8b, ""), 1002},
      {"fragmented ping", frame(0x09, ""), 1002},
      {"long ping", frame(0x89, std::string(126, 'p')), 1002},
      {"continuation of nothing", frame(0x80, ""), 1002},
      {"message inside a message", frame(0x01, "") + frame(0x81, ""), 1002},
      {"length 125 in two bytes", bytes_of({0x82, 0xfe, 0x00, 0x7d, 1, 2, 3, 4}), 1002},
      {"length 65535 in eight bytes", bytes_of({0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4}), 1002},
      {"length over the limit", bytes_of({0x82, 0xff, 0, 0, 0, 0, 0, 3, 0x0d, 0x41, 1, 2, 3, 4}), 1009},
      {"length with the highest bit",
       bytes_of({0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4}), 1009},
      {"fragments over the limit", frame(0x02, std::string(150'000, 'a')) + frame(0x80, std::string(50'001, 'b')),
       1009},
      {"close of one byte", frame(0x88, "\x03"), 1002},
      {"close code 1005", frame(0x88, "\x03\xed"), 1002},
      {"close code 999", frame(0x88, "\x03\xe7"), 1002},
      {"close code 2000", frame(0x88, "\x07\xd0"), 1002},
      {"close reason not UTF-8", frame(0x88, "\x03\xe8\xff"), 1002},
      {"text not UTF-8", frame(0x81, "\xc3\x28"), 1007},
      {"text cut inside a character", frame(0x81, "a\xc3"), 1007},
      {"a surrogate", frame(0x81, "\xed\xa0\x80"), 1007},
      {"an overlong form", frame(0x81, "\xc0\x80"), 1007},
      {"past the last character", frame(0x81, "\xf4\x90\x80\x80"), 1007},
      {"not UTF-8 in a fragment", frame(0x01, "ok") + frame(0x80, "\xff"), 1007},
  };
  for (const Case& c : cases) {
    INFO(c.what);
    Fixture f;
    f.open();
    f.client->say(c.input + frame(0x81, "not read any more"));
    CHECK(run_until(f.loop, [&] { return f.client->closed && f.ends.size() == 1; }));
    CHECK(f.client->heard == bytes_of({0x88, 0x02, c.code >> 8, c.code & 0xff}));
    CHECK(f.heard.empty());
    REQUIRE(f.ends.size() == 1);
    CHECK(f.ends[0].starts_with("protocol error of peer: "));
    f.client->hang_up();
    CHECK(run_until(f.loop, [&] { return f.server->websockets() == 0; }));
  }
}

TEST_CASE("messages of exactly the limit pass, whole and in fragments") {
  Fixture f;
  f.open();
  f.client->say(frame(0x82, std::string(max_message_bytes, 'a')) + frame(0x02, std::string(150'000, 'b')) +
                frame(0x80, std::string(50'000, 'c')));
  REQUIRE(run_until(f.loop, [&] { return f.heard.size() == 2; }));
  CHECK(f.heard[0].size() == 7 + max_message_bytes);
  CHECK(f.heard[1].size() == 7 + max_message_bytes);
}

TEST_CASE("a close code that nobody may send is not given back") {
  Fixture f;
  f.open();
  f.client->say(frame(0x88, "\x13\x88"));  // 5000
  REQUIRE(run_until(f.loop, [&] { return f.client->closed && f.ends.size() == 1; }));
  CHECK(f.client->heard.empty());
  CHECK(f.ends[0] == "protocol error of peer: invalid close code 5000");
  CHECK(f.server->websockets() == 0);
}

TEST_CASE("the close frame of a violation reaches a client that is still sending") {
  Fixture f;
  f.open();
  f.client->say(frame(0x82, std::string(8'000'000, 'x')));
  REQUIRE(run_until(f.loop, [&] { return f.client->heard == bytes_of({0x88, 0x02, 0x03, 0xf1}); }));
  REQUIRE(run_until(f.loop, [&] { return f.ends.size() == 1; }));
  CHECK(f.server->websockets() == 1);  // its socket stays until the client has closed
  f.client->hang_up();
  CHECK(run_until(f.loop, [&] { return f.server->websockets() == 0; }));
}

TEST_CASE("a reason is cut at a whole character, and a close without code or reason stays one") {
  Fixture f;
  f.open();
  SECTION("too long") {
    std::string reason;
    while (reason.size() < 200) reason += "\xe2\x82\xac";
    f.socket->close(4000, reason);
    REQUIRE(run_until(f.loop, [&] { return f.client->heard.size() >= 4; }));
    CHECK(f.client->heard == bytes_of({0x88, 2 + 123, 0x0f, 0xa0}) + reason.substr(0, 123));
    f.socket->close(4001, "again");
  }
  SECTION("cut inside a character") {
    std::string reason = "a";
    while (reason.size() < 200) reason += "\xe2\x82\xac";
    f.socket->close(1001, reason);
    REQUIRE(run_until(f.loop, [&] { return f.client->heard.size() >= 4; }));
    CHECK(f.client->heard == bytes_of({0x88, 2 + 121, 0x03, 0xe9}) + reason.substr(0, 121));
  }
  SECTION("the peer gave none") {
    f.client->say(frame(0x88, ""));
    REQUIRE(run_until(f.loop, [&] { return f.client->closed && f.ends.size() == 1; }));
    CHECK(f.ends[0] == "closed by peer");
    return;
  }
  // The peer's answer ends it; what it sent before is thrown away.
  f.client->say(frame(0x82, std::string(100'000, 'x')) + frame(0x89, "ping") + frame(0x88, "\x0f\xa0"));
  REQUIRE(run_until(f.loop, [&] { return f.client->closed; }));
  CHECK(f.heard.empty());
  CHECK(f.ends.empty());  // the owner closed: no callback
  CHECK(f.server->websockets() == 0);
}

TEST_CASE("both sides close at once") {
  Fixture f;
  f.open();
  f.client->say(frame(0x88, "\x03\xe8"));
  f.socket->close(1001, "");
  REQUIRE(run_until(f.loop, [&] { return f.client->closed && f.server->websockets() == 0; }));
  CHECK(f.client->heard == bytes_of({0x88, 0x02, 0x03, 0xe9}));
  CHECK(f.ends.empty());
}

TEST_CASE("queued bytes fall as the kernel takes them, in the middle of a message too") {
  Fixture f;
  f.client = std::make_shared<RawEnd>(asio::ip::tcp::socket(f.loop));  // reads only when it is told to
  f.client->socket.connect({asio::ip::address_v4::loopback(), f.port});
  asio::write(f.client->socket, asio::buffer(std::string(upgrade) + "\r\n"));
  REQUIRE(run_until(f.loop, [&] { return f.socket != nullptr; }));
  f.start();
  constexpr std::size_t size = 64u << 20;
  f.socket->send(MessageType::binary, std::vector<std::uint8_t>(size, 'x'));
  f.socket->send(MessageType::text, {'e', 'n', 'd'});
  bool drained = false;
  f.socket->when_drained([&] { drained = true; });
  for (int i = 0; i < 100; ++i) run_ready(f.loop);
  const std::size_t before = f.socket->queued_bytes();
  CHECK(before > 0);
  CHECK(before < size);
  std::vector<char> some(1u << 20);
  REQUIRE(run_until(f.loop, [&] {
    if (f.client->socket.available() > 0) f.client->socket.read_some(asio::buffer(some));
    return f.socket->queued_bytes() < before;
  }));
  CHECK_FALSE(drained);
  f.socket->ping();
  f.socket->ping();  // one at a time: nobody needs two
  f.client->listen();
  REQUIRE(run_until(f.loop, [&] {
    return drained && f.client->heard.ends_with(
                          "\x81\x03"
                          "end");
  }));
  CHECK(f.socket->queued_bytes() == 0);
  // The ping goes between messages, never into one.
  const std::string ping("\x89\x00", 2);
  REQUIRE(run_until(f.loop, [&] { return f.client->heard.find(ping) != std::string::npos; }));
  CHECK(f.client->heard.find(ping, f.client->heard.find(ping) + 2) == std::string::npos);
}

TEST_CASE("messages sent in one turn leave in one write, and small ones do not wait for the loop in between") {
  Fixture f;
  f.open();
  int reads = 0;
  f.client->on_heard = [&] { ++reads; };
  for (int i = 0; i < 50; ++i) f.socket->send(MessageType::binary, std::vector<std::uint8_t>(100, 'x'));
  CHECK(f.socket->queued_bytes() == 50 * 102);
  REQUIRE(run_until(f.loop, [&] { return f.client->heard.size() == 50 * 102; }));
  CHECK(reads == 1);
  CHECK(f.socket->queued_bytes() == 0);
}

TEST_CASE("a flood of pings is answered one by one, and messages pass in between") {
  Fixture f;
  f.open();
  std::string flood;
  for (int i = 0; i < 500; ++i) flood += frame(0x89, std::to_string(i));
  f.client->say(flood + frame(0x81, "behind"));
  for (int i = 0; i < 20; ++i) f.socket->send(MessageType::text, {'m'});
  REQUIRE(run_until(f.loop, [&] { return f.heard.size() == 1 && f.client->heard.find("499") != std::string::npos; }));
  std::size_t messages = 0;
  for (std::size_t at = 0; (at = f.client->heard.find("\x81\x01m", at)) != std::string::npos; ++at) ++messages;
  CHECK(messages == 20);
}

TEST_CASE("a client that goes in the middle of a message ends the WebSocket once") {
  Fixture f;
  f.open();
  f.client->say(frame(0x82, std::string(1000, 'x')).substr(0, 500));
  run_ready(f.loop);
  SECTION("orderly") {
    f.client->socket.shutdown(asio::ip::tcp::socket::shutdown_send);
    REQUIRE(run_until(f.loop, [&] { return f.ends.size() == 1; }));
    CHECK(f.ends[0] == "connection ended by peer");
  }
  SECTION("with a reset") {
    f.client->socket.set_option(asio::socket_base::linger(true, 0));
    f.client->socket.close();
    REQUIRE(run_until(f.loop, [&] { return f.ends.size() == 1; }));
    CHECK(f.ends[0].find("reset") != std::string::npos);
  }
  CHECK(f.heard.empty());
  CHECK(f.server->websockets() == 0);
  f.socket->send(MessageType::text, {'x'});
  CHECK(f.socket->queued_bytes() == 0);
  run_ready(f.loop);
  CHECK(f.ends.size() == 1);
}

TEST_CASE("a client that goes before it has its 101 is nobody's WebSocket") {
  Fixture f;
  f.client = RawEnd::connect(f.loop, f.port);
  f.client->say(std::string(upgrade) + "\r\n");
  REQUIRE(run_until(f.loop, [&] { return f.server->websockets() == 1 || f.socket; }));
  f.client->socket.set_option(asio::socket_base::linger(true, 0));
  f.client->socket.close();
  REQUIRE(run_until(f.loop, [&] { return f.server->websockets() == 0 || f.socket; }));
  if (f.server->websockets() == 1) {  // the 101 was quicker
    f.start();
    REQUIRE(run_until(f.loop, [&] { return f.ends.size() == 1; }));
  }
  CHECK(f.server->websockets() == 0);
}

TEST_CASE("a loop may end with WebSockets open and everything pending") {
  Fixture f;
  f.open();
  f.socket->send(MessageType::binary, std::vector<std::uint8_t>(64u << 20));
  f.socket->ping();
  f.client->say(frame(0x89, "ping"));
  for (int i = 0; i < 20; ++i) run_ready(f.loop);
  f.socket->close(1000, "");
}
