#pragma once
// The fields of the handshake messages with their sizes checked. Specification 01 section 3.2. Only for noise/*.cpp.

#include "protocol/bytes.h"
#include "protocol/crypto/curve25519.h"
#include "protocol/proto/noise.pb.h"
#include "protocol/result.h"

namespace wharf::protocol {

inline Result<wire::noise::HandshakeMessage> parse_handshake(ByteView body) {
  wire::noise::HandshakeMessage message;
  if (!message.ParseFromArray(body.data(), static_cast<int>(body.size())))
    return Error(Errc::malformed, "handshake: no protobuf");
  return message;
}

inline Result<PublicKey> handshake_key(ByteView bytes, const char* what) {
  const auto key = exactly<32>(bytes);
  if (!key) return Error(Errc::malformed, std::string("handshake: ") + what + " is not 32 bytes");
  return *key;
}

inline std::string wire_bytes(ByteView bytes) { return std::string(as_text(bytes)); }

}  // namespace wharf::protocol
