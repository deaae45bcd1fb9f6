#pragma once
// The form of secret columns: a format byte, then the bytes. Format 1 is plain; sealed forms (key id, nonce, AEAD) get
// the next numbers, and rows of both kinds can then stand side by side until each is written again.

#include <optional>

#include "protocol/crypto/curve25519.h"
#include "storage/statement.h"

namespace wharf::storage {

/// Bytes that are wiped when they go out of scope.
class SecretBlob {
 public:
  /// format | secret
  explicit SecretBlob(ByteView secret);
  /// format | scalar 32 | public 32: the public key costs 20 us to compute, which a start with thousands of sessions
  /// would feel.
  explicit SecretBlob(const protocol::KeyPair& pair);
  SecretBlob(const SecretBlob&) = delete;
  SecretBlob& operator=(const SecretBlob&) = delete;
  ~SecretBlob();
  ByteView view() const { return bytes_; }

 private:
  Bytes bytes_;
};

// Both throw ReadFailure (unsupported) for a format that this release does not know, and for a wrong length.
ByteView open_secret(ByteView blob);
protocol::KeyPair open_key_pair(ByteView blob);

void wipe(Bytes& bytes);

}  // namespace wharf::storage
