// Streamed answers whose length is known: HttpResponse::more_bytes.
#include <catch2/catch.hpp>

#include "tests/net/http_server_fixture.h"

using namespace wharf::net;
using wharf::test::contains;
using wharf::test::RawEnd;
using wharf::test::run_ready;
using wharf::test::run_until;

namespace {

/// Answers the one request of a client with "head" and pieces that the test hands out, `more` bytes of them.
struct Fixture : wharf::test::HttpServerFixture {
  std::function<void(BodyPiece)> wanted;  // set: the server asked
  int asked = 0;
  std::shared_ptr<RawEnd> client;

  void answer(const std::string& request_line, std::uint64_t more, const std::string& first = "head") {
    start();
    client = RawEnd::connect(loop, port);
    client->say(request_line + "\r\nHost: h\r\n\r\n");
    REQUIRE(run_until(loop, [&] { return pending.size() == 1; }));
    HttpResponse response(200, "text/plain", first);
    response.more = [this](std::function<void(BodyPiece)> done) {
      ++asked;
      wanted = std::move(done);
    };
    response.more_bytes = more;
    pending[0].send(std::move(response));
  }
  void give(std::string bytes, BodyPiece::End end = BodyPiece::End::more) {
    REQUIRE(run_until(loop, [&] { return wanted != nullptr; }));
    std::exchange(wanted, nullptr)({std::move(bytes), end});
  }
  bool hears(const std::string& end) {
    return run_until(loop, [&] { return client->heard.ends_with(end) || client->closed; }) &&
           client->heard.ends_with(end);
  }
};

}  // namespace

TEST_CASE("a streamed answer of a known length has it in its header, and its connection is used again") {
  Fixture f;
  const std::string first = GENERATE("head", "");
  f.answer("GET /later HTTP/1.1", 8, first);
  f.give("one ");
  f.give("");  // nothing, and not the end
  SECTION("the last piece says so") { f.give("two ", BodyPiece::End::last); }
  SECTION("the end comes behind it") {
    f.give("two ");
    f.give("");
    f.give("", BodyPiece::End::last);
  }
  REQUIRE(f.hears("\r\n\r\n" + first + "one two "));
  CHECK(contains(f.client->heard, "Content-Length: " + std::to_string(8 + first.size()) + "\r\n"));
  CHECK_FALSE(contains(f.client->heard, "chunked"));
  f.client->say("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(f.hears("GET /a "));
}

TEST_CASE("HTTP/1.0 gets it on a connection that is kept") {
  Fixture f;
  f.answer("GET /later HTTP/1.0\r\nConnection: keep-alive", 4);
  f.give("more", BodyPiece::End::last);
  REQUIRE(f.hears("\r\n\r\nheadmore"));
  CHECK(contains(f.client->heard, "Content-Length: 8\r\n"));
  CHECK(contains(f.client->heard, "Connection: keep-alive\r\n"));
}

TEST_CASE("HEAD hears the same length, and its source is not asked") {
  Fixture f;
  f.answer("HEAD /later HTTP/1.1", 1'000'000'000'000);
  REQUIRE(f.hears("\r\n\r\n"));
  CHECK(contains(f.client->heard, "Content-Length: 1000000000004\r\n"));
  CHECK(f.asked == 0);
}

TEST_CASE("nothing to follow is nothing to ask for") {
  Fixture f;
  f.answer("GET /later HTTP/1.1", 0);
  REQUIRE(f.hears("\r\n\r\nhead"));
  CHECK(contains(f.client->heard, "Content-Length: 4\r\n"));
  CHECK(f.asked == 0);
}

TEST_CASE("a source that gives more or fewer bytes than announced never makes a whole answer") {
  Fixture f;
  f.answer("GET /later HTTP/1.1", 8);
  f.give("1234");
  std::string most = "head1234";
  SECTION("fewer") { f.give("567", BodyPiece::End::last); }
  SECTION("none") { f.give("", BodyPiece::End::last); }
  SECTION("more") { f.give("56789", BodyPiece::End::last); }
  SECTION("more behind what looked like the end") {
    f.give("5678");
    f.give("9", BodyPiece::End::last);
  }
  SECTION("broken behind what looked like the end") {
    f.give("5678");
    f.give("", BodyPiece::End::broken);
  }
  REQUIRE(run_until(f.loop, [&] { return f.client->closed; }));
  const std::string body = f.client->heard.substr(f.client->heard.find("\r\n\r\n") + 4);
  CHECK(most.starts_with(body));  // a reset may destroy what was on its way
  CHECK(f.server->connections() == 0);
}
