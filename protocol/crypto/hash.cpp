// Algorithms are fetched once: an implicit fetch in OpenSSL 3 costs more than hashing a short message. The contexts
// are reused per thread for the same reason.

#include "protocol/crypto/hash.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
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

// OpenSSL and libsodium declare their inputs never null; an empty view may hold a null pointer.
const std::uint8_t* pointer(ByteView bytes) {
  static constexpr std::uint8_t nothing = 0;
  return bytes.empty() ? &nothing : bytes.data();
}

// HMAC-SHA256 is most of what a ratchet step costs besides the curve. OpenSSL's is two to three times as fast as
// libsodium's (SHA-NI) once the context is kept; like the AES contexts it holds the last key of its thread.
class HmacContext {
 public:
  HmacContext() {
    EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    context_ = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);  // the context keeps its own reference
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                     OSSL_PARAM_construct_end()};
    if (context_ == nullptr || EVP_MAC_CTX_set_params(context_, parameters) != 1)
      throw std::runtime_error("OpenSSL lacks HMAC-SHA256");
  }
  ~HmacContext() { EVP_MAC_CTX_free(context_); }
  HmacContext(const HmacContext&) = delete;
  HmacContext& operator=(const HmacContext&) = delete;

  void set_key(ByteView key) { check(EVP_MAC_init(context_, pointer(key), key.size(), nullptr)); }
  void restart() { check(EVP_MAC_init(context_, nullptr, 0, nullptr)); }  // with the same key
  void update(ByteView bytes) { check(EVP_MAC_update(context_, pointer(bytes), bytes.size())); }
  void finish(Digest32& out) {
    std::size_t length = 0;
    check(EVP_MAC_final(context_, out.data(), &length, out.size()));
  }

 private:
  static void check(int status) {
    if (status != 1) throw std::runtime_error("OpenSSL HMAC failed");
  }
  EVP_MAC_CTX* context_ = nullptr;
};

HmacContext& hmac_context() {
  thread_local HmacContext context;
  return context;
}

}  // namespace

Digest32 hmac_sha256(ByteView key, ByteView message) {
  HmacContext& hmac = hmac_context();
  Digest32 out;
  hmac.set_key(key);
  hmac.update(message);
  hmac.finish(out);
  return out;
}

void hkdf_sha256(ByteView input, ByteView salt, ByteView info, std::span<std::uint8_t> out) {
  if (out.size() > 255 * 32) throw std::length_error("HKDF output over 8160 bytes");
  HmacContext& hmac = hmac_context();
  Digest32 block = hmac_sha256(salt, input);  // HMAC pads an empty salt with zeros, as RFC 5869 asks
  hmac.set_key(block);
  std::size_t block_bytes = 0;
  std::uint8_t counter = 1;
  while (!out.empty()) {
    if (counter > 1) hmac.restart();
    hmac.update(ByteView(block).first(block_bytes));
    hmac.update(info);
    hmac.update(ByteView(&counter, 1));
    hmac.finish(block);
    block_bytes = block.size();
    ++counter;
    const std::size_t length = std::min(out.size(), block.size());
    std::copy_n(block.begin(), length, out.begin());
    out = out.subspan(length);
  }
  wipe(block);
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
