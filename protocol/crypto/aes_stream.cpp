#include "protocol/crypto/aes_stream.h"

#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>

namespace wharf::protocol {

namespace {

constexpr std::size_t block_bytes = 16;
constexpr std::size_t max_piece_bytes = 1u << 20;  // OpenSSL counts in int

enum class Direction { decrypt = 0, encrypt = 1 };

CipherContextPointer open_context(Direction direction, const AesKey& key, const BlockIv& iv, CbcPadding padding) {
  CipherContextPointer context(EVP_CIPHER_CTX_new());
  EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  const bool ready =
      cipher != nullptr && context != nullptr &&
      EVP_CipherInit_ex2(context.get(), cipher, key.data(), iv.data(), static_cast<int>(direction), nullptr) == 1 &&
      EVP_CIPHER_CTX_set_padding(context.get(), padding == CbcPadding::pkcs7 ? 1 : 0) == 1;
  EVP_CIPHER_free(cipher);  // the context keeps its own reference
  if (!ready) throw std::runtime_error("OpenSSL lacks AES-256-CBC");
  return context;
}

void update_stream(EVP_CIPHER_CTX* context, ByteView input, Bytes& out) {
  while (!input.empty()) {
    const ByteView piece = input.first(std::min(input.size(), max_piece_bytes));
    input = input.subspan(piece.size());
    const std::size_t before = out.size();
    out.resize(before + piece.size() + block_bytes);  // with a block kept from the last call there is one more
    int written = 0;
    if (EVP_CipherUpdate(context, out.data() + before, &written, piece.data(), static_cast<int>(piece.size())) != 1)
      throw std::runtime_error("OpenSSL cipher stream failed");
    out.resize(before + static_cast<std::size_t>(written));
  }
}

bool finish_stream(EVP_CIPHER_CTX* context, Bytes& out) {
  std::array<std::uint8_t, block_bytes> last;
  int written = 0;
  if (EVP_CipherFinal_ex(context, last.data(), &written) != 1) return false;
  append(out, ByteView(last).first(static_cast<std::size_t>(written)));
  return true;
}

}  // namespace

void FreeCipherContext::operator()(evp_cipher_ctx_st* context) const noexcept { EVP_CIPHER_CTX_free(context); }

CbcEncryptStream::CbcEncryptStream(const AesKey& key, const BlockIv& iv)
    : context_(open_context(Direction::encrypt, key, iv, CbcPadding::pkcs7)) {}

void CbcEncryptStream::update(ByteView plaintext, Bytes& out) { update_stream(context_.get(), plaintext, out); }

void CbcEncryptStream::finish(Bytes& out) {
  if (!finish_stream(context_.get(), out)) throw std::runtime_error("OpenSSL cipher stream failed");
}

CbcDecryptStream::CbcDecryptStream(const AesKey& key, const BlockIv& iv, CbcPadding padding)
    : context_(open_context(Direction::decrypt, key, iv, padding)) {}

void CbcDecryptStream::update(ByteView ciphertext, Bytes& out) { update_stream(context_.get(), ciphertext, out); }

void CbcDecryptStream::update_in_place(std::span<std::uint8_t> blocks) {
  while (!blocks.empty()) {
    const auto piece = blocks.first(std::min(blocks.size(), max_piece_bytes));
    blocks = blocks.subspan(piece.size());
    int written = 0;
    if (EVP_CipherUpdate(context_.get(), piece.data(), &written, piece.data(), static_cast<int>(piece.size())) != 1 ||
        static_cast<std::size_t>(written) != piece.size())
      throw std::runtime_error("OpenSSL cipher stream failed");
  }
}

bool CbcDecryptStream::finish(Bytes& out) { return finish_stream(context_.get(), out); }

}  // namespace wharf::protocol
