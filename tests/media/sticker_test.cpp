#include "media/sticker.h"

#include <webp/mux.h>

#include <catch2/catch.hpp>

#include "tests/media/image_files.h"
#include "tests/support/printing.h"

using namespace wharf::media;
using namespace wharf::media::test;
using wharf::protocol::equal;
using wharf::protocol::Errc;

namespace {

/// As a sticker pack does it: VP8X, the picture, EXIF.
Bytes with_pack_metadata(const Bytes& webp) {
  const WebPData image{webp.data(), webp.size()};
  WebPMux* mux = WebPMuxCreate(&image, 1);
  const std::string_view text = R"({"sticker-pack-id":"x","emojis":["1"]})";
  const WebPData exif_data{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  WebPMuxSetChunk(mux, "EXIF", &exif_data, 1);
  WebPData assembled;
  WebPMuxAssemble(mux, &assembled);
  const Bytes out(assembled.bytes, assembled.bytes + assembled.size);
  WebPDataClear(&assembled);
  WebPMuxDelete(mux);
  return out;
}

Sticker sticker_of(ByteView image) {
  auto sticker = make_sticker(image);
  INFO((sticker ? std::string() : sticker.error().detail));
  REQUIRE(sticker);
  CHECK(sticker->width == 512);
  CHECK(sticker->height == 512);
  return *sticker;
}

Errc error_of(ByteView image) {
  const auto sticker = make_sticker(image);
  return sticker ? Errc::none : sticker.error().code;
}

}  // namespace

TEST_CASE("a WebP that is a sticker is taken byte for byte, with the metadata of its pack") {
  const Bytes file = with_pack_metadata(webp_file(quadrants({512, 512})));
  REQUIRE(webp_chunk_offset(file, "EXIF") > 0);
  const Sticker sticker = sticker_of(file);
  CHECK(equal(sticker.webp, file));
  CHECK_FALSE(sticker.animated);
  CHECK(sticker.first_frame_length == 0);
}

TEST_CASE("an animated sticker is taken as it is and tells where its first frame ends") {
  const Bytes file = animated_webp({quadrants({512, 512}), gradient({512, 512})});
  const Sticker sticker = sticker_of(file);
  CHECK(equal(sticker.webp, file));
  CHECK(sticker.animated);
  const std::size_t frame = webp_chunk_offset(file, "ANMF"), length = little_endian32(file, frame + 4);
  CHECK(sticker.first_frame_length == frame + 8 + length + length % 2);
  CHECK(wharf::protocol::as_text(ByteView(file).subspan(sticker.first_frame_length, 4)) == "ANMF");
}

TEST_CASE("an animated WebP of another size is no sticker, and says so") {
  const auto small = make_sticker(animated_webp({quadrants({256, 512}), gradient({256, 512})}));
  REQUIRE_FALSE(small);
  CHECK(small.error().code == Errc::unsupported);
  CHECK(small.error().detail.find("256 x 512") != std::string::npos);
}

TEST_CASE("an animated sticker of more than 500 KB is too large") {
  const Bytes file = animated_webp({noise({512, 512}), gradient({512, 512})});
  REQUIRE(file.size() > max_animated_sticker_bytes);
  CHECK(error_of(file) == Errc::too_large);
}

TEST_CASE("other pictures are fitted into the square with transparent margins") {
  const Raster wide = quadrants({1000, 500});
  for (const Bytes& file : {jpeg_file(wide), png_file(wide), webp_file(wide)}) {
    const Sticker sticker = sticker_of(file);
    CHECK(sticker.webp.size() <= max_sticker_bytes);
    const Raster shown = read_webp(sticker.webp);
    REQUIRE(shown.size == PixelSize{512, 512});
    CHECK(shown.pixel(256, 120)[3] == 0);
    CHECK(shown.pixel(256, 391)[3] == 0);
    CHECK(near(shown, 100, 140, red, 20));
    CHECK(near(shown, 400, 140, green, 20));
    CHECK(near(shown, 100, 370, blue, 20));
    CHECK(near(shown, 400, 370, yellow, 20));
  }
}

TEST_CASE("a small picture is enlarged, and its transparency stays") {
  const Sticker sticker = sticker_of(png_file(quadrants({64, 64}, {red, clear, clear, yellow})));
  const Raster shown = read_webp(sticker.webp);
  CHECK(near(shown, 128, 128, red, 20));
  CHECK(shown.pixel(384, 128)[3] == 0);
  CHECK(shown.pixel(128, 384)[3] == 0);
  CHECK(near(shown, 384, 384, yellow, 20));
}

TEST_CASE("a photograph is turned upright") {
  const Bytes file = with_segment(jpeg_file(quadrants({600, 600})), 0xe1, exif(6, "II"));
  CHECK(has_quadrants(read_webp(sticker_of(file).webp), {blue, red, yellow, green}, 20));
}

TEST_CASE("a picture full of detail is encoded with less quality until it fits") {
  Raster detail = noise({512, 512});
  const Bytes with_alpha = png_file(detail);
  for (std::size_t at = 3; at < detail.rgba.size(); at += 4) detail.rgba[at] = 255;
  const Bytes large_webp = webp_file(detail);
  REQUIRE(large_webp.size() > max_sticker_bytes);
  const Sticker sticker = sticker_of(large_webp);
  CHECK_FALSE(equal(sticker.webp, large_webp));
  CHECK(sticker.webp.size() <= max_sticker_bytes);
  CHECK(sticker_of(with_alpha).webp.size() <= max_sticker_bytes);
}

TEST_CASE("what is no picture is no sticker") {
  CHECK(error_of(Bytes{}) == Errc::malformed);
  CHECK(error_of(wharf::protocol::to_bytes("hello")) == Errc::malformed);
  CHECK(error_of(gif_file(512, 512, 1, false)) == Errc::unsupported);
  CHECK(error_of(png_header(65'535, 65'535)) == Errc::too_large);
}

TEST_CASE("an animated sticker whose frame claims more than the file has is malformed") {
  Bytes file = animated_webp({quadrants({512, 512}), gradient({512, 512})});
  const std::size_t frame = webp_chunk_offset(file, "ANMF");
  file[frame + 6] = 0xff;
  CHECK(error_of(file) == Errc::malformed);
  file[frame + 7] = 0xff;
  CHECK(error_of(file) == Errc::malformed);
}
