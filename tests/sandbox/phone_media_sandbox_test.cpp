// Files of phones through the whole sandbox: the control API sends them, our own HTTPS client sees what a gateway would
// fetch, and a process that ended in the middle goes on.

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <optional>

#include "net/http_client.h"
#include "sandbox/media/media_host.h"
#include "sandbox/phones.h"
#include "sandbox/sandbox.h"
#include "tests/sandbox/fixture.h"
#include "tests/support/loop.h"

namespace wharf::sandbox::test {

namespace fs = std::filesystem;
namespace json = boost::json;
using wharf::test::run_until;

namespace {

struct Answered final : net::Responder::Sink {
  std::optional<net::HttpResponse> response;
  void respond(net::HttpResponse r) override { response = std::move(r); }
  void upgrade(net::WebSocketUpgrade) override {}
  bool peer_gone() const override { return false; }
};

struct Life {
  net::asio::io_context& loop;
  std::unique_ptr<Sandbox> sandbox;
  SandboxAddresses at;

  Life(net::asio::io_context& io, protocol::Random& random, const std::string& state) : loop(io) {
    SandboxSettings settings;
    settings.seed = 4;
    settings.state_file = state;
    sandbox = std::make_unique<Sandbox>(loop, settings, random);
    const auto started = sandbox->start();
    REQUIRE(started.has_value());
    at = *started;
  }
  net::HttpResponse control(const std::string& method, const std::string& target, const std::string& body = "") {
    net::HttpRequest request;
    request.method = method;
    request.target = "/sandbox/v1" + target;
    request.body = body;
    if (!body.empty()) request.headers.emplace_back("content-type", "application/json");
    const auto sink = std::make_shared<Answered>();
    sandbox->handle_control(std::move(request), net::Responder(sink));
    REQUIRE(run_until(loop, [&] { return sink->response.has_value(); }));
    return *sink->response;
  }
  const PhoneMessage* newest(const std::string& phone) {
    const auto& all = sandbox->phones().find(phone)->messages();
    return all.empty() ? nullptr : &all.back();
  }
};

}  // namespace

TEST_CASE("a file that was accepted before the process ended arrives after it, and is fetched over HTTPS") {
  spdlog::set_level(spdlog::level::off);
  net::asio::io_context loop;
  protocol::SeededRandom random(21);
  const auto state = (fs::temp_directory_path() / ("wharf-phone-media-" + std::to_string(::getpid()))).string();
  fs::remove(state);
  fs::remove_all(state + ".media");
  const std::string bytes(200'000, 'x');
  const std::string anna = "15550000001", ben = "15550000002";

  auto life = std::make_unique<Life>(loop, random, state);
  for (const auto& phone : {anna, ben})
    CHECK(life->control("POST", "/phones", R"({"phone":")" + phone + "\"}").status == 201);
  const auto accepted = life->control("POST", "/phones/" + anna + "/messages",
                                      R"({"to":")" + ben + R"(","media":{"kind":"image","data":")" +
                                          protocol::to_base64(protocol::as_bytes(bytes)) + "\"}}");
  REQUIRE(accepted.status == 202);
  const std::string id(json::parse(accepted.body).at("data").at("id").as_string());
  life.reset();  // at once: whatever the upload has come to

  life = std::make_unique<Life>(loop, random, state);
  REQUIRE(run_until(loop, [&] {
    const auto* message = life->newest(ben);
    return message != nullptr && message->media && message->media->state != "loading";
  }));
  CHECK(life->newest(ben)->media->failure.empty());
  REQUIRE(life->newest(ben)->id == id);
  const auto shown = life->control("GET", "/phones/" + ben + "/messages/" + id + "/media");
  CHECK(shown.status == 200);
  CHECK((shown.body == bytes));

  const auto files = life->sandbox->media().store().list(0, 10);
  REQUIRE(files.size() == 1);
  net::HttpClient client(loop, net::TlsTrust{life->at.ca_pem});
  net::OutgoingRequest request;
  request.method = "GET";
  request.url = *net::parse_url(life->sandbox->media().url_of(files[0]));
  request.allow_private = true;
  request.max_response_bytes = 4u << 20;
  std::optional<net::OutgoingResult> result;
  client.send(std::move(request), [&](net::OutgoingResult r) { result = std::move(r); });
  REQUIRE(run_until(loop, [&] { return result.has_value(); }));
  REQUIRE(result->has_value());
  CHECK((**result).status == 200);
  CHECK((**result).body.size() == files[0].bytes);
  life.reset();
  fs::remove(state);
  fs::remove_all(state + ".media");
}

}  // namespace wharf::sandbox::test
