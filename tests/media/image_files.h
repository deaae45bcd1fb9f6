#pragma once
// Pictures for the tests of media/, made by the libraries' encoders or byte by byte.

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "media/raster.h"
#include "protocol/bytes.h"

namespace wharf::media::test {

using protocol::append;
using protocol::Bytes;
using protocol::ByteView;
using Color = std::array<int, 4>;  // RGBA

inline constexpr Color red{255, 0, 0, 255}, green{0, 255, 0, 255}, blue{0, 0, 255, 255}, yellow{255, 255, 0, 255},
    white{255, 255, 255, 255}, clear{0, 0, 0, 0};

Raster filled(PixelSize size, Color color);
/// Top left, top right, bottom left, bottom right.
Raster quadrants(PixelSize size, const std::array<Color, 4>& colors = {red, green, blue, yellow});
/// Red grows to the right, green downwards.
Raster gradient(PixelSize size);
/// The same on every run.
Raster noise(PixelSize size);

/// Whether the pixel is `color`, each channel to within `tolerance`. A failure is printed by the REQUIRE around it.
bool near(const Raster& picture, std::uint32_t x, std::uint32_t y, Color color, int tolerance = 12);
/// Whether the middle of each quarter is.
bool has_quadrants(const Raster& picture, const std::array<Color, 4>& colors, int tolerance = 12);

Bytes jpeg_file(const Raster& picture, int flags = 0);
/// Four inks, stored as Photoshop does: 255 is none.
Bytes cmyk_jpeg_file(PixelSize size, const std::array<std::uint8_t, 4>& light);
/// `payload` in an APP segment right behind the start of the image.
Bytes with_segment(const Bytes& jpeg, std::uint8_t marker, const Bytes& payload);
Bytes exif(std::uint16_t orientation, std::string_view byte_order);
/// A JPEG that has no more than a frame header and the start of a scan.
Bytes jpeg_claiming(std::uint16_t width, std::uint16_t height);
/// By turbojpeg, whole.
Raster read_jpeg(ByteView jpeg);

enum class PngKind { rgba, rgba_interlaced, rgb, gray16, palette_with_clear };
/// palette_with_clear has one transparent entry (black) and the colours of quadrants().
Bytes png_file(const Raster& picture, PngKind kind = PngKind::rgba);
Bytes png_chunk(std::string_view type, ByteView payload);
Bytes png_header(std::uint32_t width, std::uint32_t height);  // signature and IHDR, RGBA
/// Behind the IHDR of a file.
Bytes with_png_chunk(const Bytes& png, std::string_view type, ByteView payload);
Bytes deflated(ByteView plain);

enum class WebpKind { lossy, lossless };
Bytes webp_file(const Raster& picture, WebpKind kind = WebpKind::lossy);
Bytes animated_webp(const std::vector<Raster>& frames);
/// One frame, smaller than the canvas; `x` and `y` are even.
Bytes webp_with_frame_at(PixelSize canvas, const Raster& frame, int x, int y);
/// By libwebp, whole.
Raster read_webp(ByteView webp);
/// Offset of the first chunk of a type; fails the test when there is none.
std::size_t webp_chunk_offset(ByteView webp, std::string_view type);
std::uint32_t little_endian32(ByteView bytes, std::size_t at);

/// A GIF of so many one-pixel frames.
Bytes gif_file(std::uint16_t width, std::uint16_t height, int frames, bool loop);

}  // namespace wharf::media::test
