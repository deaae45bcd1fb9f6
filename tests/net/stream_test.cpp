#include "net/stream.h"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include "net/http_server.h"
#include "tests/net/loopback.h"

using namespace wharf::net;
using wharf::test::run_ready;
using wharf::test::run_until;

namespace {

const TlsIdentity& identity() {
  static const TlsIdentity made = make_loopback_identity();
  return made;
}

/// Two ends of one loopback connection.
struct Pair {
  asio::io_context loop;
  TlsContext server_context, client_context;
  std::unique_ptr<Stream> here, there;

  explicit Pair(bool tls) {
    asio::ip::tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
    TcpSocket connecting(loop.get_executor());
    connecting.connect(acceptor.local_endpoint());
    TcpSocket accepted(loop.get_executor());
    acceptor.accept(accepted);
    here = std::make_unique<Stream>(std::move(connecting));
    there = std::make_unique<Stream>(std::move(accepted));
    if (!tls) return;
    server_context = make_server_context(identity().certificate_pem, identity().private_key_pem);
    client_context = make_client_context(identity().ca_pem);
    there->start_tls(make_server_tls(server_context.get()));
    here->start_tls(make_client_tls(client_context.get(), "127.0.0.1"));
    bool here_done = false, there_done = false;
    REQUIRE(run_until(loop, [&] {
      for (auto [stream, done] : {std::pair(here.get(), &here_done), std::pair(there.get(), &there_done)}) {
        if (*done) continue;
        const Stream::Progress progress = stream->handshake();
        REQUIRE_FALSE(progress.error);
        *done = progress.wait == Stream::Wait::none;
      }
      return here_done && there_done;
    }));
  }
};

/// What an operation told.
struct Told {
  bool called = false;
  boost::system::error_code error;
  std::size_t bytes = 0;
  auto hear() {
    return [this](boost::system::error_code e, std::size_t n) {
      CHECK_FALSE(called);
      called = true;
      error = e;
      bytes = n;
    };
  }
};

}  // namespace

TEST_CASE("Asio's composed reads and writes stand on the stream, plain and TLS, past every buffer of the kernel") {
  Pair pair(GENERATE(false, true));
  std::string text;
  for (int i = 0; text.size() < (8u << 20); ++i) text += std::to_string(i) + " ";
  std::string heard(text.size(), '\0');
  Told written, read;
  asio::async_write(*pair.here, asio::buffer(text), written.hear());
  CHECK_FALSE(written.called);
  for (int i = 0; i < 100; ++i) run_ready(pair.loop);
  CHECK_FALSE(written.called);  // nobody reads
  asio::async_read(*pair.there, asio::buffer(heard), read.hear());
  REQUIRE(run_until(pair.loop, [&] { return written.called && read.called; }));
  CHECK_FALSE(written.error);
  CHECK_FALSE(read.error);
  CHECK((heard == text));
}

TEST_CASE("many small pieces leave in one write, and an operation never completes inside its call") {
  Pair pair(GENERATE(false, true));
  std::vector<std::string> pieces;
  std::string whole;
  for (int i = 0; i < 40; ++i) whole += pieces.emplace_back("piece " + std::to_string(i) + "\r\n");
  std::vector<asio::const_buffer> buffers{asio::const_buffer()};  // an empty one is no piece
  for (const std::string& piece : pieces) buffers.push_back(asio::buffer(piece));
  Told written, read;
  pair.here->async_write_some(buffers, written.hear());
  CHECK_FALSE(written.called);
  REQUIRE(run_until(pair.loop, [&] { return written.called; }));
  CHECK(written.bytes == whole.size());
  std::string heard(1000, '\0');
  // Read only once there is something: then it is there as a whole.
  bool readable = false;
  pair.there->wait(Stream::Wait::read, [&](boost::system::error_code) { readable = true; });
  REQUIRE(run_until(pair.loop, [&] { return readable; }));
  pair.there->async_read_some(asio::buffer(heard), read.hear());
  CHECK_FALSE(read.called);
  REQUIRE(run_until(pair.loop, [&] { return read.called; }));
  CHECK(heard.substr(0, read.bytes) == whole);
}

TEST_CASE("a small piece before a large one does not leave alone in a record") {
  Pair pair(true);
  const std::string head(10, 'h'), body(20'000, 'b');
  Told written;
  pair.here->async_write_some(std::array{asio::buffer(head), asio::buffer(body)}, written.hear());
  REQUIRE(run_until(pair.loop, [&] { return written.called; }));
  CHECK(written.bytes == (16u << 10));  // as much as a record takes
}

TEST_CASE("an operation of nothing succeeds, also while the peer is silent") {
  Pair pair(GENERATE(false, true));
  Told written, read;
  pair.here->async_write_some(asio::const_buffer(), written.hear());
  pair.here->async_read_some(asio::mutable_buffer(), read.hear());
  REQUIRE(run_until(pair.loop, [&] { return written.called && read.called; }));
  CHECK_FALSE(written.error);
  CHECK_FALSE(read.error);
}

TEST_CASE("bytes that were read too early are read again, first") {
  Pair pair(GENERATE(false, true));
  Told written;
  asio::async_write(*pair.there, asio::buffer("later", 5), written.hear());
  pair.here->unread("early ");
  CHECK(pair.here->read_ready());
  std::string heard(11, '\0');
  Told read;
  asio::async_read(*pair.here, asio::buffer(heard), read.hear());
  REQUIRE(run_until(pair.loop, [&] { return read.called; }));
  CHECK(heard == "early later");
  CHECK_FALSE(pair.here->read_ready());
}

TEST_CASE("the end of the peer ends a pending read, and closing ends what is pending on our side") {
  Pair pair(GENERATE(false, true));
  std::string buffer(10, '\0');
  Told ended, closed;
  pair.here->async_read_some(asio::buffer(buffer), ended.hear());
  pair.there->async_read_some(asio::buffer(buffer), closed.hear());
  run_ready(pair.loop);
  CHECK_FALSE(ended.called);
  pair.there->shutdown_send();
  REQUIRE(run_until(pair.loop, [&] { return ended.called; }));
  CHECK(ended.error == asio::error::eof);
  CHECK_FALSE(closed.called);
  pair.there->close();
  REQUIRE(run_until(pair.loop, [&] { return closed.called; }));
  CHECK(closed.error == asio::error::operation_aborted);
}

TEST_CASE("a read that became ready in the same turn as its stream was closed touches the socket no more") {
  Pair pair(GENERATE(false, true));
  std::string buffer(10, '\0');
  Told read, written;
  pair.here->async_read_some(asio::buffer(buffer), read.hear());
  run_ready(pair.loop);
  asio::async_write(*pair.there, asio::buffer("x", 1), written.hear());
  asio::post(pair.loop, [&] { pair.here->close(); });
  REQUIRE(run_until(pair.loop, [&] { return read.called; }));
  CHECK((read.error == asio::error::operation_aborted || read.bytes == 1));
  Told late;
  pair.here->async_write_some(asio::buffer("y", 1), late.hear());
  REQUIRE(run_until(pair.loop, [&] { return late.called; }));
  CHECK(late.error == asio::error::operation_aborted);
}
