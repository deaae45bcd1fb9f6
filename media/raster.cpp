#include "media/raster.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace wharf::media {

namespace {

std::uint32_t scaled(std::uint32_t length, std::uint32_t numerator, std::uint32_t denominator) {
  const std::uint64_t rounded = (std::uint64_t{length} * numerator + denominator / 2) / denominator;
  return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(rounded));
}

/// Between which two of `from` samples one of `to` lies, the centres of the outer samples being the edge.
struct Between {
  std::uint32_t first = 0, second = 0;
  float share = 0;  // of the second
};

Between between(std::uint32_t at, std::uint32_t from, std::uint32_t to) {
  const float position = (static_cast<float>(at) + 0.5f) * static_cast<float>(from) / static_cast<float>(to) - 0.5f;
  const float inside = std::clamp(position, 0.0f, static_cast<float>(from - 1));
  Between out;
  out.first = static_cast<std::uint32_t>(inside);
  out.second = std::min(out.first + 1, from - 1);
  out.share = inside - static_cast<float>(out.first);
  return out;
}

}  // namespace

PixelSize fit_to(PixelSize image, std::uint32_t edge) {
  const std::uint32_t longer = std::max(image.width, image.height);
  return {scaled(image.width, edge, longer), scaled(image.height, edge, longer)};
}

PixelSize fit_within(PixelSize image, std::uint32_t max_edge) {
  return std::max(image.width, image.height) <= max_edge ? image : fit_to(image, max_edge);
}

void place(Raster& canvas, const Raster& part, std::uint32_t x, std::uint32_t y) {
  if (x >= canvas.size.width || y >= canvas.size.height) return;
  const std::uint32_t width = std::min(part.size.width, canvas.size.width - x);
  const std::uint32_t height = std::min(part.size.height, canvas.size.height - y);
  if (width == 0) return;
  for (std::uint32_t row = 0; row < height; ++row)
    std::memcpy(canvas.pixel(x, y + row), part.pixel(0, row), std::size_t{width} * 4);
}

Raster middle_square(const Raster& picture, std::uint32_t edge) {
  const std::uint32_t side = std::min({picture.size.width, picture.size.height, edge});
  const std::uint32_t x = (picture.size.width - side) / 2, y = (picture.size.height - side) / 2;
  Raster out({side, side});
  for (std::uint32_t row = 0; row < side; ++row)
    std::memcpy(out.pixel(0, row), picture.pixel(x, y + row), std::size_t{side} * 4);
  return out;
}

Raster enlarge(const Raster& picture, PixelSize to) {
  Raster out(to);
  for (std::uint32_t y = 0; y < to.height; ++y) {
    const Between v = between(y, picture.size.height, to.height);
    for (std::uint32_t x = 0; x < to.width; ++x) {
      const Between h = between(x, picture.size.width, to.width);
      const std::array<const std::uint8_t*, 4> corners = {
          picture.pixel(h.first, v.first), picture.pixel(h.second, v.first), picture.pixel(h.first, v.second),
          picture.pixel(h.second, v.second)};
      const std::array<float, 4> shares = {(1 - h.share) * (1 - v.share), h.share * (1 - v.share),
                                           (1 - h.share) * v.share, h.share * v.share};
      // Colours count by their alpha: what is behind a transparent pixel must not bleed into its neighbours.
      std::array<float, 4> sum{};
      for (std::size_t i = 0; i < 4; ++i) {
        const float alpha = shares[i] * static_cast<float>(corners[i][3]);
        for (std::size_t c = 0; c < 3; ++c) sum[c] += alpha * static_cast<float>(corners[i][c]);
        sum[3] += alpha;
      }
      if (sum[3] <= 0) continue;
      std::uint8_t* pixel = out.pixel(x, y);
      for (std::size_t c = 0; c < 3; ++c)
        pixel[c] = static_cast<std::uint8_t>(std::clamp(std::lround(sum[c] / sum[3]), 0l, 255l));
      pixel[3] = static_cast<std::uint8_t>(std::clamp(std::lround(sum[3]), 0l, 255l));
    }
  }
  return out;
}

Raster upright(const Raster& picture, int orientation) {
  if (orientation <= 1 || orientation > 8) return picture;
  const auto [width, height] = picture.size;
  const bool turned = orientation >= 5;
  Raster out(turned ? PixelSize{height, width} : picture.size);
  for (std::uint32_t y = 0; y < height; ++y) {
    for (std::uint32_t x = 0; x < width; ++x) {
      const std::uint32_t right = width - 1 - x, bottom = height - 1 - y;
      std::uint32_t to_x = x, to_y = y;
      switch (orientation) {
        case 2: to_x = right; break;
        case 3: to_x = right, to_y = bottom; break;
        case 4: to_y = bottom; break;
        case 5: to_x = y, to_y = x; break;
        case 6: to_x = bottom, to_y = x; break;
        case 7: to_x = bottom, to_y = right; break;
        default: to_x = y, to_y = right; break;
      }
      std::memcpy(out.pixel(to_x, to_y), picture.pixel(x, y), 4);
    }
  }
  return out;
}

void flatten_on_white(Raster& picture) {
  for (std::size_t at = 0; at < picture.rgba.size(); at += 4) {
    const unsigned alpha = picture.rgba[at + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      const unsigned over_white = picture.rgba[at + c] * alpha + 255u * (255u - alpha);
      picture.rgba[at + c] = static_cast<std::uint8_t>((over_white + 127) / 255);
    }
    picture.rgba[at + 3] = 255;
  }
}

}  // namespace wharf::media
