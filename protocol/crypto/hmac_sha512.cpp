#include "protocol/crypto/hmac_sha512.h"

#include <sodium.h>

namespace wharf::protocol {

std::array<std::uint8_t, 64> hmac_sha512(ByteView key, ByteView message) {
  std::array<std::uint8_t, 64> out;
  crypto_auth_hmacsha512_state state;
  crypto_auth_hmacsha512_init(&state, key.data(), key.size());
  crypto_auth_hmacsha512_update(&state, message.data(), message.size());
  crypto_auth_hmacsha512_final(&state, out.data());
  return out;
}

}  // namespace wharf::protocol
