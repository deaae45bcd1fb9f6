#pragma once
// What a picture is and how a small one of it looks: width, height and the inline JPEG thumbnail of an image message
// (specification 04 section 5). Pure and blocking: a large picture takes up to a second or two, on a worker thread.
//
// The bytes come from users and strangers. What a header claims is checked against the bounds below before anything is
// allocated, and pictures are scaled while they are decoded: beyond the input a thumbnail takes a few MB, and only the
// kinds that cannot be read row by row (progressive JPEG, WebP that is lossless or has transparency) up to 100 MB.

#include <cstdint>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace wharf::media {

inline constexpr std::uint32_t max_image_edge = 16'384;
inline constexpr std::uint64_t max_image_pixels = 50'000'000;
/// For the kinds of which a decoder holds every pixel at once.
inline constexpr std::uint64_t max_buffered_pixels = 12'000'000;

enum class ImageFormat { jpeg, png, webp, gif };

struct ImageInfo {
  ImageFormat format{};
  std::uint32_t width = 0, height = 0;  // as displayed: after the EXIF orientation of a JPEG
  /// More than one frame, as far as the given bytes show: APNG, animated WebP, GIF with a loop or a second frame.
  bool animated = false;

  friend bool operator==(const ImageInfo&, const ImageInfo&) = default;
};

/// Reads headers only; the first 64 KiB of a file are enough for all but unusual ones.
/// Errors: malformed (no image, broken or cut headers), too_large (a bound above), unsupported (a JPEG nobody reads).
protocol::Result<ImageInfo> inspect_image(protocol::ByteView image);

struct ThumbnailSize {
  std::uint32_t max_edge = 100;  // pixels of the longer edge, taken into 1..512
  int quality = 50;              // of the JPEG, taken into 1..100
};

/// An upright JPEG of the (first frame of the) whole file: aspect ratio kept, never enlarged, white behind transparent
/// parts. A few KB; one above 16 KiB is made again with half the quality, at most twice.
/// Errors: those of inspect_image, malformed also for a file that ends early or whose pixels are broken, too_large also
/// for more than max_buffered_pixels where they count, unsupported for GIF.
protocol::Result<protocol::Bytes> jpeg_thumbnail(protocol::ByteView image, const ThumbnailSize& size = {});

/// What is shown of a person or a group: the square in the middle of the (first frame of the) whole file, upright, as a
/// JPEG of at most `edge` pixels, taken into 1..1024. Never enlarged; white behind transparent parts.
/// Errors: those of jpeg_thumbnail; too_large also for a shape so long that nothing is left of its shorter edge.
protocol::Result<protocol::Bytes> square_picture(protocol::ByteView image, std::uint32_t edge = 640);

}  // namespace wharf::media
