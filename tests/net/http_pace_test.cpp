// How long a streamed body may take, and how a receiver ends one.
#include <catch2/catch.hpp>

#include "net/http_server.h"
#include "tests/net/loopback.h"

using namespace wharf::net;
using namespace std::chrono_literals;
using wharf::test::RawEnd;
using wharf::test::run_ready;
using wharf::test::run_until;

namespace {

struct Upload {
  std::uint64_t bytes = 0;
  std::function<void()> taken;     // of the piece that is being worked on
  std::uint64_t enough = 1 << 30;  // bytes
};

struct Receiver final : BodyReceiver {
  Receiver(std::shared_ptr<Upload> u, bool w) : upload(std::move(u)), waits(w) {}
  void take(std::string bytes, std::function<void()> taken) override {
    upload->bytes += bytes.size();
    if (!waits) return taken();
    upload->taken = std::move(taken);
  }
  bool enough() const override { return upload->bytes >= upload->enough; }
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
  bool waits = false;
  std::shared_ptr<RawEnd> client;

  Fixture() {
    settings.listen = HostPort{"127.0.0.1", 0};
    settings.max_streamed_bytes = 1u << 30;
    settings.render_error = [](unsigned status, std::string_view) {
      return HttpResponse(status, "text/plain", std::to_string(status));
    };
    settings.receive_body = [this](const HttpRequest&) { return std::make_unique<Receiver>(upload, waits); };
  }
  void start(const std::string& more_headers = "") {
    server = std::make_unique<HttpServer>(loop, settings, [this](HttpRequest request, Responder responder) {
      requests.push_back(request);
      responder.send(HttpResponse(200, "text/plain", "answered"));
    });
    port = *server->start();
    client = RawEnd::connect(loop, port);
    client->say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 536870912\r\n" + more_headers + "\r\n");
  }
  bool hears(const std::string& wanted) {
    return run_until(loop, [&] { return client->heard.find(wanted) != std::string::npos || client->closed; }) &&
           client->heard.find(wanted) != std::string::npos;
  }
  /// Until a timer of this length has gone off on the same loop.
  void pass(std::chrono::milliseconds length) {
    bool passed = false;
    Timer timer(new_alarm(loop.get_executor()));
    timer.after(length, [&] { passed = true; });
    REQUIRE(run_until(loop, [&] { return passed; }));
  }
};

}  // namespace

TEST_CASE("a body that drips is ended after body_timeout, however often a byte comes") {
  Fixture f;
  f.settings.body_timeout = 100ms;
  f.settings.min_streamed_bytes_per_interval = 1u << 20;
  f.start();
  std::uint64_t said = 0;
  REQUIRE(run_until(f.loop, [&] {
    if (f.upload->bytes == said && ++said != 0) f.client->say("x");  // each when the one before was taken
    return f.client->heard.find("408") != std::string::npos || f.client->closed;
  }));
  CHECK(f.client->heard.find("408") != std::string::npos);
  CHECK(f.upload->bytes > 1);
  CHECK(f.requests.empty());
}

TEST_CASE("each so many bytes of a body earn it another body_timeout") {
  Fixture f;
  f.settings.body_timeout = 2'000ms;
  f.settings.min_streamed_bytes_per_interval = 10;
  f.start();
  for (std::uint64_t steps = 1; steps <= 3; ++steps) {
    f.pass(1'000ms);
    f.client->say("0123456789");
    REQUIRE(run_until(f.loop, [&] { return f.upload->bytes == steps * 10 || f.client->closed; }));
  }
  CHECK_FALSE(f.client->closed);
  CHECK(f.client->heard.empty());
}

TEST_CASE("the time that a receiver takes is not the client's, and what he had left stays his") {
  Fixture f;
  f.waits = true;
  f.settings.body_timeout = 500ms;
  f.settings.min_streamed_bytes_per_interval = 1u << 20;
  f.start();
  f.client->say("x");
  REQUIRE(run_until(f.loop, [&] { return f.upload->taken != nullptr; }));
  f.pass(600ms);
  CHECK(f.client->heard.empty());
  std::exchange(f.upload->taken, nullptr)();
  for (int i = 0; i < 20; ++i) run_ready(f.loop);
  CHECK(f.client->heard.empty());
  // One more byte earns nothing: the rest of the one body_timeout runs on.
  CHECK(f.hears("408"));
}

TEST_CASE("a receiver that has enough lets the request be answered while its client is still sending") {
  Fixture f;
  f.upload->enough = 100'000;
  std::string more_headers;
  SECTION("after some of it") {}
  SECTION("at once: the body need not even begin") {
    f.upload->enough = 0;
    more_headers = "Expect: 100-continue\r\n";
  }
  f.start(more_headers);
  if (f.upload->enough != 0) f.client->say(std::string(8u << 20, 'x'));
  REQUIRE(f.hears("answered"));
  CHECK(f.client->heard.starts_with("HTTP/1.1 200"));  // no 100 before it
  CHECK(f.client->heard.find("Connection: close\r\n") != std::string::npos);
  REQUIRE(f.requests.size() == 1);
  CHECK(f.requests[0].received);
  CHECK(f.upload->bytes < 1u << 20);
  CHECK(run_until(f.loop, [&] { return f.client->closed; }));
  CHECK(run_until(f.loop, [&] { return f.server->connections() == 0; }));
  CHECK(f.requests.size() == 1);  // the rest of the body is no request
}
