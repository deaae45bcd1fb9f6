#include "protocol/crypto/random.h"

#include <algorithm>

#include "protocol/crypto/hash.h"

namespace wharf::protocol {

void SeededRandom::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    std::array<std::uint8_t, 16> block{};
    const std::uint64_t count = counter_++;
    for (std::size_t i = 0; i < 8; ++i) {
      block[i] = static_cast<std::uint8_t>(seed_ >> (56 - 8 * i));
      block[8 + i] = static_cast<std::uint8_t>(count >> (56 - 8 * i));
    }
    const Digest32 bytes = sha256(block);
    const std::size_t length = std::min(out.size(), bytes.size());
    std::copy_n(bytes.begin(), length, out.begin());
    out = out.subspan(length);
  }
}

}  // namespace wharf::protocol
