#include "protocol/media/media_decryptor.h"

#include "protocol/media/encrypted_file.h"

namespace wharf::protocol {

Result<MediaReference> read_media_reference(ByteView media_key, ByteView file_enc_sha256, ByteView file_sha256) {
  MediaReference reference;
  const auto key = exactly<32>(media_key);
  if (!key) return Error(Errc::invalid_key, "media key of another length than 32");
  reference.key = *key;
  if (!file_enc_sha256.empty()) {
    reference.hashes.file_enc_sha256 = exactly<32>(file_enc_sha256);
    if (!reference.hashes.file_enc_sha256) return Error(Errc::malformed, "hash of the encrypted file is not 32 bytes");
  }
  const auto plain = exactly<32>(file_sha256);
  if (!plain) return Error(Errc::malformed, "hash of the file is not 32 bytes");
  reference.hashes.file_sha256 = *plain;
  return reference;
}

MediaDecryptor::MediaDecryptor(const MediaKeys& keys, const MediaHashes& expected)
    : expected_(expected), cipher_(keys.cipher, keys.iv, CbcPadding::pkcs7), mac_(keys.mac) {
  mac_.update(keys.iv);
}

void MediaDecryptor::update(ByteView encrypted, Bytes& out) {
  file_hash_.update(encrypted);
  received_ += encrypted.size();
  if (encrypted.size() >= media_mac_bytes) {
    decrypt(held_, out);
    decrypt(encrypted.first(encrypted.size() - media_mac_bytes), out);
    const ByteView last = encrypted.last(media_mac_bytes);
    held_.assign(last.begin(), last.end());
    return;
  }
  append(held_, encrypted);
  if (held_.size() <= media_mac_bytes) return;
  const std::size_t excess = held_.size() - media_mac_bytes;
  decrypt(ByteView(held_).first(excess), out);
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(excess));
}

Result<void> MediaDecryptor::finish(Bytes& out) {
  if (received_ <= media_mac_bytes) return Error(Errc::truncated, "media file is not longer than its MAC");
  if (expected_.file_enc_sha256 && !equal_constant_time(file_hash_.finish(), *expected_.file_enc_sha256))
    return Error(Errc::bad_mac, "media file is not the announced one");
  const auto refused = [] { return Error(Errc::bad_mac, "media file does not verify"); };
  const Digest32 mac = mac_.finish();
  if (!equal_constant_time(ByteView(mac).first(media_mac_bytes), held_)) return refused();
  Bytes last;
  if (!cipher_.finish(last)) return refused();
  plain_hash_.update(last);
  if (!equal_constant_time(plain_hash_.finish(), expected_.file_sha256))
    return Error(Errc::malformed, "media file holds something else than announced");
  append(out, last);
  return {};
}

void MediaDecryptor::decrypt(ByteView ciphertext, Bytes& out) {
  const std::size_t before = out.size();
  mac_.update(ciphertext);
  cipher_.update(ciphertext, out);
  plain_hash_.update(ByteView(out).subspan(before));
}

}  // namespace wharf::protocol
