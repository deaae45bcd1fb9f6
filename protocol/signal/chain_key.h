#pragma once
// Internal to protocol/signal: the symmetric half that pairwise sessions and sender keys share. A chain key yields the
// seed of one message's keys and the next chain key. Specification 03 sections 1.5 and 2.
//
// A skipped message key is kept as its 32-byte seed; what is expanded from it is derived when the late message arrives.

#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/crypto/curve25519.h"
#include "protocol/crypto/hash.h"

namespace wharf::protocol::detail {

/// 32 secret bytes (root key, chain key, message seed). Wiped when destroyed; never printed.
struct Secret32 {
  Key32 bytes{};

  Secret32() = default;
  explicit Secret32(const Key32& value) : bytes(value) {}
  Secret32(const Secret32&) = default;
  Secret32& operator=(const Secret32&) = default;
  ~Secret32() { wipe(bytes); }
};

/// HMAC(chain key, 01): what a message's keys are expanded from.
Secret32 message_seed(const Secret32& chain_key);
/// HMAC(chain key, 02).
Secret32 next_chain_key(const Secret32& chain_key);

struct SkippedKey {
  std::uint32_t counter = 0;
  Secret32 seed;
};
/// Index of the key with this counter; `skipped` is ascending.
std::optional<std::size_t> find_skipped(const std::vector<SkippedKey>& skipped, std::uint32_t counter);

}  // namespace wharf::protocol::detail
