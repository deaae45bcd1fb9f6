// The media host behind a real HTTP server on loopback: bodies that stream both ways, and what goes wrong on purpose.
// The network's clock is virtual, so that a slow answer takes no time.

#include "sandbox/media/media_host.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "net/worker_pool.h"
#include "sandbox/clock.h"
#include "tests/net/loopback.h"
#include "tests/support/printing.h"

using namespace wharf;
using namespace wharf::sandbox;
using wharf::test::RawEnd;
using wharf::test::run_ready;
using wharf::test::run_until;

namespace json = boost::json;

namespace {

std::string numbered(std::size_t size) {
  std::string out;
  for (std::size_t i = 0; out.size() < size; ++i) out += std::to_string(i) + " ";
  out.resize(size);
  return out;
}

std::string token_of(const std::string& text) {
  return protocol::to_base64url(protocol::sha256(protocol::as_bytes(text)));
}

struct Answer {
  unsigned status = 0;  // 0: none
  std::string head, body;
  bool whole = false;
  std::string header(const std::string& name) const {
    const auto at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "";
    const auto begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
  json::object document() const { return json::parse(body).as_object(); }
};

/// What was heard on a connection that the server closes behind its answer.
Answer read_answer(const std::string& heard) {
  Answer answer;
  const auto end = heard.find("\r\n\r\n");
  if (end == std::string::npos) return answer;
  answer.head = heard.substr(0, end + 2);
  answer.status = static_cast<unsigned>(std::stoul(heard.substr(9, 3)));
  std::string rest = heard.substr(end + 4);
  if (answer.header("Transfer-Encoding") != "chunked") {
    answer.body = rest;
    answer.whole = rest.size() == std::stoul("0" + answer.header("Content-Length"));
    return answer;
  }
  while (!rest.empty()) {
    const auto line = rest.find("\r\n");
    if (line == std::string::npos) break;
    const std::size_t size = std::stoul(rest.substr(0, line), nullptr, 16);
    if (size == 0) {
      answer.whole = true;
      break;
    }
    answer.body += rest.substr(line + 2, size);
    rest = rest.size() > line + 4 + size ? rest.substr(line + 4 + size) : "";
  }
  return answer;
}

struct Fixture {
  net::asio::io_context loop;
  VirtualClock clock;
  protocol::SeededRandom random{9};
  net::WorkerPool workers{loop.get_executor(), 1};
  Changes changes;
  protocol::Bytes snapshot = protocol::to_bytes(std::string_view("in memory"));
  AuthState auth = AuthState::valid;
  MediaStore store;
  std::shared_ptr<MediaHost> host = std::make_shared<MediaHost>(MediaHost::Ports{
      store, clock, [this](std::string_view text) { return text.empty() ? AuthState::unknown : auth; },
      [this](std::string_view path) { return path == "/v/t62.7118-24/00_n.enc" ? &snapshot : nullptr; },
      [](const std::function<void()>& effect) { effect(); }});
  std::unique_ptr<net::HttpServer> server;
  std::uint16_t port = 0;

  explicit Fixture(MediaSettings media = {}) : store(std::move(media), clock, random, workers, changes) {
    net::HttpServerSettings settings;
    settings.listen = {"127.0.0.1", 0};
    settings.max_body_bytes = 1'000;
    settings.max_streamed_bytes = store.settings().max_file_bytes;
    settings.receive_body = [this](const net::HttpRequest& head) { return host->receive(head); };
    server = std::make_unique<net::HttpServer>(loop, settings, [this](net::HttpRequest request, net::Responder to) {
      host->handle(std::move(request), std::move(to));
    });
    port = *server->start();
    host->set_hosts("h:1", "f:1");
  }
  std::shared_ptr<RawEnd> say(const std::string& text) {
    const auto client = RawEnd::connect(loop, port);
    client->say(text);
    return client;
  }
  Answer hear(const std::shared_ptr<RawEnd>& client) {
    CHECK(run_until(loop, [&] { return client->closed; }));
    return read_answer(client->heard);
  }
  Answer ask(const std::string& method, const std::string& target, const std::string& headers = "",
             const std::string& body = "", const std::string& name = "h:1") {
    return hear(say(method + " " + target + " HTTP/1.1\r\nHost: " + name + "\r\nConnection: close\r\n" + headers +
                    "\r\n" + body));
  }
  static std::string upload_target(const std::string& text, const std::string& more = "") {
    return "/mms/image/" + token_of(text) + "?auth=a&token=" + token_of(text) + more;
  }
  Answer upload(const std::string& text, const std::string& more = "") {
    return ask("POST", upload_target(text, more), "Content-Length: " + std::to_string(text.size()) + "\r\n", text);
  }
  std::string uploaded(const std::string& text) {
    const auto answer = upload(text);
    REQUIRE(answer.status == 200);
    return std::string(answer.document().at("direct_path").as_string());
  }
  /// What the worker has been given so far is done, and its completions too.
  void settle() {
    bool done = false;
    REQUIRE(workers.run([] {}, [&done] { done = true; }));
    REQUIRE(run_until(loop, [&] { return done; }));
    for (int i = 0; i < 20; ++i) run_ready(loop);
  }
  void fault(MediaFault rule) { host->faults().set({std::move(rule)}); }
};

}  // namespace

TEST_CASE("a file goes up and comes down, small or large") {
  Fixture f;
  const std::string text =
      numbered(GENERATE(std::size_t{1}, std::size_t{262'144}, std::size_t{262'145}, std::size_t{3u << 20}));
  const auto answer = f.upload(text);
  REQUIRE(answer.status == 200);
  const auto document = answer.document();
  const std::string path(document.at("direct_path").as_string());
  CHECK(std::string(document.at("url").as_string()) == "https://h:1" + path);
  CHECK_FALSE(document.at("handle").as_string().empty());
  const auto got = f.ask("GET", path + "&hash=x&mms-type=image&__wa-mms=");
  CHECK(got.status == 200);
  CHECK(got.whole);
  CHECK((got.body == text));
  CHECK(got.header("Accept-Ranges") == "bytes");
  const auto head = f.ask("HEAD", path);
  CHECK(head.status == 200);
  CHECK(head.body.empty());
  CHECK(f.store.list(0, 10).at(0).bytes == text.size());
}

TEST_CASE("ranges of a file") {
  Fixture f;
  const std::string text = numbered(1u << 20);
  const auto path = f.uploaded(text);
  const auto part = f.ask("GET", path, "Range: bytes=300000-900000\r\n");
  CHECK(part.status == 206);
  CHECK(part.header("Content-Range") == "bytes 300000-900000/1048576");
  CHECK((part.body == text.substr(300'000, 600'001)));
  const auto last = f.ask("GET", path, "Range: bytes=-10\r\n");
  CHECK(last.body == text.substr(text.size() - 10));
  const auto beyond = f.ask("GET", path, "Range: bytes=1048576-\r\n");
  CHECK(beyond.status == 416);
  CHECK(beyond.header("Content-Range") == "bytes */1048576");
}

TEST_CASE("an upload that is refused leaves nothing, whatever its body") {
  Fixture f;
  const std::string text = numbered(200'000);
  f.auth = AuthState::expired;
  CHECK(f.upload(text).status == 403);
  f.auth = AuthState::unknown;
  CHECK(f.upload(text).status == 401);
  f.auth = AuthState::valid;
  const auto target = Fixture::upload_target(text);
  CHECK(f.ask("POST", target, "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n").status == 411);
  CHECK(f.ask("POST", target, "Content-Length: 3000000000\r\n").status == 413);
  CHECK(f.ask("POST", target, "Content-Length: 3\r\n", "abc").status == 400);
  CHECK(f.ask("POST", target, "").status == 411);
  CHECK(f.store.size() == 0);
  CHECK(f.store.total_bytes() == 0);
}

TEST_CASE("an upload for which there is no room ends with 507") {
  MediaSettings media;
  media.max_total_bytes = 400'000;
  Fixture f(std::move(media));
  REQUIRE(f.upload(numbered(100'000)).status == 200);
  CHECK(f.upload(numbered(500'000)).status == 507);
  CHECK(f.store.total_bytes() == 100'000);  // nobody went for what can never fit
  CHECK(f.upload(numbered(400'000)).status == 200);
  CHECK(f.store.total_bytes() == 400'000);
}

TEST_CASE("files that are not there, have expired, or whose signature is wrong") {
  Fixture f;
  const auto path = f.uploaded("a file");
  CHECK(f.ask("GET", "/v/t62/0.enc?x=1").status == 404);
  CHECK(f.ask("GET", "/v/../../../../etc/passwd?x=1").status == 404);
  CHECK(f.ask("GET", "/").status == 404);
  CHECK(f.ask("GET", path.substr(0, path.find('?'))).status == 403);
  CHECK(f.ask("PUT", path).status == 404);
  f.clock.advance(30LL * 86'400'000);
  CHECK(f.ask("GET", path).status == 410);
  f.clock.advance(30LL * 86'400'000);
  CHECK(f.ask("GET", path).status == 404);
  const auto resident = f.ask("GET", "/v/t62.7118-24/00_n.enc?ccb=1&hash=x", "Range: bytes=3-\r\n");
  CHECK(resident.status == 206);
  CHECK(resident.body == "memory");
}

TEST_CASE("a file is deleted by whoever holds a token") {
  Fixture f;
  const auto path = f.uploaded("history");
  CHECK(f.ask("DELETE", "/mms/image/" + token_of("history") + "?token=" + token_of("history")).status == 401);
  CHECK(f.ask("GET", path).status == 200);
  CHECK(f.ask("DELETE", Fixture::upload_target("history", "&d_md=x")).status == 200);
  CHECK(f.ask("GET", path).status == 404);
  CHECK(f.ask("DELETE", Fixture::upload_target("history")).status == 404);
}

TEST_CASE("an upload that was cut goes on where it stopped") {
  Fixture f;
  const std::string text = numbered(2u << 20);
  const auto probe = [&] { return f.ask("POST", Fixture::upload_target(text, "&resume=1"), "Content-Length: 0\r\n"); };
  CHECK(probe().document().at("resume") == "0");
  MediaFault cut;
  cut.what = MediaFault::What::cut;
  cut.bytes = 700'000;
  f.fault(cut);
  CHECK(f.upload(text).status == 0);
  REQUIRE(
      run_until(f.loop, [&] { return f.store.unfinished("image", protocol::sha256(protocol::as_bytes(text))) > 0; }));
  CHECK(probe().document().at("resume") == "700000");
  const std::string rest = text.substr(700'000);
  const auto answer = f.ask("POST", Fixture::upload_target(text, "&file_offset=700000"),
                            "Content-Length: " + std::to_string(rest.size()) + "\r\n", rest);
  REQUIRE(answer.status == 200);
  CHECK((f.ask("GET", std::string(answer.document().at("direct_path").as_string())).body == text));
  const auto complete = probe().document();
  CHECK(complete.at("resume") == "complete");
  CHECK(complete.at("direct_path") == answer.document().at("direct_path"));
  const auto late = f.ask("POST", Fixture::upload_target("other", "&file_offset=1"), "Content-Length: 4\r\n", "ther");
  CHECK(late.status == 400);
}

TEST_CASE("a client that goes in the middle can resume too") {
  Fixture f;
  const std::string text = numbered(100'000);
  const auto client = f.say("POST " + Fixture::upload_target(text) + " HTTP/1.1\r\nHost: h:1\r\nContent-Length: " +
                            std::to_string(text.size()) + "\r\n\r\n" + text.substr(0, 50'000));
  REQUIRE(run_until(f.loop, [&] { return f.store.total_bytes() == 50'000; }));
  client->hang_up();
  CHECK(run_until(f.loop,
                  [&] { return f.store.unfinished("image", protocol::sha256(protocol::as_bytes(text))) == 50'000; }));
}

TEST_CASE("statuses on demand, with what clients read beside them") {
  Fixture f;
  const auto path = f.uploaded("a file");
  MediaFault busy;
  busy.status = 429;
  busy.retry_after_seconds = 7;
  busy.count = 2;
  f.fault(busy);
  const auto first = f.upload("another");
  CHECK(first.status == 429);
  CHECK(first.header("Retry-After") == "7");
  CHECK(f.ask("GET", path).status == 429);
  CHECK(f.ask("GET", path).status == 200);
  CHECK(f.store.size() == 1);
  MediaFault moved;
  moved.status = 307;
  f.fault(moved);
  CHECK(f.ask("GET", path).header("Location") == "https://f:1" + path);
}

TEST_CASE("a dead first host leaves the fallback") {
  Fixture f;
  const auto path = f.uploaded("a file");
  MediaFault dead;
  dead.what = MediaFault::What::dead;
  dead.host = MediaDoor::primary;
  dead.count = 100;
  f.fault(dead);
  CHECK(f.ask("GET", path).status == 0);
  CHECK(f.upload("x").status == 0);
  CHECK(f.ask("GET", path, "", "", "f:1").status == 200);
}

TEST_CASE("bodies that are cut, short or wrong") {
  Fixture f;
  const std::string text = numbered(600'000);
  const auto path = f.uploaded(text);
  MediaFault rule;
  rule.bytes = GENERATE(std::uint64_t{0}, std::uint64_t{10}, std::uint64_t{400'000});
  SECTION("cut") {
    rule.what = MediaFault::What::cut;
    f.fault(rule);
    const auto got = f.ask("GET", path);
    CHECK_FALSE(got.whole);
    CHECK(got.body.size() <= rule.bytes);
    CHECK((got.body == text.substr(0, got.body.size())));
  }
  SECTION("truncated") {
    rule.what = MediaFault::What::truncate;
    f.fault(rule);
    const auto got = f.ask("GET", path);
    CHECK(got.whole);
    CHECK((got.body == text.substr(0, rule.bytes)));
  }
  SECTION("flipped") {
    rule.what = MediaFault::What::flip;
    f.fault(rule);
    auto got = f.ask("GET", path);
    CHECK(got.whole);
    REQUIRE(got.body.size() == text.size());
    char& wrong = got.body[static_cast<std::size_t>(rule.bytes)];
    CHECK(wrong != text[static_cast<std::size_t>(rule.bytes)]);
    wrong = text[static_cast<std::size_t>(rule.bytes)];
    CHECK((got.body == text));
  }
  SECTION("flipped on its way up") {
    rule.what = MediaFault::What::flip;
    f.fault(rule);
    CHECK(f.upload(text).status == 400);
    CHECK(f.upload(text).status == 200);
  }
  CHECK((f.ask("GET", path).body == text));  // once
}

TEST_CASE("slow bodies come at their pace on the network's clock") {
  Fixture f;
  const std::string text = numbered(1'000);
  const auto path = f.uploaded(text);
  MediaFault slow;
  slow.what = MediaFault::What::slow;
  slow.bytes_per_second = 400;
  SECTION("down") {
    f.fault(slow);
    const auto client = f.say("GET " + path + " HTTP/1.1\r\nHost: h:1\r\nConnection: close\r\n\r\n");
    const auto body = [&] { return read_answer(client->heard).body.size(); };
    REQUIRE(run_until(f.loop, [&] { return !client->heard.empty(); }));
    for (int i = 0; i < 20; ++i) run_ready(f.loop);
    CHECK(body() == 0);
    for (std::size_t second = 0; !client->closed; ++second) {
      REQUIRE(second < 4);
      for (std::size_t quarter = 1; quarter <= 4 && !client->closed; ++quarter) {
        f.clock.advance(250);
        const std::size_t due = std::min<std::size_t>(text.size(), second * 400 + quarter * 100);
        REQUIRE(run_until(f.loop, [&] { return body() >= due; }));
        CHECK(body() == due);
        if (due == text.size()) REQUIRE(run_until(f.loop, [&] { return client->closed; }));
        else
          for (int i = 0; i < 20; ++i) run_ready(f.loop);
      }
    }
    CHECK(read_answer(client->heard).body == text);
  }
  SECTION("up") {
    f.fault(slow);
    const std::string other = numbered(999);
    const auto client = f.say("POST " + Fixture::upload_target(other) +
                              " HTTP/1.1\r\nHost: h:1\r\nConnection: close\r\nContent-Length: 999\r\n\r\n" + other);
    REQUIRE(run_until(f.loop, [&] { return f.store.total_bytes() == 1'999; }));
    f.settle();
    f.clock.advance(2'496);
    f.settle();
    CHECK(client->heard.empty());
    f.clock.advance(1);
    CHECK(f.hear(client).status == 200);
  }
}

TEST_CASE("requests that outlive the host end") {
  Fixture f;
  const std::string text = numbered(4u << 20);
  const auto path = f.uploaded(text);
  const auto up =
      f.say("POST " + Fixture::upload_target("x") + " HTTP/1.1\r\nHost: h:1\r\nContent-Length: 10\r\n\r\nhalf");
  REQUIRE(run_until(f.loop, [&] { return f.store.total_bytes() == text.size() + 4; }));
  MediaFault slow;
  slow.what = MediaFault::What::slow;
  f.fault(slow);
  const auto down = f.say("GET " + path + " HTTP/1.1\r\nHost: h:1\r\n\r\n");
  REQUIRE(run_until(f.loop, [&] { return !down->heard.empty(); }));
  f.settle();
  f.host.reset();
  up->say("whole!");
  f.clock.advance(250);
  CHECK(run_until(f.loop, [&] { return up->closed && down->closed; }));
  CHECK(up->heard.empty());
}
