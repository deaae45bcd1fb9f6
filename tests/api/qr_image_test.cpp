#include "api/qr_image.h"

#include <png.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <set>

using namespace wharf;
using namespace wharf::api;

namespace {

struct Decoded {
  unsigned width = 0, height = 0, depth = 0, colour = 0;
  protocol::Bytes grey;  // one byte a pixel
};

Decoded decode(const protocol::Bytes& png) {
  Decoded out;
  REQUIRE(png.size() > 26);
  out.depth = png[24];
  out.colour = png[25];
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_memory(&image, png.data(), png.size()));
  out.width = image.width;
  out.height = image.height;
  image.format = PNG_FORMAT_GRAY;
  out.grey.resize(PNG_IMAGE_SIZE(image));
  REQUIRE(png_image_finish_read(&image, nullptr, out.grey.data(), 0, nullptr));
  return out;
}

}  // namespace

TEST_CASE("a QR code is a square one-bit PNG of the asked size with its finder patterns") {
  const std::string text = "2@" + std::string(180, 'x') + ",abc,def,ghi";
  const auto png = qr_png(text, 400);
  REQUIRE(png.has_value());
  const Decoded image = decode(*png);
  CHECK(image.width == 400);
  CHECK(image.height == 400);
  CHECK(image.depth == 1);
  CHECK(image.colour == PNG_COLOR_TYPE_GRAY);
  CHECK(std::set<std::uint8_t>(image.grey.begin(), image.grey.end()) == std::set<std::uint8_t>{0, 255});

  // The quiet zone is white; the first black pixel is the corner of the upper left finder: 7 dark modules wide.
  const auto pixel = [&](unsigned x, unsigned y) { return image.grey[y * image.width + x]; };
  unsigned margin = 0;
  while (margin < 400 && pixel(margin, margin) == 255) ++margin;
  REQUIRE(margin < 100);
  unsigned finder = 0;
  while (pixel(margin + finder, margin) == 0) ++finder;
  REQUIRE(finder % 7 == 0);
  const unsigned module = finder / 7;
  CHECK(margin >= 4 * module);
  CHECK(pixel(margin + module, margin + module) == 255);        // the ring
  CHECK(pixel(margin + 3 * module, margin + 3 * module) == 0);  // the eye
  CHECK(pixel(400 - 1 - margin, margin) == 0);                  // upper right finder
  CHECK(pixel(400 - 1 - margin, 400 - 1 - margin) != 2);
}

TEST_CASE("a size below one pixel a module grows") {
  const auto png = qr_png(std::string(1000, 'x'), 100);
  REQUIRE(png.has_value());
  CHECK(decode(*png).width > 100);
}

TEST_CASE("a text that fits no QR code is an error") {
  CHECK(qr_png(std::string(2953, 'x')).has_value());
  const auto png = qr_png(std::string(2954, 'x'));
  REQUIRE_FALSE(png.has_value());
  CHECK(png.error().code == protocol::Errc::too_large);
}

TEST_CASE("data URLs are remembered and bounded") {
  QrImages images(2);
  const std::string first = images.data_url("one");
  CHECK(first.starts_with("data:image/png;base64,iVBORw0KGgo"));
  CHECK(images.data_url("two") != first);
  images.data_url("three");
  CHECK(images.data_url("one") == first);  // rendered again, the same bytes
  CHECK(images.data_url(std::string(5000, 'x')).empty());
}
