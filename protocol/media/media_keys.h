#pragma once
// From the one key in a message to the keys of its file. Specification 04 section 2.1.

#include <array>
#include <cstdint>
#include <string_view>

#include "protocol/crypto/aes.h"
#include "protocol/crypto/hash.h"
#include "protocol/media/media_kind.h"

namespace wharf::protocol {

/// `mediaKey` of a message: 32 random bytes, fresh for every upload.
using MediaKey = std::array<std::uint8_t, 32>;

/// What encrypts and authenticates one file; the IV is no part of that file. Wipes itself.
struct MediaKeys {
  BlockIv iv{};
  AesKey cipher{};
  Digest32 mac{};
  ~MediaKeys();
};

/// HKDF-SHA256 with an empty salt and the info of the kind: iv 16 | cipher 32 | mac 32 (32 more are never used).
MediaKeys expand_media_key(const MediaKey& key, MediaKind kind);
/// The same for files that have no kind here (sticker packs, thumbnails): `info` is the string of the specification.
MediaKeys expand_media_key(const MediaKey& key, std::string_view info);

}  // namespace wharf::protocol
