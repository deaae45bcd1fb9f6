#pragma once
// The injected source of randomness. protocol/ never asks the operating system: production hands in the
// kernel's generator, tests and the sandbox a seeded one.

#include <array>
#include <cstdint>
#include <span>

namespace wharf::protocol {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;

  template <std::size_t N>
  std::array<std::uint8_t, N> bytes() {
    std::array<std::uint8_t, N> out;
    fill(out);
    return out;
  }
  std::uint32_t u32() {
    auto b = bytes<4>();
    return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
  }
  /// Uniform in [0, bound); bound > 0. (Modulo bias below 2^-32 * bound: fine for jitter and ids.)
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>((std::uint64_t{u32()} * bound) >> 32); }
};

/// SHA-256 in counter mode over a seed: reproducible, for the sandbox and tests. Not for production keys.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : seed_(seed) {}
  void fill(std::span<std::uint8_t> out) override;

 private:
  std::uint64_t seed_;
  std::uint64_t counter_ = 0;
};

}  // namespace wharf::protocol
