#include "storage/secret_blob.h"

#include <sodium.h>

namespace wharf::storage {

namespace {
constexpr std::uint8_t plain = 1;
}

SecretBlob::SecretBlob(ByteView secret) {
  bytes_.reserve(secret.size() + 1);
  bytes_.push_back(plain);
  protocol::append(bytes_, secret);
}

SecretBlob::SecretBlob(const protocol::KeyPair& pair) {
  bytes_.reserve(65);
  bytes_.push_back(plain);
  protocol::append(bytes_, pair.secret.view());
  protocol::append(bytes_, pair.pub);
}

SecretBlob::~SecretBlob() { wipe(bytes_); }

ByteView open_secret(ByteView blob) {
  if (blob.empty() || blob[0] != plain) throw ReadFailure(Error(Errc::unsupported, "a secret has an unknown format"));
  return blob.subspan(1);
}

protocol::KeyPair open_key_pair(ByteView blob) {
  const ByteView bytes = open_secret(blob);
  if (bytes.size() != 64) throw ReadFailure(Error(Errc::unsupported, "a stored key pair has the wrong length"));
  protocol::Key32 scalar = *protocol::exactly<32>(bytes.first(32));
  protocol::KeyPair pair{protocol::PrivateKey(scalar), *protocol::exactly<32>(bytes.subspan(32))};
  sodium_memzero(scalar.data(), scalar.size());
  return pair;
}

void wipe(Bytes& bytes) {
  if (!bytes.empty()) sodium_memzero(bytes.data(), bytes.size());
}

}  // namespace wharf::storage
