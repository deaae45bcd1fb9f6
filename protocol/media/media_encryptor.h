#pragma once
// Encrypts one file in a single pass and constant memory. The upload token is a hash of the result, so the result is
// complete (in a temporary file) before the upload begins. Specification 04 sections 2.2, 2.3.

#include <cstdint>
#include <optional>

#include "protocol/crypto/aes_stream.h"
#include "protocol/crypto/hash_stream.h"
#include "protocol/media/media_keys.h"
#include "protocol/media/sidecar.h"

namespace wharf::protocol {

/// What the message says about the file.
struct MediaDigest {
  Digest32 file_sha256{};      // of the plaintext
  Digest32 file_enc_sha256{};  // of the encrypted file, MAC included
  std::uint64_t file_length = 0;
  Bytes sidecar;  // empty unless asked for
};

enum class Sidecar { none, streaming };

class MediaEncryptor {
 public:
  MediaEncryptor(const MediaKey& key, MediaKind kind, Sidecar sidecar)
      : MediaEncryptor(expand_media_key(key, kind), sidecar) {}
  MediaEncryptor(const MediaKeys& keys, Sidecar sidecar);

  /// Appends ciphertext to `out`: what `plain` completes, whole blocks. `plain` must not lie in `out`.
  void update(ByteView plain, Bytes& out);
  /// Appends the padded last block and the MAC. Once: afterwards the encryptor is spent.
  MediaDigest finish(Bytes& out);

 private:
  void cover(ByteView ciphertext);

  CbcEncryptStream cipher_;
  HmacSha256Stream mac_;
  Sha256Stream plain_hash_, file_hash_;
  std::optional<SidecarWriter> sidecar_;
  std::uint64_t length_ = 0;
};

}  // namespace wharf::protocol
