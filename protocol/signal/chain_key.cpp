#include "protocol/signal/chain_key.h"

#include <algorithm>
#include <array>

namespace wharf::protocol::detail {

namespace {

constexpr std::array<std::uint8_t, 1> seed_label = {0x01};
constexpr std::array<std::uint8_t, 1> chain_label = {0x02};

}  // namespace

Secret32 message_seed(const Secret32& chain_key) { return Secret32(hmac_sha256(chain_key.bytes, seed_label)); }
Secret32 next_chain_key(const Secret32& chain_key) { return Secret32(hmac_sha256(chain_key.bytes, chain_label)); }

std::optional<std::size_t> find_skipped(const std::vector<SkippedKey>& skipped, std::uint32_t counter) {
  const auto found = std::lower_bound(skipped.begin(), skipped.end(), counter,
                                      [](const SkippedKey& key, std::uint32_t value) { return key.counter < value; });
  if (found == skipped.end() || found->counter != counter) return std::nullopt;
  return static_cast<std::size_t>(found - skipped.begin());
}

}  // namespace wharf::protocol::detail
