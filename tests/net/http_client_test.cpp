#include "net/http_client.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "net/http_message_reader.h"
#include "net/http_server.h"
#include "tests/net/escapes.h"
#include "tests/net/loopback.h"

using namespace wharf::net;
using wharf::test::RawEnd;
using wharf::test::RawServer;
using wharf::test::run_ready;
using wharf::test::run_until;
using namespace std::chrono_literals;
using Kind = OutgoingFailure::Kind;

namespace {

const TlsIdentity& identity() {
  static const TlsIdentity made = make_loopback_identity();
  return made;
}

OutgoingRequest to(std::uint16_t port, const std::string& path = "/", const std::string& scheme = "http") {
  OutgoingRequest request;
  request.url = *parse_url(scheme + "://127.0.0.1:" + std::to_string(port) + path);
  request.allow_private = true;
  return request;
}

struct Answer {
  bool done = false;
  OutgoingResponse response;
  std::optional<OutgoingFailure> failure;
};

struct Fixture {
  asio::io_context loop;
  std::unique_ptr<HttpClient> client;
  explicit Fixture(HttpClientSettings settings = HttpClientSettings(), const std::string& ca = "")
      : client(std::make_unique<HttpClient>(loop, TlsTrust{ca}, settings)) {}
  std::shared_ptr<Answer> send(OutgoingRequest request) {
    auto answer = std::make_shared<Answer>();
    client->send(std::move(request), [answer](OutgoingResult result) {
      answer->done = true;
      if (result) answer->response = *result;
      else answer->failure = result.error();
    });
    return answer;
  }
  Answer ask(OutgoingRequest request) {
    const auto answer = send(std::move(request));
    CHECK_FALSE(answer->done);  // never inside send()
    CHECK(run_until(loop, [&] { return answer->done; }));
    return *answer;
  }
};

/// Answers each complete request (header only, or with a body of known length) with what `reply` says.
RawServer answering(asio::io_context& loop, std::function<std::string(const std::string& request, int number)> reply) {
  auto number = std::make_shared<int>(0);
  return RawServer(loop, [reply, number](std::shared_ptr<RawEnd> end) {
    end->on_heard = [reply, number, end = end.get()] {
      const std::size_t at = end->heard.find("\r\n\r\n");
      if (at == std::string::npos) return;
      const std::size_t length_at = end->heard.find("Content-Length: ");
      const std::size_t length = length_at < at ? std::stoul(end->heard.substr(length_at + 16)) : 0;
      if (end->heard.size() < at + 4 + length) return;
      const std::string request = std::exchange(end->heard, {});
      const std::string answer = reply(request, ++*number);
      if (answer == "hang up") return end->hang_up();
      const bool close = answer.find("Connection: close") != std::string::npos;
      end->say(answer);
      if (close) end->socket.shutdown(asio::ip::tcp::socket::shutdown_send);
    };
  });
}

std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\nX-Mixed: Case\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("a request is written as given and its answer read") {
  Fixture f;
  std::string heard;
  RawServer server = answering(f.loop, [&](const std::string& request, int) {
    heard = request;
    return ok("fine");
  });
  OutgoingRequest request = to(server.port(), "/hook?x=1");
  request.headers = {{"Content-Type", "application/json"}, {"X-Own", "value"}, {"Content-Length", "999"}};
  request.body = "{\"a\":1}";
  request.url.userinfo = "me:p%40ss";
  const Answer answer = f.ask(request);
  REQUIRE_FALSE(answer.failure);
  CHECK(answer.response.status == 200);
  CHECK(answer.response.body == "fine");
  REQUIRE(answer.response.headers.size() == 2);
  CHECK(answer.response.headers[1] == std::pair<std::string, std::string>("x-mixed", "Case"));
  CHECK(heard == "POST /hook?x=1 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                     "\r\nAuthorization: Basic bWU6cEBzcw==\r\nContent-Length: 7\r\nContent-Type: "
                     "application/json\r\nX-Own: value\r\n\r\n{\"a\":1}");
}

TEST_CASE("private addresses are refused unless allowed, whatever their spelling") {
  Fixture f;
  int connections = 0;
  RawServer server(f.loop, [&](std::shared_ptr<RawEnd>) { ++connections; });
  for (const char* host :
       {"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.0.0.1", "169.254.169.254"}) {
    INFO(host);
    OutgoingRequest request;
    request.url = *parse_url("http://" + std::string(host) + ":" + std::to_string(server.port()) + "/");
    const Answer answer = f.ask(request);
    REQUIRE(answer.failure);
    CHECK(answer.failure->kind == Kind::bad_address);
  }
  CHECK(connections == 0);
}

TEST_CASE("a connection made for a private target is not lent to a request that may not go there") {
  Fixture f;
  RawServer server = answering(f.loop, [](const std::string&, int) { return ok("in"); });
  CHECK(f.ask(to(server.port())).response.body == "in");
  OutgoingRequest request = to(server.port());
  request.allow_private = false;
  const Answer refused = f.ask(request);
  REQUIRE(refused.failure);
  CHECK(refused.failure->kind == Kind::bad_address);
}

TEST_CASE("an answer that its caller cannot take costs nobody else an answer") {
  Fixture f;
  wharf::test::Escapes escapes;
  const auto server = answering(f.loop, [](const std::string&, int number) { return ok(std::to_string(number)); });
  bool told = false;
  f.client->send(to(server.port()), [&told](OutgoingResult) {
    told = true;
    throw std::runtime_error("not now");
  });
  REQUIRE(run_until(f.loop, [&] { return told; }));
  CHECK(f.ask(to(server.port())).response.body == "2");
  CHECK(escapes.seen == std::vector<std::string>{"HTTP answer: not now"});
}

TEST_CASE("a connection is used again") {
  Fixture f;
  RawServer server = answering(f.loop, [](const std::string&, int number) { return ok(std::to_string(number)); });
  for (int i = 1; i <= 5; ++i) CHECK(f.ask(to(server.port())).response.body == std::to_string(i));
  CHECK(server.ends.size() == 1);
}

TEST_CASE("chunked, interim, length-less and bodiless answers are understood") {
  struct Case {
    const char* answer;
    unsigned status;
    const char* body;
    bool reusable;
  };
  const Case cases[] = {
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nchun\r\n3\r\nked\r\n0\r\nTrailer: t\r\n\r\n", 200,
       "chunked", true},
      {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
       "2\r\n\r\nok",
       200, "ok", true},
      {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", 304, "", true},
      {"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n", 302, "", true},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end", 200, "to the end", false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nold", 200, "old", false},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokSURPLUS", 200, "ok", false},
  };
  for (const Case& c : cases) {
    INFO(c.answer);
    Fixture f;
    RawServer server = answering(f.loop, [&](const std::string&, int) { return std::string(c.answer); });
    for (int round = 0; round < 2; ++round) {
      const Answer answer = f.ask(to(server.port()));
      REQUIRE_FALSE(answer.failure);
      CHECK(answer.response.status == c.status);
      CHECK(answer.response.body == c.body);
    }
    CHECK(server.ends.size() == (c.reusable ? 1u : 2u));
  }
}

TEST_CASE("an empty chunked answer is understood wherever it is cut") {
  const std::string all =
      "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  for (std::size_t first = 1; first < all.size(); ++first) {
    for (std::size_t second = first; second < all.size(); ++second) {
      INFO(first << " " << second);
      HttpResponseReader reader({}, HttpResponseReader::Expect::body);
      auto progress = HttpResponseReader::Progress::more;
      for (const std::string& piece : {all.substr(0, first), all.substr(first, second - first), all.substr(second)}) {
        std::string_view input = piece;
        progress = reader.feed(input);
      }
      CHECK(progress == HttpResponseReader::Progress::done);
      CHECK(reader.status() == 200);
    }
  }
}

TEST_CASE("HEAD has no body to wait for") {
  Fixture f;
  RawServer server = answering(
      f.loop, [](const std::string&, int) { return std::string("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"); });
  OutgoingRequest request = to(server.port());
  request.method = "HEAD";
  CHECK(f.ask(request).response.status == 200);
  CHECK(f.ask(request).response.status == 200);
  CHECK(server.ends.size() == 1);
}

TEST_CASE("what is no HTTP answer is a protocol failure") {
  const std::string text =
      GENERATE(std::string("nonsense\r\n\r\n"), std::string("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
               std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nshort"),
               "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n");
  Fixture f;
  RawServer server = answering(f.loop, [&](const std::string&, int) { return text; });
  const Answer answer = f.ask(to(server.port()));
  REQUIRE(answer.failure);
  CHECK(answer.failure->kind == Kind::protocol);
}

TEST_CASE("a body over the cap is cut there, also when it never ends or announces gigabytes") {
  Fixture f;
  const std::string head = GENERATE(std::string("HTTP/1.1 200 OK\r\n\r\n"),
                                    std::string("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"),
                                    std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n"));
  RawServer server = answering(f.loop, [&](const std::string&, int) { return head + std::string(5000, 'b'); });
  OutgoingRequest request = to(server.port());
  request.max_response_bytes = 1000;
  const Answer answer = f.ask(request);
  REQUIRE_FALSE(answer.failure);
  CHECK(answer.response.body == std::string(1000, 'b'));
  CHECK(f.ask(request).response.status == 200);
  CHECK(server.ends.size() == 2);  // a cut connection is not used again
}

TEST_CASE("a stale connection is retried once, with its body, on a fresh one") {
  Fixture f;
  std::vector<std::string> requests;
  // The second request is answered by hanging up: to the client that is a connection that went stale meanwhile.
  RawServer server = answering(f.loop, [&](const std::string& request, int number) {
    requests.push_back(request);
    return number == 2 ? std::string("hang up") : ok("ok " + std::to_string(number));
  });
  CHECK(f.ask(to(server.port())).response.body == "ok 1");
  OutgoingRequest request = to(server.port());
  request.body = "precious";
  const Answer answer = f.ask(request);
  REQUIRE_FALSE(answer.failure);
  CHECK(answer.response.body == "ok 3");
  CHECK(server.ends.size() == 2);
  CHECK(requests[2] == requests[1]);
}

TEST_CASE("a fresh connection that hangs up is not retried") {
  Fixture f;
  int requests = 0;
  RawServer server = answering(f.loop, [&](const std::string&, int) {
    ++requests;
    return std::string("hang up");
  });
  const Answer answer = f.ask(to(server.port()));
  REQUIRE(answer.failure);
  run_ready(f.loop);
  CHECK(requests == 1);
}

TEST_CASE("an idle connection the server closes is dropped from the pool") {
  Fixture f;
  RawServer server = answering(f.loop, [](const std::string&, int) { return ok("x"); });
  CHECK(f.ask(to(server.port())).response.body == "x");
  server.ends[0]->hang_up();
  for (int i = 0; i < 20; ++i) run_ready(f.loop);
  CHECK(f.ask(to(server.port())).response.body == "x");
  CHECK(server.ends.size() == 2);
}

TEST_CASE("idle connections are closed after their time") {
  HttpClientSettings settings;
  settings.idle_timeout = 20ms;
  Fixture f(settings);
  RawServer server = answering(f.loop, [](const std::string&, int) { return ok("x"); });
  f.ask(to(server.port()));
  REQUIRE(run_until(f.loop, [&] { return server.ends[0]->closed; }));
}

TEST_CASE("timeouts cover the answer, and the wait for a connection") {
  HttpClientSettings settings;
  settings.max_connections_per_origin = 1;
  Fixture f(settings);
  RawServer silent(f.loop, [](std::shared_ptr<RawEnd>) {});
  OutgoingRequest request = to(silent.port());
  request.timeout = 30ms;
  const auto first = f.send(request), second = f.send(request);
  REQUIRE(run_until(f.loop, [&] { return first->done && second->done; }));
  REQUIRE(first->failure);
  CHECK(first->failure->kind == Kind::timeout);
  REQUIRE(second->failure);
  CHECK(second->failure->kind == Kind::timeout);
}

TEST_CASE("a slow body runs into the same deadline") {
  Fixture f;
  RawServer server = answering(
      f.loop, [](const std::string&, int) { return std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart"); });
  OutgoingRequest request = to(server.port());
  request.timeout = 30ms;
  const Answer answer = f.ask(request);
  REQUIRE(answer.failure);
  CHECK(answer.failure->kind == Kind::timeout);
}

TEST_CASE("the limits per origin and over all are kept, and everything waiting is served") {
  HttpClientSettings settings;
  settings.max_connections_per_origin = 2;
  settings.max_connections = 3;
  Fixture f(settings);
  bool answering_now = false;
  std::vector<RawEnd*> held;
  const auto hold = [&](std::shared_ptr<RawEnd> end) {
    end->on_heard = [&, end = end.get()] {
      if (end->heard.find("\r\n\r\n") == std::string::npos) return;
      end->heard.clear();
      if (answering_now) end->say(ok("x"));
      else held.push_back(end);
    };
  };
  RawServer a(f.loop, hold), b(f.loop, hold), c(f.loop, hold);
  std::vector<std::shared_ptr<Answer>> answers;
  for (int i = 0; i < 20; ++i) {
    for (const auto* server : {&a, &b, &c}) answers.push_back(f.send(to(server->port())));
  }
  REQUIRE(run_until(f.loop, [&] { return held.size() == 3; }));
  for (int i = 0; i < 50; ++i) run_ready(f.loop);
  CHECK(a.ends.size() + b.ends.size() + c.ends.size() == 3);
  CHECK(a.ends.size() <= 2);
  CHECK(b.ends.size() <= 2);
  CHECK(held.size() == 3);
  answering_now = true;
  for (RawEnd* end : held) end->say(ok("x"));
  REQUIRE(run_until(f.loop, [&] {
    return std::all_of(answers.begin(), answers.end(), [](const auto& answer) { return answer->done; });
  }));
  for (const auto& answer : answers) REQUIRE_FALSE(answer->failure);
}

TEST_CASE("too many waiting requests are refused") {
  HttpClientSettings settings;
  settings.max_connections_per_origin = 1;
  settings.max_waiting = 2;
  Fixture f(settings);
  RawServer silent(f.loop, [](std::shared_ptr<RawEnd>) {});
  std::vector<std::shared_ptr<Answer>> answers;
  for (int i = 0; i < 4; ++i) answers.push_back(f.send(to(silent.port())));
  REQUIRE(run_until(f.loop, [&] { return answers[3]->done; }));
  CHECK(answers[3]->failure->kind == Kind::connect);
  CHECK_FALSE(answers[2]->done);
}

TEST_CASE("an early answer to a large upload is read") {
  Fixture f;
  RawServer server(f.loop, [](std::shared_ptr<RawEnd> end) {
    end->on_heard = [end = end.get()] {
      end->on_heard = nullptr;
      end->say("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
  });
  OutgoingRequest request = to(server.port());
  request.body = std::string(32u << 20, 'u');
  const Answer answer = f.ask(request);
  REQUIRE_FALSE(answer.failure);
  CHECK(answer.response.status == 413);
}

TEST_CASE("requests that would not be HTTP are refused before they leave") {
  Fixture f;
  OutgoingRequest split = to(1);
  split.headers = {{"X", "a\r\nHost: b"}};
  CHECK(f.ask(split).failure->kind == Kind::protocol);
  OutgoingRequest method = to(1);
  method.method = "GET / HTTP/1.1\r\nX:";
  CHECK(f.ask(method).failure->kind == Kind::protocol);
  CHECK(f.ask(to(1, "/", "ws")).failure->kind == Kind::bad_address);
}

TEST_CASE("connection and name failures keep apart") {
  Fixture f;
  std::uint16_t port = 0;
  {
    RawServer gone(f.loop, [](std::shared_ptr<RawEnd>) {});
    port = gone.port();
  }
  const Answer refused = f.ask(to(port));
  REQUIRE(refused.failure);
  CHECK(refused.failure->kind == Kind::connect);
  CHECK(refused.failure->message.find("127.0.0.1:" + std::to_string(port)) != std::string::npos);
}

namespace {

struct TlsServer {
  explicit TlsServer(asio::io_context& loop) {
    HttpServerSettings settings;
    settings.listen = HostPort{"127.0.0.1", 0};
    settings.certificate_pem = identity().certificate_pem;
    settings.private_key_pem = identity().private_key_pem;
    server = std::make_unique<HttpServer>(loop, settings, [this](HttpRequest request, Responder responder) {
      remotes.push_back(request.remote_address);
      host = std::string(request.header("host"));
      responder.send(HttpResponse(200, "text/plain", request.body));
    });
    port = *server->start();
  }
  std::unique_ptr<HttpServer> server;
  std::vector<std::string> remotes;
  std::string host;
  std::uint16_t port = 0;
};

}  // namespace

TEST_CASE("TLS verifies the name asked for and reuses the connection") {
  Fixture f(HttpClientSettings(), identity().ca_pem);
  TlsServer server(f.loop);
  for (const char* host : {"localhost", "127.0.0.1"}) {
    OutgoingRequest request = to(server.port, "/", "https");
    request.url.host = host;
    request.body = std::string(300'000, 't');
    for (int round = 0; round < 2; ++round) {
      request.max_response_bytes = 1u << 20;
      const Answer answer = f.ask(request);
      INFO((answer.failure ? answer.failure->message : ""));
      REQUIRE_FALSE(answer.failure);
      CHECK((answer.response.body == request.body));
      CHECK(server.host == std::string(host) + ":" + std::to_string(server.port));
    }
  }
  REQUIRE(server.remotes.size() == 4);
  CHECK(server.remotes[0] == server.remotes[1]);
  CHECK(server.remotes[1] != server.remotes[2]);
}

TEST_CASE("TLS refuses an unknown authority") {
  Fixture f;
  TlsServer server(f.loop);
  const Answer answer = f.ask(to(server.port, "/", "https"));
  REQUIRE(answer.failure);
  CHECK(answer.failure->kind == Kind::tls);
}

TEST_CASE("a client can be destroyed with requests open, also by its own answer") {
  Fixture f;
  RawServer server = answering(f.loop, [](const std::string&, int number) {
    return number == 1 ? ok("x") : std::string("HTTP/1.1 200 OK\r\n");
  });
  bool first = false, second = false;
  f.client->send(to(server.port()), [&](OutgoingResult) {
    first = true;
    f.client.reset();
  });
  f.client->send(to(server.port()), [&](OutgoingResult) { second = true; });
  REQUIRE(run_until(f.loop, [&] { return first; }));
  for (int i = 0; i < 20; ++i) run_ready(f.loop);
  CHECK_FALSE(second);
}
