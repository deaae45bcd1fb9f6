#include <turbojpeg.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>

#include "media/box_filter.h"
#include "media/image_formats.h"
#include "media/jpeg_markers.h"

namespace wharf::media {

using protocol::Bytes;
using protocol::ByteView;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

/// Each scan of a progressive JPEG visits every block of the picture, and an empty one takes a few bytes: without a
/// bound a small file keeps a core busy for minutes. Encoders make about ten, the most eager ones some twenty.
constexpr std::size_t max_scans = 64;

Result<JpegMarkers> read_checked(ByteView image) {
  Result<JpegMarkers> markers = read_jpeg_markers(image);
  if (!markers) return markers;
  if (const Result<> sized = check_size(markers->size); !sized) return sized.error();
  return markers;
}

/// What the decoder is asked for: the smallest of its own sizes, 1/8 to 8/8, from which `target` can be made.
PixelSize decoded_size(PixelSize full, PixelSize target) {
  int count = 0;
  const tjscalingfactor* factors = tjGetScalingFactors(&count);
  PixelSize best = full;
  for (const tjscalingfactor& factor : std::span(factors, static_cast<std::size_t>(std::max(count, 0)))) {
    const auto scaled = [&](std::uint32_t length) {
      return static_cast<std::uint32_t>(TJSCALED(static_cast<int>(length), factor));
    };
    const PixelSize size{scaled(full.width), scaled(full.height)};
    if (size.width >= target.width && size.height >= target.height && size.pixels() < best.pixels()) best = size;
  }
  return best;
}

/// Some cameras leave padding between their last scan and the end marker. libjpeg tells that from damage only in the
/// text of its warning.
bool is_harmless(tjhandle decoder) {
  return tjGetErrorCode(decoder) == TJERR_WARNING &&
         std::string_view(tjGetErrorStr2(decoder)).find("extraneous bytes") != std::string_view::npos;
}

Result<Bytes> decode_at(ByteView image, PixelSize size, int pixel_format) {
  const std::unique_ptr<void, int (*)(tjhandle)> decoder(tjInitDecompress(), tjDestroy);
  if (!decoder) return Error(Errc::internal, "no JPEG decoder");
  Bytes pixels(size.pixels() * 4);
  const int width = static_cast<int>(size.width), height = static_cast<int>(size.height);
  // Never writes beyond width x height: were the picture larger than its markers said, the call would fail.
  if (tjDecompress2(decoder.get(), image.data(), image.size(), pixels.data(), width, width * 4, height, pixel_format,
                    TJFLAG_LIMITSCANS) != 0 &&
      !is_harmless(decoder.get()))
    return Error(Errc::malformed, std::string("JPEG: ") + tjGetErrorStr2(decoder.get()));
  return pixels;
}

/// In place, good enough for a small picture: no colour profile.
void inks_to_rgb(Bytes& pixels, bool inverted) {
  const auto light = [&](std::uint8_t ink) { return inverted ? unsigned{ink} : 255u - ink; };
  for (std::size_t at = 0; at < pixels.size(); at += 4) {
    const unsigned black = light(pixels[at + 3]);
    for (std::size_t c = 0; c < 3; ++c)
      pixels[at + c] = static_cast<std::uint8_t>(light(pixels[at + c]) * black / 255u);
    pixels[at + 3] = 255;
  }
}

}  // namespace

Result<ImageInfo> inspect_jpeg(ByteView image) {
  const Result<JpegMarkers> markers = read_checked(image);
  if (!markers) return markers.error();
  const auto [width, height] = markers->size;
  const bool turned = markers->orientation >= 5;
  return ImageInfo{ImageFormat::jpeg, turned ? height : width, turned ? width : height, false};
}

Result<Raster> decode_jpeg(ByteView image, std::uint32_t max_edge) {
  const Result<JpegMarkers> markers = read_checked(image);
  if (!markers) return markers.error();
  const JpegScans scans = count_jpeg_scans(image);
  if (!scans.complete) return Error(Errc::malformed, "JPEG: ends early");
  if (scans.count > max_scans) return Error(Errc::too_large, "JPEG: more than " + std::to_string(max_scans) + " scans");
  if (markers->several_scans)
    if (const Result<> bounded = check_buffered(markers->size, "a progressive JPEG"); !bounded) return bounded.error();

  const PixelSize target = fit_within(markers->size, max_edge), decoded = decoded_size(markers->size, target);
  const bool inks = markers->components == 4;
  Result<Bytes> pixels = decode_at(image, decoded, inks ? TJPF_CMYK : TJPF_RGBA);
  if (!pixels) return pixels.error();
  if (inks) inks_to_rgb(*pixels, markers->adobe);

  BoxFilter filter(decoded, target);
  const std::size_t row_bytes = std::size_t{decoded.width} * 4;
  for (std::uint32_t y = 0; y < decoded.height; ++y)
    filter.add_row(y, ByteView(*pixels).subspan(y * row_bytes, row_bytes));
  return upright(filter.finish(), markers->orientation);
}

}  // namespace wharf::media
