#include <limits>
#include <stdexcept>

#include "protocol/crypto/hash.h"
#include "protocol/noise/handshake.h"
#include "protocol/noise/symmetric_state.h"

namespace wharf::protocol {

// A repeated counter under one key would open AES-GCM; the last value is never used.
constexpr std::uint32_t counter_end = std::numeric_limits<std::uint32_t>::max();

TransportCipher::~TransportCipher() { wipe(key_); }

Bytes TransportCipher::seal(ByteView plaintext) {
  if (counter_ == counter_end) throw std::length_error("transport counter exhausted: reconnect earlier");
  return gcm_seal(key_, noise_iv(counter_++), plaintext);
}

Result<Bytes> TransportCipher::open(ByteView sealed) {
  if (counter_ == counter_end) return Error(Errc::closed, "transport counter exhausted");
  return gcm_open(key_, noise_iv(counter_++), sealed);
}

}  // namespace wharf::protocol
