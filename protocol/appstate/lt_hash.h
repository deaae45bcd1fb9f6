#pragma once
// The summation hash of an app-state collection: 64 lanes of 16 bits, so that records enter and leave in any order.
// Specification 04 section 8.6.

#include <array>
#include <cstdint>
#include <optional>

#include "protocol/bytes.h"
#include "protocol/crypto/hash.h"

namespace wharf::protocol {

class LtHash {
 public:
  static constexpr std::size_t size = 128;
  using State = std::array<std::uint8_t, size>;

  LtHash() = default;  // of an empty collection
  /// nullopt when `state` is not 128 bytes.
  static std::optional<LtHash> from(ByteView state);

  void add(const Digest32& value_mac);
  void subtract(const Digest32& value_mac);
  const State& bytes() const { return state_; }
  friend bool operator==(const LtHash&, const LtHash&) = default;

 private:
  State state_{};
};

}  // namespace wharf::protocol
