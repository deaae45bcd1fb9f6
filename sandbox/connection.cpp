#include "sandbox/connection.h"

#include <utility>

#include "protocol/noise/client_payload.h"

namespace wharf::sandbox {

namespace {

constexpr std::chrono::seconds handshake_deadline{20};
constexpr std::chrono::seconds silence_limit{180};
constexpr std::size_t max_queued_bytes = 32u << 20;
constexpr std::size_t compress_above_bytes = 1024;
constexpr std::size_t max_depth = 32;
/// After stream:error or failure the client closes. One that sees the end of the socket first may drop what it has not
/// handled yet: whatsmeow then misses the 515 and never logs in after its pairing.
constexpr std::chrono::seconds goodbye_patience{1};

}  // namespace

Connection::Connection(Network& network, const NoiseIdentity& identity, std::shared_ptr<net::WebSocket> socket,
                       net::Scheduler& scheduler, AfterCommit after_commit, std::function<void(Connection&)> ended)
    : network_(network),
      identity_(identity),
      socket_(std::move(socket)),
      scheduler_(scheduler),
      after_commit_(std::move(after_commit)),
      ended_(std::move(ended)),
      timer_(scheduler) {}

void Connection::start() {
  network_.count_connection();
  last_heard_ = scheduler_.steady();
  timer_.after(handshake_deadline, [this] { fail("no handshake in time"); });
  net::WebSocket::Callbacks callbacks;
  callbacks.message = [self = weak_from_this()](net::MessageType type, std::span<const std::uint8_t> bytes) {
    auto alive = self.lock();
    if (!alive) return;
    if (type == net::MessageType::text) return alive->fail("text message");
    alive->on_bytes(bytes);
  };
  callbacks.closed = [self = weak_from_this()](const std::string&) {
    if (auto alive = self.lock()) alive->on_closed();
  };
  socket_->start(std::move(callbacks));
}

void Connection::on_bytes(ByteView bytes) {
  if (stage_ == Stage::over) return;
  last_heard_ = scheduler_.steady();
  if (stage_ == Stage::prologue) {
    const auto complete = prologue_.feed(bytes);
    if (!complete) return fail(complete.error().detail);
    if (!*complete) return;
    protocol::HandshakeResponder::Settings settings;
    settings.server_static = identity_.server_static;
    settings.certificate_chain = network_.faults().bad_certificate ? identity_.foreign_chain : identity_.chain;
    settings.force_fallback = network_.faults().force_fallback;
    handshake_.emplace(std::move(settings), protocol::KeyPair::generate(network_.random()), prologue_.header());
    stage_ = Stage::hello;
  }
  frames_.feed(bytes);
  while (stage_ != Stage::over) {
    auto frame = frames_.next();
    if (!frame) return fail(frame.error().detail);
    if (!*frame) return;
    on_frame(**frame);
  }
}

void Connection::on_frame(ByteView body) {
  switch (stage_) {
    case Stage::hello: {
      auto reply = handshake_->on_client_hello(body);
      if (!reply) return fail("client hello: " + reply.error().detail);
      send_frame(reply->server_hello);
      stage_ = Stage::finish;
      if (reply->authenticated) on_authenticated(*reply->authenticated, true);
      return;
    }
    case Stage::finish: {
      auto peer = handshake_->on_client_finish(body);
      if (!peer) return fail("client finish: " + peer.error().detail);
      return on_authenticated(*peer, false);
    }
    case Stage::pairing:
    case Stage::live: return on_stanza(body);
    case Stage::prologue:
    case Stage::over: return;
  }
}

void Connection::on_authenticated(const protocol::HandshakeResponder::Authenticated& peer, bool resumed) {
  incoming_ = protocol::TransportCipher(peer.keys.client_to_server);
  outgoing_ = protocol::TransportCipher(peer.keys.server_to_client);
  watch_silence();
  auto payload = protocol::parse_client_payload(peer.client_payload);
  if (!payload) {
    stage_ = Stage::live;
    deliver(Node("failure").set("reason", "400").set("location", "lla"));
    return fail("client payload: " + payload.error().detail);
  }
  const auto noise_key = peer.client_static;
  handshake_.reset();
  if (payload->registration) {
    stage_ = Stage::pairing;
    pairing_ = network_.open_pairing(noise_key, std::move(*payload), *this);
  } else {
    stage_ = Stage::live;
    device_ = network_.login(noise_key, *payload, *this, resumed);
  }
}

void Connection::on_stanza(ByteView sealed) {
  const auto plain = incoming_.open(sealed);
  if (!plain) return fail("frame does not decrypt");
  protocol::NodeLimits limits;
  limits.max_depth = max_depth;
  const auto stanza = protocol::decode_node(*plain, limits);
  if (!stanza) {
    deliver(Node("stream:error").add(Node("xml-not-well-formed")));
    return fail("stanza: " + stanza.error().detail);
  }
  if (stage_ == Stage::pairing) return network_.handle_pairing_stanza(pairing_, *stanza);
  if (device_) network_.handle(*device_, *stanza);
}

void Connection::deliver(const Node& stanza) {
  if (stage_ == Stage::over) return;
  said_goodbye_ = stanza.is("stream:error") || stanza.is("failure");
  auto plain = protocol::encode_node(stanza);
  if (network_.faults().compress && plain.size() > compress_above_bytes)
    plain = protocol::encode_node_compressed(stanza);
  send_frame(outgoing_.seal(plain));
}

void Connection::send_frame(ByteView body) {
  if (body.size() > protocol::max_frame_bytes) return fail("stanza over the frame limit");
  if (socket_->queued_bytes() + held_bytes_ > max_queued_bytes) return fail("client does not read");
  Bytes frame;
  frame.reserve(body.size() + 3);
  protocol::append_frame(frame, body);
  held_bytes_ += frame.size();
  hold([frame = std::move(frame)](Connection& alive) {
    alive.held_bytes_ -= frame.size();
    alive.socket_->send(net::MessageType::binary, frame);
  });
}

void Connection::hold(std::function<void(Connection&)> effect) {
  after_commit_([self = weak_from_this(), effect = std::move(effect)] {
    if (const auto alive = self.lock()) effect(*alive);
  });
}

void Connection::watch_silence() {
  const auto quiet = scheduler_.steady() - last_heard_;
  if (quiet >= silence_limit) return fail("silent for three minutes");
  timer_.after(
      std::chrono::duration_cast<std::chrono::milliseconds>(silence_limit - quiet) + std::chrono::milliseconds(1),
      [this] { watch_silence(); });
}

void Connection::fail(std::string_view why) {
  if (stage_ == Stage::over) return;
  network_.report("connection closed: " + std::string(why));
  disconnect();
}

// The network learns of the end from the loop, never inside one of its own calls.
void Connection::disconnect() {
  if (stage_ == Stage::over) return;
  stage_ = Stage::over;
  timer_.cancel();
  hold([](Connection& alive) { alive.say_goodbye(); });  // after the frames before it
  scheduler_.post([self = weak_from_this()] {
    if (auto alive = self.lock()) alive->leave();
  });
}

void Connection::say_goodbye() {
  if (said_goodbye_) {
    timer_.after(goodbye_patience, [this] {
      socket_->close(1000, {});
      end();
    });
  } else {
    socket_->close(1000, {});
    end();
  }
}

void Connection::on_closed() {
  if (stage_ != Stage::over) said_goodbye_ = false;  // nobody is left to wait for
  disconnect();
  end();
}

void Connection::leave() {
  if (device_) network_.detach(*device_, *this);
  if (pairing_ != 0) network_.drop_pairing(pairing_);
  device_.reset();
  pairing_ = 0;
}

void Connection::end() {
  scheduler_.post([self = weak_from_this()] {
    const auto alive = self.lock();
    if (!alive) return;
    alive->timer_.cancel();
    alive->leave();
    if (auto ended = std::exchange(alive->ended_, nullptr)) ended(*alive);
  });
}

void Connection::close() {
  ended_ = nullptr;
  if (stage_ != Stage::over || said_goodbye_) socket_->close(1001, {});
  stage_ = Stage::over;
  timer_.cancel();
  leave();
}

}  // namespace wharf::sandbox
