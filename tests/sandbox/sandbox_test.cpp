// The whole sandbox over loopback sockets: our own client functions against the listeners, a simulated phone that
// scans.

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "protocol/noise/client_payload.h"
#include "protocol/pairing/qr.h"
#include "sandbox/phones.h"
#include "sandbox/sandbox.h"
#include "tests/net/loopback.h"
#include "tests/sandbox/fixture.h"
#include "tests/sandbox/wire_client.h"

using namespace wharf;
using namespace wharf::sandbox;
using namespace wharf::sandbox::test;
using namespace std::string_literals;

namespace {

Bytes registration(const Keys& keys) {
  return protocol::registration_payload(
      {}, {keys.identity.registration_id, keys.identity.identity.pub, keys.signed_pre_key.id,
           keys.signed_pre_key.pair.pub, keys.signed_pre_key.signature});
}

}  // namespace

TEST_CASE("a companion links with a simulated phone over loopback, logs in, and a restart keeps it") {
  spdlog::set_level(spdlog::level::off);
  const bool secure = GENERATE(false, true);
  net::asio::io_context loop;
  protocol::SeededRandom random(5);
  const auto state_file =
      (std::filesystem::temp_directory_path() / ("wharf-sandbox-test-" + std::to_string(::getpid()))).string();
  std::filesystem::remove(state_file);
  SandboxSettings settings;
  settings.seed = 11;
  settings.state_file = state_file;
  auto sandbox = std::make_unique<Sandbox>(loop, settings, random);
  auto started = sandbox->start();
  REQUIRE(started.has_value());
  const auto root = started->noise_root_hex;
  auto phone = sandbox->phones().create("15550000001", "Anna");
  REQUIRE(phone);

  Keys keys(random);
  Jid jid;
  {
    WireClient client(loop, *started, secure, keys, registration(keys));
    REQUIRE(run_until(loop, [&] { return client.got("iq") || !client.failure.empty(); }));
    REQUIRE(client.failure == "");
    protocol::PairingQr qr;
    qr.ref = protocol::pair_device_refs(*client.got("iq")).at(0);
    qr.noise = keys.noise.pub;
    qr.identity = keys.identity.identity.pub;
    qr.adv_secret = keys.adv_secret;
    protocol::Result<Jid> linked = protocol::Error(protocol::Errc::not_ready, "");
    (*phone)->scan(protocol::qr_text(qr), [&](protocol::Result<Jid> result) { linked = std::move(result); });
    REQUIRE(run_until(loop, [&] { return client.got("iq")->child("pair-success") != nullptr; }));
    const Node success_iq = *client.got("iq");
    const auto success = protocol::read_pair_success(success_iq);
    REQUIRE(success);
    jid = (*success)->jid;
    const auto identity =
        protocol::accept_pair_success((*success)->device_identity, keys.adv_secret, keys.identity.identity, random);
    REQUIRE(identity);
    client.send(protocol::pair_device_sign(success_iq, identity->reply, identity->key_index));
    REQUIRE(run_until(loop, [&] { return client.got("stream:error") && linked.has_value(); }));
    CHECK(client.got("stream:error")->attr("code") == "515");
    CHECK(*linked == jid);
    REQUIRE(run_until(loop, [&] { return client.closed; }));
  }
  protocol::LoginIdentity login;
  login.jid = jid;
  {
    WireClient client(loop, *started, secure, keys, protocol::login_payload({}, login));
    REQUIRE(run_until(loop, [&] { return client.got("ib"); }));
    CHECK(client.got("success"));
  }
  sandbox->stop();
  sandbox.reset();

  // Same seed, same root; the device and the phone come back from the state file.
  sandbox = std::make_unique<Sandbox>(loop, settings, random);
  started = sandbox->start();
  REQUIRE(started.has_value());
  CHECK(started->noise_root_hex == root);
  REQUIRE(sandbox->phones().find("15550000001"));
  CHECK(sandbox->phones().find("15550000001")->companions() == std::vector<std::uint16_t>{jid.device});
  WireClient client(loop, *started, secure, keys, protocol::login_payload({}, login));
  REQUIRE(run_until(loop, [&] { return client.got("ib"); }));
  CHECK(client.got("success"));
  sandbox.reset();
  REQUIRE(run_until(loop, [&] { return client.closed; }));
  std::filesystem::remove(state_file);
}

TEST_CASE("a state file that is not one stops the start with a message") {
  net::asio::io_context loop;
  protocol::SeededRandom random(6);
  const auto path =
      (std::filesystem::temp_directory_path() / ("wharf-sandbox-test-" + std::to_string(::getpid()))).string();
  const std::string text = "{\"phones\":1}";
  std::ofstream(path) << text;
  SandboxSettings settings;
  settings.state_file = path;
  {
    Sandbox sandbox(loop, settings, random);
    const auto started = sandbox.start();
    REQUIRE_FALSE(started.has_value());
    CHECK(started.error().find(path) != std::string::npos);
  }
  std::ifstream file(path);
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == text);  // and is not written over
  std::filesystem::remove(path);
}

TEST_CASE("web pages do not drive the control API's own listener") {
  net::asio::io_context loop;
  protocol::SeededRandom random(11);
  SandboxSettings settings;
  settings.control_listen = "127.0.0.1:0";
  Sandbox sandbox(loop, settings, random);
  const auto addresses = sandbox.start();
  REQUIRE(addresses.has_value());
  const std::uint16_t port = net::parse_url(addresses->control_url)->port;
  const auto say = [&](const std::string& text) {
    const auto client = wharf::test::RawEnd::connect(loop, port);
    client->say(text);
    REQUIRE(wharf::test::run_until(
        loop, [&] { return client->closed || client->heard.find("\r\n\r\n") != std::string::npos; }));
    client->hang_up();
    return client->heard;
  };
  const std::string host = "Host: 127.0.0.1:" + std::to_string(port) + "\r\n";
  const std::string refused =
      say("GET /sandbox/v1/network HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
  CHECK(refused.find("\"FORBIDDEN\"") != std::string::npos);  // the API's code
  CHECK(refused.find("server.hosts") == std::string::npos);   // which nobody can set here
  CHECK(say("GET /sandbox/v1/network HTTP/1.1\r\n" + host + "\r\n").starts_with("HTTP/1.1 200 "));
  CHECK(say("GET /sandbox/v1/network HTTP/1.1\r\n" + host + "Origin: http://localhost:3000\r\n\r\n")
            .starts_with("HTTP/1.1 200 "));
  for (const std::string& hostile :
       {"GET /sandbox/v1/network HTTP/1.1\r\nHost: evil.example\r\n\r\n"s,
        "GET /sandbox/v1/network HTTP/1.1\r\nHost: 127.evil.example\r\n\r\n"s,
        "POST /sandbox/v1/kick HTTP/1.1\r\n" + host + "Origin: https://evil.example\r\n\r\n",
        "POST /sandbox/v1/kick HTTP/1.1\r\n" + host + "Origin: null\r\n\r\n",
        "GET /sandbox/v1/network HTTP/1.1\r\n" + host +
            "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n\r\n"}) {
    INFO(hostile);
    CHECK(say(hostile).starts_with("HTTP/1.1 403 "));
  }
  for (const char* type : {"", "Content-Type: text/plain\r\n"}) {
    CHECK(say("POST /sandbox/v1/phones HTTP/1.1\r\n" + host + type + "Content-Length: 2\r\n\r\n{}")
              .starts_with("HTTP/1.1 415 "));
  }
}

TEST_CASE("the chat listener is the media host too: app-state files by GET, nothing else") {
  net::asio::io_context loop;
  protocol::SeededRandom random(12);
  Sandbox sandbox(loop, {}, random);
  const auto addresses = sandbox.start();
  REQUIRE(addresses.has_value());
  REQUIRE(sandbox.phones().create("15550000001", "Anna"));
  AppStateSnapshot snapshot;
  snapshot.version = 1;
  snapshot.direct_path = "/v/t62/file.enc?ccb=1";
  snapshot.file = protocol::to_bytes("the encrypted file"s);
  sandbox.network().publish_app_state("15550000001", "regular", snapshot);
  const std::uint16_t port = net::parse_url(addresses->web_socket_url)->port;
  const auto say = [&](const std::string& line) {
    const auto client = wharf::test::RawEnd::connect(loop, port);
    client->say(line + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    REQUIRE(wharf::test::run_until(loop, [&] { return client->closed; }));
    return client->heard;
  };
  const auto got = say("GET /v/t62/file.enc?ccb=1&hash=abc&mms-type=md-app-state");
  CHECK(got.starts_with("HTTP/1.1 200 "));
  CHECK(got.ends_with("the encrypted file"));
  CHECK(say("DELETE /v/t62/file.enc?ccb=1").starts_with("HTTP/1.1 404 "));
  CHECK(say("GET /v/t62/other.enc").starts_with("HTTP/1.1 404 "));
}
