// Files that are named by URL, over real sockets into a real vault.
#include "api/media_fetch.h"

#include <deque>

#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "tests/api/vault_room.h"
#include "tests/net/loopback.h"

using namespace wharf;
using namespace wharf::api;
using namespace std::chrono_literals;
using wharf::test::media_bytes;
using wharf::test::RawEnd;
using wharf::test::RawServer;
using wharf::test::run_ready;
using wharf::test::run_until;

namespace {

struct Web : wharf::test::VaultRoom {
  Web() { settings.allow_private = true; }
  /// Says `answers`, one for each request; none more: silence.
  void serve(std::vector<std::string> answers) {
    for (std::string& answer : answers) waiting.push_back(std::move(answer));
  }
  std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(server.port()) + path; }
  void start(const std::string& target) {
    handle = fetch_media(http, scheduler, target, settings, new_writer()(), [this](FetchOutcome result) {
      REQUIRE_FALSE(outcome);
      outcome = std::move(result);
    });
    CHECK_FALSE(outcome);  // never inside the call
  }
  TakenFile fetch(const std::string& target) {
    start(target);
    REQUIRE(run_until(loop, [&] { return outcome.has_value(); }));
    if (const auto* failure = std::get_if<Failure>(&*outcome)) FAIL(failure->message);
    return std::get<TakenFile>(*std::exchange(outcome, std::nullopt));
  }
  Failure refuse(const std::string& target) {
    start(target);
    REQUIRE(run_until(loop, [&] { return outcome.has_value(); }));
    REQUIRE(std::holds_alternative<Failure>(*outcome));
    CHECK(nothing_written());
    const Failure failure = std::get<Failure>(*std::exchange(outcome, std::nullopt));
    REQUIRE(failure.details.size() == 1);
    CHECK(failure.details[0].first == "url");
    return failure;
  }

  std::deque<std::string> waiting;
  std::vector<std::string> asked;  // the heads of the requests
  RawServer server{loop, [this](std::shared_ptr<RawEnd> end) {
                     end->on_heard = [this, end = end.get()] {
                       if (!end->heard.ends_with("\r\n\r\n")) return;
                       asked.push_back(std::exchange(end->heard, {}));
                       if (waiting.empty()) return;
                       end->say(std::move(waiting.front()));
                       waiting.pop_front();
                     };
                   }};
  net::LoopScheduler scheduler{loop};
  net::HttpClient http{loop, net::TlsTrust()};
  FetchSettings settings;
  std::optional<FetchOutcome> outcome;
  net::OutgoingHandle handle;
};

std::string answer(const std::string& status, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
std::string redirect(const std::string& location) {
  return answer("302 Found", location.empty() ? "" : "Location: " + location + "\r\n", "moved");
}

std::string followed(const std::string& from, const std::string& location) {
  const auto url = follow(*net::parse_url(from), location);
  return url ? url->scheme + "://" + url->authority() + url->target : "";
}

}  // namespace

TEST_CASE("a file is fetched into its writer, with its type, its name and its head") {
  Web f;
  const std::string bytes = media_bytes(500'000);
  f.serve({answer("200 OK", "Content-Type: image/png\r\n", bytes)});
  const TakenFile file = f.fetch(f.url("/dir/my%20photo.png?x=/y"));
  CHECK(file.field == "url");
  CHECK(file.file_name == "my photo.png");
  CHECK(file.content_type == "image/png");
  CHECK(file.length == bytes.size());
  CHECK((file.head == bytes.substr(0, 64u << 10)));
  CHECK((f.content(*file.writer) == bytes));
  CHECK(f.asked.at(0).starts_with("GET /dir/my%20photo.png?x=/y HTTP/1.1\r\n"));
  CHECK(f.asked[0].find("Accept-Encoding: identity\r\n") != std::string::npos);
}

TEST_CASE("Content-Disposition names the file before its path does, filename* before filename") {
  struct Case {
    const char *header, *name;
  };
  const Case cases[] = {
      {"attachment; filename=\"a b.pdf\"", "a b.pdf"},
      {"attachment; filename=a.pdf; filename*=UTF-8''%C3%A4.pdf", "\xc3\xa4.pdf"},
      {"attachment; filename=a.pdf; filename*=latin1''%E4.pdf", "a.pdf"},
      {"attachment", "path"},
      {"attachment; filename=\"", "path"},
  };
  for (const Case& row : cases) {
    Web f;
    INFO(row.header);
    f.serve({answer("200 OK", std::string("Content-Disposition: ") + row.header + "\r\n", "bytes")});
    CHECK(f.fetch(f.url("/path")).file_name == row.name);
  }
}

TEST_CASE("redirects are followed, relative ones from where they stand, and not for ever") {
  Web f;
  SECTION("to the file") {
    f.serve({redirect("/b/c?d"), redirect("e"), redirect(f.url("/f")),
             redirect("//127.0.0.1:" + std::to_string(f.server.port()) + "/g"), redirect("?h"),
             answer("200 OK", "", "bytes")});
    CHECK(f.content(*f.fetch(f.url("/a")).writer) == "bytes");
    std::string targets;
    for (const std::string& head : f.asked) targets += head.substr(4, head.find(" HTTP") - 4) + " ";
    CHECK(targets == "/a /b/c?d /b/e /f /g /g?h ");
  }
  SECTION("once too often") {
    for (int i = 0; i < 7; ++i) f.serve({redirect("/again")});
    const Failure failure = f.refuse(f.url("/"));
    CHECK(failure.code == ErrorCode::validation);
    CHECK(failure.message.find("5 redirects") != std::string::npos);
    CHECK(f.asked.size() == 6);
  }
  SECTION("to nowhere") {
    f.serve({redirect("")});
    CHECK(f.refuse(f.url("/")).code == ErrorCode::media_fetch_failed);
  }
  SECTION("to what may not be asked") {
    for (const char* location :
         {"ftp://h/", "http://user:secret@h/", "ws://h/", "http://h:0/", "javascript:1", "/%zz"}) {
      INFO(location);
      f.serve({redirect(location)});
      const Failure failure = f.refuse(f.url("/"));
      CHECK(failure.code == ErrorCode::validation);
      CHECK(failure.message.find("secret") == std::string::npos);
    }
  }
}

TEST_CASE("from https there is no way back to http") {
  Web f;
  const net::TlsIdentity identity = net::make_loopback_identity();
  net::HttpServerSettings settings;
  settings.listen = {"127.0.0.1", 0};
  settings.certificate_pem = identity.certificate_pem;
  settings.private_key_pem = identity.private_key_pem;
  std::string location;
  net::HttpServer secure(f.loop, settings, [&](const net::HttpRequest& request, net::Responder responder) {
    net::HttpResponse response(request.target == "/file" ? 200 : 302, "text/plain", "bytes");
    response.headers.emplace_back("Location", location);
    responder.send(std::move(response));
  });
  const std::string at = "https://127.0.0.1:" + std::to_string(*secure.start());
  net::HttpClient client(f.loop, net::TlsTrust{identity.ca_pem});
  const auto fetch = [&] {
    f.outcome.reset();
    f.handle = fetch_media(client, f.scheduler, at + "/", f.settings, f.new_writer()(),
                           [&f](FetchOutcome result) { f.outcome = std::move(result); });
    REQUIRE(run_until(f.loop, [&] { return f.outcome.has_value(); }));
  };
  location = "/file";
  fetch();
  CHECK(std::holds_alternative<TakenFile>(*f.outcome));
  location = f.url("/file");
  fetch();
  REQUIRE(std::holds_alternative<Failure>(*f.outcome));
  CHECK(std::get<Failure>(*f.outcome).message.find("from https to http") != std::string::npos);
  CHECK(f.asked.empty());
}

TEST_CASE("a Location is resolved as RFC 3986 has it") {
  const std::string from = "https://h.example:8443/a/b;p?q";
  CHECK(followed(from, "g") == "https://h.example:8443/a/g");
  CHECK(followed(from, "./g/") == "https://h.example:8443/a/g/");
  CHECK(followed(from, "../../g") == "https://h.example:8443/g");
  CHECK(followed(from, "?y") == "https://h.example:8443/a/b;p?y");
  CHECK(followed(from, "/g?y#s") == "https://h.example:8443/g?y");
  CHECK(followed(from, "//other/g") == "https://other/g");
  CHECK(followed(from, "HTTP://other") == "http://other/");
  CHECK(followed(from, "g:1").empty());
  CHECK(followed(from, "a b").empty());
  CHECK(followed("http://10.1.2.3.example/a", "b") == "http://10.1.2.3.example/b");
}

TEST_CASE("a URL that cannot be fetched is told as a bad field") {
  Web f;
  for (const char* url :
       {"", "x", "/a", "ftp://h/", "ws://h/", "file:///etc/passwd", "http://user@h/", "http://u:p@h/"}) {
    INFO(url);
    CHECK(f.refuse(url).code == ErrorCode::validation);
  }
  f.settings.allow_private = false;
  for (const std::string& url :
       {f.url("/"), std::string("http://[::1]:1/"), std::string("http://169.254.169.254/latest")}) {
    INFO(url);
    CHECK(f.refuse(url).code == ErrorCode::validation);
  }
  CHECK(f.asked.empty());
}

TEST_CASE("only 200 is a file: other answers are the URL's fault, or the server's") {
  struct Case {
    const char* status;
    ErrorCode code;
  };
  const Case cases[] = {
      {"404 Not Found", ErrorCode::validation},        {"401 Unauthorized", ErrorCode::validation},
      {"429 Too Many", ErrorCode::validation},         {"206 Partial", ErrorCode::validation},
      {"500 Internal", ErrorCode::media_fetch_failed}, {"503 Unavailable", ErrorCode::media_fetch_failed},
  };
  for (const Case& row : cases) {
    Web f;
    INFO(row.status);
    f.serve({answer(row.status, "", "page")});
    const Failure failure = f.refuse(f.url("/"));
    CHECK(failure.code == row.code);
    CHECK(failure.message.find(std::string(row.status, 3)) != std::string::npos);
  }
  Web f;
  f.serve({answer("200 OK", "", "")});
  CHECK(f.refuse(f.url("/")).code == ErrorCode::validation);
  f.serve({answer("200 OK", "Content-Encoding: gzip\r\n", "bytes")});
  CHECK(f.refuse(f.url("/")).code == ErrorCode::media_fetch_failed);
}

TEST_CASE("a file over the limit is refused, announced or not") {
  Web f;
  f.settings.max_bytes = 100'000;
  const std::string bytes = media_bytes(200'000);
  SECTION("announced") { f.serve({answer("200 OK", "", bytes)}); }
  SECTION("in chunks") {
    f.serve({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n30d40\r\n" + bytes + "\r\n0\r\n\r\n"});
  }
  const Failure failure = f.refuse(f.url("/"));
  CHECK(failure.code == ErrorCode::payload_too_large);
  CHECK(failure.message.find("100000 bytes") != std::string::npos);
}

TEST_CASE("a body that is cut short is no file") {
  Web f;
  f.serve({"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"});
  f.start(f.url("/"));
  REQUIRE(run_until(f.loop, [&] { return f.files("writing") == 1; }));
  f.server.ends.at(0)->hang_up();
  REQUIRE(run_until(f.loop, [&] { return f.outcome.has_value(); }));
  CHECK(std::get<Failure>(*f.outcome).code == ErrorCode::media_fetch_failed);
  CHECK(f.nothing_written());
}

TEST_CASE("the whole has one deadline, whatever keeps coming") {
  Web f;
  f.settings.total_timeout = 100ms;
  SECTION("silence") { CHECK(f.refuse(f.url("/")).code == ErrorCode::media_fetch_failed); }
  SECTION("a body that drips") {
    f.serve({"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"});
    f.start(f.url("/"));
    REQUIRE(run_until(f.loop, [&] {
      if (!f.asked.empty() && !f.outcome && f.server.ends.at(0)->socket.is_open()) f.server.ends[0]->say("x");
      return f.outcome.has_value();
    }));
    const Failure failure = std::get<Failure>(*f.outcome);
    CHECK(failure.code == ErrorCode::media_fetch_failed);
    CHECK(failure.message.find("100 ms") != std::string::npos);
    CHECK(f.nothing_written());
  }
}

TEST_CASE("a server that does not answer, or is not there, is told as such") {
  Web f;
  f.settings.answer_timeout = 50ms;
  CHECK(f.refuse(f.url("/")).code == ErrorCode::media_fetch_failed);
  CHECK(f.refuse("http://127.0.0.1:1/").code == ErrorCode::media_fetch_failed);
}

TEST_CASE("without its handle a fetch is over, and its file gone") {
  Web f;
  SECTION("before it began") { f.start(f.url("/")); }
  SECTION("in the middle") {
    f.serve({"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + media_bytes(50'000)});
    f.start(f.url("/"));
    REQUIRE(run_until(f.loop, [&] { return f.files("writing") == 1; }));
  }
  f.handle.cancel();
  CHECK(f.nothing_written());
  for (int i = 0; i < 100; ++i) run_ready(f.loop);
  CHECK_FALSE(f.outcome);
}

TEST_CASE("a disk that takes nothing ends the fetch") {
  Web f;
  std::filesystem::remove_all(f.directory + "/media/writing");
  f.serve({answer("200 OK", "", media_bytes(300'000))});
  f.start(f.url("/"));
  REQUIRE(run_until(f.loop, [&] { return f.outcome.has_value(); }));
  CHECK(std::get<Failure>(*f.outcome).code == ErrorCode::storage);
}
