// Requests that are given up: wherever they are, their connection goes and nothing of them is called any more.
#include "tests/net/transfer_fixture.h"

using namespace wharf::net;
using namespace wharf::test;

namespace {

struct Given : TransferFixture {
  explicit Given(HttpClientSettings settings = HttpClientSettings()) : TransferFixture(settings) {}
  std::shared_ptr<Making> made = std::make_shared<Making>();
  std::shared_ptr<Taking> took = std::make_shared<Taking>();

  OutgoingRequest request(std::uint16_t port) {
    OutgoingRequest out = download(port, took);
    made->total = 1u << 30;
    out.method = "PUT";
    out.body_source = source_of(made);
    out.body_bytes = made->total;
    return out;
  }
  /// After a cancel: silence, and nobody holds source or receiver.
  void check_over(const std::shared_ptr<Transfer>& transfer) {
    const int asked = made->asked, pieces = took->pieces;
    if (const auto late = std::exchange(made->wanted, nullptr)) late(BodyPiece{"late", BodyPiece::End::more});
    if (const auto late = std::exchange(took->taken, nullptr)) late();
    run_some();
    CHECK_FALSE(transfer->done);
    CHECK(made->asked == asked);
    CHECK(took->pieces == pieces);
    CHECK(made.use_count() == 1);
    CHECK(took.use_count() == 1);
  }
};

bool gone(TransferFixture& f, const RawServer& server) {
  return run_until(f.loop, [&] { return server.ends.size() == 1 && server.ends[0]->closed; });
}

}  // namespace

TEST_CASE("a request is given up before it has a connection") {
  HttpClientSettings settings;
  settings.max_connections_per_origin = 1;
  Given f(settings);
  RawServer server(f.loop, [](std::shared_ptr<RawEnd>) {});
  SECTION("waiting for one") {
    const auto first = f.start(f.to(server.port()));
    const auto transfer = f.start(f.request(server.port()));
    f.run_some();
    transfer->handle.cancel();
    f.check_over(transfer);
    first->handle.cancel();
    CHECK(gone(f, server));
    CHECK(server.ends.size() == 1);
  }
  SECTION("while it is made") {
    const auto transfer = f.start(f.request(server.port()));
    transfer->handle.cancel();
    f.check_over(transfer);
    CHECK(f.made->asked == 0);
  }
  SECTION("when it was refused already") {
    OutgoingRequest request = f.request(server.port());
    request.method = "no method";
    const auto transfer = f.start(std::move(request));
    transfer->handle.cancel();
    f.check_over(transfer);
  }
}

TEST_CASE("the end of the handle ends the request, and a moved one does not") {
  Given f;
  RawServer server(f.loop, [](std::shared_ptr<RawEnd>) {});
  f.made->waits = true;
  const auto transfer = f.start(f.request(server.port()));
  REQUIRE(run_until(f.loop, [&] { return f.made->wanted != nullptr; }));
  {
    OutgoingHandle handle = std::move(transfer->handle);
    transfer->handle.cancel();
    f.run_some();
    CHECK_FALSE(server.ends.at(0)->closed);
  }
  CHECK(gone(f, server));
  f.check_over(transfer);
}

TEST_CASE("a request is given up while its body leaves") {
  Given f;
  std::shared_ptr<Transfer> transfer;
  RawServer server(f.loop, [](std::shared_ptr<RawEnd>) {});
  SECTION("while the source works") {
    f.made->waits = true;
    transfer = f.start(f.request(server.port()));
    REQUIRE(run_until(f.loop, [&] { return f.made->wanted != nullptr; }));
    transfer->handle.cancel();
  }
  SECTION("while bytes flow") {
    transfer = f.start(f.request(server.port()));
    REQUIRE(run_until(f.loop, [&] { return f.made->asked > 100; }));
    transfer->handle.cancel();
  }
  SECTION("by the source, which answers all the same") {
    f.made->on_asked = [&] {
      if (f.made->asked == 3) transfer->handle.cancel();
    };
    transfer = f.start(f.request(server.port()));
    REQUIRE(run_until(f.loop, [&] { return f.made->asked == 3; }));
  }
  CHECK(gone(f, server));
  f.check_over(transfer);
}

TEST_CASE("what the kernel holds of a body that was given up does not follow") {
  Given f;
  tcp::acceptor acceptor(f.loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  tcp::socket peer(f.loop);
  acceptor.async_accept(peer, [](boost::system::error_code) {});
  const auto transfer = f.start(f.request(acceptor.local_endpoint().port()));
  REQUIRE(run_until(f.loop, [&] { return peer.is_open() && f.made->asked > 10; }));
  f.run_some();
  transfer->handle.cancel();
  f.check_over(transfer);
  boost::system::error_code error;
  std::array<char, 65536> bytes;
  while (!error) peer.read_some(asio::buffer(bytes), error);
  CHECK(error == asio::error::connection_reset);
}

TEST_CASE("a request is given up while its answer comes") {
  Given f;
  std::shared_ptr<Transfer> transfer;
  RawServer server(f.loop, [](std::shared_ptr<RawEnd> end) {
    end->on_heard = [end = end.get()] {
      if (!end->heard.ends_with("\r\n\r\n")) return;
      end->say("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + std::string(10'000'000, 'x'));
    };
  });
  OutgoingRequest request = f.download(server.port(), f.took);
  SECTION("while the receiver works") {
    f.took->waits = true;
    transfer = f.start(std::move(request));
    REQUIRE(run_until(f.loop, [&] { return f.took->taken != nullptr; }));
    transfer->handle.cancel();
  }
  SECTION("while bytes flow") {
    transfer = f.start(std::move(request));
    REQUIRE(run_until(f.loop, [&] { return f.took->pieces > 3; }));
    transfer->handle.cancel();
  }
  SECTION("by the receiver, which has taken its piece all the same") {
    f.took->on_piece = [&] { transfer->handle.cancel(); };
    transfer = f.start(std::move(request));
    REQUIRE(run_until(f.loop, [&] { return f.took->pieces == 1; }));
  }
  SECTION("when the receiver is chosen") {
    bool chosen = false;
    request.receive_body = [&, choose = request.receive_body](const OutgoingResponse& head) {
      chosen = true;
      transfer->handle.cancel();
      return choose(head);
    };
    transfer = f.start(std::move(request));
    REQUIRE(run_until(f.loop, [&] { return chosen; }));
    CHECK(f.took->pieces == 0);
  }
  CHECK(gone(f, server));
  f.check_over(transfer);
}

TEST_CASE("a request is given up while its answer is waited for, and others go on") {
  HttpClientSettings settings;
  settings.max_connections_per_origin = 1;
  Given f(settings);
  RawServer server(f.loop, [](std::shared_ptr<RawEnd> end) {
    end->on_heard = [end = end.get()] {
      if (end->heard.find("/second") != std::string::npos) end->say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    };
  });
  const auto transfer = f.start(f.download(server.port(), f.took));
  const auto second = f.start(f.to(server.port(), "/second"));
  REQUIRE(run_until(f.loop, [&] { return server.ends.size() == 1 && !server.ends[0]->heard.empty(); }));
  transfer->handle.cancel();
  f.check_over(transfer);
  REQUIRE(run_until(f.loop, [&] { return second->done; }));
  CHECK_FALSE(second->failure);
  CHECK(server.ends.size() == 2);
}

TEST_CASE("the handle of an answered request, or of a client that is gone, does nothing") {
  Given f;
  TransferServer server(f.loop);
  const auto answered = f.ask(f.to(server.port));
  answered->handle.cancel();
  f.ask(f.to(server.port));
  CHECK(server.remotes.at(0) == server.remotes.at(1));  // the connection is not dropped for it
  f.made->waits = true;
  const auto transfer = f.start(f.request(server.port));
  REQUIRE(run_until(f.loop, [&] { return f.made->wanted != nullptr; }));
  f.client.reset();
  f.check_over(transfer);
  transfer->handle.cancel();
}

TEST_CASE("a client may be destroyed by the source or the receiver of its request") {
  Given f;
  TransferServer server(f.loop);
  server.making->total = 1u << 30;
  SECTION("source") {
    f.made->on_asked = [&] { f.client.reset(); };
    const auto transfer = f.start(f.request(server.port));
    REQUIRE(run_until(f.loop, [&] { return !f.client; }));
    f.check_over(transfer);
  }
  SECTION("receiver") {
    f.took->on_piece = [&] { f.client.reset(); };
    const auto transfer = f.start(f.download(server.port, f.took, "/down"));
    REQUIRE(run_until(f.loop, [&] { return !f.client; }));
    f.check_over(transfer);
  }
}
