#include "protocol/media/media_encryptor.h"

#include "protocol/media/encrypted_file.h"

namespace wharf::protocol {

MediaEncryptor::MediaEncryptor(const MediaKeys& keys, Sidecar sidecar) : cipher_(keys.cipher, keys.iv), mac_(keys.mac) {
  mac_.update(keys.iv);
  if (sidecar == Sidecar::streaming) sidecar_.emplace(keys);
}

void MediaEncryptor::update(ByteView plain, Bytes& out) {
  const std::size_t before = out.size();
  plain_hash_.update(plain);
  length_ += plain.size();
  cipher_.update(plain, out);
  cover(ByteView(out).subspan(before));
}

MediaDigest MediaEncryptor::finish(Bytes& out) {
  const std::size_t before = out.size();
  cipher_.finish(out);
  cover(ByteView(out).subspan(before));
  const Digest32 full_mac = mac_.finish();
  const ByteView mac = ByteView(full_mac).first(media_mac_bytes);
  append(out, mac);
  file_hash_.update(mac);

  MediaDigest digest;
  digest.file_sha256 = plain_hash_.finish();
  digest.file_enc_sha256 = file_hash_.finish();
  digest.file_length = length_;
  if (sidecar_) {
    sidecar_->update(mac);
    digest.sidecar = sidecar_->finish();
  }
  return digest;
}

void MediaEncryptor::cover(ByteView ciphertext) {
  mac_.update(ciphertext);
  file_hash_.update(ciphertext);
  if (sidecar_) sidecar_->update(ciphertext);
}

}  // namespace wharf::protocol
