#include "net/http_server.h"

#include <algorithm>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "tests/net/escapes.h"
#include "tests/net/http_server_fixture.h"

using wharf::test::Escapes;
using wharf::test::run_ready;
using namespace wharf::net;
using wharf::test::contains;
using wharf::test::RawEnd;
using wharf::test::run_until;
using namespace std::chrono_literals;
using Fixture = wharf::test::HttpServerFixture;

namespace {

/// A body whose pieces the test hands out.
struct Source {
  std::function<void(BodyPiece)> wanted;  // set: the server asked
  int asked = 0;
  HttpResponse answer(std::string first = "") {
    HttpResponse response(200, "text/plain", std::move(first));
    response.more = [this, alive = alive](std::function<void(BodyPiece)> done) {
      ++asked;
      wanted = std::move(done);
    };
    return response;
  }
  void give(std::string bytes, BodyPiece::End end = BodyPiece::End::more) {
    const auto callback = std::exchange(wanted, nullptr);
    REQUIRE(callback);
    callback({std::move(bytes), end});
  }
  std::shared_ptr<int> alive = std::make_shared<int>(0);  // one owner: the server has dropped the body
};

}  // namespace

TEST_CASE("a request reaches the handler complete and its answer the client") {
  Fixture f;
  f.start();
  const std::string heard =
      f.exchange("POST /a/b?c=d HTTP/1.1\r\nHost: h\r\nX-Thing: One\r\nContent-Length: 5\r\n\r\nhello", "hello");
  CHECK(heard.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(contains(heard, "Content-Length: 19\r\n"));
  CHECK(contains(heard, "Content-Type: text/plain\r\n"));
  CHECK(contains(heard, "\r\nDate: "));
  REQUIRE(f.requests.size() == 1);
  CHECK(f.requests[0].method == "POST");
  CHECK(f.requests[0].target == "/a/b?c=d");
  CHECK(f.requests[0].header("x-thing") == "One");
  CHECK(f.requests[0].header("absent").empty());
  CHECK(f.requests[0].body == "hello");
  CHECK(f.requests[0].remote_address.starts_with("127.0.0.1:"));
  CHECK_FALSE(f.requests[0].websocket_upgrade);
}

TEST_CASE("one connection serves many requests, also when they are pipelined") {
  Fixture f;
  f.start();
  std::string text;
  for (int i = 0; i < 200; ++i) text += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string heard = f.exchange(text, "GET /199 ");
  REQUIRE(f.requests.size() == 200);
  std::size_t at = 0;
  for (int i = 0; i < 200; ++i) {
    at = heard.find("GET /" + std::to_string(i) + " ", at);
    REQUIRE(at != std::string::npos);
  }
  CHECK(f.server->connections() == 1);
}

TEST_CASE("pipelined requests wait for the answer to the first") {
  Fixture f;
  f.start();
  const auto client = RawEnd::connect(f.loop, f.port);
  client->say("GET /later HTTP/1.1\r\nHost: h\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(run_until(f.loop, [&] { return f.pending.size() == 1; }));
  run_ready(f.loop);
  CHECK(f.requests.size() == 1);
  f.pending[0].send(HttpResponse(200, "text/plain", "first"));
  REQUIRE(run_until(f.loop, [&] { return contains(client->heard, "GET /next"); }));
  CHECK(client->heard.find("first") < client->heard.find("GET /next"));
}

TEST_CASE("HEAD gets the length without the body") {
  Fixture f;
  f.start();
  const std::string heard =
      f.exchange("HEAD /abc HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", "GET /2");
  CHECK(contains(heard, "Content-Length: 10\r\n"));
  CHECK_FALSE(contains(heard, "HEAD /abc"));
}

TEST_CASE("Connection: close and HTTP/1.0 end the connection, keep-alive keeps it") {
  Fixture f;
  f.start();
  const std::string closed = f.exchange_until_closed("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  CHECK(contains(closed, "Connection: close\r\n"));
  CHECK(contains(closed, "GET / "));
  CHECK(contains(f.exchange_until_closed("GET /old HTTP/1.0\r\n\r\n"), "GET /old"));
  const std::string kept =
      f.exchange("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n", "GET /b");
  CHECK(contains(kept, "Connection: keep-alive\r\n"));
}

TEST_CASE("slow clients are answered 408, silent ones dropped") {
  Fixture f;
  f.settings.header_timeout = 30ms;
  f.settings.body_timeout = 30ms;
  f.settings.idle_timeout = 30ms;
  f.start();
  CHECK(f.exchange_until_closed("GET / HTTP/1.1\r\nHos").starts_with("HTTP/1.1 408"));
  CHECK(
      f.exchange_until_closed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab").starts_with("HTTP/1.1 408"));
  CHECK(f.exchange_until_closed("").empty());
}

TEST_CASE("a client that asks for nothing more is let go without an answer") {
  Fixture f;
  f.settings.idle_timeout = 30ms;
  f.start();
  const std::string idle = f.exchange_until_closed("GET /once HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(contains(idle, "GET /once"));
  CHECK_FALSE(contains(idle, "408"));
}

TEST_CASE("a client that does not read its answer is dropped") {
  Fixture f;
  f.settings.body_timeout = 50ms;
  f.start();
  asio::ip::tcp::socket lazy(f.loop);
  lazy.open(asio::ip::tcp::v4());
  lazy.set_option(asio::socket_base::receive_buffer_size(4096));
  lazy.connect({asio::ip::address_v4::loopback(), f.port});
  asio::write(lazy, asio::buffer(std::string("GET /big HTTP/1.1\r\nHost: h\r\n\r\n")));
  REQUIRE(run_until(f.loop, [&] { return f.requests.size() == 1; }));
  REQUIRE(run_until(f.loop, [&] { return f.server->connections() == 0; }));
}

TEST_CASE("connections over the limit are answered 503") {
  Fixture f;
  f.settings.max_connections = 1;
  f.start();
  const auto first = RawEnd::connect(f.loop, f.port);
  first->say("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(run_until(f.loop, [&] { return contains(first->heard, "GET /1"); }));
  const std::string second = f.exchange_until_closed("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(second.starts_with("HTTP/1.1 503"));
  CHECK(contains(second, "{\"error\":503}"));
  CHECK(f.requests.size() == 1);
  first->hang_up();
  REQUIRE(run_until(f.loop, [&] { return f.server->connections() == 0; }));
  CHECK(contains(f.exchange("GET /3 HTTP/1.1\r\nHost: h\r\n\r\n", "GET /3"), "200 OK"));
}

TEST_CASE("bodies that do not end share a budget: large ones over it are answered 503, small ones are served") {
  Fixture f;
  f.settings.max_unfinished_body_bytes = 300'000;
  f.start();
  const std::string head = "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n";
  const auto unfinished = [&] {
    auto client = RawEnd::connect(f.loop, f.port);
    client->say(head + std::string(199'999, 'b'));
    return client;
  };
  const auto first = unfinished(), second = unfinished();
  const auto third = unfinished();
  const auto refused = [](const std::shared_ptr<RawEnd>& client) { return client->heard.starts_with("HTTP/1.1 503"); };
  REQUIRE(run_until(f.loop, [&] { return refused(first) || refused(second) || refused(third); }));
  CHECK(refused(first) + refused(second) + refused(third) == 1);
  CHECK(f.exchange("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi", "/small hi")
            .starts_with("HTTP/1.1 200"));
  // One that ends makes room, and so does one that goes.
  for (const auto& client : {first, second, third}) {
    if (!refused(client)) client->say("b");
  }
  REQUIRE(run_until(f.loop, [&] { return f.requests.size() == 3; }));
  const auto fourth = unfinished();
  f.exchange("GET /x HTTP/1.1\r\nHost: x\r\n\r\n", "GET /x");
  fourth->hang_up();
  const auto fifth = unfinished(), sixth = unfinished();
  fifth->say("b");
  sixth->say("b");
  CHECK(run_until(f.loop, [&] { return f.requests.size() == 6; }));
}

TEST_CASE("a handler that throws or forgets its request sends 500") {
  Fixture f;
  f.start();
  Escapes escapes;
  CHECK(f.exchange("GET /throw HTTP/1.1\r\nHost: h\r\n\r\n", "{\"error\":500}").starts_with("HTTP/1.1 500"));
  CHECK(escapes.seen == std::vector<std::string>{"HTTP request: boom"});
  CHECK(f.exchange("GET /drop HTTP/1.1\r\nHost: h\r\n\r\n", "{\"error\":500}").starts_with("HTTP/1.1 500"));
}

TEST_CASE("an answer that throws while it is made ends its connection, and no other") {
  Fixture f;
  f.start();
  Escapes escapes;
  const auto other = RawEnd::connect(f.loop, f.port);
  const auto broken = RawEnd::connect(f.loop, f.port);
  broken->say("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(run_until(f.loop, [&] { return f.pending.size() == 1; }));
  HttpResponse streamed(200, "text/plain", "a piece");
  streamed.more = [](std::function<void(BodyPiece)>) { throw std::runtime_error("no more"); };
  f.pending[0].send(std::move(streamed));  // the caller's turn is not disturbed
  REQUIRE(run_until(f.loop, [&] { return broken->closed; }));
  CHECK_FALSE(contains(broken->heard, "0\r\n\r\n"));  // cut, not ended
  CHECK(f.server->connections() == 1);
  other->say("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(run_until(f.loop, [&] { return contains(other->heard, "GET /1"); }));
  CHECK(escapes.seen == std::vector<std::string>{"HTTP connection: no more"});
}

TEST_CASE("a streamed answer leaves piece by piece, and the next piece is asked for when the one before has left") {
  Fixture f;
  f.start();
  Source source;
  const auto client = RawEnd::connect(f.loop, f.port);
  client->say("GET /later HTTP/1.1\r\nHost: h\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(run_until(f.loop, [&] { return f.pending.size() == 1; }));
  f.pending[0].send(source.answer("first"));
  REQUIRE(run_until(f.loop, [&] { return source.wanted != nullptr; }));
  source.give("second");
  REQUIRE(run_until(f.loop, [&] { return source.wanted != nullptr; }));
  source.give("");  // nothing yet: as a chunk it would be the end
  REQUIRE(run_until(f.loop, [&] { return source.wanted != nullptr; }));
  const auto again = source.wanted;
  source.give(std::string(100'000, 'x'));
  again({"given twice", BodyPiece::End::more});
  REQUIRE(run_until(f.loop, [&] { return source.wanted != nullptr; }));
  SECTION("the last piece has bytes") { source.give("end", BodyPiece::End::last); }
  SECTION("the last piece is empty") {
    source.give("end");
    REQUIRE(run_until(f.loop, [&] { return source.wanted != nullptr; }));
    source.give("", BodyPiece::End::last);
  }
  REQUIRE(run_until(f.loop, [&] { return contains(client->heard, "GET /next"); }));
  CHECK(contains(client->heard, "Transfer-Encoding: chunked\r\n"));
  CHECK_FALSE(contains(client->heard.substr(0, client->heard.find("first")), "Content-Length"));
  CHECK(contains(client->heard, "\r\n\r\n5\r\nfirst\r\n6\r\nsecond\r\n186a0\r\n" + std::string(100'000, 'x') +
                                    "\r\n3\r\nend\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"));
  CHECK(source.alive.use_count() == 1);
}

TEST_CASE("the header of a streamed answer does not wait for the first piece") {
  Fixture f;
  f.start();
  Source source;
  const auto client = RawEnd::connect(f.loop, f.port);
  client->say("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(run_until(f.loop, [&] { return f.pending.size() == 1; }));
  f.pending[0].send(source.answer());
  REQUIRE(run_until(f.loop, [&] { return client->heard.ends_with("\r\n\r\n") && source.wanted; }));
  SECTION("then pieces") {
    source.give("a", BodyPiece::End::last);
    REQUIRE(run_until(f.loop, [&] { return client->heard.ends_with("\r\n\r\n1\r\na\r\n0\r\n\r\n"); }));
  }
  SECTION("then nothing") {
    source.give("", BodyPiece::End::last);
    REQUIRE(run_until(f.loop, [&] { return client->heard.ends_with("\r\n\r\n0\r\n\r\n"); }));
  }
  SECTION("then the client goes") {
    client->hang_up();
    source.give(std::string(1000, 'x'));
    while (f.server->connections() != 0) {
      REQUIRE(run_until(f.loop, [&] { return source.wanted || f.server->connections() == 0; }));
      if (source.wanted) source.give(std::string(1000, 'x'));
    }
    CHECK(source.alive.use_count() == 1);
  }
  SECTION("then the server goes") {
    f.server.reset();
    CHECK(source.alive.use_count() == 1);
    source.give("late");
    REQUIRE(run_until(f.loop, [&] { return client->closed; }));
  }
}

TEST_CASE("a streamed answer that breaks is cut, not ended") {
  Fixture f;
  f.start();
  Source source;
  const auto client = RawEnd::connect(f.loop, f.port);
  client->say("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(run_until(f.loop, [&] { return f.pending.size() == 1; }));
  f.pending[0].send(source.answer("half"));
  REQUIRE(run_until(f.loop, [&] { return source.wanted && contains(client->heard, "half"); }));
  source.give("", BodyPiece::End::broken);
  REQUIRE(run_until(f.loop, [&] { return client->closed; }));
  CHECK(client->heard.ends_with("half\r\n"));
  CHECK(f.server->connections() == 0);
}

TEST_CASE("HTTP/1.0 gets a streamed answer until the end of the connection, HEAD and 204 get its header") {
  Fixture f;
  f.start();
  Source source;
  const auto client = RawEnd::connect(f.loop, f.port);
  client->say("GET /later HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  REQUIRE(run_until(f.loop, [&] { return f.pending.size() == 1; }));
  f.pending[0].send(source.answer("one "));
  REQUIRE(run_until(f.loop, [&] { return source.wanted != nullptr; }));
  source.give("two", BodyPiece::End::last);
  REQUIRE(run_until(f.loop, [&] { return client->closed; }));
  CHECK(client->heard.ends_with("\r\n\r\none two"));
  CHECK(contains(client->heard, "Connection: close\r\n"));
  CHECK_FALSE(contains(client->heard, "chunked"));

  const auto head = RawEnd::connect(f.loop, f.port);
  head->say("HEAD /later HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(run_until(f.loop, [&] { return f.pending.size() == 2; }));
  f.pending[1].send(source.answer("one"));
  head->say("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(run_until(f.loop, [&] { return f.pending.size() == 3; }));
  HttpResponse nothing = source.answer("one");
  nothing.status = 204;
  f.pending[2].send(std::move(nothing));
  head->say("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(run_until(f.loop, [&] { return contains(head->heard, "GET /a"); }));
  CHECK(contains(head->heard, "Transfer-Encoding: chunked\r\n\r\nHTTP/1.1 204 No Content\r\n"));
  CHECK_FALSE(contains(head->heard, "one"));
  CHECK(source.asked == 1);
  CHECK(source.alive.use_count() == 1);
}

TEST_CASE("a connection that cannot even be refused does not end the acceptor") {
  Fixture f;
  f.settings.max_connections = 1;
  f.settings.render_error = [](unsigned, std::string_view) -> HttpResponse { throw std::runtime_error("no words"); };
  f.start();
  Escapes escapes;
  const auto first = RawEnd::connect(f.loop, f.port);
  first->say("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(run_until(f.loop, [&] { return contains(first->heard, "GET /1"); }));
  CHECK(f.exchange_until_closed("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n").empty());
  first->hang_up();
  REQUIRE(run_until(f.loop, [&] { return f.server->connections() == 0; }));
  CHECK(contains(f.exchange("GET /3 HTTP/1.1\r\nHost: h\r\n\r\n", "GET /3"), "200 OK"));
  CHECK(escapes.seen == std::vector<std::string>{"HTTP connection: no words"});
}

TEST_CASE("only the first answer to a request counts, also after the next one has come") {
  Fixture f;
  f.start();
  const auto client = RawEnd::connect(f.loop, f.port);
  client->say("GET /later HTTP/1.1\r\nHost: h\r\n\r\nGET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(run_until(f.loop, [&] { return f.pending.size() == 1; }));
  f.pending[0].send(HttpResponse(200, "text/plain", "one"));
  f.pending[0].send(HttpResponse(200, "text/plain", "twice"));
  REQUIRE(run_until(f.loop, [&] { return f.pending.size() == 2; }));
  f.pending[0].send(HttpResponse(200, "text/plain", "stale"));
  f.pending[1].send(HttpResponse(200, "text/plain", "two"));
  REQUIRE(run_until(f.loop, [&] { return contains(client->heard, "two"); }));
  CHECK_FALSE(contains(client->heard, "twice"));
  CHECK_FALSE(contains(client->heard, "stale"));
}

TEST_CASE("a handler can see that its client has gone") {
  Fixture f;
  f.start();
  const auto client = RawEnd::connect(f.loop, f.port);
  client->say("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(run_until(f.loop, [&] { return f.pending.size() == 1; }));
  CHECK_FALSE(f.pending[0].peer_gone());
  client->hang_up();
  REQUIRE(run_until(f.loop, [&] { return f.pending[0].peer_gone(); }));
  f.pending[0].send(HttpResponse(200, "text/plain", "nobody"));
  REQUIRE(run_until(f.loop, [&] { return f.server->connections() == 0; }));
}

TEST_CASE("header fields that would split the response are left out") {
  Fixture f;
  f.settings.listen = HostPort{"localhost", 0};
  f.server = std::make_unique<HttpServer>(f.loop, f.settings, [](HttpRequest, Responder responder) {
    HttpResponse response(200, "text/plain", "ok");
    response.headers = {{"X-Bad", "a\r\nSet-Cookie: x"}, {"X Bad", "b"}, {"X-Good", "c"}, {"Content-Length", "999"}};
    responder.send(response);
  });
  const auto bound = f.server->start();
  REQUIRE(bound.has_value());
  f.port = *bound;
  const std::string heard = f.exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n", "ok");
  CHECK(contains(heard, "X-Good: c\r\n"));
  CHECK(contains(heard, "Content-Length: 2\r\n"));
  CHECK_FALSE(contains(heard, "Set-Cookie"));
  CHECK_FALSE(contains(heard, "Bad"));
  CHECK_FALSE(contains(heard, "999"));
}

TEST_CASE("accepting a WebSocket on an ordinary request is 426") {
  Fixture f;
  f.start();
  const std::string plain = f.exchange("GET /socket HTTP/1.1\r\nHost: h\r\n\r\n", "{\"error\":426}");
  CHECK(plain.starts_with("HTTP/1.1 426"));
  CHECK(contains(plain, "Sec-WebSocket-Version: 13\r\n"));
  const std::string old = f.exchange(
      "GET /socket HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      "{\"error\":426}");
  CHECK(old.starts_with("HTTP/1.1 426"));
}

TEST_CASE("the upgrade answers RFC 6455's sample key") {
  Fixture f;
  f.start();
  const std::string heard = f.exchange(
      "GET /socket HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      "\r\n\r\n");
  CHECK(heard.starts_with("HTTP/1.1 101"));
  CHECK(contains(heard, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  CHECK(f.requests.at(0).websocket_upgrade);
}

TEST_CASE("drain closes idle connections and waits for running requests") {
  Fixture f;
  f.start();
  const auto idle = RawEnd::connect(f.loop, f.port);
  idle->say("GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto busy = RawEnd::connect(f.loop, f.port);
  busy->say("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(run_until(f.loop, [&] { return f.pending.size() == 1 && contains(idle->heard, "GET /x"); }));
  bool drained = false;
  f.server->drain([&] { drained = true; });
  REQUIRE(run_until(f.loop, [&] { return idle->closed; }));
  CHECK_FALSE(drained);
  f.pending[0].send(HttpResponse(200, "text/plain", "last words"));
  REQUIRE(run_until(f.loop, [&] { return drained && busy->closed; }));
  CHECK(contains(busy->heard, "last words"));
  CHECK(contains(busy->heard, "Connection: close"));
  boost::system::error_code refused;
  asio::ip::tcp::socket late(f.loop);
  late.connect({asio::ip::address_v4::loopback(), f.port}, refused);
  CHECK(refused);
}

TEST_CASE("draining an idle server calls back at once") {
  Fixture f;
  f.start();
  bool drained = false;
  f.server->drain([&] { drained = true; });
  REQUIRE(run_until(f.loop, [&] { return drained; }));
}

TEST_CASE("a server can be destroyed while requests are open") {
  Fixture f;
  f.start();
  const auto client = RawEnd::connect(f.loop, f.port);
  client->say("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(run_until(f.loop, [&] { return f.pending.size() == 1; }));
  f.server.reset();
  CHECK(f.pending[0].peer_gone());
  f.pending[0].send(HttpResponse(200, "text/plain", "late"));
  REQUIRE(run_until(f.loop, [&] { return client->closed; }));
}

TEST_CASE("a port in use is an error with its address") {
  Fixture f;
  f.start();
  HttpServerSettings same;
  same.listen = HostPort{"127.0.0.1", f.port};
  HttpServer second(f.loop, same, [](HttpRequest, Responder) {});
  const auto bound = second.start();
  REQUIRE_FALSE(bound.has_value());
  CHECK(contains(bound.error(), "bind 127.0.0.1:" + std::to_string(f.port)));
  HttpServerSettings tls;
  tls.listen = HostPort{"127.0.0.1", 0};
  tls.certificate_pem = "junk";
  tls.private_key_pem = "junk";
  HttpServer broken(f.loop, tls, [](HttpRequest, Responder) {});
  CHECK_FALSE(broken.start().has_value());
}
