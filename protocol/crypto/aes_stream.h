#pragma once
// AES-256-CBC over bytes that arrive in pieces, for files larger than memory. Through OpenSSL. Output is appended to
// the caller's buffer, which must not be the one the input lies in.

#include <memory>
#include <span>

#include "protocol/bytes.h"
#include "protocol/crypto/aes.h"

struct evp_cipher_ctx_st;

namespace wharf::protocol {

struct FreeCipherContext {
  void operator()(evp_cipher_ctx_st* context) const noexcept;  // overwrites the key schedule
};
using CipherContextPointer = std::unique_ptr<evp_cipher_ctx_st, FreeCipherContext>;

/// With PKCS#7: a whole block of padding when the input ends on a block. Movable; spent after finish().
class CbcEncryptStream {
 public:
  CbcEncryptStream(const AesKey& key, const BlockIv& iv);
  void update(ByteView plaintext, Bytes& out);
  void finish(Bytes& out);

 private:
  CipherContextPointer context_;
};

enum class CbcPadding { pkcs7, none };

/// With padding the last block is held back until finish() has looked at it. Movable; spent after finish().
class CbcDecryptStream {
 public:
  CbcDecryptStream(const AesKey& key, const BlockIv& iv, CbcPadding padding);
  void update(ByteView ciphertext, Bytes& out);
  /// Whole blocks become plaintext where they lie; with CbcPadding::none only, and none of it by update().
  void update_in_place(std::span<std::uint8_t> blocks);
  /// False, and nothing appended, when the input was no whole number of blocks or its padding is wrong (with
  /// CbcPadding::pkcs7 also when it was empty).
  [[nodiscard]] bool finish(Bytes& out);

 private:
  CipherContextPointer context_;
};

}  // namespace wharf::protocol
