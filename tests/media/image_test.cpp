#include "media/image.h"

#include <turbojpeg.h>

#include <catch2/catch.hpp>
#include <string>

#include "tests/media/image_files.h"
#include "tests/support/printing.h"

using namespace wharf::media;
using namespace wharf::media::test;
using wharf::protocol::Errc;

namespace {

constexpr std::array<Color, 4> corners = {red, green, blue, yellow};

Raster thumbnail_of(ByteView image, const ThumbnailSize& size = {}) {
  const auto jpeg = jpeg_thumbnail(image, size);
  INFO((jpeg ? std::string() : jpeg.error().detail));
  REQUIRE(jpeg);
  CHECK(jpeg->size() < 10'000);
  return read_jpeg(*jpeg);
}

Errc inspect_error(ByteView image) {
  const auto info = inspect_image(image);
  return info ? Errc::none : info.error().code;
}
Errc thumbnail_error(ByteView image) {
  const auto jpeg = jpeg_thumbnail(image);
  return jpeg ? Errc::none : jpeg.error().code;
}

}  // namespace

TEST_CASE("each format tells its size") {
  const Raster picture = gradient({321, 123});
  CHECK(inspect_image(jpeg_file(picture)).value() == ImageInfo{ImageFormat::jpeg, 321, 123, false});
  CHECK(inspect_image(jpeg_file(picture, TJFLAG_PROGRESSIVE)).value() == ImageInfo{ImageFormat::jpeg, 321, 123, false});
  CHECK(inspect_image(png_file(picture)).value() == ImageInfo{ImageFormat::png, 321, 123, false});
  CHECK(inspect_image(webp_file(picture)).value() == ImageInfo{ImageFormat::webp, 321, 123, false});
  CHECK(inspect_image(webp_file(picture, WebpKind::lossless)).value() == ImageInfo{ImageFormat::webp, 321, 123, false});
  CHECK(inspect_image(gif_file(321, 123, 1, false)).value() == ImageInfo{ImageFormat::gif, 321, 123, false});
}

TEST_CASE("pictures that move are told from still ones") {
  CHECK(inspect_image(gif_file(10, 10, 2, false)).value().animated);
  CHECK(inspect_image(gif_file(10, 10, 1, true)).value().animated);
  CHECK(inspect_image(animated_webp({gradient({40, 30}), noise({40, 30})})).value() ==
        ImageInfo{ImageFormat::webp, 40, 30, true});
  const Bytes still = png_file(gradient({40, 30}));
  CHECK(inspect_image(with_png_chunk(still, "acTL", Bytes{0, 0, 0, 2, 0, 0, 0, 0})).value() ==
        ImageInfo{ImageFormat::png, 40, 30, true});
}

TEST_CASE("the first kilobyte is enough to inspect a picture") {
  const Raster picture = noise({300, 200});
  for (const Bytes& file :
       {jpeg_file(picture), png_file(picture), webp_file(picture), animated_webp({picture, gradient({300, 200})})}) {
    REQUIRE(file.size() > 1024);
    CHECK(inspect_image(ByteView(file).first(1024)).value().width == 300);
  }
}

TEST_CASE("a thumbnail shows every format upright in its shape and colours") {
  const Raster picture = quadrants({640, 320});
  for (const Bytes& file : {jpeg_file(picture), jpeg_file(picture, TJFLAG_PROGRESSIVE), png_file(picture),
                            png_file(picture, PngKind::rgba_interlaced), png_file(picture, PngKind::rgb),
                            png_file(picture, PngKind::palette_with_clear), webp_file(picture),
                            webp_file(picture, WebpKind::lossless), animated_webp({picture, gradient({640, 320})})}) {
    const Raster small = thumbnail_of(file);
    CHECK(small.size == PixelSize{100, 50});
    CHECK(has_quadrants(small, corners));
  }
}

TEST_CASE("a thumbnail keeps the brightness of a gradient at each point") {
  const Raster picture = gradient({509, 307});  // no multiple of anything
  for (const Bytes& file : {jpeg_file(picture), png_file(picture), png_file(picture, PngKind::rgba_interlaced),
                            webp_file(picture), webp_file(picture, WebpKind::lossless)}) {
    const Raster small = thumbnail_of(file, {100, 90});
    REQUIRE(small.size == PixelSize{100, 60});
    for (const std::uint32_t x : {5u, 50u, 95u})
      for (const std::uint32_t y : {5u, 30u, 55u})
        CHECK(near(small, x, y, {static_cast<int>(x * 255 / 100 + 1), static_cast<int>(y * 255 / 60 + 2), 64, 255}, 8));
  }
}

TEST_CASE("interlaced and plain rows give the same thumbnail") {
  const Raster picture = noise({333, 211});
  CHECK(jpeg_thumbnail(png_file(picture)).value() ==
        jpeg_thumbnail(png_file(picture, PngKind::rgba_interlaced)).value());
  for (const PixelSize size : {PixelSize{1, 1}, PixelSize{3, 2}, PixelSize{1, 9}, PixelSize{5, 1}}) {
    const Raster tiny = quadrants(size);
    CHECK(jpeg_thumbnail(png_file(tiny)).value() == jpeg_thumbnail(png_file(tiny, PngKind::rgba_interlaced)).value());
  }
}

TEST_CASE("grey of 16 bits is grey") {
  const Raster small = thumbnail_of(png_file(filled({200, 200}, {77, 77, 77, 255}), PngKind::gray16));
  CHECK(near(small, 50, 50, {77, 77, 77, 255}, 3));
}

TEST_CASE("a thumbnail is never larger than its picture, and at least one pixel in each direction") {
  CHECK(thumbnail_of(png_file(gradient({30, 20}))).size == PixelSize{30, 20});
  CHECK(thumbnail_of(png_file(gradient({4000, 1}))).size == PixelSize{100, 1});
  CHECK(thumbnail_of(jpeg_file(gradient({1, 3000}))).size == PixelSize{1, 100});
  CHECK(thumbnail_of(webp_file(gradient({5000, 2}))).size == PixelSize{100, 1});
  CHECK(thumbnail_of(jpeg_file(gradient({1000, 500})), {192, 50}).size == PixelSize{192, 96});
}

TEST_CASE("transparent parts are white, and half transparent ones lie between") {
  const std::array<Color, 4> colors = {clear, red, blue, clear};
  const Raster picture = quadrants({300, 300}, colors);
  for (const Bytes& file : {png_file(picture), png_file(picture, PngKind::palette_with_clear),
                            webp_file(picture, WebpKind::lossless), webp_file(picture)})
    CHECK(has_quadrants(thumbnail_of(file), {white, red, blue, white}, 16));
  const Raster half = filled({300, 300}, {0, 0, 0, 128});
  CHECK(near(thumbnail_of(png_file(half)), 50, 50, {127, 127, 127, 255}, 4));
}

TEST_CASE("the colour of a transparent pixel does not bleed into its neighbours") {
  Raster striped = filled({300, 300}, blue);
  for (std::uint32_t y = 0; y < 300; ++y)
    for (std::uint32_t x = 0; x < 300; x += 2) striped.pixel(x, y)[0] = 255, striped.pixel(x, y)[3] = 0;
  // Half blue over white, without any of the red below the transparent columns.
  const Raster small = thumbnail_of(png_file(striped), {75, 90});
  CHECK(near(small, 37, 37, {127, 127, 255, 255}, 6));
}

TEST_CASE("the EXIF orientation turns size and thumbnail") {
  // Where the quarters of the stored picture are displayed, for orientation 1..8 (Exif 2.32 at 4.6.4).
  const std::array<std::array<Color, 4>, 8> displayed = {{{red, green, blue, yellow},
                                                          {green, red, yellow, blue},
                                                          {yellow, blue, green, red},
                                                          {blue, yellow, red, green},
                                                          {red, blue, green, yellow},
                                                          {blue, red, yellow, green},
                                                          {yellow, green, blue, red},
                                                          {green, yellow, red, blue}}};
  const Bytes plain = jpeg_file(quadrants({600, 300}));
  for (std::uint16_t orientation = 1; orientation <= 8; ++orientation) {
    for (const std::string_view order : {"II", "MM"}) {
      const Bytes file = with_segment(plain, 0xe1, exif(orientation, order));
      CAPTURE(orientation, order);
      const bool turned = orientation >= 5;
      CHECK(inspect_image(file).value() ==
            ImageInfo{ImageFormat::jpeg, turned ? 300u : 600u, turned ? 600u : 300u, false});
      const Raster small = thumbnail_of(file);
      CHECK(small.size == (turned ? PixelSize{50, 100} : PixelSize{100, 50}));
      CHECK(has_quadrants(small, displayed[orientation - 1u]));
    }
  }
}

TEST_CASE("EXIF data that makes no sense leaves a picture as it is") {
  const Bytes plain = jpeg_file(quadrants({60, 30}));
  const auto width_with = [&](const Bytes& app1) {
    return inspect_image(with_segment(plain, 0xe1, app1)).value().width;
  };
  REQUIRE(width_with(exif(6, "II")) == 30);
  CHECK(width_with(exif(0, "II")) == 60);
  CHECK(width_with(exif(9, "II")) == 60);
  CHECK(width_with(exif(6, "XX")) == 60);
  Bytes far_directory = exif(6, "MM");
  std::fill(far_directory.begin() + 10, far_directory.begin() + 14, std::uint8_t{0xff});
  CHECK(width_with(far_directory) == 60);
  Bytes many_entries = exif(6, "II");
  many_entries[14] = many_entries[15] = 0xff;
  CHECK(width_with(many_entries) == 30);
  const Bytes whole = exif(6, "II");
  for (std::size_t length = 0; length + 6 < whole.size(); ++length) {
    const unsigned width = width_with(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
    CHECK((width == 60 || width == 30));  // the value may still be whole
  }
}

TEST_CASE("a thumbnail that is large is made again with less quality") {
  const Bytes file = jpeg_file(noise({512, 512}));
  const ThumbnailSize wanted{200, 90};
  const auto jpeg = jpeg_thumbnail(file, wanted);
  REQUIRE(jpeg);
  CHECK(jpeg->size() <= 16u << 10);
  CHECK(read_jpeg(*jpeg).size == PixelSize{200, 200});
}

TEST_CASE("sizes over the bound are refused by their header alone") {
  CHECK(inspect_error(jpeg_claiming(65'535, 65'535)) == Errc::too_large);
  CHECK(thumbnail_error(jpeg_claiming(65'535, 65'535)) == Errc::too_large);
  for (const auto& [width, height] :
       {std::pair{65'535u, 65'535u}, {0x80000000u, 1u}, {0xffffffffu, 0xffffffffu}, {16'385u, 1u}, {10'000u, 5'001u}}) {
    CHECK(inspect_error(png_header(width, height)) == Errc::too_large);
    CHECK(thumbnail_error(png_header(width, height)) == Errc::too_large);
  }
  CHECK(inspect_error(png_header(10'000, 5'000)) == Errc::none);
  CHECK(inspect_error(gif_file(65'535, 65'535, 1, false)) == Errc::too_large);
  Bytes webp = animated_webp({gradient({40, 30}), noise({40, 30})});
  const std::size_t canvas = webp_chunk_offset(webp, "VP8X") + 12;
  std::fill_n(webp.begin() + static_cast<std::ptrdiff_t>(canvas), 3, std::uint8_t{0xff});  // 2^24 wide
  CHECK(inspect_error(webp) == Errc::too_large);
  CHECK(thumbnail_error(webp) == Errc::too_large);
}

TEST_CASE("pictures without pixels, and files that are none, are malformed") {
  for (const Bytes& file :
       {Bytes{}, Bytes{0xff}, wharf::protocol::to_bytes("hello"), png_header(0, 10), jpeg_claiming(0, 10),
        jpeg_claiming(10, 0), wharf::protocol::to_bytes("RIFF\1\0\0\0WEBP")}) {
    CHECK(inspect_error(file) == Errc::malformed);
    CHECK(thumbnail_error(file) == Errc::malformed);
  }
}

TEST_CASE("pixels of a GIF are not read") {
  CHECK(inspect_error(gif_file(0, 5, 1, false)) == Errc::malformed);
  const auto jpeg = jpeg_thumbnail(gif_file(10, 10, 1, false));
  REQUIRE_FALSE(jpeg);
  CHECK(jpeg.error().code == Errc::unsupported);
}

TEST_CASE("a JPEG nobody reads is unsupported") {
  Bytes lossless = jpeg_claiming(10, 10);
  lossless[3] = 0xc3;
  CHECK(inspect_error(lossless) == Errc::unsupported);
  Bytes deep = jpeg_claiming(10, 10);
  deep[6] = 12;
  CHECK(inspect_error(deep) == Errc::unsupported);
}

TEST_CASE("padding before the end marker of a JPEG does no harm") {
  Bytes padded = jpeg_file(quadrants({64, 64}));
  padded.insert(padded.end() - 2, 20, std::uint8_t{0});
  CHECK(has_quadrants(thumbnail_of(padded), corners));
}

TEST_CASE("four inks become colours") {
  const Bytes file = cmyk_jpeg_file({64, 64}, {250, 20, 200, 128});
  CHECK(near(thumbnail_of(file), 32, 32, {125, 10, 100, 255}, 6));
}

TEST_CASE("a first frame that is smaller than its canvas stays where it is") {
  const Bytes file = webp_with_frame_at({400, 200}, filled({100, 50}, blue), 200, 100);
  CHECK(inspect_image(file).value().width == 400);
  const Raster small = thumbnail_of(file, {100, 90});
  REQUIRE(small.size == PixelSize{100, 50});
  CHECK(near(small, 62, 31, blue, 24));
  CHECK(near(small, 40, 31, white));
  CHECK(near(small, 62, 15, white));
  CHECK(near(small, 85, 45, white));
}

TEST_CASE("the square in the middle of a picture is shown, upright and never enlarged") {
  const auto square = [](const Bytes& file, std::uint32_t edge = 640) {
    const auto jpeg = square_picture(file, edge);
    REQUIRE(jpeg.has_value());
    return read_jpeg(*jpeg);
  };
  CHECK(square(png_file(gradient({1000, 500}))).size == PixelSize{500, 500});
  CHECK(square(jpeg_file(gradient({900, 1800}))).size == PixelSize{640, 640});
  CHECK(square(webp_file(gradient({64, 64})), 32).size == PixelSize{32, 32});
  // A band of red in the middle third of a wide picture: nothing of the blue beside it is left.
  Raster wide = filled({600, 200}, blue);
  place(wide, filled({200, 200}, red), 200, 0);
  const Raster middle = square(png_file(wide));
  REQUIRE(middle.size == PixelSize{200, 200});
  for (const std::uint32_t x : {8u, 100u, 191u}) CHECK(near(middle, x, 100, red, 24));
  CHECK(square_picture(png_file(gradient({1700, 100}))).error().code == Errc::too_large);
  CHECK(square_picture(wharf::protocol::to_bytes(wharf::protocol::as_bytes("no picture"))).error().code ==
        Errc::malformed);
  CHECK(square_picture(gif_file(30, 20, 1, false)).error().code == Errc::unsupported);
}
