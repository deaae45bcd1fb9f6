#pragma once
// Pictures as stickers: a WebP of 512 x 512 pixels. Specification 04 sections 3.5 and 5.

#include <cstdint>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace wharf::media {

inline constexpr std::uint32_t sticker_edge = 512;
inline constexpr std::size_t max_sticker_bytes = 100u << 10;
inline constexpr std::size_t max_animated_sticker_bytes = 500u << 10;

struct Sticker {
  protocol::Bytes webp;
  bool animated = false;
  std::uint32_t width = 0, height = 0;
  /// StickerMessage.firstFrameLength: so many bytes from the start of the file hold its first frame. 0 unless animated.
  std::uint32_t first_frame_length = 0;
};

/// A WebP that is one already (both sizes) is taken byte for byte, with the metadata of its sticker pack. Any other
/// still WebP, PNG (of an APNG the still picture) or JPEG is fitted into the square, enlarged when smaller, with
/// transparent margins, and encoded at the highest of a few qualities that stays within max_sticker_bytes. Blocking,
/// some 100 ms.
/// Errors: those of jpeg_thumbnail in image.h; unsupported for an animated WebP of other dimensions; too_large for one
/// of more than max_animated_sticker_bytes, and for a picture that no quality makes small enough.
protocol::Result<Sticker> make_sticker(protocol::ByteView image);

}  // namespace wharf::media
