#include "tests/simulation/curve_memo.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names

extern "C" {
int __real_crypto_scalarmult_curve25519(unsigned char* shared, const unsigned char* scalar, const unsigned char* peer);
int __real_crypto_scalarmult_curve25519_base(unsigned char* point, const unsigned char* scalar);
int __real_crypto_sign_ed25519_verify_detached(const unsigned char* signature, const unsigned char* message,
                                               unsigned long long size, const unsigned char* key);
}

namespace wharf::simulation {

namespace {

using Key = std::array<std::uint8_t, 32>;
using Pair = std::array<std::uint8_t, 64>;

/// Keys and points are as good as random.
struct FirstBytes {
  template <class Bytes>
  std::size_t operator()(const Bytes& bytes) const {
    std::size_t hash;
    std::memcpy(&hash, bytes.data(), sizeof hash);
    return hash;
  }
};

struct Memo {
  std::unordered_map<Key, Key, FirstBytes> points;       // scalar: its point
  std::unordered_map<Pair, Key, FirstBytes> agreements;  // two points, the smaller first: what both ends get
  std::unordered_map<std::string, int> verified;         // signature, key, message
};

Memo& memo() {
  static Memo kept;
  return kept;
}

Key key_of(const unsigned char* bytes) {
  Key key;
  std::memcpy(key.data(), bytes, key.size());
  return key;
}

Pair both(const Key& one, const Key& other) {
  Pair pair;
  const bool in_order = one < other;
  std::memcpy(pair.data(), (in_order ? one : other).data(), 32);
  std::memcpy(pair.data() + 32, (in_order ? other : one).data(), 32);
  return pair;
}

}  // namespace

void forget_curve_results() { memo() = Memo(); }

}  // namespace wharf::simulation

using wharf::simulation::memo;

extern "C" {

int __wrap_crypto_scalarmult_curve25519_base(unsigned char* point, const unsigned char* scalar) {
  const auto [kept, fresh] = memo().points.try_emplace(wharf::simulation::key_of(scalar));
  int failed = 0;
  if (fresh) failed = __real_crypto_scalarmult_curve25519_base(kept->second.data(), scalar);
  std::memcpy(point, kept->second.data(), 32);
  return failed;
}

int __wrap_crypto_scalarmult_curve25519(unsigned char* shared, const unsigned char* scalar, const unsigned char* peer) {
  using wharf::simulation::both;
  using wharf::simulation::key_of;
  const auto own = memo().points.find(key_of(scalar));
  if (own == memo().points.end()) return __real_crypto_scalarmult_curve25519(shared, scalar, peer);
  const auto pair = both(own->second, key_of(peer));
  if (const auto kept = memo().agreements.find(pair); kept != memo().agreements.end()) {
    std::memcpy(shared, kept->second.data(), 32);
    return 0;
  }
  const int failed = __real_crypto_scalarmult_curve25519(shared, scalar, peer);
  if (failed == 0) memo().agreements.emplace(pair, key_of(shared));
  return failed;
}

int __wrap_crypto_sign_ed25519_verify_detached(const unsigned char* signature, const unsigned char* message,
                                               unsigned long long size, const unsigned char* key) {
  std::string input(reinterpret_cast<const char*>(signature), 64);
  input.append(reinterpret_cast<const char*>(key), 32).append(reinterpret_cast<const char*>(message), size);
  const auto [kept, fresh] = memo().verified.try_emplace(std::move(input));
  if (fresh) kept->second = __real_crypto_sign_ed25519_verify_detached(signature, message, size, key);
  return kept->second;
}

}  // extern "C"

// NOLINTEND(bugprone-reserved-identifier)
