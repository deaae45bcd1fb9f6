// libsodium holds the curve; libxeddsa signs and converts Montgomery keys. libxeddsa follows the published XEdDSA,
// where the Edwards key always has sign 0; libsignal keeps the real sign in bit 7 of signature byte 63. Signing with
// the raw scalar and writing that bit, and verifying against the key with the bit's sign, bridges the two.

#include "protocol/crypto/curve25519.h"

#include <sodium.h>

#include <algorithm>
#include <limits>

#include "protocol/crypto/hash.h"

// Debian's xeddsa.h includes a header the package does not ship.
extern "C" {
void ed25519_priv_sign(std::uint8_t* signature, const std::uint8_t* private_key, const std::uint8_t* message,
                       std::uint32_t message_size, const std::uint8_t* nonce);
void curve25519_pub_to_ed25519_pub(std::uint8_t* edwards, const std::uint8_t* montgomery, bool sign);
void priv_to_ed25519_pub(std::uint8_t* edwards, const std::uint8_t* private_key);
int xeddsa_init();
}

namespace wharf::protocol {

namespace {

// Selects libsodium's AVX curve code; without it every agreement takes the portable path.
const bool libraries_ready = sodium_init() >= 0 && xeddsa_init() >= 0;

// Little-endian u-coordinates of small order (and their forms above p). XEdDSA with such a key proves nothing.
constexpr std::array<Key32, 7> low_order_keys = {{
    {},
    {0x01},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
     0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
     0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
}};

bool is_low_order(Key32 key) {
  key[31] &= 0x7f;
  return std::find(low_order_keys.begin(), low_order_keys.end(), key) != low_order_keys.end();
}

constexpr std::uint8_t sign_bit = 0x80;

}  // namespace

PrivateKey::PrivateKey(const Key32& scalar) : scalar_(scalar) {
  scalar_[0] &= 0xf8;
  scalar_[31] = static_cast<std::uint8_t>((scalar_[31] & 0x7f) | 0x40);
}

PrivateKey::~PrivateKey() { wipe(scalar_); }

KeyPair KeyPair::generate(Random& random) {
  Key32 scalar = random.bytes<32>();
  KeyPair pair = from_secret(scalar);
  wipe(scalar);
  return pair;
}

KeyPair KeyPair::from_secret(const Key32& scalar) {
  KeyPair pair{PrivateKey(scalar), {}};
  crypto_scalarmult_curve25519_base(pair.pub.data(), pair.secret.scalar().data());
  return pair;
}

Result<Key32> agree(const PrivateKey& own, const PublicKey& peer) {
  Key32 shared{};
  if (crypto_scalarmult_curve25519(shared.data(), own.scalar().data(), peer.data()) != 0)
    return Error(Errc::invalid_key, "the key agreement is all zero");
  return shared;
}

Signature xeddsa_sign(const KeyPair& key, ByteView message, Random& random) {
  if (message.size() > std::numeric_limits<std::uint32_t>::max()) throw std::length_error("message to sign over 4 GiB");
  auto nonce = random.bytes<64>();
  Key32 edwards;
  priv_to_ed25519_pub(edwards.data(), key.secret.scalar().data());
  Signature signature;
  ed25519_priv_sign(signature.data(), key.secret.scalar().data(), message.data(),
                    static_cast<std::uint32_t>(message.size()), nonce.data());
  signature[63] = static_cast<std::uint8_t>(signature[63] | (edwards[31] & sign_bit));
  wipe(nonce);
  return signature;
}

bool xeddsa_verify(const PublicKey& key, ByteView message, ByteView signature) {
  if (signature.size() != 64 || (signature[63] & 0x60) != 0 || is_low_order(key)) return false;
  Signature plain = *exactly<64>(signature);
  plain[63] &= 0x7f;
  PublicKey masked = key;  // the Montgomery decoder ignores bit 255
  masked[31] &= 0x7f;
  Key32 edwards;
  curve25519_pub_to_ed25519_pub(edwards.data(), masked.data(), (signature[63] & sign_bit) != 0);
  // libsodium refuses S >= L and points of small order.
  return crypto_sign_ed25519_verify_detached(plain.data(), message.data(), message.size(), edwards.data()) == 0;
}

std::array<std::uint8_t, 33> typed(const PublicKey& key) {
  std::array<std::uint8_t, 33> out;
  out[0] = 0x05;
  std::copy(key.begin(), key.end(), out.begin() + 1);
  return out;
}

std::optional<PublicKey> untyped(ByteView bytes) {
  if (bytes.size() != 33 || bytes[0] != 0x05) return std::nullopt;
  return exactly<32>(bytes.subspan(1));
}

}  // namespace wharf::protocol
