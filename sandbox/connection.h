#pragma once
// One client connection of the simulated server: WebSocket bytes to frames, the Noise responder, then stanzas to and
// from the Network. Everything a client can send wrong ends this connection and no other. Specification 06 sections 1
// and 25.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/scheduler.h"
#include "net/websocket.h"
#include "protocol/noise/frame.h"
#include "protocol/noise/handshake.h"
#include "sandbox/network.h"

namespace wharf::sandbox {

/// The server's side of every Noise handshake; made once, signing chains per connection is wasted CPU.
struct NoiseIdentity {
  protocol::KeyPair server_static;
  Bytes chain;
  Bytes foreign_chain;  // under another root, for the fault bad_certificate
};

class Connection final : public DevicePort, public std::enable_shared_from_this<Connection> {
 public:
  /// Runs what it is given when all that happened until now is durable, in order; at once when nothing is kept.
  using AfterCommit = std::function<void(std::function<void()>)>;
  /// `ended` runs from the loop, once, when nothing refers to the network any more.
  Connection(Network& network, const NoiseIdentity& identity, std::shared_ptr<net::WebSocket> socket,
             net::Scheduler& scheduler, AfterCommit after_commit, std::function<void(Connection&)> ended);
  void start();
  /// Ends it at once from outside, without `ended`.
  void close();

  void deliver(const Node& stanza) override;
  void disconnect() override;

 private:
  enum class Stage { prologue, hello, finish, pairing, live, over };
  void on_bytes(ByteView bytes);
  void on_frame(ByteView body);
  void on_authenticated(const protocol::HandshakeResponder::Authenticated& peer, bool resumed);
  void on_stanza(ByteView sealed);
  void send_frame(ByteView body);
  /// `effect` when everything up to now is durable, if this connection still is.
  void hold(std::function<void(Connection&)> effect);
  void watch_silence();
  void fail(std::string_view why);
  void say_goodbye();
  void on_closed();
  /// Off the network, which may go on with another connection of the device.
  void leave();
  /// The socket is gone: `ended`, from the loop.
  void end();

  Network& network_;
  const NoiseIdentity& identity_;
  std::shared_ptr<net::WebSocket> socket_;
  net::Scheduler& scheduler_;
  AfterCommit after_commit_;
  std::size_t held_bytes_ = 0;  // frames that wait for a commit
  std::function<void(Connection&)> ended_;
  Stage stage_ = Stage::prologue;
  bool said_goodbye_ = false;  // the last stanza was stream:error or failure
  protocol::PrologueReader prologue_;
  protocol::FrameReader frames_;
  std::optional<protocol::HandshakeResponder> handshake_;
  protocol::TransportCipher incoming_, outgoing_;
  std::uint64_t pairing_ = 0;
  std::optional<DeviceKey> device_;
  net::Timer timer_;
  net::SteadyTime last_heard_;
};

}  // namespace wharf::sandbox
