// The whole sandbox over loopback sockets: our own client functions against the listeners, a simulated phone that
// scans.

#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>

#include "net/websocket.h"
#include "protocol/noise/client_payload.h"
#include "protocol/noise/frame.h"
#include "protocol/noise/handshake.h"
#include "protocol/pairing/qr.h"
#include "sandbox/phones.h"
#include "sandbox/sandbox.h"
#include "tests/net/loopback.h"
#include "tests/sandbox/fixture.h"

using namespace wharf;
using namespace wharf::sandbox;
using namespace wharf::sandbox::test;
using namespace std::string_literals;

namespace {

/// A companion on a real socket: every stanza it gets is kept.
class WireClient {
 public:
  WireClient(net::asio::io_context& loop, const SandboxAddresses& at, bool secure, const Keys& keys, Bytes payload)
      : client_(loop, net::TlsTrust{at.ca_pem}) {
    protocol::HandshakeInitiator::Settings settings;
    settings.root = *protocol::exactly<32>(*protocol::from_hex(at.noise_root_hex));
    settings.now = static_cast<std::uint64_t>(net::SystemClock().unix_ms() / 1000);
    initiator_.emplace(keys.noise, protocol::KeyPair::generate(random_), std::move(payload), settings);
    net::WebSocketRequest request;
    request.url = *net::parse_url(secure ? at.secure_web_socket_url : at.web_socket_url);
    attempt_ = client_.connect(std::move(request), [this](net::WebSocketResult result) {
      if (!result) {
        failure = result.error().message;
        return;
      }
      socket_ = *result;
      net::WebSocket::Callbacks callbacks;
      callbacks.message = [this](net::MessageType, std::span<const std::uint8_t> bytes) { on_bytes(bytes); };
      callbacks.closed = [this](const std::string&) { closed = true; };
      socket_->start(std::move(callbacks));
      Bytes hello = protocol::client_prologue({});
      protocol::append_frame(hello, initiator_->client_hello());
      socket_->send(net::MessageType::binary, std::move(hello));
    });
  }
  ~WireClient() {
    if (socket_) socket_->abort();
  }
  void send(const Node& stanza) { send_frame(write_.seal(protocol::encode_node(stanza))); }
  void send_frame(ByteView body) {
    Bytes frame;
    protocol::append_frame(frame, body);
    socket_->send(net::MessageType::binary, std::move(frame));
  }
  const Node* got(std::string_view tag) const { return inbox.last(tag); }

  Inbox inbox;
  bool closed = false;
  std::string failure;

 private:
  void on_bytes(ByteView bytes) {
    frames_.feed(bytes);
    while (true) {
      auto frame = frames_.next();
      if (!frame || !*frame) return;
      if (initiator_) {
        auto finished = initiator_->on_server_hello(**frame);
        if (!finished) {
          failure = finished.error().detail;
          return;
        }
        initiator_.reset();
        write_ = protocol::TransportCipher(finished->keys.client_to_server);
        read_ = protocol::TransportCipher(finished->keys.server_to_client);
        send_frame(finished->client_finish);
        continue;
      }
      auto plain = read_.open(**frame);
      auto node = plain ? protocol::decode_node(*plain) : protocol::Result<Node>(plain.error());
      if (!node) {
        failure = node.error().detail;
        return;
      }
      inbox.all.push_back(std::move(*node));
    }
  }

  protocol::SeededRandom random_{99};
  net::WebSocketClient client_;
  std::unique_ptr<net::WebSocketClient::Attempt> attempt_;
  std::shared_ptr<net::WebSocket> socket_;
  std::optional<protocol::HandshakeInitiator> initiator_;
  protocol::FrameReader frames_;
  protocol::TransportCipher write_, read_;
};

/// Runs the loop until the condition holds; false after ten seconds, far beyond what loopback needs.
bool run_until(net::asio::io_context& loop, const std::function<bool()>& condition) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    loop.restart();
    loop.run_one_for(std::chrono::milliseconds(50));
  }
  return true;
}

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
      (std::filesystem::temp_directory_path() / ("wharf-sandbox-test-" + protocol::to_hex(random.bytes<6>()))).string();
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
      (std::filesystem::temp_directory_path() / ("wharf-sandbox-test-" + protocol::to_hex(random.bytes<6>()))).string();
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
    REQUIRE(wharf::test::run_until(loop, [&] { return client->closed || client->heard.find("\r\n\r\n") != std::string::npos; }));
    client->hang_up();
    return client->heard;
  };
  const std::string host = "Host: 127.0.0.1:" + std::to_string(port) + "\r\n";
  CHECK(say("GET /sandbox/v1/network HTTP/1.1\r\n" + host + "\r\n").starts_with("HTTP/1.1 200 "));
  CHECK(say("GET /sandbox/v1/network HTTP/1.1\r\n" + host + "Origin: http://localhost:3000\r\n\r\n").starts_with("HTTP/1.1 200 "));
  for (const std::string& hostile : {"GET /sandbox/v1/network HTTP/1.1\r\nHost: evil.example\r\n\r\n"s, "GET /sandbox/v1/network HTTP/1.1\r\nHost: 127.evil.example\r\n\r\n"s,
                                     "POST /sandbox/v1/kick HTTP/1.1\r\n" + host + "Origin: https://evil.example\r\n\r\n",
                                     "POST /sandbox/v1/kick HTTP/1.1\r\n" + host + "Origin: null\r\n\r\n",
                                     "GET /sandbox/v1/network HTTP/1.1\r\n" + host + "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n\r\n"}) {
    INFO(hostile);
    CHECK(say(hostile).starts_with("HTTP/1.1 403 "));
  }
  for (const char* type : {"", "Content-Type: text/plain\r\n"}) {
    CHECK(say("POST /sandbox/v1/phones HTTP/1.1\r\n" + host + type + "Content-Length: 2\r\n\r\n{}").starts_with("HTTP/1.1 415 "));
  }
}
