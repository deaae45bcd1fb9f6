// Each thread keeps one context per mode and direction: the algorithm is fetched once and a call only sets key and IV.
// A context holds the last key schedule until the next call of its thread; the same keys live in the session anyway.

#include "protocol/crypto/aes.h"

#include <openssl/evp.h>

#include <limits>
#include <stdexcept>

namespace wharf::protocol {

namespace {

constexpr std::size_t tag_bytes = 16;
constexpr std::size_t block_bytes = 16;

enum class Direction { decrypt = 0, encrypt = 1 };

class CipherContext {
 public:
  CipherContext(const char* algorithm, Direction direction) : context_(EVP_CIPHER_CTX_new()) {
    EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, algorithm, nullptr);
    const bool ready =
        cipher != nullptr && context_ != nullptr &&
        EVP_CipherInit_ex2(context_, cipher, nullptr, nullptr, static_cast<int>(direction), nullptr) == 1;
    EVP_CIPHER_free(cipher);  // the context keeps its own reference
    if (!ready) throw std::runtime_error(std::string("OpenSSL lacks ") + algorithm);
  }
  ~CipherContext() { EVP_CIPHER_CTX_free(context_); }
  CipherContext(const CipherContext&) = delete;
  CipherContext& operator=(const CipherContext&) = delete;

  EVP_CIPHER_CTX* start(const AesKey& key, const std::uint8_t* iv) {
    if (EVP_CipherInit_ex2(context_, nullptr, key.data(), iv, -1, nullptr) != 1) fail();
    return context_;
  }
  [[noreturn]] static void fail() { throw std::runtime_error("OpenSSL cipher failed"); }

 private:
  EVP_CIPHER_CTX* context_;
};

int as_int(std::size_t length) {
  if (length > static_cast<std::size_t>(std::numeric_limits<int>::max()) - block_bytes)
    throw std::length_error("cipher input over 2 GiB");
  return static_cast<int>(length);
}

void add_aad(EVP_CIPHER_CTX* context, ByteView aad) {
  int length = 0;
  if (!aad.empty() && EVP_CipherUpdate(context, nullptr, &length, aad.data(), as_int(aad.size())) != 1)
    CipherContext::fail();
}

// OpenSSL reads a null input pointer as a request of its own; empty input is skipped instead.
int update(EVP_CIPHER_CTX* context, std::uint8_t* out, ByteView input) {
  int length = 0;
  if (!input.empty() && EVP_CipherUpdate(context, out, &length, input.data(), as_int(input.size())) != 1)
    CipherContext::fail();
  return length;
}

}  // namespace

Bytes gcm_seal(const AesKey& key, const GcmIv& iv, ByteView plaintext, ByteView aad) {
  thread_local CipherContext cipher("AES-256-GCM", Direction::encrypt);
  EVP_CIPHER_CTX* context = cipher.start(key, iv.data());
  add_aad(context, aad);
  Bytes out(plaintext.size() + tag_bytes);
  update(context, out.data(), plaintext);
  std::uint8_t* tag = out.data() + plaintext.size();
  int length = 0;
  if (EVP_CipherFinal_ex(context, tag, &length) != 1 ||
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tag_bytes, tag) != 1)
    CipherContext::fail();
  return out;
}

Result<Bytes> gcm_open(const AesKey& key, const GcmIv& iv, ByteView sealed, ByteView aad) {
  if (sealed.size() < tag_bytes) return Error(Errc::bad_mac, "shorter than the AES-GCM tag");
  thread_local CipherContext cipher("AES-256-GCM", Direction::decrypt);
  EVP_CIPHER_CTX* context = cipher.start(key, iv.data());
  add_aad(context, aad);
  Bytes out(sealed.size() - tag_bytes);
  update(context, out.data(), sealed.first(out.size()));
  std::array<std::uint8_t, tag_bytes> tag = *exactly<tag_bytes>(sealed.last(tag_bytes));
  if (EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag_bytes, tag.data()) != 1) CipherContext::fail();
  std::array<std::uint8_t, block_bytes> rest;
  int length = 0;
  if (EVP_CipherFinal_ex(context, rest.data(), &length) != 1)
    return Error(Errc::bad_mac, "AES-GCM tag does not verify");
  return out;
}

Bytes cbc_encrypt(const AesKey& key, const BlockIv& iv, ByteView plaintext) {
  thread_local CipherContext cipher("AES-256-CBC", Direction::encrypt);
  EVP_CIPHER_CTX* context = cipher.start(key, iv.data());
  Bytes out(plaintext.size() / block_bytes * block_bytes + block_bytes);
  const int written = update(context, out.data(), plaintext);
  int length = 0;
  if (EVP_CipherFinal_ex(context, out.data() + written, &length) != 1) CipherContext::fail();
  return out;
}

Result<Bytes> cbc_decrypt(const AesKey& key, const BlockIv& iv, ByteView ciphertext) {
  if (ciphertext.empty() || ciphertext.size() % block_bytes != 0)
    return Error(Errc::bad_mac, "AES-CBC ciphertext does not decrypt");
  thread_local CipherContext cipher("AES-256-CBC", Direction::decrypt);
  EVP_CIPHER_CTX* context = cipher.start(key, iv.data());
  Bytes out(ciphertext.size() + block_bytes);  // OpenSSL may touch one block more
  const int written = update(context, out.data(), ciphertext);
  int length = 0;
  if (EVP_CipherFinal_ex(context, out.data() + written, &length) != 1)
    return Error(Errc::bad_mac, "AES-CBC ciphertext does not decrypt");
  out.resize(static_cast<std::size_t>(written + length));
  return out;
}

Bytes ctr_crypt(const AesKey& key, const BlockIv& counter, ByteView input) {
  thread_local CipherContext cipher("AES-256-CTR", Direction::encrypt);
  EVP_CIPHER_CTX* context = cipher.start(key, counter.data());
  Bytes out(input.size());
  update(context, out.data(), input);
  return out;
}

}  // namespace wharf::protocol
