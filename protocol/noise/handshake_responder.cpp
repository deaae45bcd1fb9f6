// The server side of the simulated network. An IK ClientHello that cannot be used (another server key, force_fallback)
// is answered as XXfallback with the client's ephemeral key. Specification 06 sections 1.3 and 1.4.

#include "protocol/noise/handshake.h"
#include "protocol/noise/handshake_wire.h"
#include "protocol/noise/symmetric_state.h"

namespace wharf::protocol {

struct HandshakeResponder::State {
  std::optional<SymmetricState> noise;  // waits for ClientFinish
  bool greeted = false;                 // a second ClientHello is refused
};

namespace {

TransportKeys transport_keys(const SymmetricState& noise) {
  const SymmetricState::Split keys = noise.split();
  return {keys.client_to_server, keys.server_to_client};
}

/// What an IK ClientHello proves before anything is answered.
struct Resumption {
  SymmetricState noise;
  PublicKey client_static{};
  Bytes client_payload;
};

Result<Resumption> open_ik(const wire::noise::ClientHello& hello, const KeyPair& server, ByteView prologue,
                           const PublicKey& client_ephemeral) {
  Resumption out{SymmetricState(noise_ik, prologue), {}, {}};
  out.noise.mix_hash(server.pub);
  out.noise.mix_hash(client_ephemeral);
  if (auto mixed = out.noise.mix_agreement(server.secret, client_ephemeral); !mixed) return mixed.error();
  Result<Bytes> static_bytes = out.noise.decrypt(as_bytes(hello.static_key()));
  if (!static_bytes) return static_bytes.error();
  Result<PublicKey> client_static = handshake_key(*static_bytes, "client static");
  if (!client_static) return client_static.error();
  if (auto mixed = out.noise.mix_agreement(server.secret, *client_static); !mixed) return mixed.error();
  Result<Bytes> payload = out.noise.decrypt(as_bytes(hello.payload()));
  if (!payload) return payload.error();
  out.client_static = *client_static;
  out.client_payload = std::move(*payload);
  return out;
}

}  // namespace

HandshakeResponder::HandshakeResponder(Settings settings, KeyPair ephemeral, ByteView prologue)
    : settings_(std::move(settings)),
      ephemeral_(std::move(ephemeral)),
      prologue_(to_bytes(prologue)),
      state_(std::make_shared<State>()) {}

Result<HandshakeResponder::Reply> HandshakeResponder::on_client_hello(ByteView body) {
  if (state_->greeted) return Error(Errc::malformed, "handshake: second ClientHello");
  state_->greeted = true;
  Result<wire::noise::HandshakeMessage> message = parse_handshake(body);
  if (!message) return message.error();
  if (!message->has_client_hello()) return Error(Errc::malformed, "handshake: no ClientHello");
  const wire::noise::ClientHello& hello = message->client_hello();
  Result<PublicKey> ephemeral = handshake_key(as_bytes(hello.ephemeral()), "client ephemeral");
  if (!ephemeral) return ephemeral.error();
  client_ephemeral_ = *ephemeral;
  if (hello.has_static_key() != hello.has_payload())
    return Error(Errc::malformed, "handshake: ClientHello is half an IK message");

  wire::noise::HandshakeMessage answer;
  wire::noise::ServerHello& server_hello = *answer.mutable_server_hello();
  server_hello.set_ephemeral(wire_bytes(ephemeral_.pub));
  Reply reply;

  const bool wants_ik = hello.has_static_key();
  if (wants_ik && !settings_.force_fallback) {
    Result<Resumption> opened = open_ik(hello, settings_.server_static, prologue_, client_ephemeral_);
    if (opened) {
      SymmetricState& noise = opened->noise;
      noise.mix_hash(ephemeral_.pub);
      if (auto mixed = noise.mix_agreement(ephemeral_.secret, client_ephemeral_); !mixed) return mixed.error();
      if (auto mixed = noise.mix_agreement(ephemeral_.secret, opened->client_static); !mixed) return mixed.error();
      server_hello.set_payload(wire_bytes(noise.encrypt(settings_.certificate_chain)));
      reply.authenticated =
          Authenticated{opened->client_static, std::move(opened->client_payload), transport_keys(noise)};
      reply.server_hello = to_bytes(answer.SerializeAsString());
      return reply;
    }
  }

  SymmetricState noise(wants_ik ? noise_xx_fallback : noise_xx, prologue_);
  noise.mix_hash(client_ephemeral_);
  noise.mix_hash(ephemeral_.pub);
  if (auto mixed = noise.mix_agreement(ephemeral_.secret, client_ephemeral_); !mixed) return mixed.error();
  server_hello.set_static_key(wire_bytes(noise.encrypt(settings_.server_static.pub)));
  if (auto mixed = noise.mix_agreement(settings_.server_static.secret, client_ephemeral_); !mixed) return mixed.error();
  server_hello.set_payload(wire_bytes(noise.encrypt(settings_.certificate_chain)));
  state_->noise = noise;
  reply.server_hello = to_bytes(answer.SerializeAsString());
  return reply;
}

Result<HandshakeResponder::Authenticated> HandshakeResponder::on_client_finish(ByteView body) {
  if (!state_->noise) return Error(Errc::malformed, "handshake: no ClientFinish is expected");
  SymmetricState noise = *state_->noise;
  state_->noise.reset();  // one attempt
  Result<wire::noise::HandshakeMessage> message = parse_handshake(body);
  if (!message) return message.error();
  const wire::noise::ClientFinish& finish = message->client_finish();
  if (!message->has_client_finish() || !finish.has_static_key() || !finish.has_payload())
    return Error(Errc::malformed, "handshake: ClientFinish is incomplete");

  Result<Bytes> static_bytes = noise.decrypt(as_bytes(finish.static_key()));
  if (!static_bytes) return static_bytes.error();
  Result<PublicKey> client_static = handshake_key(*static_bytes, "client static");
  if (!client_static) return client_static.error();
  if (auto mixed = noise.mix_agreement(ephemeral_.secret, *client_static); !mixed) return mixed.error();
  Result<Bytes> payload = noise.decrypt(as_bytes(finish.payload()));
  if (!payload) return payload.error();
  return Authenticated{*client_static, std::move(*payload), transport_keys(noise)};
}

}  // namespace wharf::protocol
