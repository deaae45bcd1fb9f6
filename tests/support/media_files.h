#pragma once
// Media files for tests: plaintext by the rule of vectors/media.json, and one call for a whole file through the
// streams.

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "protocol/media/media_decryptor.h"
#include "protocol/media/media_encryptor.h"
#include "tests/support/vectors.h"

namespace wharf::test {

/// `generatorRule` of the vectors.
inline protocol::Bytes generated_plaintext(std::size_t length) {
  protocol::Bytes out(length);
  for (std::size_t i = 0; i < length; ++i) out[i] = static_cast<std::uint8_t>(i * 31 + i / 256 * 17 + 7);
  return out;
}

/// The `mediaKey` of the vectors.
inline protocol::MediaKey vector_media_key() {
  return protocol::exactly<32>(hex(vectors("media").at("mediaKey"))).value();
}

struct EncryptedMedia {
  protocol::Bytes file;
  protocol::MediaDigest digest;

  protocol::MediaHashes hashes() const { return {digest.file_enc_sha256, digest.file_sha256}; }
};

/// Fed in pieces of `piece` bytes.
inline EncryptedMedia encrypt_media(const protocol::MediaKeys& keys, protocol::ByteView plain,
                                    std::size_t piece = 1u << 20) {
  EncryptedMedia out;
  protocol::MediaEncryptor encryptor(keys, protocol::Sidecar::streaming);
  for (std::size_t at = 0; at < plain.size(); at += piece)
    encryptor.update(plain.subspan(at, std::min(piece, plain.size() - at)), out.file);
  out.digest = encryptor.finish(out.file);
  return out;
}

/// Throws when finish() appended something and yet refused.
inline protocol::Result<protocol::Bytes> decrypt_media(const protocol::MediaKeys& keys,
                                                       const protocol::MediaHashes& hashes, protocol::ByteView file,
                                                       std::size_t piece = 1u << 20) {
  protocol::Bytes out;
  protocol::MediaDecryptor decryptor(keys, hashes);
  for (std::size_t at = 0; at < file.size(); at += piece)
    decryptor.update(file.subspan(at, std::min(piece, file.size() - at)), out);
  const std::size_t before = out.size();
  const auto finished = decryptor.finish(out);
  if (finished) return out;
  if (out.size() != before) throw std::logic_error("a refused file was completed");
  return finished.error();
}

}  // namespace wharf::test
