// Request bodies that are taken while they come.
#include <catch2/catch.hpp>

#include "net/http_server.h"
#include "tests/net/loopback.h"

using namespace wharf::net;
using wharf::test::RawEnd;
using wharf::test::run_ready;
using wharf::test::run_until;

namespace {

struct Upload {
  std::string text;
  int pieces = 0;
  std::size_t largest = 0;
  std::function<void()> taken;  // of the piece that is being worked on
};

struct Receiver final : BodyReceiver {
  Receiver(std::shared_ptr<Upload> u, bool w) : upload(std::move(u)), waits(w) {}
  void take(std::string bytes, std::function<void()> taken) override {
    ++upload->pieces;
    upload->largest = std::max(upload->largest, bytes.size());
    upload->text += bytes;
    if (!waits) return taken();
    upload->taken = std::move(taken);
  }
  std::shared_ptr<Upload> upload;
  bool waits;
};

struct Fixture {
  asio::io_context loop;
  HttpServerSettings settings;
  std::unique_ptr<HttpServer> server;
  std::uint16_t port = 0;
  std::shared_ptr<Upload> upload = std::make_shared<Upload>();
  std::vector<HttpRequest> requests;
  std::vector<Responder> pending;  // of /slow
  bool waits = false, later = false;

  Fixture() {
    settings.listen = HostPort{"127.0.0.1", 0};
    settings.max_body_bytes = 10;
    settings.max_streamed_bytes = 8u << 20;
    settings.render_error = [](unsigned status, std::string_view) {
      return HttpResponse(status, "text/plain", std::to_string(status));
    };
    settings.receive_body = [this](const HttpRequest& head) -> std::unique_ptr<BodyReceiver> {
      if (head.target != "/upload") return nullptr;
      CHECK(head.header("host") == "h");
      return std::make_unique<Receiver>(upload, waits);
    };
    server = std::make_unique<HttpServer>(loop, settings, [this](HttpRequest request, Responder responder) {
      requests.push_back(request);
      if (later && request.target == "/slow") return pending.push_back(responder);
      responder.send(HttpResponse(200, "text/plain", request.received ? "received" : "collected " + request.body));
    });
    port = *server->start();
  }
  bool hears(const std::shared_ptr<RawEnd>& client, const std::string& wanted) {
    return run_until(loop, [&] { return client->heard.find(wanted) != std::string::npos || client->closed; }) &&
           client->heard.find(wanted) != std::string::npos;
  }
};

std::string numbered(std::size_t size) {
  std::string out;
  for (std::size_t i = 0; out.size() < size; ++i) out += std::to_string(i) + " ";
  out.resize(size);
  return out;
}

}  // namespace

TEST_CASE("a receiver takes a body in pieces, announced or chunked, and others are collected as ever") {
  Fixture f;
  const std::string text = numbered(3u << 20);
  const auto client = RawEnd::connect(f.loop, f.port);
  std::string body;
  SECTION("announced") { body = "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text; }
  SECTION("announced, after 100 Continue") {
    client->say("POST /upload HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: " +
                std::to_string(text.size()) + "\r\n\r\n");
    REQUIRE(f.hears(client, "100 Continue"));
    client->say(text);
  }
  SECTION("chunked") {
    body = "Transfer-Encoding: chunked\r\n\r\n";
    for (std::size_t at = 0; at < text.size(); at += 0x10000) body += "10000\r\n" + text.substr(at, 0x10000) + "\r\n";
    body += "0\r\n\r\n";
  }
  if (!body.empty()) client->say("POST /upload HTTP/1.1\r\nHost: h\r\n" + body);
  REQUIRE(f.hears(client, "received"));
  CHECK((f.upload->text == text));
  CHECK(f.upload->pieces > 10);
  CHECK(f.upload->largest <= 64u << 10);
  CHECK(f.requests.at(0).body.empty());
  client->say("POST /other HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
  CHECK(f.hears(client, "collected abc"));
  client->say("POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  CHECK(run_until(f.loop, [&] { return f.requests.size() == 3; }));
}

TEST_CASE("nothing is read while a receiver is busy") {
  Fixture f;
  f.waits = true;
  const std::string text = numbered(6u << 20);
  const auto client = RawEnd::connect(f.loop, f.port);
  client->say("POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text);
  REQUIRE(run_until(f.loop, [&] { return f.upload->pieces == 1; }));
  for (int i = 0; i < 200; ++i) run_ready(f.loop);
  CHECK(f.upload->pieces == 1);
  CHECK(f.upload->largest <= 64u << 10);
  while (f.requests.empty()) {
    if (const auto taken = std::exchange(f.upload->taken, nullptr)) taken();
    REQUIRE(run_until(f.loop, [&] { return f.upload->taken != nullptr || !f.requests.empty(); }));
  }
  CHECK((f.upload->text == text));
  CHECK(f.hears(client, "received"));
}

TEST_CASE("a body whose request came while another was handled waits for its receiver too") {
  Fixture f;
  f.waits = true;
  f.later = true;
  const auto client = RawEnd::connect(f.loop, f.port);
  client->say("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(run_until(f.loop, [&] { return f.pending.size() == 1; }));
  client->say("POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\naaa");
  for (int i = 0; i < 20; ++i) run_ready(f.loop);
  f.pending[0].send(HttpResponse(200, "text/plain", "slow"));
  REQUIRE(run_until(f.loop, [&] { return f.upload->pieces == 1; }));
  client->say("bbb");
  for (int i = 0; i < 20; ++i) run_ready(f.loop);
  client->say("ccc");
  for (int i = 0; i < 200; ++i) run_ready(f.loop);
  CHECK(f.upload->text == "aaa");
  CHECK(f.requests.size() == 1);
  while (f.requests.size() < 2) {
    if (const auto taken = std::exchange(f.upload->taken, nullptr)) taken();
    REQUIRE(run_until(f.loop, [&] { return f.upload->taken != nullptr || f.requests.size() == 2; }));
  }
  CHECK(f.upload->text == "aaabbbccc");
}

TEST_CASE("a body that ends too early or grows too large is no request") {
  Fixture f;
  const auto client = RawEnd::connect(f.loop, f.port);
  SECTION("the client goes") {
    client->say("POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf");
    REQUIRE(run_until(f.loop, [&] { return f.upload->text == "half"; }));
    client->hang_up();
  }
  SECTION("too much is announced") {
    client->say("POST /upload HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 8388609\r\n\r\n");
    CHECK(f.hears(client, "413"));
    CHECK(client->heard.find("100 Continue") == std::string::npos);
  }
  SECTION("too much comes in chunks") {
    client->say("POST /upload HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n800001\r\n" +
                std::string(0x800001, 'x') + "\r\n");
    CHECK(f.hears(client, "413"));
  }
  CHECK(run_until(f.loop, [&] { return f.upload.use_count() == 1; }));  // its receiver is gone, if there was one
  CHECK(f.requests.empty());
  // Without a receiver the other limit holds.
  const auto other = RawEnd::connect(f.loop, f.port);
  other->say("POST /other HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n");
  CHECK(f.hears(other, "413"));
  const auto chunks = RawEnd::connect(f.loop, f.port);
  chunks->say("POST /other HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n");
  CHECK(f.hears(chunks, "413"));
}

TEST_CASE("a receiver may be told that a piece was taken when its connection is gone") {
  Fixture f;
  f.waits = true;
  const auto client = RawEnd::connect(f.loop, f.port);
  client->say("POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf");
  REQUIRE(run_until(f.loop, [&] { return f.upload->taken != nullptr; }));
  f.server.reset();
  const auto taken = std::exchange(f.upload->taken, nullptr);
  taken();
  for (int i = 0; i < 10; ++i) run_ready(f.loop);
  CHECK(f.requests.empty());
}
