// Media through the whole sandbox: media_conn from the network, our own HTTPS client against its listener under the
// sandbox's authority, the control API, and a restart with the state file.

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <optional>

#include "net/http_client.h"
#include "sandbox/media/media_host.h"
#include "sandbox/network.h"
#include "sandbox/phones.h"
#include "sandbox/sandbox.h"
#include "tests/sandbox/fixture.h"
#include "tests/support/loop.h"

using namespace wharf;
using namespace wharf::sandbox;
using namespace wharf::sandbox::test;
using wharf::test::run_until;

namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

struct Answered final : net::Responder::Sink {
  std::optional<net::HttpResponse> response;
  void respond(net::HttpResponse r) override { response = std::move(r); }
  void upgrade(net::WebSocketUpgrade) override {}
  bool peer_gone() const override { return false; }
};

struct Life {
  net::asio::io_context& loop;
  protocol::Random& random;
  std::unique_ptr<Sandbox> sandbox;
  SandboxAddresses at;
  std::unique_ptr<net::HttpClient> client;

  Life(net::asio::io_context& io, protocol::Random& source, const std::string& state) : loop(io), random(source) {
    SandboxSettings settings;
    settings.seed = 4;
    settings.state_file = state;
    sandbox = std::make_unique<Sandbox>(loop, settings, random);
    const auto started = sandbox->start();
    REQUIRE(started.has_value());
    at = *started;
    client = std::make_unique<net::HttpClient>(loop, net::TlsTrust{at.ca_pem});
  }
  net::OutgoingResponse ask(const std::string& method, const std::string& url, std::string body = "") {
    net::OutgoingRequest request;
    request.method = method;
    request.url = *net::parse_url(url);
    request.body = std::move(body);
    request.allow_private = true;
    request.max_response_bytes = 4u << 20;
    std::optional<net::OutgoingResult> result;
    client->send(std::move(request), [&](net::OutgoingResult r) { result = std::move(r); });
    REQUIRE(run_until(loop, [&] { return result.has_value(); }));
    return *result ? **result : net::OutgoingResponse{};  // status 0: the connection ended
  }
  json::object control(const std::string& method, const std::string& target, const std::string& body = "") {
    net::HttpRequest request;
    request.method = method;
    request.target = "/sandbox/v1" + target;
    request.body = body;
    if (!body.empty()) request.headers.emplace_back("content-type", "application/json");
    const auto sink = std::make_shared<Answered>();
    sandbox->handle_control(std::move(request), net::Responder(sink));
    REQUIRE(run_until(loop, [&] { return sink->response.has_value(); }));
    INFO(sink->response->body);
    REQUIRE(sink->response->status == 200);
    return json::parse(sink->response->body).as_object();
  }
  /// What media_conn says to a device.
  Node media_conn(const std::string& phone) {
    Inbox port;
    Network& network = sandbox->network();
    network.attach_phone(phone, port);
    Node iq = protocol::iq_set("m1", "w:m");
    network.handle({phone, 0}, iq.add(Node("media_conn")));
    Node answer = *port.answer("m1").child("media_conn");
    network.detach({phone, 0}, port);
    return answer;
  }
};

std::string token_of(const std::string& text) {
  return protocol::to_base64url(protocol::sha256(protocol::as_bytes(text)));
}

}  // namespace

TEST_CASE("a file goes through the sandbox by what media_conn says, and survives a restart") {
  spdlog::set_level(spdlog::level::off);
  net::asio::io_context loop;
  protocol::SeededRandom random(12);
  const std::string state =
      (fs::temp_directory_path() / ("wharf-media-sandbox-test-" + std::to_string(::getpid()))).string();
  fs::remove(state);
  fs::remove_all(state + ".media");
  std::string text(1'500'000, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 31 % 251);
  const std::string phone = "15550000001";

  auto life = std::make_unique<Life>(loop, random, state);
  REQUIRE(life->sandbox->network().create_account(phone, "Anna"));
  const Node connection = life->media_conn(phone);
  REQUIRE(connection.children().size() == 2);
  const std::string auth(connection.attr("auth"));
  const auto url_at = [&](const Node& host) {
    return "https://" + std::string(host.attr("hostname")) + "/mms/image/" + token_of(text) + "?auth=" + auth +
           "&token=" + token_of(text);
  };
  CHECK("https://" + std::string(connection.children()[0].attr("hostname")) == life->at.media_url);
  CHECK(life->control("GET", "/network").at("data").at("mediaUrl") == json::string(life->at.media_url));

  // The first host is dead; the second, another name of the same listener, takes the file.
  life->control("POST", "/faults", R"({"media":[{"what":"dead","host":"primary","count":9}]})");
  CHECK(life->ask("POST", url_at(connection.children()[0]), text).status == 0);
  const auto stored = life->ask("POST", url_at(connection.children()[1]), text);
  REQUIRE(stored.status == 200);
  life->control("POST", "/faults", R"({"media":[]})");
  const auto document = json::parse(stored.body).as_object();
  const std::string url(document.at("url").as_string()), path(document.at("direct_path").as_string());
  CHECK(url == life->at.media_url + path);
  CHECK((life->ask("GET", url).body == text));
  CHECK(life->ask("GET", life->at.media_url + "/v/none?x=1").status == 404);
  life.reset();

  life = std::make_unique<Life>(loop, random, state);
  CHECK((life->ask("GET", life->at.media_url + path).body == text));
  REQUIRE(life->control("GET", "/media").at("data").as_array().size() == 1);
  // A token of before the restart holds, until it is ended.
  const std::string again =
      life->at.media_url + "/mms/image/" + token_of("other") + "?token=" + token_of("other") + "&auth=";
  CHECK(life->ask("POST", again + auth, "other").status == 200);
  life->control("POST", "/faults", R"({"expire_media_auth":true})");
  CHECK(life->ask("POST", again + auth, "other").status == 403);
  CHECK(life->ask("POST", again + "wrong", "other").status == 401);
  CHECK(life->ask("POST", again + std::string(life->media_conn(phone).attr("auth")), "other").status == 200);

  life->control("POST", "/faults", R"({"expire_media":")" + path + R"("})");
  CHECK(life->ask("GET", life->at.media_url + path).status == 410);
  life->control("DELETE", "/media/" + std::string(document.at("handle").as_string()));
  CHECK(life->ask("GET", life->at.media_url + path).status == 404);
  life.reset();

  // What was forgotten stays so.
  life = std::make_unique<Life>(loop, random, state);
  CHECK(life->ask("GET", life->at.media_url + path).status == 404);
  CHECK(life->control("GET", "/media").at("data").as_array().size() == 1);
  CHECK(std::distance(fs::directory_iterator(state + ".media"), fs::directory_iterator()) == 1);
  life.reset();
  fs::remove(state);
  fs::remove_all(state + ".media");
}
