// Algorithms are fetched once: an implicit fetch in OpenSSL 3 costs more than hashing a short message. The contexts
// are reused per thread for the same reason.

#include "protocol/crypto/hash.h"

#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace wharf::protocol {

namespace {

struct DigestContext {
  explicit DigestContext(const char* algorithm)
      : digest(EVP_MD_fetch(nullptr, algorithm, nullptr)), context(EVP_MD_CTX_new()) {
    if (digest == nullptr || context == nullptr) throw std::runtime_error(std::string("OpenSSL lacks ") + algorithm);
  }
  ~DigestContext() {
    EVP_MD_CTX_free(context);
    EVP_MD_free(digest);
  }
  DigestContext(const DigestContext&) = delete;
  DigestContext& operator=(const DigestContext&) = delete;

  template <std::size_t N>
  std::array<std::uint8_t, N> hash(ByteView message) {
    std::array<std::uint8_t, N> out;
    unsigned length = 0;
    if (EVP_DigestInit_ex2(context, digest, nullptr) != 1 ||
        EVP_DigestUpdate(context, message.data(), message.size()) != 1 ||
        EVP_DigestFinal_ex(context, out.data(), &length) != 1 || length != N)
      throw std::runtime_error("OpenSSL digest failed");
    return out;
  }

  EVP_MD* digest;
  EVP_MD_CTX* context;
};

}  // namespace

Digest32 sha256(ByteView message) {
  thread_local DigestContext context("SHA256");
  return context.hash<32>(message);
}

std::array<std::uint8_t, 20> sha1(ByteView message) {
  thread_local DigestContext context("SHA1");
  return context.hash<20>(message);
}

std::array<std::uint8_t, 16> md5(ByteView message) {
  thread_local DigestContext context("MD5");
  return context.hash<16>(message);
}

namespace {

// libsodium declares its inputs never null; an empty view may hold a null pointer.
const std::uint8_t* pointer(ByteView bytes) {
  static constexpr std::uint8_t nothing = 0;
  return bytes.empty() ? &nothing : bytes.data();
}

}  // namespace

Digest32 hmac_sha256(ByteView key, ByteView message) {
  Digest32 out;
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, pointer(key), key.size());
  crypto_auth_hmacsha256_update(&state, pointer(message), message.size());
  crypto_auth_hmacsha256_final(&state, out.data());
  return out;
}

void hkdf_sha256(ByteView input, ByteView salt, ByteView info, std::span<std::uint8_t> out) {
  if (out.size() > 255 * 32) throw std::length_error("HKDF output over 8160 bytes");
  Digest32 pseudorandom = hmac_sha256(salt, input);  // HMAC pads an empty salt with zeros, as RFC 5869 asks

  // The keyed state is the same for every block: computed once, copied.
  crypto_auth_hmacsha256_state keyed;
  crypto_auth_hmacsha256_init(&keyed, pseudorandom.data(), pseudorandom.size());
  Digest32 block;
  std::size_t block_bytes = 0;
  std::uint8_t counter = 1;
  while (!out.empty()) {
    crypto_auth_hmacsha256_state state = keyed;
    crypto_auth_hmacsha256_update(&state, block.data(), block_bytes);
    crypto_auth_hmacsha256_update(&state, pointer(info), info.size());
    crypto_auth_hmacsha256_update(&state, &counter, 1);
    crypto_auth_hmacsha256_final(&state, block.data());
    block_bytes = block.size();
    ++counter;
    const std::size_t length = std::min(out.size(), block.size());
    std::copy_n(block.begin(), length, out.begin());
    out = out.subspan(length);
  }
  wipe(pseudorandom);
  wipe(block);
  sodium_memzero(&keyed, sizeof keyed);
}

Digest32 pbkdf2_sha256(ByteView password, ByteView salt, unsigned iterations) {
  Digest32 out;
  if (PKCS5_PBKDF2_HMAC(as_text(password).data(), static_cast<int>(password.size()), salt.data(),
                        static_cast<int>(salt.size()), static_cast<int>(iterations), EVP_sha256(),
                        static_cast<int>(out.size()), out.data()) != 1)
    throw std::runtime_error("PBKDF2 failed");
  return out;
}

bool equal_constant_time(ByteView a, ByteView b) {
  return a.size() == b.size() && sodium_memcmp(pointer(a), pointer(b), a.size()) == 0;
}

void wipe(std::span<std::uint8_t> secret) { sodium_memzero(secret.data(), secret.size()); }

}  // namespace wharf::protocol
