// Previews over real sockets, with a worker that looks into pages and pictures.
#include "api/link_preview.h"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <deque>

#include "media/image.h"
#include "media/page_preview.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "net/worker_pool.h"
#include "tests/net/loopback.h"
#include "tests/sessions/media_fixture.h"
#include "tests/support/loop.h"
#include "web/base64_stream.h"

using namespace wharf;
using namespace wharf::api;
using namespace std::chrono_literals;
using wharf::test::RawEnd;
using wharf::test::RawServer;
using wharf::test::run_ready;
using wharf::test::run_until;

namespace {

std::string answer(const std::string& type, const std::string& body, const std::string& more = {}) {
  return "HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\n" + more + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}
std::string page(const std::string& html) { return answer("text/html; charset=utf-8", html); }

std::string dot() {
  constexpr std::string_view text =
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  web::MediaTextDecoder decoder;
  std::string png;
  REQUIRE(decoder.feed(text, png).has_value());
  REQUIRE(decoder.finish(png).has_value());
  return png;
}

struct Web {
  Web() { settings.allow_private = true; }
  std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(server.port()) + path; }
  void start(const std::string& address) {
    handle = fetch_preview(http, scheduler, workers, address, settings, [this](FetchedPreview result) {
      REQUIRE_FALSE(fetched);
      fetched = std::move(result);
    });
    CHECK_FALSE(fetched);  // never inside the call
  }
  FetchedPreview fetch(const std::string& address) {
    start(address);
    REQUIRE(run_until(loop, [&] { return fetched.has_value(); }));
    FetchedPreview out = std::move(*std::exchange(fetched, std::nullopt));
    CHECK(out.preview.has_value() == out.missing.empty());
    if (out.preview) CHECK(out.preview->url == address);
    return out;
  }
  std::string target(std::size_t request) const {
    return asked.at(request).substr(4, asked[request].find(" HTTP") - 4);
  }

  net::asio::io_context loop;
  std::deque<std::string> answers;  // one for each request; none more: silence
  std::vector<std::string> asked;   // the heads of the requests
  RawServer server{loop, [this](std::shared_ptr<RawEnd> end) {
                     end->on_heard = [this, end = end.get()] {
                       if (!end->heard.ends_with("\r\n\r\n")) return;
                       asked.push_back(std::exchange(end->heard, {}));
                       if (answers.empty()) return;
                       end->say(std::move(answers.front()));
                       answers.pop_front();
                     };
                   }};
  net::LoopScheduler scheduler{loop};
  net::WorkerPool workers{loop.get_executor(), 1};
  net::HttpClient http{loop, net::TlsTrust()};
  PreviewSettings settings;
  std::optional<FetchedPreview> fetched;
  net::OutgoingHandle handle;
};

}  // namespace

TEST_CASE("the first address of a text is found without the sentence around it") {
  struct Row {
    std::string text, address;
  };
  const Row rows[] = {
      {"no address: example.org, mailto:a@b, ftp://h/x", ""},
      {"see https://example.org/a?b=c#d, please", "https://example.org/a?b=c#d"},
      {"(HTTP://Example.org).", "HTTP://Example.org"},
      {"<https://example.org/>", "https://example.org/"},
      {"\"https://example.org/x!?\" he said", "https://example.org/x"},
      {"https://w.org/wiki/Hull_(ship)", "https://w.org/wiki/Hull_(ship)"},
      {"(https://w.org/wiki/Hull_(ship)).", "https://w.org/wiki/Hull_(ship)"},
      {"http:// and ://x and https://b.org\nnext", "https://b.org"},
      {"https://w.org/\xc3\xa4 x", "https://w.org/\xc3\xa4"},
      {"ahttp://h.org", "http://h.org"},
      {"https://a.org https://b.org", "https://a.org"},
      {"http://" + std::string(max_address_bytes, 'a') + " https://b.org", "https://b.org"},
      {"http://" + std::string(max_address_bytes - 7, 'a'), "http://" + std::string(max_address_bytes - 7, 'a')},
      {"http://)))))", ""},
      {"", ""},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(first_address(row.text) == row.address);
  }
}

TEST_CASE("a page is fetched with its picture, which becomes a small JPEG") {
  Web f;
  f.answers = {"HTTP/1.1 302 Found\r\nLocation: /b/page\r\nContent-Length: 0\r\n\r\n",
               page("<title>T</title><meta property=og:title content='The title'>"
                    "<meta property=og:description content=Words><meta property=og:image content='a dot.png'>"),
               answer("image/png", dot())};
  const auto fetched = f.fetch(f.url("/\xc3\xa4[1]"));
  REQUIRE(fetched.preview.has_value());
  CHECK(fetched.preview->title == "The title");
  CHECK(fetched.preview->description == "Words");
  const auto picture = media::inspect_image(fetched.preview->thumbnail);
  REQUIRE(picture.has_value());
  CHECK((picture->format == media::ImageFormat::jpeg));
  CHECK(f.target(0) == "/%C3%A4%5B1%5D");
  CHECK(f.target(2) == "/b/a%20dot.png");  // from where the redirect led
  CHECK(f.asked[0].find("Accept-Encoding: identity\r\n") != std::string::npos);
}

TEST_CASE("a picture that cannot be had leaves the title") {
  const std::string head = "<title>T</title><meta property=og:image content=";
  SECTION("not there") {
    Web f;
    f.answers = {page(head + "/x>"), "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"};
    const auto fetched = f.fetch(f.url("/"));
    REQUIRE(fetched.preview.has_value());
    CHECK((fetched.preview->title == "T" && fetched.preview->thumbnail.empty()));
  }
  SECTION("no picture") {
    Web f;
    f.answers = {page(head + "/x>"), answer("image/png", "hello")};
    CHECK(f.fetch(f.url("/")).preview->thumbnail.empty());
  }
  SECTION("no address") {
    Web f;
    f.answers = {page(head + "'ftp://h/x'>")};
    CHECK(f.fetch(f.url("/")).preview->thumbnail.empty());
    CHECK(f.asked.size() == 1);
  }
  SECTION("too large") {
    Web f;
    f.answers = {page(head + "/x>"), "HTTP/1.1 200 OK\r\nContent-Length: 5242881\r\n\r\n"};
    CHECK(f.fetch(f.url("/")).preview->thumbnail.empty());
  }
  SECTION("too slow") {
    Web f;
    f.settings.total_timeout = 300ms;
    f.answers = {page(head + "/x>")};
    CHECK(f.fetch(f.url("/")).preview->title == "T");
    CHECK(f.asked.size() == 2);
  }
}

TEST_CASE("what gives no preview says why in whole words, and at which stage") {
  Web f;
  const auto redirect = [](const std::string& more) {
    return "HTTP/1.1 302 Found\r\n" + more + "Content-Length: 0\r\n\r\n";
  };
  struct Case {
    std::deque<std::string> answers;
    const char *stage, *why;
  };
  const Case cases[] = {
      {{answer("application/pdf", "%PDF")}, "type", "the address leads to no web page"},
      {{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage"}, "type", "the address leads to no web page"},
      {{page("<p>text</p>")}, "title", "the page has no title"},
      {{page("")}, "title", "the page has no title"},
      {{"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
       "page",
       "the address is answered with the status 404, not 200"},
      {{"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"},
       "page",
       "the page could not be fetched: its server answers 503"},
      {{answer("text/html", "\x1f\x8b", "Content-Encoding: gzip\r\n")},
       "page",
       "the page could not be fetched: its server insists on the encoding gzip"},
      {{redirect("")}, "page", "the page could not be fetched: its server answers with a redirect to nowhere"},
      {{redirect("Location: ftp://h/a\r\n")},
       "page",
       "the address redirects to what cannot be fetched: the scheme \"ftp\" is not http, https, ws or wss"},
      {std::deque<std::string>(6, redirect("Location: /\r\n")), "page",
       "the address leads through more than 5 redirects"},
  };
  for (const Case& one : cases) {
    f.answers = one.answers;
    const auto fetched = f.fetch(f.url("/"));
    CHECK(fetched.missing == one.why);
    CHECK(fetched.stage == std::string(one.stage));
  }
  const auto foreign = f.fetch(
      "http://b\xc3\xbc"
      "cher.example/");
  CHECK(foreign.missing.starts_with("the address is no URL that can be fetched: "));
  CHECK(foreign.stage == std::string("page"));
  f.settings.total_timeout = 100ms;
  const auto silent = f.fetch(f.url("/silence"));
  CHECK(silent.missing == "it took longer than 100 ms");
  CHECK(silent.stage == std::string("timeout"));
  f.settings.allow_private = false;
  const auto asked = f.asked.size();
  const auto hidden = f.fetch(f.url("/"));
  CHECK(hidden.missing.starts_with("the address cannot be asked: "));
  CHECK(hidden.stage == std::string("page"));
  CHECK(f.asked.size() == asked);
}

TEST_CASE("workers that have too much to do give no preview, and say so") {
  Web f;
  f.answers = {page("<title>T</title>")};
  std::optional<test::HeldWorkers> held(f.workers);
  test::fill(f.workers);
  const auto fetched = f.fetch(f.url("/"));
  CHECK(fetched.missing == "the server is too busy to look into the page");
  CHECK(fetched.stage == std::string("busy"));
}

TEST_CASE("a page cannot send its reader to an address with credentials") {
  Web f;
  f.answers = {page("<title>T</title><meta property=og:image content='http://user:secret@127.0.0.1/'>")};
  const auto fetched = f.fetch(f.url("/"));
  REQUIRE(fetched.preview.has_value());
  CHECK(fetched.preview->thumbnail.empty());
  CHECK(f.asked.size() == 1);
}

TEST_CASE("of an endless page the beginning is read, and its connection left") {
  Web f;
  f.answers = {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000000000\r\n\r\n<title>T</title>"};
  f.start(f.url("/"));
  const std::string more(64u << 10, ' ');
  std::size_t said = 0;
  REQUIRE(run_until(f.loop, [&] {
    if (!f.asked.empty() && !f.fetched && said <= media::max_page_bytes) {
      f.server.ends.at(0)->say(more);
      said += more.size();
    }
    return f.fetched.has_value();
  }));
  REQUIRE(f.fetched->preview.has_value());
  CHECK(f.fetched->preview->title == "T");
}

TEST_CASE("without its handle a preview is over") {
  Web f;
  SECTION("before it began") { f.start(f.url("/")); }
  SECTION("while its page is looked into") {
    f.answers = {page("<title>T</title>")};
    f.start(f.url("/"));
    REQUIRE(run_until(f.loop, [&] { return !f.asked.empty(); }));
  }
  f.handle.cancel();
  for (int i = 0; i < 100; ++i) run_ready(f.loop);
  CHECK_FALSE(f.fetched);
}
