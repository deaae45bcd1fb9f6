#pragma once
// A companion on a real socket, made of our own client functions.

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/websocket_client.h"
#include "protocol/noise/frame.h"
#include "protocol/noise/handshake.h"
#include "sandbox/sandbox.h"
#include "tests/sandbox/fixture.h"
#include "tests/support/loop.h"

namespace wharf::sandbox::test {

/// Every stanza it gets is kept.
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
  std::unique_ptr<net::Transport::Attempt> attempt_;
  std::shared_ptr<net::WebSocket> socket_;
  std::optional<protocol::HandshakeInitiator> initiator_;
  protocol::FrameReader frames_;
  protocol::TransportCipher write_, read_;
};

using wharf::test::run_until;

}  // namespace wharf::sandbox::test
