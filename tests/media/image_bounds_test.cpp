// Pictures made to cost: what they may take, and that they end in an error or a picture however they are broken.

#include <turbojpeg.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>

#include "media/image.h"
#include "media/sticker.h"
#include "tests/media/image_files.h"
#include "tests/media/peak_memory.h"
#include "tests/support/printing.h"

using namespace wharf::media;
using namespace wharf::media::test;
using wharf::protocol::Errc;

namespace {

constexpr std::uint8_t bit_flips[] = {0x01, 0x80, 0xff};

struct Sample {
  const char* name;
  Bytes file;
};

/// Small files of every kind.
std::vector<Sample> samples() {
  const Raster picture = noise({48, 40});
  Raster opaque = picture;
  for (std::size_t at = 3; at < opaque.rgba.size(); at += 4) opaque.rgba[at] = 255;
  return {{"jpeg", with_segment(jpeg_file(picture), 0xe1, exif(6, "MM"))},
          {"progressive jpeg", jpeg_file(picture, TJFLAG_PROGRESSIVE)},
          {"png", png_file(picture)},
          {"interlaced png", png_file(picture, PngKind::rgba_interlaced)},
          {"palette png", png_file(quadrants({300, 200}), PngKind::palette_with_clear)},
          {"webp with alpha", webp_file(picture)},
          {"opaque webp", webp_file(opaque)},
          {"lossless webp", webp_file(picture, WebpKind::lossless)},
          {"animated webp", animated_webp({picture, gradient({48, 40})})},
          {"gif", gif_file(30, 20, 2, false)}};
}

void check_outcome(ByteView file) {
  const auto info = inspect_image(file);
  if (info)
    CHECK((info->width >= 1 && info->width <= max_image_edge && info->height >= 1 && info->height <= max_image_edge));
  const auto jpeg = jpeg_thumbnail(file);
  if (jpeg) {
    CHECK(info);
    const Raster small = read_jpeg(*jpeg);
    CHECK((small.size.width <= 100 && small.size.height <= 100));
  } else {
    CHECK_FALSE(jpeg.error().detail.empty());
    CHECK(jpeg.error().code != Errc::internal);
  }
}

}  // namespace

TEST_CASE("a picture that was cut is malformed, wherever that was") {
  for (const auto& [name, file] : samples()) {
    CAPTURE(name);
    const bool gif = std::string_view(name) == "gif";
    REQUIRE((gif || jpeg_thumbnail(file)));
    for (std::size_t length = 0; length < file.size(); length += length < 100 ? 1 : 50) {
      const ByteView cut = ByteView(file).first(length);
      CAPTURE(length);
      check_outcome(cut);
      const auto jpeg = jpeg_thumbnail(cut);
      REQUIRE_FALSE(jpeg);
      if (!gif) CHECK(jpeg.error().code == Errc::malformed);
      const auto sticker = make_sticker(cut);
      REQUIRE_FALSE(sticker);
    }
    const auto but_one = jpeg_thumbnail(ByteView(file).first(file.size() - 1));
    CHECK_FALSE(but_one);
  }
}

TEST_CASE("a picture with a byte changed is an error or a picture") {
  for (const auto& [name, file] : samples()) {
    CAPTURE(name);
    for (std::size_t at = 0; at < file.size(); at += at < 100 ? 1 : 29) {
      for (const std::uint8_t change : bit_flips) {
        Bytes changed = file;
        changed[at] ^= change;
        CAPTURE(at, change);
        check_outcome(changed);
      }
    }
  }
}

TEST_CASE("a large header with hardly any data behind it takes no memory") {
  const Bytes png = wharf::protocol::concat(png_header(10'000, 5'000), png_chunk("IDAT", deflated(Bytes(100))),
                                            png_chunk("IEND", Bytes{}));
  const auto peak = peak_kilobytes([&] { CHECK(jpeg_thumbnail(png).error().code == Errc::malformed); });
  CHECK(peak.value_or(0) < 4'000);
}

TEST_CASE("a compressed text in a PNG is never expanded") {
  const Bytes text = wharf::protocol::concat(Bytes{'a', 0, 0}, deflated(Bytes(64u << 20)));
  const Bytes png = with_png_chunk(png_file(quadrants({64, 64})), "zTXt", text);
  REQUIRE(png.size() < 100'000);
  const auto peak = peak_kilobytes([&] { CHECK(jpeg_thumbnail(png)); });
  CHECK(peak.value_or(0) < 4'000);
}

TEST_CASE("a broken text in a PNG does not matter") {
  const Bytes png = with_png_chunk(png_file(quadrants({64, 64})), "iCCP", Bytes(3000, std::uint8_t{'x'}));
  CHECK(jpeg_thumbnail(png));
}

TEST_CASE("large pictures that can be read by rows take a few megabytes") {
  const Raster large = quadrants({2500, 2400});
  for (const Bytes& file : {jpeg_file(large), png_file(large), png_file(large, PngKind::rgba_interlaced)}) {
    const auto peak = peak_kilobytes([&] { CHECK(jpeg_thumbnail(file)); });
    CHECK(peak.value_or(0) < 8'000);  // 24 MB when all pixels were held
  }
}

TEST_CASE("kinds whose pixels are all held have a lower bound") {
  const Raster large = filled({4001, 3000}, red);
  const auto error = [](const Bytes& file) { return jpeg_thumbnail(file).error().code; };
  const Bytes progressive = jpeg_file(large, TJFLAG_PROGRESSIVE);
  CHECK(error(progressive) == Errc::too_large);
  CHECK(inspect_image(progressive).value().width == 4001);
  CHECK(error(webp_file(large, WebpKind::lossless)) == Errc::too_large);
  CHECK(jpeg_thumbnail(jpeg_file(large)));
}

TEST_CASE("a JPEG of very many scans is refused") {
  Bytes many = jpeg_file(noise({48, 40}), TJFLAG_PROGRESSIVE);
  REQUIRE(jpeg_thumbnail(many));
  // The last scan, again and again.
  constexpr std::array<std::uint8_t, 2> start_of_scan = {0xff, 0xda};
  const auto scan = std::find_end(many.begin(), many.end(), start_of_scan.begin(), start_of_scan.end());
  const Bytes last(scan, many.end() - 2);
  for (int i = 0; i < 100; ++i) many.insert(many.end() - 2, last.begin(), last.end());
  const auto jpeg = jpeg_thumbnail(many);
  REQUIRE_FALSE(jpeg);
  CHECK(jpeg.error().code == Errc::too_large);
}

TEST_CASE("sizes in a RIFF that lie are found") {
  const Bytes still = webp_file(noise({48, 40})), moving = animated_webp({noise({48, 40}), gradient({48, 40})});
  for (const std::uint32_t claimed : {0u, 1u, 4u, 100u, 0x7fffffffu, 0xfffffff6u, 0xffffffffu}) {
    for (const auto& [file, at] : {std::pair{still, std::size_t{4}},
                                   {still, webp_chunk_offset(still, "VP8 ") + 4},
                                   {moving, std::size_t{4}},
                                   {moving, webp_chunk_offset(moving, "ANMF") + 4},
                                   {moving, webp_chunk_offset(moving, "VP8X") + 4}}) {
      Bytes lying = file;
      for (std::size_t i = 0; i < 4; ++i) lying[at + i] = static_cast<std::uint8_t>(claimed >> (8 * i));
      CAPTURE(claimed, at);
      check_outcome(lying);
      const auto jpeg = jpeg_thumbnail(lying);
      REQUIRE_FALSE(jpeg);
      CHECK(jpeg.error().code == Errc::malformed);
      CHECK_FALSE(make_sticker(lying));
    }
  }
}
