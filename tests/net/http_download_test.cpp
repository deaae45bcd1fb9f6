// Answers whose bodies are taken while they come.
#include "net/http_message_reader.h"
#include "tests/net/escapes.h"
#include "tests/net/transfer_fixture.h"

using namespace wharf::net;
using namespace wharf::test;
using namespace std::chrono_literals;
using Kind = OutgoingFailure::Kind;

namespace {

/// Answers each request with `answer`; a "Connection: close" in it is kept.
RawServer saying(asio::io_context& loop, const std::string& answer) {
  return RawServer(loop, [answer](std::shared_ptr<RawEnd> end) {
    end->on_heard = [answer, end = end.get()] {
      if (!end->heard.ends_with("\r\n\r\n")) return;
      end->heard.clear();
      end->say(answer);
      if (answer.find("Connection: close") == std::string::npos) return;
      end->socket.shutdown(asio::ip::tcp::socket::shutdown_send);
    };
  });
}

std::shared_ptr<Taking> taking(bool waits = false) {
  auto out = std::make_shared<Taking>();
  out->waits = waits;
  return out;
}

}  // namespace

TEST_CASE("64 MiB come down in pieces, as they were made, and their connection is used again") {
  const std::string scheme = GENERATE("http", "https");
  const bool waits = GENERATE(false, true);
  CAPTURE(scheme, waits);
  TransferFixture f(HttpClientSettings(), transfer_identity().ca_pem);
  TransferServer server(f.loop, scheme);
  server.making->total = 64u << 20;
  server.making->waits = waits;
  const auto took = taking(waits);
  std::uint64_t ahead = 0;
  took->on_piece = [&] { ahead = std::max(ahead, server.making->bytes - took->bytes); };
  const auto transfer = f.start(f.download(server.port, took, "/down", scheme));
  REQUIRE(run_until(f.loop, [&] {
    if (server.making->wanted) server.making->give(server.making->next());
    if (const auto taken = std::exchange(took->taken, nullptr)) taken();
    return transfer->done;
  }));
  REQUIRE_FALSE(transfer->failure);
  CHECK(transfer->response.received);
  CHECK(transfer->response.body.empty());
  CHECK(took->bytes == 64u << 20);
  CHECK(took->largest <= piece_bytes);
  CHECK((took->digest.value() == server.making->digest.value()));
  CHECK(ahead < 24u << 20);  // what the kernel may hold
  f.ask(f.to(server.port, "/", scheme));
  REQUIRE(server.remotes.size() == 2);
  CHECK(server.remotes[0] == server.remotes[1]);
}

TEST_CASE("a slow receiver holds the peer back, and its time is nobody's silence") {
  TransferFixture f;
  TransferServer server(f.loop);
  server.making->total = 1u << 30;
  const auto took = taking(true);
  OutgoingRequest request = f.download(server.port, took, "/down");
  request.progress_timeout = 1'000ms;
  const auto transfer = f.start(std::move(request));
  REQUIRE(run_until(f.loop, [&] { return took->taken != nullptr; }));
  int asked = 0;
  for (int still = 0; still < 20;
       still = std::exchange(asked, server.making->asked) == server.making->asked ? still + 1 : 0)
    f.run_some();
  f.run_past_deadlines(1'000ms);
  CHECK_FALSE(transfer->done);
  CHECK(took->pieces == 1);
  CHECK(took->largest <= piece_bytes);
  // What was made is with the receiver, in the kernel, or the one piece that the server holds.
  CHECK(server.making->bytes <= took->bytes + kernel_bytes(server.port) + piece_bytes);
  CHECK(server.making->bytes < 64u << 20);
  std::exchange(took->taken, nullptr)();
  REQUIRE(run_until(f.loop, [&] { return took->pieces == 2; }));
}

TEST_CASE("a peer that always has more does not hold the loop") {
  const std::string scheme = GENERATE("http", "https");
  TransferFixture f(HttpClientSettings(), transfer_identity().ca_pem);
  TransferServer server(f.loop, scheme);
  server.making->total = 8u << 20;
  const auto took = taking(true);
  const auto transfer = f.start(f.download(server.port, took, "/down", scheme));
  REQUIRE(run_until(f.loop, [&] { return took->taken != nullptr; }));
  f.run_some();  // the kernel holds many pieces now
  took->waits = false;
  std::exchange(took->taken, nullptr)();
  int most = 0;
  REQUIRE(run_until(f.loop, [&, before = took->pieces]() mutable {  // looks once a turn
    most = std::max(most, took->pieces - before);
    before = took->pieces;
    return transfer->done;
  }));
  CHECK_FALSE(transfer->failure);
  CHECK(most == 1);
  CHECK(took->largest <= piece_bytes);
}

TEST_CASE("a peer that falls silent is given up after progress_timeout, not after timeout") {
  TransferFixture f;
  const std::string framing = GENERATE("Content-Length: 10", "Transfer-Encoding: chunked", "X: to the end");
  RawServer server = saying(f.loop, "HTTP/1.1 200 OK\r\n" + framing + "\r\n\r\n4\r\nab");
  const auto took = taking();
  OutgoingRequest request = f.download(server.port(), took);
  request.progress_timeout = 30ms;
  const auto transfer = f.ask(std::move(request));
  REQUIRE(transfer->failure);
  CHECK(transfer->failure->kind == Kind::timeout);
  CHECK(transfer->failure->message == "nothing came of the answer for 30 ms");
  CHECK(took->bytes > 0);
  CHECK(took.use_count() == 1);  // its receiver is gone
}

TEST_CASE("timeout bounds the time to the head, and does not run while the body comes") {
  TransferFixture f;
  std::shared_ptr<RawEnd> peer;
  RawServer server(f.loop, [&](std::shared_ptr<RawEnd> end) { peer = end; });
  const auto took = taking();
  OutgoingRequest request = f.download(server.port(), took);
  request.timeout = 300ms;
  SECTION("no head") {
    const auto transfer = f.ask(std::move(request));
    REQUIRE(transfer->failure);
    CHECK(transfer->failure->message == "no answer within 300 ms");
  }
  SECTION("a head") {
    request.timeout = 1'000ms;
    bool head = false;
    request.receive_body = [&, choose = request.receive_body](const OutgoingResponse& answer) {
      head = true;
      return choose(answer);
    };
    const auto transfer = f.start(std::move(request));
    REQUIRE(run_until(f.loop, [&] { return peer && peer->heard.ends_with("\r\n\r\n"); }));
    peer->say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
    REQUIRE(run_until(f.loop, [&] { return head; }));
    f.run_past_deadlines(1'000ms);
    CHECK_FALSE(transfer->done);
    peer->say("body");
    REQUIRE(run_until(f.loop, [&] { return transfer->done; }));
    CHECK_FALSE(transfer->failure);
  }
}

TEST_CASE("a body that is cut is a failure, whatever has come of it") {
  TransferFixture f;
  const std::string body = GENERATE("Content-Length: 10\r\n\r\nhalf", "Content-Length: 10\r\n\r\n123456789",
                                    "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
                                    "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n",
                                    "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nno chunk");
  CAPTURE(body);
  RawServer server = saying(f.loop, "HTTP/1.1 200 OK\r\nConnection: close\r\n" + body);
  const auto took = taking();
  const auto transfer = f.ask(f.download(server.port(), took));
  REQUIRE(transfer->failure);
  CHECK(transfer->failure->kind == Kind::protocol);
  CHECK(took.use_count() == 1);
}

TEST_CASE("a peer that breaks off while its piece is being taken is noticed afterwards") {
  TransferFixture f;
  RawServer server = saying(f.loop, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  const auto took = taking(true);
  const auto transfer = f.start(f.download(server.port(), took));
  REQUIRE(run_until(f.loop, [&] { return took->taken != nullptr; }));
  server.ends.at(0)->hang_up();
  f.run_some();
  CHECK_FALSE(transfer->done);
  std::exchange(took->taken, nullptr)();
  REQUIRE(run_until(f.loop, [&] { return transfer->done; }));
  REQUIRE(transfer->failure);
  CHECK(transfer->failure->kind == Kind::protocol);
}

TEST_CASE("streamed answers may be chunked, empty, without a length, or behind interim ones") {
  struct Case {
    const char* answer;
    const char* body;
    bool reusable;
  };
  const Case cases[] = {
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nchun\r\n3\r\nked\r\n0\r\nTrailer: t\r\n\r\n",
       "chunked", true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", true},
      {"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
       "ok", true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", true},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end", "to the end", false},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", "", false},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokSURPLUS", "ok", false},
  };
  for (const Case& c : cases) {
    INFO(c.answer);
    TransferFixture f;
    RawServer server = saying(f.loop, c.answer);
    for (int round = 0; round < 2; ++round) {
      const auto took = taking();
      const auto transfer = f.ask(f.download(server.port(), took));
      REQUIRE_FALSE(transfer->failure);
      CHECK(transfer->response.received);
      CHECK(took->text == c.body);
    }
    CHECK(server.ends.size() == (c.reusable ? 1u : 2u));
  }
}

TEST_CASE("a HEAD that would stream has nothing to take, whatever it announces") {
  TransferFixture f;
  RawServer server = saying(f.loop, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n");
  OutgoingRequest request = f.download(server.port(), taking());
  request.method = "HEAD";
  const auto transfer = f.ask(std::move(request));
  REQUIRE_FALSE(transfer->failure);
  CHECK(transfer->response.received);
}

TEST_CASE("an answer beyond max_streamed_bytes fails, announced or not; one that fits does not") {
  TransferFixture f;
  struct Case {
    std::string framed;
    bool announced;
  };
  const Case c =
      GENERATE(Case{"Content-Length: 1001\r\n\r\n" + std::string(1001, 'b'), true},
               Case{"Content-Length: 18446744073709551615\r\n\r\n", true}, Case{"\r\n" + std::string(1001, 'b'), false},
               Case{"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'b'), false});
  RawServer server = saying(f.loop, "HTTP/1.1 200 OK\r\n" + c.framed);
  const auto took = taking();
  OutgoingRequest request = f.download(server.port(), took);
  request.max_streamed_bytes = 1000;
  const auto transfer = f.ask(std::move(request));
  REQUIRE(transfer->failure);
  CHECK(transfer->failure->kind == Kind::too_large);
  if (c.announced) CHECK(took->pieces == 0);
  CHECK(took->bytes <= 1000);
  CHECK(took.use_count() == 1);

  RawServer fitting = saying(f.loop, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'b'));
  OutgoingRequest fits = f.download(fitting.port(), took);
  fits.max_streamed_bytes = 1000;
  CHECK_FALSE(f.ask(std::move(fits))->failure);
}

TEST_CASE("an answer that nobody wants to take is collected, with its header, up to its limit") {
  TransferFixture f;
  RawServer server = saying(f.loop, "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 9\r\n\r\nelsewhere");
  OutgoingRequest request = f.download(server.port(), taking());
  std::vector<std::pair<std::string, std::string>> seen;
  request.receive_body = [&](const OutgoingResponse& head) {
    seen = head.headers;
    return nullptr;
  };
  request.max_response_bytes = GENERATE(4u, 100u);
  const std::size_t most = request.max_response_bytes;
  const auto transfer = f.ask(std::move(request));
  REQUIRE_FALSE(transfer->failure);
  CHECK(transfer->response.status == 302);
  CHECK_FALSE(transfer->response.received);
  CHECK(transfer->response.body == std::string("elsewhere").substr(0, most));
  CHECK(transfer->response.headers.at(0) == std::pair<std::string, std::string>("location", "/there"));
  CHECK(seen == transfer->response.headers);
}

TEST_CASE("a slow answer that is collected runs into timeout as ever") {
  TransferFixture f;
  RawServer server = saying(f.loop, "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\npart");
  OutgoingRequest request = f.download(server.port(), taking());
  request.timeout = 300ms;
  const auto transfer = f.ask(std::move(request));
  REQUIRE(transfer->failure);
  CHECK(transfer->failure->message == "no answer within 300 ms");
}

TEST_CASE("the answer is not told inside the call that takes its last piece") {
  TransferFixture f;
  RawServer server = saying(f.loop, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  const auto took = taking();
  std::shared_ptr<Transfer> transfer;
  int inside = 0;
  took->behind_taken = [&] {
    ++inside;
    CHECK_FALSE(transfer->done);
  };
  transfer = f.start(f.download(server.port(), took));
  REQUIRE(run_until(f.loop, [&] { return transfer->done; }));
  CHECK(inside == 1);
}

TEST_CASE("a receiver that throws ends its own request only") {
  TransferFixture f;
  Escapes escapes;
  RawServer server = saying(f.loop, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  const auto took = taking();
  took->on_piece = [] { throw std::runtime_error("no room"); };
  const auto transfer = f.ask(f.download(server.port(), took));
  CHECK(transfer->failure);
  CHECK(escapes.seen == std::vector<std::string>{"HTTP client: no room"});
  took->on_piece = nullptr;
  CHECK_FALSE(f.ask(f.download(server.port(), took))->failure);
}

TEST_CASE("a stale connection is retried on a fresh one before anything was taken") {
  TransferFixture f;
  int requests = 0;
  RawServer server(f.loop, [&](std::shared_ptr<RawEnd> end) {
    end->on_heard = [&, end = end.get()] {
      if (!end->heard.ends_with("\r\n\r\n")) return;
      end->heard.clear();
      if (++requests == 2) return end->hang_up();
      end->say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    };
  });
  f.ask(f.to(server.port()));
  const auto took = taking();
  CHECK_FALSE(f.ask(f.download(server.port(), took))->failure);
  CHECK(took->text == "ok");
  CHECK(requests == 3);
}

TEST_CASE("a header that comes in two parts does not count the body behind it") {
  HttpReadLimits limits;
  limits.max_header_bytes = 1000;
  limits.max_body_bytes = 5000;
  HttpResponseReader reader(limits, HttpResponseReader::Expect::body);
  std::string_view first = "HTTP/1.1 200 OK\r\nX: y";
  const std::string all = "\r\nContent-Length: 2000\r\n\r\n" + std::string(2000, 'b');
  std::string_view second = all;
  CHECK(reader.feed(first) == HttpResponseReader::Progress::more);
  CHECK(reader.feed(second) == HttpResponseReader::Progress::done);
  CHECK(reader.take_body().size() == 2000);
}
