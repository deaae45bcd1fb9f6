#pragma once
// A small decoded picture, and what happens to it between decoder and encoder.

#include <cstdint>

#include "protocol/bytes.h"

namespace wharf::media {

struct PixelSize {
  std::uint32_t width = 0, height = 0;

  std::uint64_t pixels() const { return std::uint64_t{width} * height; }
  friend bool operator==(const PixelSize&, const PixelSize&) = default;
};

/// RGBA, 8 bits, straight alpha; rows from the top without padding.
struct Raster {
  Raster() = default;
  explicit Raster(PixelSize s) : size(s), rgba(s.pixels() * 4) {}  // transparent
  std::uint8_t* pixel(std::uint32_t x, std::uint32_t y) { return &rgba[(std::size_t{y} * size.width + x) * 4]; }
  const std::uint8_t* pixel(std::uint32_t x, std::uint32_t y) const {
    return &rgba[(std::size_t{y} * size.width + x) * 4];
  }

  PixelSize size;
  protocol::Bytes rgba;
};

/// The largest size of the same shape whose longer edge is `edge`: smaller or larger than `image`, at least 1 x 1.
PixelSize fit_to(PixelSize image, std::uint32_t edge);
/// The same, never larger than `image`.
PixelSize fit_within(PixelSize image, std::uint32_t max_edge);

/// Copies `part` onto `canvas` with its corner at (x, y), replacing what is there; what does not fit is cut off.
void place(Raster& canvas, const Raster& part, std::uint32_t x, std::uint32_t y);
/// Bilinear, for `to` at least as large as the picture in both directions.
Raster enlarge(const Raster& picture, PixelSize to);
/// Undoes an EXIF orientation, 1..8: what it says about where row 0 and column 0 are displayed.
Raster upright(const Raster& picture, int orientation);
/// The square in the middle, of the shorter edge, at most `edge`.
Raster middle_square(const Raster& picture, std::uint32_t edge);
/// Makes every pixel opaque, as it looks over white.
void flatten_on_white(Raster& picture);

}  // namespace wharf::media
