#include "tests/protocol/signal/oracle/libsignal_library.h"

#include <openssl/evp.h>
#include <sodium.h>

#include <memory>

namespace wharf::test {

using protocol::Bytes;
using protocol::ByteView;

namespace {

int random_bytes(std::uint8_t* data, std::size_t length, void* user) {
  static_cast<protocol::Random*>(user)->fill({data, length});
  return 0;
}

int hmac_init(void** context, const std::uint8_t* key, std::size_t length, void*) {
  auto* state = new crypto_auth_hmacsha256_state;
  crypto_auth_hmacsha256_init(state, key, length);
  *context = state;
  return 0;
}
int hmac_update(void* context, const std::uint8_t* data, std::size_t length, void*) {
  return crypto_auth_hmacsha256_update(static_cast<crypto_auth_hmacsha256_state*>(context), data, length);
}
int hmac_final(void* context, signal_buffer** output, void*) {
  Bytes digest(crypto_auth_hmacsha256_BYTES);
  crypto_auth_hmacsha256_final(static_cast<crypto_auth_hmacsha256_state*>(context), digest.data());
  *output = to_buffer(digest);
  return 0;
}
void hmac_cleanup(void* context, void*) { delete static_cast<crypto_auth_hmacsha256_state*>(context); }

int sha512_init(void** context, void*) {
  auto* state = new crypto_hash_sha512_state;
  crypto_hash_sha512_init(state);
  *context = state;
  return 0;
}
int sha512_update(void* context, const std::uint8_t* data, std::size_t length, void*) {
  return crypto_hash_sha512_update(static_cast<crypto_hash_sha512_state*>(context), data, length);
}
int sha512_final(void* context, signal_buffer** output, void*) {
  auto* state = static_cast<crypto_hash_sha512_state*>(context);
  Bytes digest(crypto_hash_sha512_BYTES);
  crypto_hash_sha512_final(state, digest.data());
  crypto_hash_sha512_init(state);
  *output = to_buffer(digest);
  return 0;
}
void sha512_cleanup(void* context, void*) { delete static_cast<crypto_hash_sha512_state*>(context); }

enum class Direction { decrypt = 0, encrypt = 1 };

int cbc(Direction direction, signal_buffer** output, int cipher, ByteView key, ByteView iv, ByteView input) {
  if (cipher != SG_CIPHER_AES_CBC_PKCS5 || key.size() != 32 || iv.size() != 16) return SG_ERR_INVAL;
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                EVP_CIPHER_CTX_free);
  Bytes out(input.size() + 32);
  int body = 0, tail = 0;
  if (EVP_CipherInit_ex(context.get(), EVP_aes_256_cbc(), nullptr, key.data(), iv.data(),
                        static_cast<int>(direction)) != 1 ||
      EVP_CipherUpdate(context.get(), out.data(), &body, input.data(), static_cast<int>(input.size())) != 1 ||
      EVP_CipherFinal_ex(context.get(), out.data() + body, &tail) != 1)
    return SG_ERR_UNKNOWN;
  out.resize(static_cast<std::size_t>(body + tail));
  *output = to_buffer(out);
  return 0;
}
int cbc_encrypt(signal_buffer** output, int cipher, const std::uint8_t* key, std::size_t key_length,
                const std::uint8_t* iv, std::size_t iv_length, const std::uint8_t* input, std::size_t length, void*) {
  return cbc(Direction::encrypt, output, cipher, {key, key_length}, {iv, iv_length}, {input, length});
}
int cbc_decrypt(signal_buffer** output, int cipher, const std::uint8_t* key, std::size_t key_length,
                const std::uint8_t* iv, std::size_t iv_length, const std::uint8_t* input, std::size_t length, void*) {
  return cbc(Direction::decrypt, output, cipher, {key, key_length}, {iv, iv_length}, {input, length});
}

}  // namespace

void set_crypto_provider(signal_context* context, protocol::Random& random) {
  signal_crypto_provider provider{};
  provider.random_func = random_bytes;
  provider.hmac_sha256_init_func = hmac_init;
  provider.hmac_sha256_update_func = hmac_update;
  provider.hmac_sha256_final_func = hmac_final;
  provider.hmac_sha256_cleanup_func = hmac_cleanup;
  provider.sha512_digest_init_func = sha512_init;
  provider.sha512_digest_update_func = sha512_update;
  provider.sha512_digest_final_func = sha512_final;
  provider.sha512_digest_cleanup_func = sha512_cleanup;
  provider.encrypt_func = cbc_encrypt;
  provider.decrypt_func = cbc_decrypt;
  provider.user_data = &random;
  check(signal_context_set_crypto_provider(context, &provider), "set_crypto_provider");
}

}  // namespace wharf::test
