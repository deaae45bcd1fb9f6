// What a request may look like on the wire, seen from outside the server: pieces, bodies, limits, malformed ones.
#include "net/http_message_reader.h"

#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "tests/net/http_server_fixture.h"

using namespace wharf::net;
using wharf::test::contains;
using wharf::test::RawEnd;
using wharf::test::run_ready;
using wharf::test::run_until;
using namespace std::chrono_literals;
using Fixture = wharf::test::HttpServerFixture;

TEST_CASE("a request cut at every byte is put together again") {
  Fixture f;
  f.start();
  const std::string text =
      "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nT: "
      "1\r\n\r\n";
  const auto client = RawEnd::connect(f.loop, f.port);
  client->socket.set_option(asio::ip::tcp::no_delay(true));
  for (const char c : text) {
    client->say(std::string(1, c));
    run_ready(f.loop);
  }
  REQUIRE(run_until(f.loop, [&] { return contains(client->heard, "POST /x hello world"); }));
  client->say("GET /y HTTP/1.1\r\nHost: h\r\n\r\n");  // nothing of the first is left over
  REQUIRE(run_until(f.loop, [&] { return contains(client->heard, "GET /y"); }));
}

TEST_CASE("an empty chunked body is put together again wherever it is cut") {
  const std::string header = "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string end = "0\r\n\r\n";
  for (std::size_t first = 0; first < end.size(); ++first) {
    for (std::size_t second = first; second < end.size(); ++second) {
      INFO(first << " " << second);
      HttpRequestReader reader({});
      auto progress = HttpRequestReader::Progress::need_input;
      for (const std::string& piece :
           {header + end.substr(0, first), end.substr(first, second - first), end.substr(second)}) {
        std::ranges::copy(piece, reader.room().begin());
        reader.commit(piece.size());
        progress = reader.next();
        if (progress == HttpRequestReader::Progress::header_done) progress = reader.next();
      }
      CHECK(progress == HttpRequestReader::Progress::done);
      CHECK(reader.buffered() == 0);
    }
  }
}

TEST_CASE("a client that waits for 100-continue is told to go on") {
  Fixture f;
  f.start();
  const auto client = RawEnd::connect(f.loop, f.port);
  client->say("PUT /c HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  REQUIRE(run_until(f.loop, [&] { return contains(client->heard, "\r\n\r\n"); }));
  CHECK(client->heard == "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(f.requests.empty());
  client->say("abc");
  REQUIRE(run_until(f.loop, [&] { return contains(client->heard, "PUT /c abc"); }));
}

TEST_CASE("a body over the limit is 413, announced or chunked") {
  Fixture f;
  f.settings.max_body_bytes = 10;
  f.start();
  CHECK(f.exchange_until_closed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n")
            .starts_with("HTTP/1.1 413"));
  const std::string chunked = f.exchange_until_closed(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n");
  CHECK(chunked.starts_with("HTTP/1.1 413"));
  CHECK(contains(chunked, "{\"error\":413}"));
  CHECK(f.requests.empty());
  CHECK(contains(f.exchange("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n1234567890", "1234567890"),
                 "200 OK"));
}

TEST_CASE("a 413 reaches a client that is still sending") {
  Fixture f;
  f.settings.max_body_bytes = 10;
  f.start();
  const auto client = RawEnd::connect(f.loop, f.port);
  client->say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8000000\r\n\r\n" + std::string(8'000'000, 'x'));
  REQUIRE(run_until(f.loop, [&] { return contains(client->heard, "{\"error\":413}"); }));
}

TEST_CASE("a header over the limit is 431, in one piece or in many small fields") {
  Fixture f;
  f.settings.max_header_bytes = 1024;
  f.start();
  CHECK(f.exchange_until_closed("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(2000, 'x') + "\r\n\r\n")
            .starts_with("HTTP/1.1 431"));
  CHECK(f.exchange_until_closed("GET /" + std::string(3000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n")
            .starts_with("HTTP/1.1 431"));
  const auto client = RawEnd::connect(f.loop, f.port);
  client->say("GET / HTTP/1.1\r\nHost: h\r\n");
  for (int i = 0; i < 400 && !client->closed; ++i) {
    client->say("X: y\r\n");
    run_ready(f.loop);
  }
  REQUIRE(run_until(f.loop, [&] { return client->closed || contains(client->heard, "431"); }));
  CHECK(client->heard.starts_with("HTTP/1.1 431"));
  CHECK(f.requests.empty());
}

TEST_CASE("malformed requests are 400") {
  Fixture f;
  f.start();
  const char* cases[] = {
      "nonsense\r\n\r\n",
      "GET / HTTP/2.0\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",  // no Host
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nBad Name: x\r\n\r\n",
      "GET / HTTP/1.1\nHost: h\n\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      // Two readers that disagree where a request ends let one smuggle another past a proxy.
      "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0, 1\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nX: a\r\n\tContent-Length: 5\r\n\r\n",
      "POST / HTTP/1.1\r\n Host: h\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nX: a\nContent-Length: 5\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nX: a\rY: b\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
  };
  for (const char* text : cases) {
    INFO(text);
    CHECK(f.exchange_until_closed(text).starts_with("HTTP/1.1 400"));
  }
  const std::string endless =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(100'000, 'e');
  CHECK(f.exchange_until_closed(endless).starts_with("HTTP/1.1 400"));
  CHECK(f.requests.empty());
}

TEST_CASE("a folded field is refused wherever the bytes are cut, and a body that looks like one is not") {
  Fixture f;
  f.start();
  const std::string folded = "GET /folded HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n";
  const std::string body = "POST /fine HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n \r\n\tab";
  for (std::size_t cut = 1; cut < body.size(); ++cut) {
    for (const std::string& text : {folded, body}) {
      INFO(cut << " " << text);
      if (cut >= text.size()) continue;
      const auto client = RawEnd::connect(f.loop, f.port);
      client->say(text.substr(0, cut));
      run_ready(f.loop);
      client->say(text.substr(cut));
      CHECK(run_until(f.loop, [&] { return client->heard.find("\r\n\r\n") != std::string::npos; }));
      CHECK(client->heard.starts_with(text == body ? "HTTP/1.1 200" : "HTTP/1.1 400"));
      client->hang_up();
    }
  }
}

TEST_CASE("a trailer field that is longer than any may be is refused, however much of it comes at once") {
  HttpRequestReader reader({});
  const auto give = [&](std::string_view bytes) {
    std::ranges::copy(bytes, reader.room().begin());
    reader.commit(bytes.size());
    return reader.next();
  };
  using Progress = HttpRequestReader::Progress;
  REQUIRE(give("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n") == Progress::header_done);
  REQUIRE(give("0\r\nT: " + std::string(10'000, 't')) == Progress::need_input);
  REQUIRE(give(std::string(60'000, 't') + "\r\n\r\n") == Progress::failed);
  CHECK(reader.error_status() == 400);
}

TEST_CASE("fields behind a chunked body do not become header fields") {
  Fixture f;
  f.start();
  f.exchange(
      "POST /t HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nOrigin: http://x\r\nX-Late: 1\r\n\r\n",
      "HTTP/1.1 200");
  REQUIRE(f.requests.size() == 1);
  CHECK(f.requests[0].header("origin").empty());
  CHECK(f.requests[0].header("x-late").empty());
}

TEST_CASE("the absolute form of a target is understood") {
  Fixture f;
  f.start();
  CHECK(contains(f.exchange("GET http://host:1/p?q HTTP/1.1\r\nHost: host:1\r\n\r\n", "GET /p?q"), "200 OK"));
}

TEST_CASE("large bodies arrive whole, announced and in chunks, with the next request behind them") {
  Fixture f;
  f.start();
  std::string body;
  for (int i = 0; body.size() < 300'000; ++i) body += std::to_string(i) + " ";
  std::string chunks;
  for (std::size_t at = 0; at < body.size(); at += 70'000) {
    const std::string piece = body.substr(at, 70'000);
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    chunks += size + piece + "\r\n";
  }
  const std::string heard =
      f.exchange("POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body +
                     "POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks +
                     "0\r\n\r\nGET /3 HTTP/1.1\r\nHost: h\r\n\r\n",
                 "GET /3");
  REQUIRE(f.requests.size() == 3);
  CHECK((f.requests[0].body == body));
  CHECK((f.requests[1].body == body));
  CHECK(f.requests[2].body.empty());
}

TEST_CASE("a body that does not wait for the 100 is taken all the same") {
  Fixture f;
  f.start();
  const std::string heard = f.exchange(
      "PUT /c HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabcGET /d HTTP/1.1\r\nHost: "
      "h\r\n\r\n",
      "GET /d");
  CHECK(contains(heard, "PUT /c abc"));
  CHECK_FALSE(contains(heard, "100 Continue"));
}

TEST_CASE("chunk extensions and trailers have a limit, and count as no body") {
  Fixture f;
  f.settings.max_body_bytes = 10;
  f.settings.max_header_bytes = 1024;
  f.start();
  const std::string head = "POST /t HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(contains(f.exchange(head + "5;a=" + std::string(200, 'e') +
                                "\r\n12345\r\n5\r\n67890\r\n0\r\nT: " + std::string(200, 't') + "\r\n\r\n",
                            "POST /t 1234567890"),
                 "200 OK"));
  for (const std::string& endless : {"5;a=" + std::string(3000, 'e'), "0\r\nT: " + std::string(3000, 't')}) {
    const auto client = RawEnd::connect(f.loop, f.port);
    client->say(head);
    for (std::size_t at = 0; at < endless.size() && !client->closed; at += 100) {
      client->say(endless.substr(at, 100));
      run_ready(f.loop);
    }
    REQUIRE(run_until(f.loop, [&] { return client->closed || contains(client->heard, "400"); }));
    CHECK(client->heard.starts_with("HTTP/1.1 400"));
  }
  CHECK(f.requests.size() == 1);
}
