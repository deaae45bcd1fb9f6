#pragma once
// Randomness with known values, for comparing against vectors that were made with them.

#include <stdexcept>
#include <utility>

#include "protocol/bytes.h"
#include "protocol/crypto/random.h"

namespace wharf::test {

/// Hands out the given bytes in order; throws when more are asked for.
class ScriptedRandom final : public protocol::Random {
 public:
  explicit ScriptedRandom(protocol::Bytes script) : script_(std::move(script)) {}
  void fill(std::span<std::uint8_t> out) override {
    if (script_.size() - next_ < out.size()) throw std::logic_error("scripted randomness is used up");
    for (auto& byte : out) byte = script_[next_++];
  }
  bool used_up() const { return next_ == script_.size(); }

 private:
  protocol::Bytes script_;
  std::size_t next_ = 0;
};

}  // namespace wharf::test
