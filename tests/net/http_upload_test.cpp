// Bodies of requests that are made while they are sent.
#include <boost/asio/write.hpp>

#include "tests/net/escapes.h"
#include "tests/net/transfer_fixture.h"

using namespace wharf::net;
using namespace wharf::test;
using namespace std::chrono_literals;
using Kind = OutgoingFailure::Kind;

namespace {

std::shared_ptr<Making> making(std::uint64_t total, bool waits = false) {
  auto out = std::make_shared<Making>();
  out->total = total;
  out->waits = waits;
  return out;
}

/// Accepts one connection and reads nothing of it.
struct DeafServer {
  explicit DeafServer(asio::io_context& loop)
      : acceptor(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0)), socket(loop) {
    acceptor.async_accept(socket, [](boost::system::error_code) {});
  }
  std::uint16_t port() const { return acceptor.local_endpoint().port(); }
  tcp::acceptor acceptor;
  tcp::socket socket;
};

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("64 MiB go up in pieces, as they were made, and their connection is used again") {
  const std::string scheme = GENERATE("http", "https");
  const bool waits = GENERATE(false, true);
  CAPTURE(scheme, waits);
  TransferFixture f(HttpClientSettings(), transfer_identity().ca_pem);
  TransferServer server(f.loop, scheme);
  const auto made = making(64u << 20, waits);
  const auto transfer = f.start(f.upload(server.port, made, "/up", scheme));
  std::uint64_t ahead = 0;
  server.taking->on_piece = [&] { ahead = std::max(ahead, made->bytes - server.taking->bytes); };
  REQUIRE(run_until(f.loop, [&] {
    if (made->wanted) made->give(made->next());
    return transfer->done;
  }));
  REQUIRE_FALSE(transfer->failure);
  CHECK(transfer->response.body == "received");
  CHECK(server.taking->bytes == made->total);
  CHECK((server.taking->digest.value() == made->digest.value()));
  CHECK(ahead < 24u << 20);  // what the kernel may hold
  CHECK(made->asked == 1024);
  f.ask(f.to(server.port, "/", scheme));
  REQUIRE(server.remotes.size() == 2);
  CHECK(server.remotes[0] == server.remotes[1]);
}

TEST_CASE("a source is asked for one piece more than the kernel takes") {
  TransferFixture f;
  DeafServer server(f.loop);
  const auto made = making(1u << 30);
  const auto transfer = f.start(f.upload(server.port(), made));
  REQUIRE(run_until(f.loop, [&] { return made->asked > 10; }));
  int asked = 0;
  for (int still = 0; still < 20; still = std::exchange(asked, made->asked) == made->asked ? still + 1 : 0)
    f.run_some();
  CHECK_FALSE(transfer->done);
  const std::uint64_t held = made->bytes - std::min(made->bytes, kernel_bytes(server.port()));
  CHECK(held <= piece_bytes);
  CHECK(made->bytes < 64u << 20);
}

TEST_CASE("a source that always has more does not hold the loop") {
  TransferFixture f;
  DeafServer server(f.loop);
  const auto made = making(1u << 30);
  const auto transfer = f.start(f.upload(server.port(), made));
  int most = 0;
  REQUIRE(run_until(f.loop, [&, before = 0]() mutable {  // looks once a turn
    most = std::max(most, made->asked - before);
    before = made->asked;
    return made->asked > 12;
  }));
  CHECK(most <= 4);
}

TEST_CASE("a peer that takes nothing of a body is given up after progress_timeout, not after timeout") {
  TransferFixture f;
  DeafServer server(f.loop);
  const auto made = making(1u << 30);
  OutgoingRequest request = f.upload(server.port(), made);
  request.progress_timeout = 30ms;
  const auto transfer = f.ask(std::move(request));
  REQUIRE(transfer->failure);
  CHECK(transfer->failure->kind == Kind::timeout);
  CHECK(transfer->failure->message.find("30 ms") != std::string::npos);
  CHECK(made.use_count() == 1);  // its source is gone
}

TEST_CASE("the time that a source takes is nobody's silence, and timeout does not run while the body leaves") {
  TransferFixture f;
  TransferServer server(f.loop);
  const auto made = making(piece_bytes * 2, true);
  OutgoingRequest request = f.upload(server.port, made, "/up");
  request.timeout = 1'000ms;
  request.progress_timeout = 20ms;
  const auto transfer = f.start(std::move(request));
  REQUIRE(run_until(f.loop, [&] { return made->wanted || transfer->done; }));
  f.run_past_deadlines(1'000ms);
  CHECK_FALSE(transfer->done);
  CHECK(made->wanted);
}

TEST_CASE("behind the body timeout bounds the wait for the answer") {
  TransferFixture f;
  RawServer silent(f.loop, [](std::shared_ptr<RawEnd>) {});
  const auto made = making(100'000);
  OutgoingRequest request = f.upload(silent.port(), made);
  request.timeout = 300ms;
  const auto transfer = f.ask(std::move(request));
  REQUIRE(transfer->failure);
  CHECK(transfer->failure->kind == Kind::timeout);
  CHECK(transfer->failure->message == "no answer within 300 ms");
  CHECK(made->bytes == made->total);
}

TEST_CASE("a body that cannot be made, or not as long as announced, is never a whole request") {
  TransferFixture f;
  TransferServer server(f.loop);
  const auto made = making(piece_bytes * 2, true);
  std::vector<BodyPiece> rest;
  std::string why = "longer";
  SECTION("broken") {
    why = "cannot be made";
    rest = {{"", BodyPiece::End::broken}};
  }
  SECTION("broken behind the last byte") {
    why = "cannot be made";
    rest = {{std::string(piece_bytes, 'x'), BodyPiece::End::more}, {"", BodyPiece::End::broken}};
  }
  SECTION("short") {
    why = "shorter";
    rest = {{"short", BodyPiece::End::last}};
  }
  SECTION("empty end") {
    why = "shorter";
    rest = {{"", BodyPiece::End::last}};
  }
  SECTION("long") { rest = {{std::string(piece_bytes + 1, 'x'), BodyPiece::End::last}}; }
  SECTION("long behind what looks like the end") {
    rest = {{std::string(piece_bytes, 'x'), BodyPiece::End::more}, {"y", BodyPiece::End::last}};
  }
  const auto transfer = f.start(f.upload(server.port, made, "/up"));
  REQUIRE(run_until(f.loop, [&] { return made->wanted != nullptr; }));
  made->give(made->next());
  for (const BodyPiece& piece : rest) {
    REQUIRE(run_until(f.loop, [&] { return made->wanted != nullptr; }));
    f.run_some();
    made->give(piece);
  }
  REQUIRE(run_until(f.loop, [&] { return transfer->done; }));
  REQUIRE(transfer->failure);
  CHECK(transfer->failure->kind == Kind::broken_body);
  CHECK(transfer->failure->message.find(why) != std::string::npos);
  CHECK(run_until(f.loop, [&] { return server.server->connections() == 0; }));
  CHECK(server.remotes.empty());
  CHECK(server.taking.use_count() == 1);
}

TEST_CASE("the end of a body may follow its bytes, and a body may be empty") {
  TransferFixture f;
  TransferServer server(f.loop);
  const auto made = making(GENERATE(0u, 1u), true);
  const auto transfer = f.start(f.upload(server.port, made, "/up"));
  if (made->total != 0) {
    REQUIRE(run_until(f.loop, [&] { return made->wanted != nullptr; }));
    made->give({"x", BodyPiece::End::more});
  }
  REQUIRE(run_until(f.loop, [&] { return made->wanted != nullptr; }));
  made->give({"", BodyPiece::End::last});
  REQUIRE(run_until(f.loop, [&] { return transfer->done; }));
  REQUIRE_FALSE(transfer->failure);
  CHECK(transfer->response.body == "received");
}

TEST_CASE("a source that answers twice, late or with an exception disturbs nothing but its own request") {
  TransferFixture f;
  TransferServer server(f.loop);
  const auto made = making(5, true);
  OutgoingRequest request = f.upload(server.port, made, "/up");
  SECTION("twice") {
    const auto transfer = f.start(std::move(request));
    REQUIRE(run_until(f.loop, [&] { return made->wanted != nullptr; }));
    const auto again = made->wanted;
    made->give({"12345", BodyPiece::End::last});
    again({"67890", BodyPiece::End::last});
    REQUIRE(run_until(f.loop, [&] { return transfer->done; }));
    REQUIRE_FALSE(transfer->failure);
    CHECK(server.taking->text == "12345");
    again({"late", BodyPiece::End::broken});
  }
  SECTION("exception") {
    Escapes escapes;
    made->on_asked = [] { throw std::runtime_error("no source"); };
    CHECK(f.ask(std::move(request))->failure);
    CHECK(escapes.seen == std::vector<std::string>{"HTTP client: no source"});
  }
  CHECK(f.ask(f.to(server.port))->response.body == "fine");
}

TEST_CASE("an answer that comes before the body has left is delivered, and the source is not asked any more") {
  TransferFixture f;
  const std::string status = GENERATE("413 Too Large", "401 Unauthorized", "307 Elsewhere", "507 Full");
  CAPTURE(status);
  RawServer server(f.loop, [&](std::shared_ptr<RawEnd> end) {
    end->on_heard = [&, end = end.get()] {
      if (end->heard.find("\r\n\r\n") == std::string::npos) return;
      end->on_heard = nullptr;
      end->say("HTTP/1.1 " + status + "\r\nLocation: /there\r\nContent-Length: 4\r\n\r\nno!\n");
    };
  });
  const auto made = making(1u << 30);
  // Either it has bytes all the time, or it is being asked when the answer comes.
  made->waits = GENERATE(false, true);
  const auto transfer = f.ask(f.upload(server.port(), made));
  REQUIRE_FALSE(transfer->failure);
  CHECK(std::to_string(transfer->response.status) == status.substr(0, 3));
  CHECK(transfer->response.body == "no!\n");
  CHECK(transfer->response.headers.at(0).second == "/there");
  CHECK(made->bytes < 64u << 20);
  const int asked = made->asked;
  if (made->wanted) made->give({"late", BodyPiece::End::more});
  CHECK(run_until(f.loop, [&] { return server.ends.at(0)->closed; }));
  CHECK(made->asked == asked);
  f.ask(f.to(server.port()));
  CHECK(server.ends.size() == 2);
}

TEST_CASE(
    "behind the head of an early answer that is none of success the body stops, behind one of success it goes on") {
  TransferFixture f;
  const bool success = GENERATE(false, true);
  std::shared_ptr<RawEnd> peer;
  RawServer server(f.loop, [&](std::shared_ptr<RawEnd> end) { peer = end; });
  const auto made = making(100 * piece_bytes);
  OutgoingRequest request = f.upload(server.port(), made);
  bool head = false;
  int asked = 0;
  request.receive_body = [&](const OutgoingResponse&) {
    head = true;
    asked = made->asked;
    return nullptr;
  };
  made->waits = true;
  const auto transfer = f.start(std::move(request));
  REQUIRE(run_until(f.loop, [&] { return made->wanted && peer; }));
  made->waits = false;
  made->give(made->next());
  peer->say(std::string("HTTP/1.1 ") + (success ? "200 OK" : "507 Full") + "\r\nContent-Length: 4\r\n\r\nno");
  REQUIRE(run_until(f.loop, [&] { return head; }));
  if (success) REQUIRE(run_until(f.loop, [&] { return made->bytes == made->total; }));
  f.run_some();
  CHECK((success || made->asked == asked));
  CHECK_FALSE(transfer->done);
  peer->say("!\n");
  REQUIRE(run_until(f.loop, [&] { return transfer->done; }));
  REQUIRE_FALSE(transfer->failure);
  CHECK(transfer->response.status == (success ? 200u : 507u));
  CHECK(transfer->response.body == "no!\n");
}

TEST_CASE("the answer of a peer that hangs up behind it is read though writing fails") {
  TransferFixture f;
  RawServer server(f.loop, [](std::shared_ptr<RawEnd> end) {
    end->on_heard = [end = end.get()] {
      if (end->heard.find("\r\n\r\n") == std::string::npos) return;
      end->on_heard = nullptr;
      asio::write(end->socket, asio::buffer(std::string("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n")));
      end->hang_up();  // with bytes unread: a reset
    };
  });
  const auto transfer = f.ask(f.upload(server.port(), making(1u << 30)));
  REQUIRE_FALSE(transfer->failure);
  CHECK(transfer->response.status == 413);
}

TEST_CASE("a body that can be made once does not go out on a connection that may be stale") {
  TransferFixture f;
  std::string heard;
  RawServer server(f.loop, [&](std::shared_ptr<RawEnd> end) {
    end->on_heard = [&, end = end.get()] {
      heard += std::exchange(end->heard, {});
      if (!heard.ends_with("\r\n\r\n") && !heard.ends_with("body")) return;
      end->say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    };
  });
  f.ask(f.to(server.port()));
  const auto made = making(4, true);
  const auto transfer = f.start(f.upload(server.port(), made));
  REQUIRE(run_until(f.loop, [&] { return made->wanted != nullptr; }));
  made->give({"body", BodyPiece::End::last});
  REQUIRE(run_until(f.loop, [&] { return transfer->done; }));
  CHECK(server.ends.size() == 2);
  CHECK(count(heard, "Content-Length: 4\r\n") == 1);
  CHECK(count(heard, "body") == 1);
}
