#pragma once
// Internal to media/: the readers of each format behind image.h and sticker.h.
//
// inspect_*: headers only, sizes checked. decode_*: the whole file, at most `max_edge` (1..512) pixels on the longer
// edge, never enlarged, upright; the first frame. Errors as in image.h.

#include <optional>

#include "media/image.h"
#include "media/raster.h"

namespace wharf::media {

std::optional<ImageFormat> image_format(protocol::ByteView head);
/// Any format.
protocol::Result<Raster> decode_image(protocol::ByteView image, std::uint32_t max_edge);

protocol::Result<ImageInfo> inspect_jpeg(protocol::ByteView image);
protocol::Result<ImageInfo> inspect_png(protocol::ByteView image);
protocol::Result<ImageInfo> inspect_webp(protocol::ByteView image);
protocol::Result<ImageInfo> inspect_gif(protocol::ByteView image);

protocol::Result<Raster> decode_jpeg(protocol::ByteView image, std::uint32_t max_edge);
protocol::Result<Raster> decode_png(protocol::ByteView image, std::uint32_t max_edge);
protocol::Result<Raster> decode_webp(protocol::ByteView image, std::uint32_t max_edge);

/// malformed for an empty size, too_large for one above max_image_edge or max_image_pixels.
protocol::Result<> check_size(PixelSize size);
/// For decoders that hold all pixels: too_large above max_buffered_pixels. `what` names the kind.
protocol::Result<> check_buffered(PixelSize size, const char* what);

}  // namespace wharf::media
