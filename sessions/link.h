#pragma once
// One connection to the chat server: WebSocket, frames, Noise, node codec. It decides nothing; it reports to its owner.
// Specification 01 sections 1-3 and 5.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/scheduler.h"
#include "net/websocket.h"
#include "protocol/binary/node.h"
#include "protocol/noise/frame.h"
#include "protocol/noise/handshake.h"

namespace wharf::sessions {

/// Why a connection ended.
struct LinkEnd {
  enum class Kind { network, proxy, proxy_login, handshake, certificate, protocol } kind = Kind::network;
  std::string detail;
  /// An IK hello was sent and the connection did not come up, whatever ended it: a server whose static key is another
  /// one now just closes. The next attempt is XX (01 section 3.4).
  bool resume_failed = false;
  /// It carried routing info and did not come up: the next attempt goes without.
  bool routing_failed = false;
};

class Link {
 public:
  struct Settings {
    std::string url;
    std::optional<net::Proxy> proxy;
    protocol::PublicKey root{};
    std::optional<std::uint64_t> now;  // unix seconds, for certificate validity
    std::optional<protocol::KnownServer> resume;
    protocol::KeyPair device_static;
    protocol::KeyPair ephemeral;
    protocol::Bytes payload;  // ClientPayload
    protocol::Bytes routing_info;
  };
  struct Listener {
    std::function<void(const protocol::KnownServer&, bool resumed)> up;  // the handshake is done
    std::function<void(protocol::Node)> stanza;
    std::function<void(LinkEnd)> end;  // exactly once, unless close() was called
  };
  Link(net::Scheduler& scheduler, net::Transport& transport, Settings settings, Listener listener);
  ~Link();

  /// Encoded node payload. Dropped before the handshake is done. Errors: too_large (nothing is sent, the link goes on).
  protocol::Result<void> send(protocol::ByteView payload);
  void pause(bool paused);
  /// The owner goes away and leaves this to die on a later round of the loop: its listener hears nothing more.
  void abandon();
  /// Flushes what was sent, then closes; the listener hears nothing more.
  void close();

 private:
  static constexpr std::chrono::seconds handshake_timeout{20};
  static constexpr std::size_t max_bad_frames = 3;

  void on_connected(net::WebSocketResult result);
  void on_data(std::span<const std::uint8_t> data);
  void on_server_hello(protocol::ByteView body);
  bool on_frame(protocol::ByteView body);
  void fail(LinkEnd::Kind kind, std::string detail);

  Settings settings_;
  Listener listener_;
  net::Timer timer_;
  std::unique_ptr<net::Transport::Attempt> attempt_;
  std::shared_ptr<net::WebSocket> socket_;
  std::unique_ptr<protocol::HandshakeInitiator> handshake_;  // until it is done
  protocol::FrameReader frames_;
  protocol::TransportCipher sending_, receiving_;
  bool up_ = false;
  bool ended_ = false;
  std::size_t bad_frames_ = 0;
  std::shared_ptr<bool> alive_;  // shared with the socket's callbacks: they may outlive this object by one call
};

}  // namespace wharf::sessions
