#include "protocol/media/media_keys.h"

#include <algorithm>

namespace wharf::protocol {

MediaKeys::~MediaKeys() {
  wipe(cipher);
  wipe(mac);
}

MediaKeys expand_media_key(const MediaKey& key, MediaKind kind) { return expand_media_key(key, media_key_info(kind)); }

MediaKeys expand_media_key(const MediaKey& key, std::string_view info) {
  auto expanded = hkdf_sha256<80>(key, {}, as_bytes(info));
  MediaKeys keys;
  const auto* at = expanded.data();
  std::copy_n(at, keys.iv.size(), keys.iv.begin());
  std::copy_n(at + 16, keys.cipher.size(), keys.cipher.begin());
  std::copy_n(at + 48, keys.mac.size(), keys.mac.begin());
  wipe(expanded);
  return keys;
}

}  // namespace wharf::protocol
