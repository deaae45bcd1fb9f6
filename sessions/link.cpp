#include "sessions/link.h"

#include <utility>

namespace wharf::sessions {

using protocol::Bytes;
using protocol::ByteView;
using protocol::Errc;
using protocol::Result;

Link::Link(net::Scheduler& scheduler, net::Transport& transport, Settings settings, Listener listener)
    : settings_(std::move(settings)),
      listener_(std::move(listener)),
      timer_(scheduler),
      alive_(std::make_shared<bool>(true)) {
  net::WebSocketRequest request;
  const auto url = net::parse_url(settings_.url);
  if (!url) {
    // Reported like any other failure, from the loop: the owner is still constructing us.
    timer_.after(std::chrono::milliseconds(0), [this, why = url.error()] { fail(LinkEnd::Kind::network, why); });
    return;
  }
  request.url = *url;
  if (!settings_.routing_info.empty()) {
    request.url.target += (request.url.target.find('?') == std::string::npos ? "?ED=" : "&ED=") +
                          protocol::to_base64url(settings_.routing_info);
  }
  request.headers.emplace_back("Origin", "https://web.whatsapp.com");
  request.proxy = settings_.proxy;
  attempt_ = transport.connect(std::move(request), [this, alive = alive_](net::WebSocketResult result) {
    if (*alive) on_connected(std::move(result));
  });
}

Link::~Link() {
  *alive_ = false;
  if (socket_ && !ended_) socket_->abort();
}

void Link::on_connected(net::WebSocketResult result) {
  if (!result) {
    const net::ConnectFailure& failure = result.error();
    return fail(failure.proxy_login ? LinkEnd::Kind::proxy_login
                : failure.proxy     ? LinkEnd::Kind::proxy
                                    : LinkEnd::Kind::network,
                failure.message);
  }
  socket_ = std::move(*result);
  protocol::HandshakeInitiator::Settings handshake;
  handshake.root = settings_.root;
  handshake.now = settings_.now;
  handshake.resume = settings_.resume;
  handshake_ = std::make_unique<protocol::HandshakeInitiator>(settings_.device_static, settings_.ephemeral,
                                                              std::move(settings_.payload), handshake);
  net::WebSocket::Callbacks callbacks;
  callbacks.message = [this, alive = alive_](net::MessageType type, std::span<const std::uint8_t> data) {
    if (*alive && type == net::MessageType::binary) on_data(data);
  };
  callbacks.closed = [this, alive = alive_](const std::string& reason) {
    if (*alive) fail(LinkEnd::Kind::network, reason);
  };
  timer_.after(handshake_timeout, [this] { fail(LinkEnd::Kind::handshake, "no answer to the handshake within 20 s"); });
  Bytes first = protocol::client_prologue(settings_.routing_info);
  protocol::append_frame(first, handshake_->client_hello());
  socket_->send(net::MessageType::binary, std::move(first));
  socket_->start(std::move(callbacks));
}

void Link::on_data(std::span<const std::uint8_t> data) {
  const std::shared_ptr<bool> alive = alive_;  // a callback below may destroy us
  frames_.feed(data);
  while (*alive && !ended_) {
    auto frame = frames_.next();
    if (!frame) return fail(LinkEnd::Kind::protocol, frame.error().detail);
    if (!*frame) return;
    if (!up_) {
      on_server_hello(**frame);
    } else if (!on_frame(**frame)) {
      return;
    }
  }
}

void Link::on_server_hello(ByteView body) {
  auto finished = handshake_->on_server_hello(body);
  if (!finished) {
    const auto& error = finished.error();
    const auto kind = error.code == Errc::bad_certificate ? LinkEnd::Kind::certificate : LinkEnd::Kind::handshake;
    return fail(kind, std::string(protocol::name(error.code)) + ": " + error.detail);
  }
  sending_ = protocol::TransportCipher(finished->keys.client_to_server);
  receiving_ = protocol::TransportCipher(finished->keys.server_to_client);
  if (!finished->client_finish.empty()) {
    Bytes frame;
    protocol::append_frame(frame, finished->client_finish);
    socket_->send(net::MessageType::binary, std::move(frame));
  }
  up_ = true;
  handshake_.reset();
  timer_.cancel();
  listener_.up(finished->server, finished->resumed);
}

bool Link::on_frame(ByteView body) {
  auto plain = receiving_.open(body);
  if (!plain) {
    // TCP does not corrupt: the ciphers are out of step, nothing later would decrypt (01 section 3.6).
    fail(LinkEnd::Kind::protocol, "a frame does not decrypt: " + plain.error().detail);
    return false;
  }
  auto node = protocol::decode_node(*plain);
  if (!node) {
    if (++bad_frames_ > max_bad_frames) {
      fail(LinkEnd::Kind::protocol, "repeatedly undecodable frames: " + node.error().detail);
      return false;
    }
    return true;
  }
  listener_.stanza(std::move(*node));
  return true;
}

Result<void> Link::send(ByteView payload) {
  if (!up_ || ended_ || !socket_) return {};
  if (payload.size() > protocol::max_payload_bytes) {
    return protocol::Error(Errc::too_large, "a stanza of " + std::to_string(payload.size()) + " bytes fits no frame");
  }
  Bytes frame;
  frame.reserve(payload.size() + 19);
  protocol::append_frame(frame, sending_.seal(payload));
  socket_->send(net::MessageType::binary, std::move(frame));
  return {};
}

void Link::pause(bool paused) {
  if (socket_ && !ended_) socket_->pause(paused);
}

void Link::close() {
  ended_ = true;
  timer_.cancel();
  attempt_.reset();
  if (socket_) socket_->close(1000, "");
}

void Link::abandon() {
  *alive_ = false;
  timer_.cancel();
  attempt_.reset();
}

void Link::fail(LinkEnd::Kind kind, std::string detail) {
  if (ended_) return;
  ended_ = true;
  timer_.cancel();
  attempt_.reset();
  if (socket_) socket_->abort();
  LinkEnd end;
  end.kind = kind;
  end.detail = std::move(detail);
  end.resume_failed = !up_ && socket_ && settings_.resume;
  end.routing_failed = !up_ && !settings_.routing_info.empty();
  listener_.end(std::move(end));
}

}  // namespace wharf::sessions
