#pragma once
// Randomness with known values, for replaying vectors that were made with them.

#include <algorithm>
#include <deque>
#include <stdexcept>
#include <utility>

#include "protocol/bytes.h"
#include "protocol/crypto/random.h"

namespace wharf::test {

/// Hands out pushed draws in order. A draw beyond the script, or of another length than scripted, throws: the code
/// under test asked for randomness the vector does not know.
class ScriptedRandom final : public protocol::Random {
 public:
  ScriptedRandom() = default;
  explicit ScriptedRandom(protocol::Bytes draw) { push(std::move(draw)); }
  void push(protocol::Bytes draw) { draws_.push_back(std::move(draw)); }
  bool drained() const { return draws_.empty(); }

  void fill(std::span<std::uint8_t> out) override {
    if (draws_.empty()) throw std::logic_error("a draw beyond the end of the script");
    if (draws_.front().size() != out.size()) throw std::logic_error("a draw of another length than scripted");
    std::copy(draws_.front().begin(), draws_.front().end(), out.begin());
    draws_.pop_front();
  }

 private:
  std::deque<protocol::Bytes> draws_;
};

}  // namespace wharf::test
