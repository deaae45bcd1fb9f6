// The client side. XX by default; IK when a server key is known, and XXfallback when the server answers IK with a
// static key of its own. All three share the steps behind ServerHello.

#include "protocol/noise/frame.h"
#include "protocol/noise/handshake.h"
#include "protocol/noise/handshake_wire.h"
#include "protocol/noise/symmetric_state.h"

namespace wharf::protocol {

struct HandshakeInitiator::State {
  SymmetricState noise;
};

HandshakeInitiator::HandshakeInitiator(KeyPair device_static, KeyPair ephemeral, Bytes payload, Settings settings)
    : static_(std::move(device_static)),
      ephemeral_(std::move(ephemeral)),
      payload_(std::move(payload)),
      settings_(std::move(settings)) {}

Bytes HandshakeInitiator::client_hello() {
  wire::noise::HandshakeMessage message;
  wire::noise::ClientHello& hello = *message.mutable_client_hello();
  hello.set_ephemeral(wire_bytes(ephemeral_.pub));

  if (settings_.resume) {
    SymmetricState noise(noise_ik, connection_header);
    const PublicKey& server = settings_.resume->static_key;
    noise.mix_hash(server);
    noise.mix_hash(ephemeral_.pub);
    if (noise.mix_agreement(ephemeral_.secret, server)) {
      hello.set_static_key(wire_bytes(noise.encrypt(static_.pub)));
      // The same key agreed with a moment ago, so this agreement cannot be all zero either.
      if (noise.mix_agreement(static_.secret, server)) hello.set_payload(wire_bytes(noise.encrypt(payload_)));
      state_ = std::make_shared<State>(State{noise});
      return to_bytes(message.SerializeAsString());
    }
    settings_.resume.reset();  // a remembered key of low order: plain XX
  }
  SymmetricState noise(noise_xx, connection_header);
  noise.mix_hash(ephemeral_.pub);
  state_ = std::make_shared<State>(State{noise});
  return to_bytes(message.SerializeAsString());
}

Result<HandshakeInitiator::Finished> HandshakeInitiator::on_server_hello(ByteView body) {
  if (!state_) return Error(Errc::malformed, "handshake: no ServerHello is expected");
  Result<wire::noise::HandshakeMessage> message = parse_handshake(body);
  if (!message) return message.error();
  const wire::noise::ServerHello& hello = message->server_hello();
  if (!message->has_server_hello() || !hello.has_ephemeral() || !hello.has_payload())
    return Error(Errc::malformed, "handshake: ServerHello is incomplete");

  const ByteView ephemeral = as_bytes(hello.ephemeral()), payload = as_bytes(hello.payload());
  Result<Finished> finished =
      hello.has_static_key() ? finish_xx(settings_.resume.has_value(), ephemeral, as_bytes(hello.static_key()), payload)
      : settings_.resume     ? finish_ik(ephemeral, payload)
                             : Result<Finished>(Error(Errc::malformed, "handshake: ServerHello without static key"));
  state_.reset();  // one answer per ClientHello
  return finished;
}

Result<HandshakeInitiator::Finished> HandshakeInitiator::finish_ik(ByteView ephemeral, ByteView payload) {
  SymmetricState& noise = state_->noise;
  Result<PublicKey> server_ephemeral = handshake_key(ephemeral, "server ephemeral");
  if (!server_ephemeral) return server_ephemeral.error();
  noise.mix_hash(*server_ephemeral);
  if (auto mixed = noise.mix_agreement(ephemeral_.secret, *server_ephemeral); !mixed) return mixed.error();
  if (auto mixed = noise.mix_agreement(static_.secret, *server_ephemeral); !mixed) return mixed.error();
  // That it decrypts proves the server holds the remembered key; the chain was verified when it was stored.
  Result<Bytes> chain = noise.decrypt(payload);
  if (!chain) return chain.error();

  const SymmetricState::Split keys = noise.split();
  Finished out;
  out.keys = {keys.client_to_server, keys.server_to_client};
  out.server = *settings_.resume;
  out.resumed = true;
  return out;
}

Result<HandshakeInitiator::Finished> HandshakeInitiator::finish_xx(bool fallback, ByteView ephemeral,
                                                                   ByteView sealed_static, ByteView payload) {
  if (fallback) {  // the ephemeral of the IK ClientHello counts as sent
    state_->noise = SymmetricState(noise_xx_fallback, connection_header);
    state_->noise.mix_hash(ephemeral_.pub);
  }
  SymmetricState& noise = state_->noise;
  Result<PublicKey> server_ephemeral = handshake_key(ephemeral, "server ephemeral");
  if (!server_ephemeral) return server_ephemeral.error();
  noise.mix_hash(*server_ephemeral);
  if (auto mixed = noise.mix_agreement(ephemeral_.secret, *server_ephemeral); !mixed) return mixed.error();
  Result<Bytes> static_bytes = noise.decrypt(sealed_static);
  if (!static_bytes) return static_bytes.error();
  Result<PublicKey> server_static = handshake_key(*static_bytes, "server static");
  if (!server_static) return server_static.error();
  if (auto mixed = noise.mix_agreement(ephemeral_.secret, *server_static); !mixed) return mixed.error();
  Result<Bytes> chain = noise.decrypt(payload);
  if (!chain) return chain.error();
  Result<CertificateWindow> window = verify_certificate_chain(*chain, settings_.root, *server_static, settings_.now);
  if (!window) return window.error();

  wire::noise::HandshakeMessage message;
  wire::noise::ClientFinish& finish = *message.mutable_client_finish();
  finish.set_static_key(wire_bytes(noise.encrypt(static_.pub)));
  if (auto mixed = noise.mix_agreement(static_.secret, *server_ephemeral); !mixed) return mixed.error();
  finish.set_payload(wire_bytes(noise.encrypt(payload_)));

  const SymmetricState::Split keys = noise.split();
  Finished out;
  out.client_finish = to_bytes(message.SerializeAsString());
  out.keys = {keys.client_to_server, keys.server_to_client};
  out.server = {*server_static, *window};
  return out;
}

}  // namespace wharf::protocol
