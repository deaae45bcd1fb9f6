#pragma once
// Noise XX, IK and XXfallback over X25519, AES-256-GCM, SHA-256. Specification 01 section 3, 06 section 1.
// Both sides are sans-IO: bodies of frames in, bodies of frames out.

#include <cstdint>
#include <memory>
#include <optional>

#include "protocol/crypto/aes.h"
#include "protocol/crypto/curve25519.h"
#include "protocol/noise/certificate.h"
#include "protocol/result.h"

namespace wharf::protocol {

/// One direction after the handshake: own key, own 32-bit counter, empty AAD. 01 section 3.6.
class TransportCipher {
 public:
  TransportCipher() = default;
  explicit TransportCipher(const AesKey& key) : key_(key) {}
  TransportCipher(const TransportCipher&) = default;
  TransportCipher& operator=(const TransportCipher&) = default;
  ~TransportCipher();  // wipes the key
  Bytes seal(ByteView plaintext);
  /// Errors: bad_mac; the counter advances all the same. closed: 2^32 - 1 frames passed (seal throws then).
  Result<Bytes> open(ByteView sealed);
  std::uint32_t counter() const { return counter_; }

 private:
  AesKey key_{};
  std::uint32_t counter_ = 0;
};

struct TransportKeys {
  AesKey client_to_server;
  AesKey server_to_client;
};

/// What a client remembers of the server to resume by IK (01 section 3.4).
struct KnownServer {
  PublicKey static_key{};
  CertificateWindow window;
};

/// The client side of one connection.
class HandshakeInitiator {
 public:
  struct Settings {
    PublicKey root = whatsapp_root_key;
    std::optional<std::uint64_t> now;   // unix seconds for the validity check; nullopt skips check 8
    std::optional<KnownServer> resume;  // IK is used when set
  };
  /// `payload`: the serialised ClientPayload. `ephemeral` is fresh per connection.
  HandshakeInitiator(KeyPair device_static, KeyPair ephemeral, Bytes payload, Settings settings);

  /// Body of the first frame (ClientHello), without prologue and length.
  Bytes client_hello();

  struct Finished {
    Bytes client_finish;  // body of the second frame; empty after IK (nothing to send)
    TransportKeys keys;
    KnownServer server;    // store it for the next connect
    bool resumed = false;  // one round trip by IK
  };
  /// Body of the server's frame in, the end of the handshake out. Errors: malformed, invalid_key, bad_mac
  /// (forget the known server after an IK attempt), bad_certificate.
  Result<Finished> on_server_hello(ByteView body);

 private:
  Result<Finished> finish_ik(ByteView ephemeral, ByteView payload);
  Result<Finished> finish_xx(bool fallback, ByteView ephemeral, ByteView sealed_static, ByteView payload);

  KeyPair static_;
  KeyPair ephemeral_;
  Bytes payload_;
  Settings settings_;
  struct State;
  std::shared_ptr<State> state_;  // sole owner; shared_ptr only so State may be incomplete here
};

/// The server side of one connection.
class HandshakeResponder {
 public:
  struct Settings {
    KeyPair server_static;
    Bytes certificate_chain;      // made once by issue_certificate_chain
    bool force_fallback = false;  // answer IK with a static key (knob noise.force_fallback)
  };
  HandshakeResponder(Settings settings, KeyPair ephemeral, ByteView prologue);

  struct Authenticated {
    PublicKey client_static{};
    Bytes client_payload;
    TransportKeys keys;
  };
  struct Reply {
    Bytes server_hello;                          // body of the frame to send
    std::optional<Authenticated> authenticated;  // set when IK completed with this reply
  };
  /// First frame of the client. Errors: malformed, invalid_key.
  Result<Reply> on_client_hello(ByteView body);
  /// Second frame of the client (after an XX reply). Errors: malformed, invalid_key, bad_mac.
  Result<Authenticated> on_client_finish(ByteView body);

 private:
  Settings settings_;
  KeyPair ephemeral_;
  Bytes prologue_;
  PublicKey client_ephemeral_{};
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wharf::protocol
