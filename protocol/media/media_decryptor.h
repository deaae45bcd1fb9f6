#pragma once
// Decrypts and checks one downloaded file in a single pass and constant memory. Specification 04 section 4.2.
//
// NOTHING THAT update() APPENDS MAY BE USED BEFORE finish() SUCCEEDED. The MAC is the last thing to arrive, so what
// comes out until then is whatever the other end made of it. Write it to a temporary file, and rename that into place
// after finish(); drop it on an error, and begin with an empty file and a new decryptor at the next host.

#include <optional>

#include "protocol/crypto/aes_stream.h"
#include "protocol/crypto/hash_stream.h"
#include "protocol/media/media_keys.h"
#include "protocol/result.h"

namespace wharf::protocol {

/// What a message says about the bytes of its file.
struct MediaHashes {
  std::optional<Digest32> file_enc_sha256;
  Digest32 file_sha256{};
};
struct MediaReference {
  MediaKey key{};
  MediaHashes hashes;
};
/// Takes the fields as they came; an empty `file_enc_sha256` is an absent one.
/// Errors: invalid_key (mediaKey is not 32 bytes), malformed (a hash is not).
Result<MediaReference> read_media_reference(ByteView media_key, ByteView file_enc_sha256, ByteView file_sha256);

class MediaDecryptor {
 public:
  MediaDecryptor(const MediaReference& reference, MediaKind kind)
      : MediaDecryptor(expand_media_key(reference.key, kind), reference.hashes) {}
  MediaDecryptor(const MediaKeys& keys, const MediaHashes& expected);

  /// `encrypted` is the next piece of the body, of any size, and must not lie in `out`. Appends what can be decrypted
  /// of it: the last 10 bytes (they may be the MAC) and the last block (it may be padding) are held back. The body has
  /// no bound here: the caller stops at its own cap.
  void update(ByteView encrypted, Bytes& out);

  /// After the last byte of the body. Appends what was held back. Once: afterwards the decryptor is spent.
  /// Errors, with nothing appended, in the order of the checks:
  ///   truncated  the body is not longer than a MAC (a longer one that was cut gives bad_mac);
  ///   bad_mac    corrupt transfer: it is not the announced file (encrypted hash), or MAC or padding do not verify (one
  ///              text for both). The next host may have a better copy;
  ///   malformed  the file is authentic but not the announced one (plaintext hash): the sender's fault, never retry.
  Result<void> finish(Bytes& out);

  std::uint64_t received_bytes() const { return received_; }

 private:
  void decrypt(ByteView ciphertext, Bytes& out);

  MediaHashes expected_;
  CbcDecryptStream cipher_;
  HmacSha256Stream mac_;
  Sha256Stream plain_hash_, file_hash_;
  Bytes held_;  // the last bytes seen, at most a MAC
  std::uint64_t received_ = 0;
};

}  // namespace wharf::protocol
