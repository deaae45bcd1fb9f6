#include "protocol/appstate/lt_hash.h"

namespace wharf::protocol {

namespace {

/// Lane by lane modulo 65536; `sign` is 1 or -1.
void accumulate(LtHash::State& state, const Digest32& value_mac, int sign) {
  const auto expanded = hkdf_sha256<LtHash::size>(value_mac, {}, as_bytes("WhatsApp Patch Integrity"));
  for (std::size_t i = 0; i < state.size(); i += 2) {
    const int lane = state[i] | state[i + 1] << 8;
    const auto sum = static_cast<unsigned>(lane + sign * (expanded[i] | expanded[i + 1] << 8));
    state[i] = static_cast<std::uint8_t>(sum);
    state[i + 1] = static_cast<std::uint8_t>(sum >> 8);
  }
}

}  // namespace

std::optional<LtHash> LtHash::from(ByteView state) {
  const auto bytes = exactly<size>(state);
  if (!bytes) return std::nullopt;
  LtHash hash;
  hash.state_ = *bytes;
  return hash;
}

void LtHash::add(const Digest32& value_mac) { accumulate(state_, value_mac, 1); }
void LtHash::subtract(const Digest32& value_mac) { accumulate(state_, value_mac, -1); }

}  // namespace wharf::protocol
