#include "protocol/crypto/hash_stream.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <stdexcept>

namespace wharf::protocol {

namespace {

void check(bool done) {
  if (!done) throw std::runtime_error("OpenSSL hash stream failed");
}

// OpenSSL takes a null key pointer for "keep the one you have".
const std::uint8_t* pointer(ByteView bytes) {
  static constexpr std::uint8_t nothing = 0;
  return bytes.empty() ? &nothing : bytes.data();
}

}  // namespace

void Sha256Stream::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

Sha256Stream::Sha256Stream() : context_(EVP_MD_CTX_new()) {
  EVP_MD* digest = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  const bool ready =
      digest != nullptr && context_ != nullptr && EVP_DigestInit_ex2(context_.get(), digest, nullptr) == 1;
  EVP_MD_free(digest);  // the context keeps its own reference
  if (!ready) throw std::runtime_error("OpenSSL lacks SHA256");
}

void Sha256Stream::update(ByteView bytes) {
  check(EVP_DigestUpdate(context_.get(), pointer(bytes), bytes.size()) == 1);
}

Digest32 Sha256Stream::finish() {
  Digest32 out;
  unsigned length = 0;
  check(EVP_DigestFinal_ex(context_.get(), out.data(), &length) == 1 && length == out.size());
  return out;
}

void HmacSha256Stream::Free::operator()(evp_mac_ctx_st* context) const noexcept { EVP_MAC_CTX_free(context); }

HmacSha256Stream::HmacSha256Stream(ByteView key) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  context_.reset(EVP_MAC_CTX_new(mac));
  EVP_MAC_free(mac);  // the context keeps its own reference
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  if (context_ == nullptr || EVP_MAC_init(context_.get(), pointer(key), key.size(), parameters) != 1)
    throw std::runtime_error("OpenSSL lacks HMAC-SHA256");
}

void HmacSha256Stream::update(ByteView bytes) {
  check(EVP_MAC_update(context_.get(), pointer(bytes), bytes.size()) == 1);
}

Digest32 HmacSha256Stream::finish() {
  Digest32 out;
  std::size_t length = 0;
  check(EVP_MAC_final(context_.get(), out.data(), &length, out.size()) == 1 && length == out.size());
  return out;
}

void HmacSha256Stream::restart() { check(EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1); }

}  // namespace wharf::protocol
